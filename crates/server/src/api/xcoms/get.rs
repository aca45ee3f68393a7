//! `GET .../taskInstances/{task_id}/xcomEntries/{xcom_key}`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::MapIndex;
use updraft_store::{Page, XComFilter};

use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
    shape::{XComEntry, XComNative, XComValue, display_name},
};

/// Of which copy, and in which form.
pub struct WhichXCom {
    map_index: MapIndex,
    form: XComValue,
}

impl FromQuery for WhichXCom {
    fn from_query(q: &mut QueryReader) -> Self {
        let map_index = MapIndex(i32::try_from(q.integer_or("map_index", Some(-1), -1)).unwrap_or(i32::MAX));
        // Values are JSON here: there is no serialised form that would have to be undone.
        q.flag_or("deserialize", false);
        Self { map_index, form: if q.flag_or("stringify", false) { XComValue::Text } else { XComValue::Native } }
    }
}

/// One XCom with its value.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}", tag = "XCom",
    operation_id = "get_xcom_entry", params(Query<WhichXCom>), responses((status = 200, body = XComNative)))]
pub async fn get_xcom_entry(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id, key)): Path<(String, String, String, String)>,
    Query(which): Query<WhichXCom>,
) -> Result<Json<XComNative>, ApiError> {
    let not_found = || ApiError::not_found(format!("XCom entry with key: `{key}` not found"));
    let filter = XComFilter {
        dag_id: Some(dag_id.parse().map_err(|_| not_found())?),
        run_id: Some(run_id.parse().map_err(|_| not_found())?),
        task_id: Some(task_id.parse().map_err(|_| not_found())?),
        map_index: Some(which.map_index),
        key: Some(key.clone()),
        ..XComFilter::default()
    };
    let found = app.reader.xcoms(filter, Page { limit: 1, ..Page::default() }).await?.items.pop();
    let view = found.ok_or_else(not_found)?;
    let dag = app.reader.dag(&view.dag_id).await?;
    let name = dag.map_or_else(|| view.dag_id.to_string(), |dag| display_name(&dag.version));
    Ok(Json(XComNative { entry: XComEntry::new(&view, name), value: which.form.show(&view.row.value) }))
}

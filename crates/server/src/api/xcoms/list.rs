//! `GET .../taskInstances/{task_id}/xcomEntries`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::MapIndex;
use updraft_store::{Page, XComFilter};

use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
    lookup,
    shape::{XComCollection, XComEntry, display_name},
};

/// Which XComs, and which part of them.
pub struct ListXComs {
    filter: XComFilter,
    page: Page,
}

impl FromQuery for ListXComs {
    fn from_query(q: &mut QueryReader) -> Self {
        let (one, other) = (q.integer("map_index", Some(-1)), q.integer("map_index_filter", None));
        let filter = XComFilter {
            key: q.text("xcom_key"),
            map_index: one.or(other).map(|index| MapIndex(i32::try_from(index).unwrap_or(i32::MAX))),
            keys: q.patterns("xcom_key"),
            runs: q.patterns("run_id"),
            tasks: q.patterns("task_id"),
            dag_display_name: q.patterns("dag_display_name"),
            logical_date: q.between("logical_date"),
            run_after: q.between("run_after"),
            ..XComFilter::default()
        };
        let sortable = ["dag_id", "run_id", "task_id", "map_index", "key", "timestamp", "run_after"].map(|name| (name, name));
        // Airflow's default order is by names; the store's keys give the same within a task instance.
        Self { filter, page: q.page(&["task_id", "key"], &sortable) }
    }
}

/// The XComs of a task instance; each name in the path may be `~` for all. Without their values.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries", tag = "XCom",
    operation_id = "get_xcom_entries", params(Query<ListXComs>), responses((status = 200, body = XComCollection)))]
pub async fn get_xcom_entries(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id)): Path<(String, String, String)>,
    Query(ListXComs { mut filter, page }): Query<ListXComs>,
) -> Result<Json<XComCollection>, ApiError> {
    if dag_id != lookup::ALL {
        filter.dag_id = Some(lookup::dag(&app, &dag_id).await?.row.dag_id);
    }
    let names_nothing = |what: &str, text: &str| ApiError::not_found(format!("XComs of {what} `{text}` were not found"));
    if run_id != lookup::ALL {
        filter.run_id = Some(run_id.parse().map_err(|_| names_nothing("run", &run_id))?);
    }
    if task_id != lookup::ALL {
        filter.task_id = Some(task_id.parse().map_err(|_| names_nothing("task", &task_id))?);
    }
    let found = app.reader.xcoms(filter, page).await?;
    let mut xcom_entries = Vec::with_capacity(found.items.len());
    for view in &found.items {
        let dag = app.reader.dag(&view.dag_id).await?;
        let name = dag.map_or_else(|| view.dag_id.to_string(), |dag| display_name(&dag.version));
        xcom_entries.push(XComEntry::new(view, name));
    }
    Ok(Json(XComCollection { xcom_entries, total_entries: found.total }))
}

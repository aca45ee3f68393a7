//! `GET /api/v2/dags/{dag_id}/dagVersions`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_store::Page;

use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
    lookup,
    shape::{DagVersionCollection, DagVersionResponse},
};

/// Which versions.
pub struct ListVersions {
    number: Option<i64>,
    page: Page,
}

impl FromQuery for ListVersions {
    fn from_query(q: &mut QueryReader) -> Self {
        q.unsupported(&["bundle_name", "bundle_version"]);
        // Those of one DAG are made one after the other, and are alike in all the rest.
        let sortable = ["id", "version_number", "created_at", "dag_id", "bundle_name", "bundle_version"].map(|name| (name, "number"));
        Self { number: q.integer("version_number", None), page: q.page(&["id"], &sortable) }
    }
}

/// The versions of a DAG, or of all (`~`).
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagVersions", tag = "DagVersion", operation_id = "get_dag_versions",
    params(Query<ListVersions>), responses((status = 200, body = DagVersionCollection)))]
pub async fn get_dag_versions(
    State(app): State<Arc<App>>,
    Path(dag_id): Path<String>,
    Query(list): Query<ListVersions>,
) -> Result<Json<DagVersionCollection>, ApiError> {
    if dag_id == lookup::ALL {
        return Err(ApiError::BadRequest("The versions of all DAGs at once are not supported by Updraft; name one".into()));
    }
    let dag = lookup::dag(&app, &dag_id).await?;
    let mut versions = app.reader.versions(&dag.row.dag_id).await?;
    if let Some(number) = list.number {
        versions.retain(|version| i64::from(version.number) == number);
    }
    if list.page.order_by.first().is_some_and(|name| name.starts_with('-')) {
        versions.reverse();
    }
    let total_entries = i64::try_from(versions.len()).unwrap_or(i64::MAX);
    let part = versions.iter().skip(list.page.offset as usize).take(list.page.limit as usize);
    Ok(Json(DagVersionCollection { dag_versions: part.map(DagVersionResponse::from).collect(), total_entries }))
}

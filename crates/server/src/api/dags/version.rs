//! `GET /api/v2/dags/{dag_id}/dagVersions/{version_number}`

use std::sync::Arc;

use axum::{Json, extract::State};

use crate::{app::App, error::ApiError, extract::Path, lookup, shape::DagVersionResponse};

/// One version of a DAG.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagVersions/{version_number}", tag = "DagVersion", operation_id = "get_dag_version",
    responses((status = 200, body = DagVersionResponse)))]
pub async fn get_dag_version(
    State(app): State<Arc<App>>,
    Path((dag_id, number)): Path<(String, String)>,
) -> Result<Json<DagVersionResponse>, ApiError> {
    let dag = lookup::dag(&app, &dag_id).await?;
    let found = match number.parse() {
        Ok(number) => app.reader.version_number(&dag.row.dag_id, number).await?,
        Err(_) => None,
    };
    let not_found = || ApiError::not_found(format!("The DagVersion with dag_id: `{dag_id}` and version_number: `{number}` was not found"));
    Ok(Json(DagVersionResponse::from(&found.ok_or_else(not_found)?)))
}

//! `GET /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}`

use std::sync::Arc;

use axum::{Json, extract::State};

use crate::{app::App, error::ApiError, extract::Path, lookup, render, shape::DagRunResponse};

/// One run.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", tag = "DagRun", operation_id = "get_dag_run",
    responses((status = 200, body = DagRunResponse)))]
pub async fn get_dag_run(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id)): Path<(String, String)>,
) -> Result<Json<DagRunResponse>, ApiError> {
    let run = lookup::run(&app, &dag_id, &run_id).await?;
    Ok(Json(render::run(&app, &run).await?))
}

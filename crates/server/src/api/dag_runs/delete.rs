//! `DELETE /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}`

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use updraft_model::Request;

use crate::{app::App, auth::Identity, error::ApiError, extract::Path, lookup, submit::submit};

/// Deletes a run; what still runs of it is ended.
#[utoipa::path(delete, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", tag = "DagRun", operation_id = "delete_dag_run",
    responses((status = 204)))]
pub async fn delete_dag_run(
    State(app): State<Arc<App>>,
    who: Identity,
    Path((dag_id, run_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let run = lookup::run(&app, &dag_id, &run_id).await?;
    submit(&app, &who, Request::DeleteRun { dag_id: run.dag_id, run_id: run.run_id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

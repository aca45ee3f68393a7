//! `DELETE /api/v2/dags/{dag_id}`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::Value;
use updraft_model::Request;

use crate::{app::App, auth::Identity, error::ApiError, extract::Path, lookup, submit::submit};

/// Forgets a DAG with all its runs. If its file is still there, the DAG comes back with its next reading.
#[utoipa::path(delete, path = "/api/v2/dags/{dag_id}", tag = "DAG", operation_id = "delete_dag",
    responses((status = 200, body = Option<String>, description = "null")))]
pub async fn delete_dag(State(app): State<Arc<App>>, who: Identity, Path(dag_id): Path<String>) -> Result<Json<Value>, ApiError> {
    let dag = lookup::dag(&app, &dag_id).await?;
    submit(&app, &who, Request::DeleteDag { dag_id: dag.row.dag_id }).await?;
    Ok(Json(Value::Null))
}

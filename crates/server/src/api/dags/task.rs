//! `GET /api/v2/dags/{dag_id}/tasks/{task_id}`

use std::sync::Arc;

use axum::{Json, extract::State};

use super::tasks::responses;
use crate::{app::App, error::ApiError, extract::Path, lookup, shape::TaskResponse};

/// One task of a DAG's latest version.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/tasks/{task_id}", tag = "Task", operation_id = "get_task",
    responses((status = 200, body = TaskResponse)))]
pub async fn get_task(
    State(app): State<Arc<App>>,
    Path((dag_id, task_id)): Path<(String, String)>,
) -> Result<Json<TaskResponse>, ApiError> {
    let dag = lookup::dag(&app, &dag_id).await?.version.dag;
    let found = responses(&dag, |task| task.task_id.as_str() == task_id).pop();
    found.map(Json).ok_or_else(|| ApiError::not_found(format!("Task with id {task_id} was not found")))
}

//! `GET .../taskInstances/{task_id}` and `.../{task_id}/{map_index}`

use std::sync::Arc;

use axum::{Json, extract::State};

use crate::{app::App, error::ApiError, extract::Path, lookup::TaskInstancePath, render, shape::TaskInstanceResponse};

/// One task instance of a task that is not mapped.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", tag = "Task Instance",
    operation_id = "get_task_instance", responses((status = 200, body = TaskInstanceResponse)))]
pub async fn get_task_instance(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id)): Path<(String, String, String)>,
) -> Result<Json<TaskInstanceResponse>, ApiError> {
    let path = TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: None };
    let view = path.find(&app).await?;
    Ok(Json(render::task_instance(&app, &view).await?))
}

/// One copy of a mapped task.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", tag = "Task Instance",
    operation_id = "get_mapped_task_instance", responses((status = 200, body = TaskInstanceResponse)))]
pub async fn get_mapped_task_instance(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id, map_index)): Path<(String, String, String, i32)>,
) -> Result<Json<TaskInstanceResponse>, ApiError> {
    let path = TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: Some(map_index) };
    let view = path.find(&app).await?;
    Ok(Json(render::task_instance(&app, &view).await?))
}

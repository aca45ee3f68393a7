//! `GET .../taskInstances/{task_id}/tries` and `.../tries/{task_try_number}`, each also for one copy
//! of a mapped task.

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::TaskInstanceRow;

use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
    lookup::TaskInstancePath,
    render,
    shape::{TaskInstanceHistory, TaskInstanceHistoryCollection},
};

/// Which copy; the one of a task that is not mapped by default.
pub struct WhichCopy(pub i32);

impl FromQuery for WhichCopy {
    fn from_query(q: &mut QueryReader) -> Self {
        Self(i32::try_from(q.integer_or("map_index", None, -1)).unwrap_or(i32::MAX))
    }
}

/// All tries of a task instance, the current one last.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries", tag = "Task Instance",
    operation_id = "get_task_instance_tries", params(Query<WhichCopy>), responses((status = 200, body = TaskInstanceHistoryCollection)))]
pub async fn get_task_instance_tries(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id)): Path<(String, String, String)>,
    Query(WhichCopy(index)): Query<WhichCopy>,
) -> Result<Json<TaskInstanceHistoryCollection>, ApiError> {
    collection(&app, TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: Some(index) }).await
}

/// All tries of one copy of a mapped task.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries",
    tag = "Task Instance", operation_id = "get_mapped_task_instance_tries",
    responses((status = 200, body = TaskInstanceHistoryCollection)))]
pub async fn get_mapped_task_instance_tries(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id, index)): Path<(String, String, String, i32)>,
) -> Result<Json<TaskInstanceHistoryCollection>, ApiError> {
    collection(&app, TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: Some(index) }).await
}

/// One try of a task instance.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries/{task_try_number}",
    tag = "Task Instance", operation_id = "get_task_instance_try_details", params(Query<WhichCopy>),
    responses((status = 200, body = TaskInstanceHistory)))]
pub async fn get_task_instance_try_details(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id, number)): Path<(String, String, String, u32)>,
    Query(WhichCopy(index)): Query<WhichCopy>,
) -> Result<Json<TaskInstanceHistory>, ApiError> {
    one(&app, TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: Some(index) }, number).await
}

/// One try of one copy of a mapped task.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries/{task_try_number}",
    tag = "Task Instance", operation_id = "get_mapped_task_instance_try_details",
    responses((status = 200, body = TaskInstanceHistory)))]
pub async fn get_mapped_task_instance_try_details(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id, index, number)): Path<(String, String, String, i32, u32)>,
) -> Result<Json<TaskInstanceHistory>, ApiError> {
    one(&app, TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: Some(index) }, number).await
}

async fn all_tries(app: &App, path: TaskInstancePath<'_>) -> Result<Vec<TaskInstanceRow>, ApiError> {
    let current = path.find(app).await?.row;
    let mut tries = app.reader.archived_tries(&current.key()).await?;
    // A cleared task instance keeps its number until its next try is scheduled, and that try is archived.
    if current.try_number > 0 && tries.iter().all(|row| row.try_number != current.try_number) {
        tries.push(current);
    }
    Ok(tries)
}

async fn collection(app: &App, path: TaskInstancePath<'_>) -> Result<Json<TaskInstanceHistoryCollection>, ApiError> {
    let task_instances = render::tries(app, &all_tries(app, path).await?).await?;
    let total_entries = i64::try_from(task_instances.len()).unwrap_or(i64::MAX);
    Ok(Json(TaskInstanceHistoryCollection { task_instances, total_entries }))
}

async fn one(app: &App, path: TaskInstancePath<'_>, number: u32) -> Result<Json<TaskInstanceHistory>, ApiError> {
    let mut tries = all_tries(app, path).await?;
    tries.retain(|row| row.try_number == number);
    let TaskInstancePath { dag_id, run_id, task_id, map_index } = path;
    let not_found = || {
        let index = map_index.unwrap_or(-1);
        ApiError::not_found(format!(
            "The Task Instance with dag_id: `{dag_id}`, run_id: `{run_id}`, task_id: `{task_id}`, try_number: `{number}` and map_index: `{index}` was not found"
        ))
    };
    render::tries(app, &tries).await?.pop().map(Json).ok_or_else(not_found)
}

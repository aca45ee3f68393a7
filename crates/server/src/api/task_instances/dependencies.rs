//! `GET .../taskInstances/{task_id}/dependencies`: Airflow's view of why a task instance does not run.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use updraft_model::WaitingFor;
use utoipa::ToSchema;

use super::tries::WhichCopy;
use crate::{
    app::App,
    error::ApiError,
    extract::{Path, Query},
    lookup::TaskInstancePath,
    waiting,
};

/// A reason.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskDependencyResponse)]
#[allow(missing_docs)]
pub struct Dependency {
    name: String,
    reason: String,
}

/// All reasons.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskDependencyCollectionResponse)]
#[allow(missing_docs)]
pub struct Dependencies {
    dependencies: Vec<Dependency>,
}

/// What a task instance waits for; nothing if it runs or has ended.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dependencies", tag = "Task Instance",
    operation_id = "get_task_instance_dependencies", params(Query<WhichCopy>), responses((status = 200, body = Dependencies)))]
pub async fn get_task_instance_dependencies(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id)): Path<(String, String, String)>,
    Query(WhichCopy(index)): Query<WhichCopy>,
) -> Result<Json<Dependencies>, ApiError> {
    respond(&app, TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: Some(index) }).await
}

/// What one copy of a mapped task waits for.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dependencies",
    tag = "Task Instance", operation_id = "get_task_instance_dependencies_by_map_index", responses((status = 200, body = Dependencies)))]
pub async fn get_mapped_task_instance_dependencies(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id, index)): Path<(String, String, String, i32)>,
) -> Result<Json<Dependencies>, ApiError> {
    respond(&app, TaskInstancePath { dag_id: &dag_id, run_id: &run_id, task_id: &task_id, map_index: Some(index) }).await
}

async fn respond(app: &App, path: TaskInstancePath<'_>) -> Result<Json<Dependencies>, ApiError> {
    let view = path.find(app).await?;
    let reasons = waiting::task_instances(app, &[view]).await?;
    let name = |reason: &WaitingFor| serde_json::to_value(reason).ok().and_then(|value| Some(value.get("kind")?.as_str()?.to_owned()));
    let dependency = |reason: WaitingFor| Dependency { name: name(&reason).unwrap_or_default(), reason: reason.to_string() };
    Ok(Json(Dependencies { dependencies: reasons.into_iter().flatten().map(dependency).collect() }))
}

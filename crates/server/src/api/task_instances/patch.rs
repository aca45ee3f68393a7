//! `PATCH .../taskInstances/{task_id}`, for one copy too, and both as dry runs.

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::{MapIndex, Request, RunRow, Selection, SetTaskState, TaskId, TaskInstanceKey, TaskState};
use updraft_store::{Page, TaskInstanceFilter, TaskInstanceView};

use super::clear::cleared_keys;
use crate::{
    api::UpdateMask,
    app::App,
    auth::Identity,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, FromQuery, Path, Query, QueryReader, body_schema},
    lookup, render,
    shape::TaskInstanceCollection,
    submit::submit,
};

/// More copies of one task than this are not listed in the answer.
const MAX_COPIES: u32 = 10_000;

/// What may be changed. The note is changed only if it is given, be it as `null`.
pub struct TaskInstancePatch {
    state: Option<TaskState>,
    note: Option<Option<String>>,
    upstream: bool,
    downstream: bool,
    future: bool,
    past: bool,
}

body_schema!(TaskInstancePatch);

impl FromBody for TaskInstancePatch {
    const NAME: &'static str = "PatchTaskInstanceBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let state = b.choice("new_state", &["success", "failed", "skipped"]);
        let note = b.text("note", 1000);
        Self {
            state,
            note: b.has("note").then_some(note),
            upstream: b.flag_or("include_upstream", false),
            downstream: b.flag_or("include_downstream", false),
            future: b.flag_or("include_future", false),
            past: b.flag_or("include_past", false),
        }
    }
}

/// Which copies of the task, and which fields; all copies if no index is given.
pub struct PatchQuery {
    map_index: Option<i64>,
    mask: UpdateMask,
}

impl FromQuery for PatchQuery {
    fn from_query(q: &mut QueryReader) -> Self {
        Self { map_index: q.integer("map_index", None), mask: UpdateMask::read(q) }
    }
}

/// Gives a task instance (all copies of a mapped task) a state or a note.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", tag = "Task Instance",
    operation_id = "patch_task_instance", params(Query<PatchQuery>), request_body = TaskInstancePatch,
    responses((status = 200, body = TaskInstanceCollection)))]
pub async fn patch_task_instance(
    State(app): State<Arc<App>>,
    who: Identity,
    Path((dag_id, run_id, task_id)): Path<(String, String, String)>,
    Query(PatchQuery { map_index, mask }): Query<PatchQuery>,
    Body(patch): Body<TaskInstancePatch>,
) -> Result<Json<TaskInstanceCollection>, ApiError> {
    let target = Target::find(&app, &dag_id, &run_id, &task_id, index(map_index)).await?;
    target.patch(&app, who, patch, &mask, false).await
}

/// Gives one copy of a mapped task a state or a note.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", tag = "Task Instance",
    operation_id = "patch_task_instance_by_map_index", params(Query<UpdateMask>), request_body = TaskInstancePatch,
    responses((status = 200, body = TaskInstanceCollection)))]
pub async fn patch_mapped_task_instance(
    State(app): State<Arc<App>>,
    who: Identity,
    Path((dag_id, run_id, task_id, map_index)): Path<(String, String, String, i64)>,
    Query(mask): Query<UpdateMask>,
    Body(patch): Body<TaskInstancePatch>,
) -> Result<Json<TaskInstanceCollection>, ApiError> {
    let target = Target::find(&app, &dag_id, &run_id, &task_id, index(Some(map_index))).await?;
    target.patch(&app, who, patch, &mask, false).await
}

/// What a change of state would change.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dry_run", tag = "Task Instance",
    operation_id = "patch_task_instance_dry_run", params(Query<PatchQuery>), request_body = TaskInstancePatch,
    responses((status = 200, body = TaskInstanceCollection)))]
pub async fn patch_task_instance_dry_run(
    State(app): State<Arc<App>>,
    who: Identity,
    Path((dag_id, run_id, task_id)): Path<(String, String, String)>,
    Query(PatchQuery { map_index, mask }): Query<PatchQuery>,
    Body(patch): Body<TaskInstancePatch>,
) -> Result<Json<TaskInstanceCollection>, ApiError> {
    let target = Target::find(&app, &dag_id, &run_id, &task_id, index(map_index)).await?;
    target.patch(&app, who, patch, &mask, true).await
}

/// What a change of one copy's state would change.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dry_run",
    tag = "Task Instance", operation_id = "patch_task_instance_dry_run_by_map_index", params(Query<UpdateMask>),
    request_body = TaskInstancePatch, responses((status = 200, body = TaskInstanceCollection)))]
pub async fn patch_mapped_task_instance_dry_run(
    State(app): State<Arc<App>>,
    who: Identity,
    Path((dag_id, run_id, task_id, map_index)): Path<(String, String, String, i64)>,
    Query(mask): Query<UpdateMask>,
    Body(patch): Body<TaskInstancePatch>,
) -> Result<Json<TaskInstanceCollection>, ApiError> {
    let target = Target::find(&app, &dag_id, &run_id, &task_id, index(Some(map_index))).await?;
    target.patch(&app, who, patch, &mask, true).await
}

/// An index out of range names no copy; `i32::MAX` has none either.
fn index(given: Option<i64>) -> Option<MapIndex> {
    given.map(|index| MapIndex(i32::try_from(index).unwrap_or(i32::MAX)))
}

/// What a path names: one copy of a task, or all of them.
struct Target {
    run: RunRow,
    task_id: TaskId,
    index: Option<MapIndex>,
}

impl Target {
    async fn find(app: &App, dag_id: &str, run_id: &str, task_id: &str, index: Option<MapIndex>) -> Result<Self, ApiError> {
        let not_found = || {
            let names = format!("dag_id: `{dag_id}`, run_id: `{run_id}` and task_id: `{task_id}`");
            ApiError::not_found(format!("The Task Instance with {names} was not found"))
        };
        let run = lookup::run(app, dag_id, run_id).await.map_err(|error| match error {
            ApiError::NotFound(_) => not_found(),
            other => other,
        })?;
        let target = Self { run, task_id: task_id.parse().map_err(|_| not_found())?, index };
        if target.copies(app).await?.is_empty() { Err(not_found()) } else { Ok(target) }
    }

    async fn copies(&self, app: &App) -> Result<Vec<TaskInstanceView>, ApiError> {
        let filter = TaskInstanceFilter {
            dag_ids: Some(vec![self.run.dag_id.clone()]),
            run_ids: Some(vec![self.run.run_id.clone()]),
            task_ids: Some(vec![self.task_id.clone()]),
            map_indexes: self.index.map(|index| vec![index]),
            ..TaskInstanceFilter::default()
        };
        Ok(app.reader.task_instances(filter, Page { limit: MAX_COPIES, ..Page::default() }).await?.items)
    }

    async fn patch(
        &self,
        app: &App,
        who: Identity,
        patch: TaskInstancePatch,
        mask: &UpdateMask,
        dry_run: bool,
    ) -> Result<Json<TaskInstanceCollection>, ApiError> {
        let mut keys: Vec<TaskInstanceKey> = self.copies(app).await?.iter().map(|view| view.row.key()).collect();
        if let Some(state) = patch.state.filter(|_| mask.allows("new_state")) {
            let selection = Selection {
                dag_id: self.run.dag_id.clone(),
                run_id: self.run.run_id.clone(),
                tasks: vec![(self.task_id.clone(), self.index)],
                downstream: patch.downstream,
                upstream: patch.upstream,
                future: patch.future,
                past: patch.past,
                dry_run,
            };
            keys = cleared_keys(submit(app, &who, Request::SetTaskState(SetTaskState { selection, state })).await?)?;
        }
        if let Some(note) = patch.note.filter(|_| mask.allows("note") && !dry_run) {
            for view in self.copies(app).await? {
                app.reader.set_task_instance_note(&view.row.key(), note.clone()).await?;
            }
        }
        let views = render::views_of(app, &keys).await?;
        Ok(Json(TaskInstanceCollection::whole(render::task_instances(app, &views).await?)))
    }
}

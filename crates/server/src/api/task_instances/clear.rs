//! `POST /api/v2/dags/{dag_id}/clearTaskInstances`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::{Answer, Clear, DagId, MapIndex, Request, RunId, Selection, TaskId, TaskInstanceKey, TaskState, Timestamp};
use updraft_store::{Between, Page, RunFilter};

use crate::{
    app::App,
    auth::Identity,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, Path, body_schema},
    lookup, render,
    shape::TaskInstanceCollection,
    submit::submit,
};

/// A clear by dates covers at most so many runs.
const MAX_RUNS: u32 = 1_000;

/// Which task instances, and how.
pub struct ClearTaskInstances {
    dry_run: bool,
    start_date: Option<Timestamp>,
    end_date: Option<Timestamp>,
    only_failed: bool,
    only_running: bool,
    reset_dag_runs: bool,
    task_ids: Option<Vec<(String, Option<i32>)>>,
    run_id: Option<String>,
    upstream: bool,
    downstream: bool,
    future: bool,
    past: bool,
    run_on_latest_version: Option<bool>,
    prevent_running_task: bool,
    note: Option<Option<String>>,
}

body_schema!(ClearTaskInstances);

impl FromBody for ClearTaskInstances {
    const NAME: &'static str = "ClearTaskInstancesBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let note = b.text("note", 1000);
        let body = Self {
            dry_run: b.flag_or("dry_run", true),
            start_date: b.date("start_date"),
            end_date: b.date("end_date"),
            only_failed: b.flag_or("only_failed", true),
            only_running: b.flag_or("only_running", false),
            reset_dag_runs: b.flag_or("reset_dag_runs", true),
            task_ids: b.task_ids("task_ids"),
            run_id: b.text("dag_run_id", 0),
            upstream: b.flag_or("include_upstream", false),
            downstream: b.flag_or("include_downstream", false),
            future: b.flag_or("include_future", false),
            past: b.flag_or("include_past", false),
            run_on_latest_version: b.flag("run_on_latest_version"),
            prevent_running_task: b.flag_or("prevent_running_task", false),
            note: b.has("note").then_some(note),
        };
        let dates = [("start_date", body.start_date), ("end_date", body.end_date)];
        if let Some((name, _)) = dates.iter().find(|(_, date)| body.run_id.is_some() && date.is_some()) {
            b.value_error(name, &format!("Exactly one of dag_run_id or {name} must be provided"));
        }
        if body.only_failed && body.only_running {
            b.value_error("only_running", "only_failed and only_running both are set to True");
        }
        if body.start_date.zip(body.end_date).is_some_and(|(start, end)| end < start) {
            b.value_error("end_date", "end_date is sooner than start_date");
        }
        if body.task_ids.as_ref().is_some_and(Vec::is_empty) {
            b.value_error("task_ids", "task_ids list should have at least 1 element.");
        }
        body
    }
}

/// Clears task instances: they run again. By default only tells which it would be.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/clearTaskInstances", tag = "Task Instance",
    operation_id = "post_clear_task_instances", request_body = ClearTaskInstances,
    responses((status = 200, body = TaskInstanceCollection)))]
pub async fn post_clear_task_instances(
    State(app): State<Arc<App>>,
    who: Identity,
    Path(dag_id): Path<String>,
    Body(body): Body<ClearTaskInstances>,
) -> Result<Json<TaskInstanceCollection>, ApiError> {
    let dag = lookup::dag(&app, &dag_id).await?.row.dag_id;
    let tasks = body.tasks()?;
    let runs = body.runs(&app, &dag).await?;
    if body.prevent_running_task && !body.dry_run {
        let keys = body.clear(&app, &who, &dag, &runs, &tasks, true).await?;
        let running = render::views_of(&app, &keys).await?.into_iter().find(|view| view.row.state == TaskState::Running);
        if let Some(view) = running {
            return Err(ApiError::Conflict(format!("Task {} of run {} is running", view.row.task_id, view.row.run_id)));
        }
    }
    let keys = body.clear(&app, &who, &dag, &runs, &tasks, body.dry_run).await?;
    if let Some(note) = body.note.as_ref().filter(|_| !body.dry_run) {
        for key in &keys {
            app.reader.set_task_instance_note(key, note.clone()).await?;
        }
    }
    let views = render::views_of(&app, &keys).await?;
    Ok(Json(TaskInstanceCollection::whole(render::task_instances(&app, &views).await?)))
}

impl ClearTaskInstances {
    fn tasks(&self) -> Result<Vec<(TaskId, Option<MapIndex>)>, ApiError> {
        let given = self.task_ids.iter().flatten();
        let task = |(id, index): &(String, Option<i32>)| match id.parse() {
            Ok(id) => Ok((id, index.map(MapIndex))),
            Err(_) => Err(ApiError::not_found(format!("Task id {id} was not found"))),
        };
        given.map(task).collect()
    }

    /// The run that is named, or all of the DAG with a logical date between the dates.
    async fn runs(&self, app: &App, dag_id: &DagId) -> Result<Vec<RunId>, ApiError> {
        if let Some(run_id) = &self.run_id {
            let not_found = || ApiError::not_found(format!("Dag Run id {run_id} not found in dag {dag_id}"));
            let found = match run_id.parse() {
                Ok(id) => app.reader.run(dag_id, &id).await?,
                Err(_) => None,
            };
            let run = found.ok_or_else(not_found)?;
            if (self.past || self.future) && run.logical_date.is_none() {
                let detail = "Cannot use include_past or include_future with no logical_date(e.g. manually or asset-triggered).";
                return Err(ApiError::BadRequest(detail.into()));
            }
            return Ok(vec![run.run_id]);
        }
        let gte = self.start_date.filter(|_| !self.past);
        let lte = self.end_date.filter(|_| !self.future);
        let logical_date = Between { gte, lte, ..Between::default() };
        let filter = RunFilter { dag_ids: Some(vec![dag_id.clone()]), logical_date, ..RunFilter::default() };
        let found = app.reader.runs(filter, Page { limit: MAX_RUNS, ..Page::default() }).await?;
        if found.total > i64::from(MAX_RUNS) {
            let total = found.total;
            return Err(ApiError::BadRequest(format!(
                "{total} runs would be cleared, at most {MAX_RUNS} at once are; narrow start_date and end_date, or name dag_run_id"
            )));
        }
        Ok(found.items.into_iter().map(|run| run.run_id).collect())
    }

    /// One request per run: each is whole or nothing by itself.
    async fn clear(
        &self,
        app: &App,
        who: &Identity,
        dag_id: &DagId,
        runs: &[RunId],
        tasks: &[(TaskId, Option<MapIndex>)],
        dry_run: bool,
    ) -> Result<Vec<TaskInstanceKey>, ApiError> {
        let by_run = self.run_id.is_some();
        let mut keys = Vec::new();
        for run_id in runs {
            let selection = Selection {
                dag_id: dag_id.clone(),
                run_id: run_id.clone(),
                tasks: tasks.to_vec(),
                downstream: self.downstream,
                upstream: self.upstream,
                // Without a run the dates have already chosen all of them.
                future: self.future && by_run,
                past: self.past && by_run,
                dry_run,
            };
            let clear = Clear {
                selection,
                only_failed: self.only_failed,
                only_running: self.only_running,
                reset_dag_runs: self.reset_dag_runs,
                run_on_latest_version: self.run_on_latest_version.unwrap_or(true),
            };
            keys.extend(cleared_keys(submit(app, who, Request::Clear(clear)).await?)?);
        }
        Ok(keys)
    }
}

/// The task instances that an answer names.
pub fn cleared_keys(answer: Answer) -> Result<Vec<TaskInstanceKey>, ApiError> {
    match answer {
        Answer::TaskInstances { keys } => Ok(keys),
        other => Err(ApiError::Internal(format!("a change of task instances was answered with {other:?}"))),
    }
}

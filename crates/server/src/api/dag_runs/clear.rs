//! `POST /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use updraft_model::{Clear, Request, Selection};
use utoipa::ToSchema;

use crate::{
    api::task_instances::clear::cleared_keys,
    app::App,
    auth::Identity,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, Path, body_schema},
    lookup, render,
    shape::{DagRunResponse, TaskInstanceResponse},
    submit::submit,
};

/// What is cleared.
pub struct ClearRun {
    dry_run: bool,
    only_failed: bool,
    run_on_latest_version: Option<bool>,
    note: Option<Option<String>>,
}

body_schema!(ClearRun);

impl FromBody for ClearRun {
    const NAME: &'static str = "DAGRunClearBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let dry_run = b.flag_or("dry_run", true);
        let only_failed = b.flag_or("only_failed", false);
        if b.flag_or("only_new", false) {
            b.value_error("only_new", "clearing only new tasks is not supported by Updraft");
        }
        let run_on_latest_version = b.flag("run_on_latest_version");
        let note = b.text("note", 1000);
        Self { dry_run, only_failed, run_on_latest_version, note: b.has("note").then_some(note) }
    }
}

/// What would be cleared.
#[derive(Serialize, ToSchema)]
#[schema(as = ClearTaskInstanceCollectionResponse)]
#[allow(missing_docs)]
pub struct WouldClear {
    task_instances: Vec<TaskInstanceResponse>,
    total_entries: usize,
}

/// The run, or what would be cleared of it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum Cleared {
    Would(WouldClear),
    Run(Box<DagRunResponse>),
}

/// Clears a run's task instances: they run again.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear", tag = "DagRun", operation_id = "clear_dag_run",
    request_body = ClearRun, responses((status = 200, body = Cleared)))]
pub async fn clear_dag_run(
    State(app): State<Arc<App>>,
    who: Identity,
    Path((dag_id, run_id)): Path<(String, String)>,
    Body(body): Body<ClearRun>,
) -> Result<Json<Cleared>, ApiError> {
    let run = lookup::run(&app, &dag_id, &run_id).await?;
    let selection = Selection {
        dag_id: run.dag_id.clone(),
        run_id: run.run_id.clone(),
        tasks: Vec::new(),
        downstream: false,
        upstream: false,
        future: false,
        past: false,
        dry_run: body.dry_run,
    };
    let clear = Clear {
        selection,
        only_failed: body.only_failed,
        only_running: false,
        reset_dag_runs: true,
        run_on_latest_version: body.run_on_latest_version.unwrap_or(true),
    };
    let keys = cleared_keys(submit(&app, &who, Request::Clear(clear)).await?)?;
    if body.dry_run {
        let views = render::views_of(&app, &keys).await?;
        let task_instances = render::task_instances(&app, &views).await?;
        return Ok(Json(Cleared::Would(WouldClear { total_entries: task_instances.len(), task_instances })));
    }
    if let Some(note) = body.note {
        app.reader.set_run_note(run.key, note, Some(who.username)).await?;
    }
    let run = lookup::run(&app, &dag_id, &run_id).await?;
    Ok(Json(Cleared::Run(Box::new(render::run(&app, &run).await?))))
}

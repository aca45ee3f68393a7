//! `PATCH /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::{Request, RunState};

use crate::{
    api::UpdateMask,
    app::App,
    auth::Identity,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, Path, Query, body_schema},
    lookup, render,
    shape::DagRunResponse,
    submit::submit,
};

/// What may be changed. The note is changed only if it is given, be it as `null`.
pub struct RunPatch {
    state: Option<RunState>,
    note: Option<Option<String>>,
}

body_schema!(RunPatch);

impl FromBody for RunPatch {
    const NAME: &'static str = "DAGRunPatchBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let state = b.choice("state", &["queued", "success", "failed"]);
        let note = b.text("note", 1000);
        Self { state, note: b.has("note").then_some(note) }
    }
}

/// Gives a run a state or a note.
#[utoipa::path(patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", tag = "DagRun", operation_id = "patch_dag_run",
    params(Query<UpdateMask>), request_body = RunPatch, responses((status = 200, body = DagRunResponse)))]
pub async fn patch_dag_run(
    State(app): State<Arc<App>>,
    who: Identity,
    Path((dag_id, run_id)): Path<(String, String)>,
    Query(mask): Query<UpdateMask>,
    Body(patch): Body<RunPatch>,
) -> Result<Json<DagRunResponse>, ApiError> {
    let run = lookup::run(&app, &dag_id, &run_id).await?;
    if let Some(state) = patch.state.filter(|_| mask.allows("state")) {
        submit(&app, &who, Request::SetRunState { dag_id: run.dag_id.clone(), run_id: run.run_id.clone(), state }).await?;
    }
    if let Some(note) = patch.note.filter(|_| mask.allows("note")) {
        app.reader.set_run_note(run.key, note, Some(who.username)).await?;
    }
    let run = lookup::run(&app, &dag_id, &run_id).await?;
    Ok(Json(render::run(&app, &run).await?))
}

//! `POST /api/v2/dags/{dag_id}/dagRuns`

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap};
use serde_json::{Map, Value};
use updraft_model::{Answer, DataInterval, Request, RunId, RunType, Timestamp, TriggerRun, TriggeredBy};

use crate::{
    app::App,
    auth::Identity,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, Path, body_schema},
    lookup, render,
    shape::DagRunResponse,
    submit::submit,
};

/// With this header our own callers say who they are: the command line [by name](COMMAND_LINE), the page
/// that a person pressed its button.
pub const REQUESTED_WITH: &str = "x-requested-with";

/// What the command line writes into [`REQUESTED_WITH`].
pub const COMMAND_LINE: &str = "updraft-cli";

/// The run that is wanted.
pub struct Trigger {
    run_id: Option<String>,
    data_interval: Option<DataInterval>,
    logical_date: Option<Timestamp>,
    run_after: Option<Timestamp>,
    conf: Map<String, Value>,
    note: Option<String>,
}

body_schema!(Trigger);

impl FromBody for Trigger {
    const NAME: &'static str = "TriggerDAGRunPostBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let run_id = b.text("dag_run_id", 0);
        let (start, end) = (b.date("data_interval_start"), b.date("data_interval_end"));
        if start.is_some() != end.is_some() {
            let missing = if start.is_none() { "data_interval_start" } else { "data_interval_end" };
            b.value_error(missing, "Either both data_interval_start and data_interval_end must be provided or both must be None");
        }
        let trigger = Self {
            run_id,
            data_interval: start.zip(end).map(|(start, end)| DataInterval { start, end }),
            logical_date: b.required_date_or_null("logical_date"),
            run_after: b.date("run_after"),
            conf: b.object("conf").unwrap_or_default(),
            note: b.text("note", 0),
        };
        b.unsupported(&["partition_key"]);
        trigger
    }
}

/// Starts a run: now, or at `run_after`. The run of a paused DAG stays queued until it is unpaused.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns", tag = "DagRun", operation_id = "trigger_dag_run",
    request_body = Trigger, responses((status = 200, body = DagRunResponse)))]
pub async fn trigger_dag_run(
    State(app): State<Arc<App>>,
    who: Identity,
    headers: HeaderMap,
    Path(dag_id): Path<String>,
    Body(trigger): Body<Trigger>,
) -> Result<Json<DagRunResponse>, ApiError> {
    let dag = lookup::dag(&app, &dag_id).await?;
    if dag.row.is_stale {
        return Err(ApiError::not_found(format!("DAG with dag_id: '{dag_id}' not found")));
    }
    if render::files_with_errors(&app).await?.contains(&dag.row.file) {
        return Err(ApiError::BadRequest(format!("DAG with dag_id: '{dag_id}' has import errors and cannot be triggered")));
    }
    updraft_params::check(&dag.version.dag.params, &trigger.conf).map_err(ApiError::BadRequest)?;
    let run_id = trigger.run_id.as_deref().map(manual_run_id).transpose()?;
    let request = Request::TriggerRun(TriggerRun {
        dag_id: dag.row.dag_id,
        run_id,
        logical_date: trigger.logical_date,
        data_interval: trigger.data_interval,
        run_after: trigger.run_after,
        conf: Value::Object(trigger.conf),
        note: trigger.note,
        triggered_by: triggered_by(&headers),
    });
    match submit(&app, &who, request).await? {
        Answer::Run { run } => {
            let row = app.reader.run_by_key(run).await?;
            let row = row.ok_or_else(|| ApiError::not_found("The run was created and has been deleted since"))?;
            Ok(Json(render::run(&app, &row).await?))
        }
        other => Err(ApiError::Internal(format!("a trigger was answered with {other:?}"))),
    }
}

fn triggered_by(headers: &HeaderMap) -> TriggeredBy {
    match headers.get(REQUESTED_WITH) {
        Some(caller) if caller == COMMAND_LINE => TriggeredBy::Cli,
        Some(_) => TriggeredBy::Ui,
        None => TriggeredBy::RestApi,
    }
}

fn manual_run_id(text: &str) -> Result<RunId, ApiError> {
    match RunType::of_run_id(text) {
        None | Some(RunType::Manual) => text.parse().map_err(|e: updraft_model::IdError| ApiError::BadRequest(e.to_string())),
        Some(other) => {
            let name = other.as_str();
            Err(ApiError::BadRequest(format!("A manual DAG run cannot use ID {text:?} since it is reserved for {name} runs")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_say_who_they_are() {
        let by = |caller: &'static str| triggered_by(&HeaderMap::from_iter([(REQUESTED_WITH.parse().unwrap(), caller.parse().unwrap())]));
        assert_eq!((by("updraft-cli"), by("updraft"), by("XMLHttpRequest")), (TriggeredBy::Cli, TriggeredBy::Ui, TriggeredBy::Ui));
        assert_eq!(triggered_by(&HeaderMap::new()), TriggeredBy::RestApi);
    }

    #[test]
    fn ids_of_other_run_types_are_reserved() {
        assert!(manual_run_id("mine").is_ok());
        assert!(manual_run_id("manual__1").is_ok());
        assert!(matches!(manual_run_id("scheduled__1"), Err(ApiError::BadRequest(_))));
        assert!(matches!(manual_run_id("a/b"), Err(ApiError::BadRequest(_))));
    }
}

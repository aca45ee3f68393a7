//! `GET /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait`: answers line by line until the run has ended.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde_json::{Map, Value, json};
use tokio::{sync::broadcast, time::timeout};
use updraft_model::{FeedChange, RunRow, TaskId};
use updraft_store::{FeedEntry, Page, XComFilter};

use crate::{
    app::App,
    auth::Stay,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
    lookup,
};

/// How it is waited for.
pub struct WaitFor {
    interval: Duration,
    results: Vec<String>,
}

impl FromQuery for WaitFor {
    fn from_query(q: &mut QueryReader) -> Self {
        Self { interval: q.required_seconds("interval"), results: q.texts("result") }
    }
}

/// Tells a run's state, one JSON object a line, at least each `interval` seconds until it has ended.
///
/// `result` names tasks whose `return_value` is wanted with the last line. Before it the lines end with
/// the token, and some seconds after its user may not read any more.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait", tag = "DagRun",
    operation_id = "wait_dag_run_until_finished", params(Query<WaitFor>),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub async fn wait_dag_run(
    State(app): State<Arc<App>>,
    stay: Stay,
    Path((dag_id, run_id)): Path<(String, String)>,
    Query(wait): Query<WaitFor>,
) -> Result<Response, ApiError> {
    let run = lookup::run(&app, &dag_id, &run_id).await?;
    let lines = stream::unfold(Some((app, run, wait)), |state| async move {
        let (app, run, wait) = state?;
        let line = line(&app, &run, &wait).await;
        if run.state.is_finished() || line.is_err() {
            return Some((line, None));
        }
        let next = next_look(&app, &run, wait.interval).await;
        Some((line, next.map(|run| (app, run, wait))))
    });
    let body = Body::from_stream(lines.take_until(stay.over()).map(|line| line.map_err(std::io::Error::other)));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// The run after its next change or the interval; `None` if it is gone or the server stops.
async fn next_look(app: &App, run: &RunRow, interval: Duration) -> Option<RunRow> {
    let mut shutdown = app.shutdown.clone();
    tokio::select! {
        _ = shutdown.wait_for(|down| *down) => return None,
        // A hint only: what is true is read.
        _ = timeout(interval, changed(app.hub.subscribe(), run)) => {}
    }
    app.reader.run_by_key(run.key).await.ok().flatten()
}

/// Until the feed tells of the run, or can't be followed any more.
async fn changed(mut live: broadcast::Receiver<Arc<FeedEntry>>, run: &RunRow) {
    let concerns = |change: &FeedChange| match change {
        FeedChange::Run { dag_id, run_id, .. } => *dag_id == run.dag_id && *run_id == run.run_id,
        FeedChange::RunDeleted { run: key } => *key == run.key,
        _ => false,
    };
    while let Ok(entry) = live.recv().await {
        if entry.changes.iter().any(concerns) {
            return;
        }
    }
}

async fn line(app: &App, run: &RunRow, wait: &WaitFor) -> Result<String, ApiError> {
    let mut line = json!({ "state": run.state });
    if run.state.is_finished() && !wait.results.is_empty() {
        let mut results = Map::new();
        for task in &wait.results {
            // What can't be a task's name is none's.
            let found = match task.parse() {
                Ok(task) => result(app, run, task).await?,
                Err(_) => None,
            };
            results.insert(task.clone(), found.unwrap_or_default());
        }
        line["results"] = results.into();
    }
    Ok(format!("{line}\n"))
}

async fn result(app: &App, run: &RunRow, task: TaskId) -> Result<Option<Value>, ApiError> {
    let filter = XComFilter {
        dag_id: Some(run.dag_id.clone()),
        run_id: Some(run.run_id.clone()),
        task_id: Some(task),
        key: Some("return_value".to_owned()),
        ..XComFilter::default()
    };
    let found = app.reader.xcoms(filter, Page { limit: 1, ..Page::default() }).await?.items.pop();
    Ok(found.map(|view| view.row.value))
}

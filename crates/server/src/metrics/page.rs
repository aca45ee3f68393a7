//! The page itself.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;
use updraft_model::{RunState, TaskState};
use updraft_store::{ImportErrorFilter, Page, RunFilter, StoreError, TaskInstanceFilter};

use super::text::Exposition;
use crate::app::App;

/// Whoever collects metrics waits for some ten seconds, and should have the others of this process.
const PATIENCE: Duration = Duration::from_secs(6);

/// States that end by themselves: counting the rows in them costs little, however long the history.
const ACTIVE_TASK_STATES: [TaskState; 8] = [
    TaskState::Scheduled,
    TaskState::Queued,
    TaskState::Running,
    TaskState::Restarting,
    TaskState::UpForRetry,
    TaskState::UpForReschedule,
    TaskState::Deferred,
    TaskState::AwaitingInput,
];

/// Metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "Updraft", operation_id = "get_metrics",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn get_metrics(State(app): State<Arc<App>>) -> Response {
    let mut page = Exposition::default();
    page.single("updraft_up", "gauge", "Whether the server answers.", 1);
    page.family("updraft_build_info", "gauge", "The version that answers.");
    page.value("updraft_build_info", &[("version", app.config.version)], 1);
    let silent = || Err(StoreError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs())));
    let database = timeout(PATIENCE, store(&app, &mut page)).await.unwrap_or_else(|_| silent());
    if let Err(error) = &database {
        tracing::warn!(%error, "the store can't be read for /metrics");
    }
    page.single("updraft_database_up", "gauge", "Whether the database answers.", u8::from(database.is_ok()));
    engine(&app, &mut page);
    feed(&app, &mut page);
    app.http.write(&mut page);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.finish()).into_response()
}

async fn store(app: &App, page: &mut Exposition) -> Result<(), StoreError> {
    let reader = &app.reader;
    page.family("updraft_dag_runs", "gauge", "Runs that have not ended, by state.");
    for state in [RunState::Queued, RunState::Running] {
        let found = reader.runs(RunFilter { states: vec![state], ..RunFilter::default() }, Page::default()).await?;
        page.value("updraft_dag_runs", &[("state", state.as_str())], found.total);
    }
    page.family("updraft_task_instances", "gauge", "Task instances under way, by state.");
    for state in ACTIVE_TASK_STATES {
        let filter = TaskInstanceFilter { states: vec![state], ..TaskInstanceFilter::default() };
        page.value("updraft_task_instances", &[("state", state.as_str())], reader.task_instances(filter, Page::default()).await?.total);
    }
    let errors = reader.import_errors(ImportErrorFilter::default(), Page::default()).await?.total;
    page.single("updraft_import_errors", "gauge", "DAG files with errors.", errors);
    let lease = reader.lease().await?;
    let leads = lease.as_ref().is_some_and(|lease| !lease.remaining.is_negative());
    page.single("updraft_scheduler_up", "gauge", "Whether any scheduler holds the lease.", u8::from(leads));
    if let Some(lease) = lease {
        page.single("updraft_lease_term", "gauge", "The current term.", lease.term.0);
    }
    let pools = reader.pools(Vec::new(), Page { limit: 1_000, ..Page::default() }).await?.items;
    page.family("updraft_pool_slots", "gauge", "The slots of each pool; -1 means no limit.");
    for pool in &pools {
        page.value("updraft_pool_slots", &[("pool", pool.row.name.as_str())], pool.row.slots);
    }
    page.family("updraft_pool_used_slots", "gauge", "How the slots of each pool are used.");
    for pool in &pools {
        let used = [("running", pool.running), ("queued", pool.queued), ("scheduled", pool.scheduled), ("deferred", pool.deferred)];
        for (state, slots) in used {
            page.value("updraft_pool_used_slots", &[("pool", pool.row.name.as_str()), ("state", state)], slots);
        }
    }
    Ok(())
}

fn engine(app: &App, page: &mut Exposition) {
    let Some(engine) = app.engine() else { return };
    page.single("updraft_leader", "gauge", "Whether this process leads.", u8::from(engine.is_leader));
    page.single(
        "updraft_store_trouble",
        "gauge",
        "Whether this process can't write what it decides, and tries again.",
        u8::from(engine.store_trouble),
    );
    page.single("updraft_commits_total", "counter", "Commits of this process.", engine.commits);
    const COMMIT: &str = "updraft_commit_duration_seconds";
    page.family(COMMIT, "histogram", "Time until a commit was durable, or had failed.");
    for (end, count) in &engine.commit_times.cumulated {
        page.value("updraft_commit_duration_seconds_bucket", &[("le", &end.as_secs_f64().to_string())], count);
    }
    page.value("updraft_commit_duration_seconds_bucket", &[("le", "+Inf")], engine.commit_times.count);
    page.value("updraft_commit_duration_seconds_sum", &[], engine.commit_times.sum.as_secs_f64());
    page.value("updraft_commit_duration_seconds_count", &[], engine.commit_times.count);
    page.single("updraft_active_runs", "gauge", "Runs in the scheduler's memory.", engine.active_runs);
    page.single(
        "updraft_active_task_instances",
        "gauge",
        "Task instances with an attempt that is not over: queued, running or being ended.",
        engine.active_task_instances,
    );
    page.family("updraft_executor_running", "gauge", "Attempts of each executor.");
    for executor in &engine.executors {
        page.value("updraft_executor_running", &[("executor", executor.name.as_str())], executor.running);
    }
}

fn feed(app: &App, page: &mut Exposition) {
    if let Some(head) = app.hub.head() {
        page.single("updraft_feed_seq", "gauge", "The number of the last commit.", head);
    }
    let seen = app.hub.seen();
    page.family("updraft_dag_run_transitions_total", "counter", "Runs seen to enter each state since this process started.");
    for (state, count) in &seen.runs {
        page.value("updraft_dag_run_transitions_total", &[("state", state.as_str())], count);
    }
    page.family(
        "updraft_task_instance_transitions_total",
        "counter",
        "Task instances seen to enter each state since this process started.",
    );
    for (state, count) in &seen.task_instances {
        page.value("updraft_task_instance_transitions_total", &[("state", state.as_str())], count);
    }
}

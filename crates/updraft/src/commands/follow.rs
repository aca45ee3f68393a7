//! Follows a run of a daemon until it has ended.

use std::process::ExitCode;

use anyhow::bail;
use serde_json::Value;

use super::{
    Context,
    progress::{Progress, Seen},
};

use crate::output::note;

/// What is shown of each task instance.
pub const TASK_COLUMNS: [&str; 6] = ["task_id", "state", "try_number", "start_date", "duration", "reason"];

/// Shows a run's tasks as they go on, and all of them at its end. The exit code is 0 if it succeeds
/// and 1 if not.
pub async fn follow_run(cx: &Context, dag_id: &str, run_id: &str) -> anyhow::Result<ExitCode> {
    let api = cx.api().await?;
    let mut progress = Progress::new(&cx.out);
    progress.line(&format!("DAG {dag_id}, run {run_id}"));
    let run = ["dags", dag_id, "dagRuns", run_id];
    let tasks = [run.as_slice(), &["taskInstances"]].concat();
    // A line per change of anything in the daemon, and in any case two a second.
    let mut states = api.lines(&[run.as_slice(), &["wait"]].concat(), &[("interval", "0.5".to_owned())], "application/x-ndjson").await?;
    let mut last = String::new();
    while let Some(line) = states.next().await? {
        let instances = api.list(&tasks, "task_instances", &[], None).await?;
        progress.observe(&instances.iter().map(seen).collect::<Vec<_>>());
        let state: Value = serde_json::from_str(&line)?;
        last = state["state"].as_str().unwrap_or_default().to_owned();
    }
    progress.finish();
    let instances = api.list(&tasks, "task_instances", &[], None).await?;
    let reason = api.get(&run, &[]).await?["end_reason"].as_str().map_or_else(String::new, |reason| format!(" ({reason})"));
    cx.out.list(&TASK_COLUMNS, &instances)?;
    match last.as_str() {
        "success" | "failed" => note(format_args!("Run {run_id}: {}{reason}", cx.out.paint().state(&last))),
        _ => bail!("the daemon stopped before run {run_id} ended; it goes on when a daemon does"),
    }
    Ok(if last == "success" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Why it is in its state, and why it does not run.
pub fn why(instance: &Value) -> Option<String> {
    let texts = [&instance["reason"], &instance["waiting_for"]["text"]];
    let texts: Vec<&str> = texts.into_iter().filter_map(Value::as_str).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

fn seen(instance: &Value) -> Seen {
    let text = |name: &str| instance[name].as_str().map(str::to_owned);
    Seen {
        name: name_of(instance),
        state: text("state").unwrap_or_default(),
        try_number: instance["try_number"].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0),
        seconds: instance["duration"].as_f64(),
        reason: why(instance),
    }
}

/// `extract`, or `load[3]` for a copy of a mapped task.
fn name_of(instance: &Value) -> String {
    let task = instance["task_id"].as_str().unwrap_or_default();
    match instance["map_index"].as_i64() {
        Some(index) if index >= 0 => format!("{task}[{index}]"),
        _ => task.to_owned(),
    }
}

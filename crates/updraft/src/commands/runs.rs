//! `updraft runs`: DAG runs.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Context,
    follow::{TASK_COLUMNS, why},
};

/// DAG runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Lists runs, newest first
    List {
        /// Of this DAG [default: of all]
        dag_id: Option<String>,
        /// Only in this state; several times for several states
        #[arg(long, value_parser = ["queued", "running", "success", "failed"])]
        state: Vec<String>,
        /// At most so many
        #[arg(long, short = 'n', default_value_t = 25)]
        limit: usize,
    },
    /// Shows a run and its task instances
    Show {
        /// Its DAG
        dag_id: String,
        /// Its id
        run_id: String,
    },
    /// Ends a run: it is marked failed and what runs of it is killed
    Cancel {
        /// Its DAG
        dag_id: String,
        /// Its id
        run_id: String,
    },
}

const COLUMNS: [&str; 7] = ["dag_id", "dag_run_id", "state", "run_type", "run_after", "start_date", "duration"];

impl RunsCommand {
    /// Carries it out.
    pub async fn run(self, cx: &Context) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { dag_id, state, limit } => list(cx, dag_id.as_deref().unwrap_or("~"), &state, limit).await?,
            Self::Show { dag_id, run_id } => show(cx, &dag_id, &run_id).await?,
            Self::Cancel { dag_id, run_id } => {
                let (api, path) = (cx.scheduler().await?, ["dags", &dag_id, "dagRuns", &run_id]);
                let state = api.get(&path, &[]).await?["state"].clone();
                if let Some(state @ ("success" | "failed")) = state.as_str() {
                    bail!("run {run_id} of DAG {dag_id} has ended already: {state}");
                }
                let run = api.patch(&path, &json!({ "state": "failed" })).await?;
                cx.out.list(&["dag_id", "dag_run_id", "state"], &[run])?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(cx: &Context, dag_id: &str, states: &[String], limit: usize) -> anyhow::Result<()> {
    let mut query = vec![("order_by", "-run_after".to_owned())];
    query.extend(states.iter().map(|state| ("state", state.clone())));
    let runs = cx.api().await?.list(&["dags", dag_id, "dagRuns"], "dag_runs", &query, Some(limit)).await?;
    cx.out.list(&COLUMNS, &runs)
}

async fn show(cx: &Context, dag_id: &str, run_id: &str) -> anyhow::Result<()> {
    let api = cx.api().await?;
    let path = ["dags", dag_id, "dagRuns", run_id];
    let mut run = api.get(&path, &[]).await?;
    let instances = api.list(&[path.as_slice(), &["taskInstances"]].concat(), "task_instances", &[], None).await?;
    if !cx.out.is_table() {
        run["task_instances"] = Value::Array(instances);
        return cx.out.value(&run);
    }
    cx.out.object(&summary(&run))?;
    cx.out.line("")?;
    let rows: Vec<Value> = instances.into_iter().map(with_reason).collect();
    cx.out.list(&TASK_COLUMNS, &rows)
}

/// What is known of a run, without what is empty.
fn summary(run: &Value) -> Value {
    const FIELDS: [&str; 14] = [
        "dag_id",
        "dag_run_id",
        "state",
        "run_type",
        "logical_date",
        "data_interval_start",
        "data_interval_end",
        "run_after",
        "start_date",
        "end_date",
        "duration",
        "triggering_user_name",
        "note",
        "end_reason",
    ];
    let mut shown: serde_json::Map<String, Value> =
        FIELDS.iter().map(|name| ((*name).to_owned(), run[*name].clone())).filter(|(_, value)| !value.is_null()).collect();
    if run["conf"].as_object().is_some_and(|conf| !conf.is_empty()) {
        shown.insert("conf".to_owned(), run["conf"].clone());
    }
    if let Some(text) = run["waiting_for"]["text"].as_str() {
        shown.insert("waiting_for".to_owned(), text.into());
    }
    shown.into()
}

/// One column for both kinds of reason.
fn with_reason(mut instance: Value) -> Value {
    instance["reason"] = why(&instance).into();
    instance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_failed_and_waits_for_its_retry_says_both() {
        let shown =
            |reason: Value, text: Value| with_reason(json!({ "reason": reason, "waiting_for": { "text": text } }))["reason"].clone();
        assert_eq!(shown("exit code 1".into(), "retry at noon".into()), "exit code 1; retry at noon");
        assert_eq!(shown("exit code 1".into(), Value::Null), "exit code 1");
        assert_eq!(shown(Value::Null, "pool is full".into()), "pool is full");
        assert_eq!(with_reason(json!({ "waiting_for": null }))["reason"], Value::Null);
    }
}

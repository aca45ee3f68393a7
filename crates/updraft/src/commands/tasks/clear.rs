//! `tasks clear`

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use updraft_model::Timestamp;

use super::prompt;
use crate::{
    client::Client,
    commands::{Context, args},
};

/// Which task instances.
#[derive(Debug, Args)]
pub struct Clear {
    /// Of which DAG
    dag_id: String,
    /// Only this task; several times for several tasks [default: all]
    #[arg(long = "task", short = 't', value_name = "TASK")]
    tasks: Vec<String>,
    /// Of this run
    #[arg(long, short = 'r', conflicts_with_all = ["start_date", "end_date"], required_unless_present_any = ["start_date", "end_date"])]
    run_id: Option<String>,
    /// Of runs with a logical date from this on
    #[arg(long, short = 's', value_parser = args::time, value_name = "TIME")]
    start_date: Option<Timestamp>,
    /// Of runs with a logical date up to this
    #[arg(long, short = 'e', value_parser = args::time, value_name = "TIME")]
    end_date: Option<Timestamp>,
    /// What is upstream of them too
    #[arg(long, short = 'u')]
    upstream: bool,
    /// What is downstream of them too
    #[arg(long, short = 'd')]
    downstream: bool,
    /// Only those that failed
    #[arg(long, short = 'f', conflicts_with = "only_running")]
    only_failed: bool,
    /// Only those that run
    #[arg(long)]
    only_running: bool,
    /// On the DAG version they ran with, not on the latest
    #[arg(long)]
    same_version: bool,
    /// Only tells which it would be
    #[arg(long)]
    dry_run: bool,
    /// Don't ask
    #[arg(long, short = 'y')]
    yes: bool,
}

/// What is shown of each.
const COLUMNS: [&str; 4] = ["dag_run_id", "task_id", "state", "try_number"];

impl Clear {
    /// Clears them, after asking.
    pub async fn run(&self, cx: &Context) -> anyhow::Result<ExitCode> {
        let api = cx.scheduler().await?;
        if !self.yes || self.dry_run {
            let would_be = self.send(api, true).await?;
            cx.out.list(&COLUMNS, &would_be)?;
            let count = would_be.len();
            if self.dry_run || count == 0 {
                return Ok(ExitCode::SUCCESS);
            }
            if !prompt::confirm(&format!("Clear {count} task instance{}?", if count == 1 { "" } else { "s" }))? {
                return Ok(ExitCode::FAILURE);
            }
        }
        let cleared = self.send(api, false).await?;
        if self.yes {
            cx.out.list(&COLUMNS, &cleared)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn send(&self, api: &Client, dry_run: bool) -> anyhow::Result<Vec<Value>> {
        let mut body = json!({
            "dry_run": dry_run,
            "only_failed": self.only_failed,
            "only_running": self.only_running,
            "reset_dag_runs": true,
            "include_upstream": self.upstream,
            "include_downstream": self.downstream,
            "run_on_latest_version": !self.same_version,
        });
        let optional = [
            ("dag_run_id", json!(self.run_id)),
            ("start_date", json!(self.start_date)),
            ("end_date", json!(self.end_date)),
            ("task_ids", if self.tasks.is_empty() { Value::Null } else { json!(self.tasks) }),
        ];
        for (name, value) in optional {
            if !value.is_null() {
                body[name] = value;
            }
        }
        let mut answer = api.post(&["dags", &self.dag_id, "clearTaskInstances"], &body).await?;
        Ok(match answer["task_instances"].take() {
            Value::Array(instances) => instances,
            _ => Vec::new(),
        })
    }
}

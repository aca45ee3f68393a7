//! `dags trigger`

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};
use updraft_model::Timestamp;

use crate::{
    commands::{Context, args, follow::follow_run},
    output::note,
};

/// The run that is wanted.
#[derive(Debug, Args)]
pub struct Trigger {
    /// Of which DAG
    dag_id: String,
    /// The run's conf: a JSON object, or @FILE with one
    #[arg(long, short = 'c', value_parser = args::conf, value_name = "JSON")]
    conf: Option<Map<String, Value>>,
    /// The run's id [default: made from the time]
    #[arg(long, short = 'r')]
    run_id: Option<String>,
    /// The run's logical date [default: none]
    #[arg(long, short = 'l', visible_alias = "exec-date", value_parser = args::time, value_name = "TIME")]
    logical_date: Option<Timestamp>,
    /// Not before this time [default: now]
    #[arg(long, value_parser = args::time, value_name = "TIME")]
    run_after: Option<Timestamp>,
    /// A remark
    #[arg(long)]
    note: Option<String>,
    /// Shows the run until it has ended; the exit code is 0 if it succeeds and 1 if not
    #[arg(long, short = 'w')]
    wait: bool,
}

const COLUMNS: [&str; 5] = ["dag_id", "dag_run_id", "state", "logical_date", "run_after"];

impl Trigger {
    /// Starts it.
    pub async fn run(&self, cx: &Context) -> anyhow::Result<ExitCode> {
        let api = cx.scheduler().await?;
        let mut body = json!({ "logical_date": self.logical_date, "conf": self.conf.clone().unwrap_or_default() });
        let optional = [("dag_run_id", json!(self.run_id)), ("run_after", json!(self.run_after)), ("note", json!(self.note))];
        for (name, value) in optional {
            if !value.is_null() {
                body[name] = value;
            }
        }
        let run = api.post(&["dags", &self.dag_id, "dagRuns"], &body).await?;
        if !self.wait {
            cx.out.list(&COLUMNS, std::slice::from_ref(&run))?;
            self.warn_if_paused(cx).await?;
            return Ok(ExitCode::SUCCESS);
        }
        self.warn_if_paused(cx).await?;
        let run_id = run["dag_run_id"].as_str().unwrap_or_default();
        follow_run(cx, &self.dag_id, run_id).await
    }

    /// A run of a paused DAG waits, which is seldom what was meant.
    async fn warn_if_paused(&self, cx: &Context) -> anyhow::Result<()> {
        let dag = cx.api().await?.get(&["dags", &self.dag_id], &[]).await?;
        if dag["is_paused"] == true {
            note(format_args!("DAG {id} is paused: the run waits until `updraft dags unpause {id}`", id = self.dag_id));
        }
        Ok(())
    }
}

//! `updraft tasks`: tasks of a DAG, and what became of them in a run.

mod clear;
mod log;
mod render;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Map, Value, json};
use updraft_model::Timestamp;

use crate::client::ClientError;

use super::{
    Context, Foreground, args, dag_file,
    dags::{Only, TestArgs, test, tree},
    prompt,
};

/// Tasks of a DAG, and what became of them in a run.
#[derive(Debug, Subcommand)]
pub enum TasksCommand {
    /// Lists the tasks of a DAG
    List {
        /// A DAG's id, or a DAG file
        dag: String,
        /// As a tree
        #[arg(long)]
        tree: bool,
        /// Which DAG of a file that has several
        #[arg(long)]
        dag_id: Option<String>,
    },
    /// Prints a task instance's log
    Log(log::Log),
    /// Clears task instances: they run again
    Clear(clear::Clear),
    /// Prints the state of a task instance, and why it does not run
    State {
        /// Its DAG
        dag_id: String,
        /// Its run
        run_id: String,
        /// Its task
        task_id: String,
        /// Which copy of a mapped task
        #[arg(long, default_value_t = -1, allow_hyphen_values = true)]
        map_index: i32,
    },
    /// Prints what a task's templates become
    Render(render::Render),
    /// Runs one task of a DAG file in the foreground, once, without what is upstream of it
    Test {
        /// A DAG file, or the id of a DAG in the folder of DAG files
        file: String,
        /// The task
        task_id: String,
        /// The run's logical date, as Airflow takes it
        #[arg(value_parser = args::time, value_name = "TIME", conflicts_with = "logical_date")]
        date: Option<Timestamp>,
        /// The run's conf: a JSON object, or @FILE with one
        #[arg(long, short = 'c', value_parser = args::conf, value_name = "JSON")]
        conf: Option<Map<String, Value>>,
        /// The run's logical date [default: now]
        #[arg(long, short = 'l', value_parser = args::time, value_name = "TIME")]
        logical_date: Option<Timestamp>,
        /// A variable for `{{ var.value.KEY }}`
        #[arg(long = "var", value_parser = args::pair, value_name = "KEY=VALUE")]
        variables: Vec<(String, String)>,
        /// Which DAG of a file that has several
        #[arg(long)]
        dag_id: Option<String>,
    },
}

impl TasksCommand {
    /// Whether it runs tasks in this process.
    pub fn runs_tasks(&self) -> bool {
        matches!(self, Self::Test { .. })
    }

    /// Carries it out.
    pub async fn run(self, cx: &Context, foreground: Option<Foreground>) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { dag, tree, dag_id } => list(cx, &dag, tree, dag_id.as_deref()).await?,
            Self::Log(log) => log.run(cx).await?,
            Self::Clear(clear) => return clear.run(cx).await,
            Self::State { dag_id, run_id, task_id, map_index } => state(cx, &dag_id, &run_id, &task_id, map_index).await?,
            Self::Render(render) => render.run(cx).await?,
            Self::Test { file, task_id, date, conf, logical_date, variables, dag_id } => {
                let args = TestArgs { file, date, conf, logical_date, tasks: vec![task_id], variables, pools: Vec::new(), dag_id };
                return test(cx, foreground, &args, Only::NamedOnce).await;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(cx: &Context, name: &str, as_tree: bool, dag_id: Option<&str>) -> anyhow::Result<()> {
    let dag = dag_file::find(cx, name, dag_id).await?;
    if as_tree && cx.out.is_table() {
        return cx.out.text(&tree(&dag));
    }
    let rows: Vec<Value> = dag
        .tasks
        .values()
        .map(|task| {
            json!({
                "task_id": task.task_id,
                "operator": task.operator.airflow_name(),
                "upstream": task.upstream,
                "trigger_rule": task.trigger_rule,
                "pool": task.pool,
                "retries": task.retry.retries,
                "owner": task.owner,
            })
        })
        .collect();
    cx.out.list(&["task_id", "operator", "upstream", "trigger_rule", "pool", "retries", "owner"], &rows)
}

async fn state(cx: &Context, dag_id: &str, run_id: &str, task_id: &str, map_index: i32) -> anyhow::Result<()> {
    let index = map_index.to_string();
    let mut path = vec!["dags", dag_id, "dagRuns", run_id, "taskInstances", task_id];
    if map_index >= 0 {
        path.push(&index);
    }
    let instance = match cx.api().await?.get(&path, &[]).await {
        Err(error) => return Err(in_order(cx, ["state", dag_id, run_id, task_id], error).await),
        Ok(instance) => instance,
    };
    if !cx.out.is_table() {
        return cx.out.value(&instance);
    }
    cx.out.line(&cx.out.paint().state(instance["state"].as_str().unwrap_or("no_status")))?;
    for text in [instance["waiting_for"]["text"].as_str(), instance["reason"].as_str()].into_iter().flatten() {
        cx.out.line(text)?;
    }
    Ok(())
}

/// The same error, unless there is such a task instance in Airflow's order: DAG, task, run.
async fn in_order(cx: &Context, [command, dag_id, run_id, task_id]: [&str; 4], error: ClientError) -> anyhow::Error {
    let swapped = ["dags", dag_id, "dagRuns", task_id, "taskInstances", run_id];
    match cx.api().await {
        Ok(api) if error.is_not_found() && api.get(&swapped, &[]).await.is_ok() => anyhow::anyhow!(
            "run {run_id} does not exist, but run {task_id} with a task {run_id} does\n  hint: the run comes first: `updraft tasks {command} {dag_id} {task_id} {run_id}`"
        ),
        _ => error.into(),
    }
}

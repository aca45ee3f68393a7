//! `dags test` and `tasks test`: a run in the foreground, without a daemon or a database.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};
use updraft_dagfile::runs_a_process;
use updraft_model::{Dag, Operator, PoolName, RunRow, RunState, TaskId, TaskInstanceRow, Timestamp};
use updraft_scheduler::NOT_YET;

use super::validate::{LOCAL, Listed, files_below};
use crate::{
    commands::{
        Context, Foreground, args,
        dag_file::{self, DagFile},
        foreground::{Plan, World, reason},
        progress::{Progress, Seen},
    },
    output::note,
};

/// What is run.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// A DAG file, or the id of a DAG in the folder of DAG files
    pub file: String,
    /// The run's logical date, as Airflow takes it
    #[arg(value_parser = args::time, value_name = "TIME", conflicts_with = "logical_date")]
    pub date: Option<Timestamp>,
    /// The run's conf: a JSON object, or @FILE with one
    #[arg(long, short = 'c', value_parser = args::conf, value_name = "JSON")]
    pub conf: Option<Map<String, Value>>,
    /// The run's logical date [default: now]
    #[arg(long, short = 'l', value_parser = args::time, value_name = "TIME")]
    pub logical_date: Option<Timestamp>,
    /// Only this task, without what is upstream of it; several times for several tasks
    #[arg(long = "task", short = 't', value_name = "TASK")]
    pub tasks: Vec<String>,
    /// A variable for `{{ var.value.KEY }}`
    #[arg(long = "var", value_parser = args::pair, value_name = "KEY=VALUE")]
    pub variables: Vec<(String, String)>,
    /// The slots of a pool, -1 for no limit; several times for several pools. Pools that are not
    /// named have no limit; `max_active_tasks` and the other limits of the file hold
    #[arg(long = "pool", value_parser = args::pool, value_name = "NAME=SLOTS")]
    pub pools: Vec<(PoolName, i32)>,
    /// Which DAG of a file that has several
    #[arg(long)]
    pub dag_id: Option<String>,
}

/// How a run differs from one of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// The tasks that were named, or all.
    Named,
    /// The tasks that were named, one try each.
    NamedOnce,
}

/// How often logs are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// The exit code of a program that Ctrl-C ended, as shells have it.
const INTERRUPTED: u8 = 130;

/// Runs it. The exit code is 0 if the run succeeds.
pub async fn test(cx: &Context, foreground: Option<Foreground>, args: &TestArgs, only: Only) -> anyhow::Result<ExitCode> {
    let foreground = foreground.context("nothing was prepared to run tasks with; this is a defect of Updraft")?;
    let file = find_file(cx, &args.file)?;
    let by_name = if args::is_file(&args.file) { args.dag_id.as_deref() } else { Some(args.file.as_str()) };
    let dag = file.dag(by_name)?;
    let chosen = args.tasks.iter().map(|name| known_task(dag, name)).collect::<anyhow::Result<Vec<_>>>()?;
    let conf = args.conf.clone().unwrap_or_default();
    updraft_params::check(&dag.params, &conf).map_err(anyhow::Error::msg)?;
    let plan = Plan {
        file: &file,
        dag,
        only: &chosen,
        retries: only == Only::Named,
        conf,
        logical_date: args.logical_date.or(args.date).unwrap_or_else(|| jiff::Timestamp::now().into()),
        variables: &args.variables,
        pools: &args.pools,
    };
    elsewhere(dag, &chosen);
    let mut progress = Progress::new(&cx.out);
    let mut world = World::start(foreground, &cx.config, &plan).await?;
    let watched = watch(&mut world, &mut progress, dag).await;
    progress.finish();
    let (run, rows) = (world.run()?, explained(world.task_instances(), dag));
    world.stop().await?;
    let interrupted = watched?;
    summarise(cx, &run, &rows)?;
    Ok(match run.state {
        _ if interrupted => ExitCode::from(INTERRUPTED),
        RunState::Success => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Shows the run until it is over. Whether it was interrupted: the first signal fails the run and
/// lets its tasks end, a second one ends them at once.
async fn watch(world: &mut World, progress: &mut Progress, dag: &Dag) -> anyhow::Result<bool> {
    let mut signals = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut interrupted = 0;
    loop {
        // Before the look: what ends after it is seen by the next.
        let over = world.is_over()?;
        let rows = world.task_instances();
        world.read_logs(&rows, |row, line| progress.task_line(&name_of(row), line))?;
        progress.observe(&explained(rows, dag).iter().map(seen).collect::<Vec<_>>());
        if over {
            return Ok(interrupted > 0);
        }
        tokio::select! {
            changed = world.changed() => changed?,
            () = tokio::time::sleep(LOOK) => {}
            () = any(&mut signals) => {
                interrupted += 1;
                if interrupted == 1 {
                    progress.line("Ending the run's tasks; once more to kill them");
                    world.cancel();
                } else {
                    world.kill().await;
                }
            }
        }
    }
}

/// The rows as people see them: with a reason, and without the exit code that is only between a sensor's
/// process and the engine.
fn explained(mut rows: Vec<TaskInstanceRow>, dag: &Dag) -> Vec<TaskInstanceRow> {
    let states = rows.iter().map(|row| (row.task_id.clone(), row.state)).collect();
    for row in &mut rows {
        row.reason = reason(row, dag, &states);
        let is_sensor = dag.tasks.get(&row.task_id).is_some_and(|task| matches!(task.operator, Operator::Sensor(_)));
        row.exit_code = row.exit_code.filter(|code| !(is_sensor && *code == NOT_YET));
    }
    rows
}

/// Tasks that a daemon would give to another executor: here there is none.
fn elsewhere(dag: &Dag, chosen: &[TaskId]) {
    for (id, task) in dag.tasks.iter().filter(|(id, _)| chosen.is_empty() || chosen.contains(id)) {
        let named = task.executor.as_ref().or(dag.executor.as_ref()).filter(|name| name.as_str() != LOCAL);
        if let Some(executor) = named.filter(|_| runs_a_process(&task.operator)) {
            note(format_args!("warning: task {id} is for the executor {executor}; this test runs it on this machine"));
        }
    }
}

async fn any((interrupt, terminate): &mut (Signal, Signal)) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn summarise(cx: &Context, run: &RunRow, rows: &[TaskInstanceRow]) -> anyhow::Result<()> {
    let tasks: Vec<Value> = rows.iter().map(show).collect();
    if !cx.out.is_table() {
        let shown = json!({
            "dag_id": run.dag_id,
            "run_id": run.run_id,
            "state": run.state,
            "start_date": run.start_date,
            "end_date": run.end_date,
            "end_reason": run.end_reason,
            "task_instances": tasks,
        });
        return cx.out.value(&shown);
    }
    cx.out.line("")?;
    cx.out.list(&["task_id", "state", "try_number", "duration", "exit_code", "reason"], &tasks)?;
    let took = span(run.start_date, run.end_date).map_or_else(String::new, |seconds| format!(" in {seconds:.2} s"));
    let reason = run.end_reason.as_deref().map_or_else(String::new, |reason| format!(" ({reason})"));
    cx.out.line(&format!("\nRun {} of DAG {}: {}{took}{reason}", run.run_id, run.dag_id, cx.out.paint().state(run.state.as_str())))
}

fn show(row: &TaskInstanceRow) -> Value {
    json!({
        "task_id": row.task_id,
        "map_index": row.map_index,
        "state": row.state.as_str(),
        "try_number": row.try_number,
        "start_date": row.start_date,
        "end_date": row.end_date,
        "duration": span(row.start_date, row.end_date),
        "exit_code": row.exit_code,
        "reason": row.reason,
    })
}

fn seen(row: &TaskInstanceRow) -> Seen {
    Seen {
        name: name_of(row),
        state: row.state.as_str().to_owned(),
        try_number: row.try_number,
        seconds: span(row.start_date, row.end_date),
        reason: row.reason.clone(),
    }
}

fn name_of(row: &TaskInstanceRow) -> String {
    if row.map_index == updraft_model::MapIndex::UNMAPPED {
        row.task_id.to_string()
    } else {
        format!("{}[{}]", row.task_id, row.map_index.0)
    }
}

/// Seconds, to the millisecond.
fn span(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<f64> {
    let millis = end?.since(start?).as_millis();
    Some(millis as f64 / 1e3)
}

/// The file itself, or the one in the folder of DAG files that has this DAG.
fn find_file(cx: &Context, name: &str) -> anyhow::Result<DagFile> {
    if args::is_file(name) {
        return DagFile::read(Path::new(name));
    }
    let folder = &cx.config.dags;
    for Listed { path, .. } in files_below(folder)?.into_iter().filter(|listed| listed.problem.is_none()) {
        let Ok(bytes) = dag_file::read(&path) else { continue };
        let parsed = updraft_dagfile::parse(&path.to_string_lossy(), &bytes);
        if parsed.dags.iter().any(|parsed| parsed.dag.dag_id.as_str() == name) {
            return DagFile::read(&path);
        }
    }
    bail!(
        "no file below {} has a DAG {name} without errors\n  hint: name the file, or check with `updraft dags validate`",
        folder.display()
    )
}

fn known_task(dag: &Dag, name: &str) -> anyhow::Result<TaskId> {
    let found = dag.tasks.keys().find(|id| id.as_str() == name);
    let names = || dag.tasks.keys().map(TaskId::as_str).collect::<Vec<_>>().join(", ");
    found.cloned().with_context(|| format!("DAG {} has no task {name}; it has {}", dag.dag_id, names()))
}

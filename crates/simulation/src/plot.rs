//! What a seed makes of the world: DAGs, and what people ask for.

use std::{collections::BTreeSet, sync::Arc};

use jiff::SignedDuration;
use serde_json::json;
use updraft_model::*;
use updraft_scheduler::{FileChange, FileContent};

use crate::dice::Dice;

/// Where stories begin: an ordinary day, and the nights the clocks change in Zurich.
const BEGINNINGS: [&str; 4] = ["2026-01-10T10:00:00Z", "2026-03-29T00:20:00Z", "2026-10-25T00:20:00Z", "2026-02-28T23:30:00Z"];

pub(crate) fn beginning(dice: &mut Dice) -> Timestamp {
    dice.pick(&BEGINNINGS).parse().unwrap_or(Timestamp::EPOCH)
}

/// The pool whose limit the checks watch.
pub(crate) const SMALL_POOL: (&str, i32) = ("small", 2);

pub(crate) fn dags(dice: &mut Dice, begin: Timestamp, faults_end: Timestamp) -> Vec<Dag> {
    let count = 1 + dice.below(3);
    (0..count).filter_map(|i| dag(dice, i, begin, faults_end)).collect()
}

fn dag(dice: &mut Dice, number: u64, begin: Timestamp, faults_end: Timestamp) -> Option<Dag> {
    let mut dag = Dag::new(DagId::new(format!("dag{number}")).ok()?);
    let zone = (*dice.pick(&["UTC", "Europe/Zurich", "America/New_York"])).to_owned();
    let cron = |expression: &str, data_interval| Schedule::Cron {
        expressions: vec![expression.to_owned()],
        timezone: zone.clone(),
        data_interval,
    };
    dag.schedule = match dice.below(8) {
        0..2 => Schedule::Never,
        2 => Schedule::Once,
        3 => cron("*/7 * * * *", true),
        4 => cron("*/10 * * * *", false),
        5 => cron("30 * * * *", false),
        6 => Schedule::Delta { every: SignedDuration::from_mins(9), data_interval: true },
        _ => cron("*/13 1-3 * * *", false),
    };
    dag.timezone = zone;
    dag.description = dice.permille(60).then(|| POISON.to_owned());
    dag.start_date = Some(begin.saturating_add(SignedDuration::from_mins(-(dice.below(60) as i64))));
    dag.end_date = Some(faults_end);
    dag.catchup = dice.permille(600);
    dag.max_active_runs = 1 + dice.below(4) as u32;
    dag.max_active_tasks = 1 + dice.below(8) as u32;
    dag.fail_fast = dice.permille(100);
    if dice.permille(150) {
        dag.dagrun_timeout = Some(SignedDuration::from_secs(30 + dice.below(300) as i64));
    }
    if dice.permille(100) {
        dag.max_consecutive_failed_dag_runs = 3;
    }
    let tasks = 1 + dice.below(12);
    for index in 0..tasks {
        let task = task(dice, number, index, dag.fail_fast)?;
        dag.tasks.insert(task.task_id.clone(), task);
    }
    if tasks > 2 && !dag.fail_fast && dice.permille(200) {
        set_up_and_tear_down(&mut dag);
    }
    Some(dag)
}

/// The first task sets up what the last one tears down.
fn set_up_and_tear_down(dag: &mut Dag) {
    let Some(first) = dag.tasks.keys().next().cloned() else { return };
    if let Some(setup) = dag.tasks.get_mut(&first) {
        setup.is_setup = true;
    }
    if let Some(mut last) = dag.tasks.last_entry() {
        let teardown = last.get_mut();
        teardown.is_teardown = true;
        teardown.trigger_rule = TriggerRule::AllDoneSetupSuccess;
        teardown.upstream.insert(first);
    }
}

fn task(dice: &mut Dice, dag: u64, index: u64, fail_fast: bool) -> Option<Task> {
    let operator = operator(dice, dag, index);
    let mut task = Task::new(TaskId::new(format!("t{index:02}")).ok()?, operator);
    let mut upstream = BTreeSet::new();
    for earlier in 0..index {
        if dice.permille(300) {
            upstream.insert(TaskId::new(format!("t{earlier:02}")).ok()?);
        }
    }
    task.upstream = upstream;
    if !fail_fast && dice.permille(350) {
        task.trigger_rule = *dice.pick(&TriggerRule::ALL);
    }
    task.retry.retries = dice.below(3) as u32;
    task.retry.delay = SignedDuration::from_secs(dice.below(30) as i64);
    task.retry.exponential_backoff = if dice.permille(200) { 2.0 } else { 0.0 };
    task.priority_weight = dice.below(5) as i64;
    task.relaunch = dice.permille(200);
    if dice.permille(300) {
        task.pool = PoolName::new(SMALL_POOL.0).ok()?;
        task.pool_slots = 1 + dice.below(2) as u32;
    }
    task.depends_on_past = dice.permille(80);
    task.wait_for_downstream = task.depends_on_past && dice.permille(300);
    if dice.permille(80) {
        task.max_active_tis_per_dag = Some(1);
    }
    task.skip_on_exit_code.insert(99);
    if dice.permille(60) {
        task.when = Some((*dice.pick(&["{{ true }}", "{{ false }}", "{{ ti.try_number > 1 }}"])).to_owned());
    }
    Some(task)
}

fn operator(dice: &mut Dice, dag: u64, index: u64) -> Operator {
    let later = |dice: &mut Dice| format!("t{:02}", index + 1 + dice.below(3));
    match dice.below(20) {
        0..3 => Operator::Empty,
        3 => Operator::Branch { by: Chooser::Expression(format!("'{}'", later(dice))) },
        4 => Operator::ShortCircuit {
            by: Chooser::Expression((*dice.pick(&["true", "false"])).to_owned()),
            ignore_downstream_trigger_rules: dice.permille(500),
        },
        5 => Operator::Sensor(Sensor {
            condition: Condition::Time { target: "{{ dag_run.run_after + macros.timedelta(minutes=2) }}".to_owned() },
            poke_interval: SignedDuration::from_secs(20),
            timeout: SignedDuration::from_secs(if dice.permille(300) { 60 } else { 3_600 }),
            soft_fail: dice.permille(500),
        }),
        // Only upwards, so that no DAG triggers itself in circles.
        6 if dag > 0 => Operator::TriggerDagRun(TriggerDagRun {
            dag_id: format!("dag{}", dag - 1),
            // A run of its own, or one that others trigger too.
            run_id: Some(match dice.permille(600) {
                true => "triggered-{{ run_id | replace(':', '-') | replace('+', '-') }}-{{ ti.try_number }}".to_owned(),
                false => "shared".to_owned(),
            }),
            logical_date: None,
            conf: std::collections::BTreeMap::from([("from".to_owned(), json!("{{ dag.dag_id }}"))]),
            wait_for_completion: dice.permille(500),
            reset_dag_run: dice.permille(200),
            skip_when_already_exists: dice.permille(300),
        }),
        _ => Operator::Bash { command: "true".to_owned() },
    }
}

/// Something a person asks for, about what there is.
pub(crate) fn request(dice: &mut Dice, dags: &[Dag], runs: &[RunRow], number: u64) -> Option<Request> {
    let dag = dice.pick(dags);
    let dag_id = dag.dag_id.clone();
    if runs.is_empty() || dice.permille(400) {
        return Some(Request::TriggerRun(TriggerRun {
            dag_id,
            run_id: Some(RunId::new(format!("manual-{}", if dice.permille(100) { 0 } else { number })).ok()?),
            logical_date: None,
            data_interval: None,
            run_after: None,
            conf: json!({"n": number}),
            // One in thirty is a run that no database takes.
            note: dice.permille(30).then(|| POISON.to_owned()),
            triggered_by: TriggeredBy::RestApi,
        }));
    }
    let run = dice.pick(runs);
    let (dag_id, run_id) = (run.dag_id.clone(), run.run_id.clone());
    let tasks: Vec<TaskId> = dags.iter().find(|d| d.dag_id == dag_id)?.tasks.keys().cloned().collect();
    let selection = Selection {
        dag_id: dag_id.clone(),
        run_id: run_id.clone(),
        tasks: if dice.permille(300) { Vec::new() } else { vec![(dice.pick(&tasks).clone(), None)] },
        downstream: dice.permille(500),
        upstream: dice.permille(100),
        future: run.logical_date.is_some() && dice.permille(100),
        past: run.logical_date.is_some() && dice.permille(100),
        dry_run: dice.permille(50),
    };
    Some(match dice.below(13) {
        0..4 => Request::Clear(Clear {
            selection,
            only_failed: dice.permille(300),
            only_running: false,
            reset_dag_runs: true,
            run_on_latest_version: dice.permille(500),
        }),
        4..6 => Request::SetTaskState(SetTaskState {
            selection,
            state: *dice.pick(&[TaskState::Success, TaskState::Failed, TaskState::Skipped]),
        }),
        6 => Request::SetRunState { dag_id, run_id, state: *dice.pick(&[RunState::Success, RunState::Failed, RunState::Queued]) },
        7 => Request::DeleteRun { dag_id, run_id },
        8 => Request::DeleteDag { dag_id },
        9 => Request::DeletePool { name: PoolName::new(SMALL_POOL.0).ok()? },
        10 => Request::SetPool(small_pool(dice.permille(500))?),
        _ => Request::SetPaused { dag_id, is_paused: dice.permille(400) },
    })
}

/// The small pool.
pub(crate) fn small_pool(include_deferred: bool) -> Option<PoolRow> {
    let (name, slots) = SMALL_POOL;
    Some(PoolRow { name: PoolName::new(name).ok()?, slots, description: None, include_deferred })
}

/// A text that the database of these stories does not take.
pub(crate) const POISON: &str = "poison";
/// The file whose import error it does not take.
const BAD_FILE: &str = "poison.yaml";

/// Whether the database refuses a batch because of a value.
pub(crate) fn is_poisoned(batch: &Batch) -> bool {
    let file = |error: &Upsert<ImportErrorRow, String>| matches!(error, Upsert::Set(row) if row.file == BAD_FILE);
    batch.versions.iter().any(|new| is_refused(&new.version.dag))
        || batch.xcoms.iter().any(|xcom| xcom.key == POISON)
        || batch.new_runs.iter().any(|run| run.note.as_deref() == Some(POISON))
        || batch.import_errors.iter().any(file)
}

/// Whether the database takes no version of a DAG that is like this.
pub(crate) fn is_refused(dag: &Dag) -> bool {
    dag.description.as_deref() == Some(POISON)
}

pub(crate) fn bad_file(now: Timestamp) -> FileChange {
    let error = ImportErrorRow { file: BAD_FILE.to_owned(), timestamp: now, stack_trace: String::new(), diagnostics: json!([]) };
    let content = FileContent { source: Arc::default(), dags: Vec::new(), error: Some(error) };
    FileChange { file: BAD_FILE.to_owned(), content: Some(content) }
}

/// An edit of a DAG file: one more task at the end, or one less; and at times what the database does not take.
pub(crate) fn edit(dice: &mut Dice, dag: &mut Dag, number: u64) {
    let index = 50 + number;
    dag.description = dice.permille(250).then(|| POISON.to_owned());
    if let Ok(id) = TaskId::new(format!("t{index}")) {
        let mut task = Task::new(id, Operator::Bash { command: "true".to_owned() });
        let ids: Vec<TaskId> = dag.tasks.keys().cloned().collect();
        task.upstream.insert(dice.pick(&ids).clone());
        dag.tasks.insert(task.task_id.clone(), task);
    }
    if dice.permille(300) {
        let ids: Vec<TaskId> = dag.tasks.keys().cloned().collect();
        let gone = dice.pick(&ids).clone();
        dag.tasks.remove(&gone);
        for task in dag.tasks.values_mut() {
            task.upstream.remove(&gone);
        }
    }
}

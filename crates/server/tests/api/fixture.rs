//! What is in the store when a test begins.
//!
//! - `sales`: cron, three tasks `extract -> clean -> load`; run `done` has succeeded (`extract` with
//!   two tries), run `live` runs: `extract` runs, `clean` waits for it, `load` for `clean`; run
//!   `later` is queued for the year 2100.
//! - `parked`: paused, one task `only`, run `idle` is queued.
//! - `bad.yaml` has an import error. Pool `warehouse` has 2 slots.

use serde_json::{Value, json};
use updraft_model::{
    AttemptId, AttemptRow, Batch, ContentHash, Dag, DagId, DagRow, DagVersion, DataInterval, ImportErrorRow, NewVersion, NextRun, Operator,
    Param, PoolRow, RunKey, RunRow, RunState, RunType, Schedule, Task, TaskId, TaskInstanceId, TaskInstanceRow, TaskState, Timestamp,
    TriggeredBy, Upsert, VersionId, XComRow,
};
use uuid::Uuid;

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn uuid(number: u128) -> Uuid {
    // A random (v4) UUID's form: the shapes check it.
    Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0000 | number)
}

fn task(id: &str, upstream: &[&str], command: &str) -> (TaskId, Task) {
    let id = TaskId::new(id).unwrap();
    let mut task = Task::new(id.clone(), Operator::Bash { command: command.into() });
    task.upstream = upstream.iter().map(|up| up.parse().unwrap()).collect();
    (id, task)
}

fn sales() -> Dag {
    let mut dag = Dag::new(DagId::new("sales").unwrap());
    dag.description = Some("Sales of the day".into());
    dag.tags = ["daily", "sales"].map(str::to_owned).into();
    dag.schedule = Schedule::Cron { expressions: vec!["0 6 * * *".into()], timezone: "UTC".into(), data_interval: false };
    dag.start_date = Some(at("2026-01-01T00:00:00Z"));
    dag.dagrun_timeout = Some(jiff::SignedDuration::from_hours(2));
    let schema = json!({ "type": "string", "format": "date" });
    dag.params.insert("day".into(), Param { default: Some(json!("2026-01-01")), description: Some("Day to load".into()), schema });
    dag.params.insert("at".into(), Param { default: Some(json!("06:00:00")), description: None, schema: json!({ "format": "time" }) });
    dag.tasks =
        [task("extract", &[], "./extract.sh"), task("clean", &["extract"], "./clean.sh"), task("load", &["clean"], "./load.sh")].into();
    dag.tasks.get_mut("load").unwrap().pool = "warehouse".parse().unwrap();
    dag
}

fn parked() -> Dag {
    let mut dag = Dag::new(DagId::new("parked").unwrap());
    dag.tasks = [task("only", &[], "true")].into();
    dag
}

pub fn version(id: u128, number: u32, dag: Dag) -> DagVersion {
    DagVersion { id: VersionId(uuid(id)), number, hash: ContentHash::of(&dag), created_at: at("2026-01-01T00:00:00Z"), dag }
}

pub fn dag_row(dag_id: &str, latest: VersionId, is_paused: bool) -> DagRow {
    let six = at("2026-02-01T06:00:00Z");
    let next = NextRun { run_after: six, logical_date: six, data_interval: DataInterval { start: six, end: six } };
    DagRow {
        dag_id: dag_id.parse().unwrap(),
        is_paused,
        is_stale: false,
        latest,
        file: format!("{dag_id}.yaml"),
        last_parsed_at: at("2026-01-31T00:00:00.5Z"),
        last_automated: None,
        next: (!is_paused).then_some(next),
    }
}

pub fn run(key: i64, dag_id: &str, run_id: &str, version: VersionId, state: RunState) -> RunRow {
    RunRow {
        key: RunKey(key),
        dag_id: dag_id.parse().unwrap(),
        run_id: run_id.parse().unwrap(),
        run_type: RunType::Manual,
        state,
        version,
        logical_date: None,
        data_interval: None,
        run_after: at("2026-01-30T06:00:00Z"),
        queued_at: Some(at("2026-01-30T06:00:00Z")),
        start_date: None,
        end_date: None,
        conf: json!({}),
        triggered_by: TriggeredBy::RestApi,
        triggering_user: Some("ada".into()),
        note: None,
        end_reason: None,
    }
}

pub fn task_instance(run: &RunRow, task_id: &str, id: u128, state: TaskState) -> TaskInstanceRow {
    let mut task = Task::new(task_id.parse().unwrap(), Operator::Bash { command: String::new() });
    if task_id == "load" {
        task.pool = "warehouse".parse().unwrap();
    }
    TaskInstanceRow { state, ..TaskInstanceRow::new(run, &task, TaskInstanceId(uuid(id))) }
}

/// A task instance that ended at its `try_number`.
fn ended(run: &RunRow, task_id: &str, id: u128, try_number: u32, state: TaskState) -> TaskInstanceRow {
    TaskInstanceRow {
        try_number,
        max_tries: 1,
        start_date: Some(at("2026-01-30T06:00:01Z")),
        end_date: Some(at("2026-01-30T06:00:03.5Z")),
        executor: Some("local".parse().unwrap()),
        node: Some("node-1".parse().unwrap()),
        exit_code: Some(i32::from(state == TaskState::Failed)),
        ..task_instance(run, task_id, id, state)
    }
}

pub fn attempt_id(number: u128) -> AttemptId {
    AttemptId(uuid(number))
}

/// An attempt on `node-1` that has not ended.
pub fn attempt_of(row: &TaskInstanceRow, number: u128, try_number: u32) -> AttemptRow {
    AttemptRow {
        id: attempt_id(number),
        key: row.key(),
        try_number,
        executor: "local".parse().unwrap(),
        node: Some("node-1".parse().unwrap()),
        queued_at: at("2026-01-30T06:00:00Z"),
        started_at: None,
        ended_at: None,
        outcome: None,
        exit_code: None,
        waiting: None,
    }
}

/// All of it.
pub fn batch() -> Batch {
    let (sales, parked) = (version(1, 1, sales()), version(2, 1, parked()));
    let six = at("2026-01-30T06:00:00Z");
    let mut done = RunRow {
        run_type: RunType::Scheduled,
        logical_date: Some(six),
        data_interval: Some(DataInterval { start: six, end: six }),
        start_date: Some(at("2026-01-30T06:00:01Z")),
        end_date: Some(at("2026-01-30T06:00:11Z")),
        triggered_by: TriggeredBy::Timetable,
        triggering_user: None,
        ..run(1, "sales", "done", sales.id, RunState::Success)
    };
    done.conf = json!({ "day": "2026-01-29" });
    let live = RunRow { start_date: Some(at("2026-01-31T06:00:00Z")), ..run(2, "sales", "live", sales.id, RunState::Running) };
    let later = RunRow { run_after: at("2100-01-01T00:00:00Z"), ..run(3, "sales", "later", sales.id, RunState::Queued) };
    let idle = run(4, "parked", "idle", parked.id, RunState::Queued);
    let running = TaskInstanceRow {
        try_number: 1,
        attempt: Some(attempt_id(77)),
        executor: Some("local".parse().unwrap()),
        node: Some("node-1".parse().unwrap()),
        pid: Some(4711),
        start_date: Some(at("2026-01-31T06:00:01Z")),
        ..task_instance(&live, "extract", 20, TaskState::Running)
    };
    let first_try = TaskInstanceRow { reason: Some("exit code 1".into()), ..ended(&done, "extract", 10, 1, TaskState::Failed) };
    let xcom = |key: &str, value: Value| XComRow { owner: first_try.key(), key: key.into(), value, timestamp: six };
    let attempts = vec![
        AttemptRow { started_at: running.start_date, ..attempt_of(&running, 77, 1) },
        AttemptRow { ended_at: Some(six), ..attempt_of(&first_try, 78, 1) },
        AttemptRow { ended_at: Some(six), ..attempt_of(&first_try, 79, 2) },
    ];
    Batch {
        dags: vec![dag_row("sales", sales.id, false), dag_row("parked", parked.id, true)],
        import_errors: vec![Upsert::Set(ImportErrorRow {
            file: "bad.yaml".into(),
            timestamp: six,
            stack_trace: "bad.yaml:3:5: unknown key `retires`; did you mean `retries`?".into(),
            diagnostics: json!([{ "line": 3, "column": 5 }]),
        })],
        pools: vec![Upsert::Set(PoolRow { name: "warehouse".parse().unwrap(), slots: 2, description: None, include_deferred: false })],
        new_task_instances: vec![
            ended(&done, "extract", 10, 2, TaskState::Success),
            ended(&done, "clean", 11, 1, TaskState::Success),
            ended(&done, "load", 12, 1, TaskState::Success),
            running,
            task_instance(&live, "clean", 21, TaskState::NoStatus),
            task_instance(&live, "load", 22, TaskState::NoStatus),
            task_instance(&idle, "only", 30, TaskState::NoStatus),
        ],
        archived_tries: vec![first_try.clone()],
        attempts,
        xcoms: vec![xcom("return_value", json!({ "rows": 3 })), xcom("path", json!("/tmp/x"))],
        versions: vec![NewVersion::new(sales, "dag_id: sales\n"), NewVersion::new(parked, "dag_id: parked\n")],
        new_runs: vec![done, live, later, idle],
        ..Batch::default()
    }
}

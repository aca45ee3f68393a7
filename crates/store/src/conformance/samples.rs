//! Rows to test with: every field of them is told apart from its default and from its neighbours.

use std::collections::BTreeSet;

use serde_json::json;
use updraft_model::{
    AttemptId, AttemptRow, AwaitedRun, Batch, ContentHash, Dag, DagId, DagRow, DagVersion, DataInterval, ExecutorName, NewVersion, NextRun,
    NodeId, Operator, PoolName, RunId, RunKey, RunRow, RunState, RunType, SkipDecision, Task, TaskId, TaskInstanceId, TaskInstanceKey,
    TaskInstanceRow, TaskState, Timestamp, TriggeredBy, Update, VersionId, XComRow,
};
use uuid::Uuid;

macro_rules! id {
    ($($function:ident -> $type:ident),* $(,)?) => {$(
        /// An identifier.
        ///
        /// # Panics
        /// If `text` is none.
        #[allow(clippy::unwrap_used)]
        pub fn $function(text: impl AsRef<str>) -> $type {
            $type::new(text).unwrap()
        }
    )*};
}

id!(dag_id -> DagId, task_id -> TaskId, run_id -> RunId, pool_name -> PoolName, executor -> ExecutorName, node -> NodeId);

/// A point in time, `seconds` after 2026-01-01T00:00:00Z; not a whole second.
pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_767_225_600 + seconds) * 1_000_000 + 123_456)
}

/// A UUID of its own for each pair.
pub fn uuid(kind: u64, number: i64) -> Uuid {
    // The number first and scrambled, so that they do not come in order.
    let scrambled = number.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Uuid::from_u64_pair(scrambled, kind << 40 | number.unsigned_abs())
}

/// The version `number` of a DAG; tagged with its id and `all`.
pub fn version(dag: &str, number: u32) -> NewVersion {
    let mut content = Dag::new(dag_id(dag));
    content.description = Some(format!("{dag} for the {number}. time"));
    content.tags = [dag.to_owned(), "all".to_owned()].into();
    let hash = ContentHash::of(&content);
    let id = version_id(dag, number);
    let version = DagVersion { id, number, hash, created_at: time(i64::from(number)), dag: content };
    NewVersion::new(version, format!("dag_id: {dag}\n# {number}\n"))
}

/// The id of [`version`].
pub fn version_id(dag: &str, number: u32) -> VersionId {
    let hash = dag.bytes().fold(7_i64, |hash, byte| hash.wrapping_mul(31).wrapping_add(i64::from(byte)) % 1_000_003);
    VersionId(uuid(1, hash * 100 + i64::from(number)))
}

/// A DAG at its version 1.
pub fn dag(dag: &str) -> DagRow {
    let interval = |at| DataInterval { start: time(at), end: time(at + 60) };
    DagRow {
        dag_id: dag_id(dag),
        is_paused: false,
        is_stale: false,
        latest: version_id(dag, 1),
        file: format!("{dag}.yaml"),
        last_parsed_at: time(1),
        last_automated: Some(interval(2)),
        next: Some(NextRun { run_after: time(100), logical_date: time(101), data_interval: interval(102) }),
    }
}

/// A queued run of a DAG with a logical date of its own: `key` hours after the start.
pub fn run(dag: &str, key: i64) -> RunRow {
    let at = time(key * 3600);
    RunRow {
        key: RunKey(key),
        dag_id: dag_id(dag),
        run_id: run_id(format!("manual__{key}")),
        run_type: RunType::Manual,
        state: RunState::Queued,
        version: version_id(dag, 1),
        logical_date: Some(at),
        data_interval: Some(DataInterval { start: at, end: time(key * 3600 + 60) }),
        run_after: at,
        queued_at: Some(time(key + 1)),
        start_date: None,
        end_date: None,
        conf: json!({"z": 1, "a": [1.5, null, "ü"], "big": 9_007_199_254_740_993_i64}),
        triggered_by: TriggeredBy::RestApi,
        triggering_user: Some("Ada".to_owned()),
        note: Some("by hand".to_owned()),
        end_reason: None,
    }
}

/// A task instance in `no_status`.
pub fn task_instance(run: &RunRow, task: impl AsRef<str>) -> TaskInstanceRow {
    let task = task_id(task);
    let number = task.as_str().bytes().fold(run.key.0, |n, byte| n.wrapping_mul(131).wrapping_add(i64::from(byte)));
    let task = Task { priority_weight: 7, ..Task::new(task, Operator::Empty) };
    TaskInstanceRow { max_tries: 2, ..TaskInstanceRow::new(run, &task, TaskInstanceId(uuid(2, number.wrapping_abs() % (1 << 40)))) }
}

/// `row` with every field filled.
pub fn full(row: TaskInstanceRow) -> TaskInstanceRow {
    TaskInstanceRow {
        try_number: 2,
        attempt: Some(AttemptId(uuid(3, 1))),
        relaunches: 1,
        executor: Some(executor("local")),
        node: Some(node("node-1")),
        pid: Some(u32::MAX),
        scheduled_at: Some(time(1)),
        queued_at: Some(time(2)),
        start_date: Some(time(3)),
        end_date: Some(time(4)),
        first_start: Some(time(5)),
        next_at: Some(time(6)),
        awaits: Some(AwaitedRun { dag_id: dag_id("other"), run_id: run_id("r") }),
        decision: Some(SkipDecision(BTreeSet::from([task_id("x"), task_id("y")]))),
        pool: pool_name("Pool of \"quotes\" and ü"),
        pool_slots: 3,
        priority_weight: i64::from(i32::MAX) + 1,
        exit_code: Some(-1),
        reason: Some("because".to_owned()),
        note: Some("a note".to_owned()),
        ..row
    }
}

/// An attempt that has not ended.
pub fn attempt(number: i64, key: TaskInstanceKey) -> AttemptRow {
    AttemptRow {
        id: AttemptId(uuid(3, number)),
        key,
        try_number: 1,
        executor: executor("local"),
        node: Some(node("node-1")),
        queued_at: time(number),
        started_at: None,
        ended_at: None,
        outcome: None,
        exit_code: None,
        waiting: Some("no place".to_owned()),
    }
}

/// An XCom.
pub fn xcom(owner: TaskInstanceKey, key: &str, value: serde_json::Value) -> XComRow {
    XComRow { owner, key: key.to_owned(), value, timestamp: time(9) }
}

/// A batch that makes some DAGs.
pub fn dags(names: &[&str]) -> Batch {
    Batch {
        versions: names.iter().map(|name| version(name, 1)).collect(),
        dags: names.iter().map(|name| dag(name)).collect(),
        ..Batch::default()
    }
}

/// An update of a run to `row`, which was in the state `from`.
pub fn run_update(from: RunState, row: RunRow) -> Update<RunState, RunRow> {
    Update { from, row }
}

/// An update of a task instance to `row`, which was in the state `from`.
pub fn update(from: TaskState, row: TaskInstanceRow) -> Update<TaskState, TaskInstanceRow> {
    Update { from, row }
}

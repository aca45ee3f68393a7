//! The tables that commits write: their columns, and how a value becomes a row of them.

use serde::Serialize;
use updraft_model::{AttemptRow, DagRow, ImportErrorRow, NewVersion, PoolRow, RunRow, TaskInstanceKey, TaskInstanceRow, XComRow};

use crate::Cell;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Int,
    Bool,
    Text,
    Time,
    Uuid,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
}

/// A table, or what is written of it.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Its name.
    pub table: &'static str,
    /// The columns of its key.
    pub key: &'static [&'static str],
    /// What is written, in the order of the cells.
    pub columns: &'static [Column],
    /// The columns, key aside, that indexes are made of and that rarely change. (SQLite rewrites
    /// the index entry of every column that an UPDATE names, even if the value stays.)
    pub indexed: &'static [&'static str],
    /// The columns that an update leaves as they are: names, and what others write.
    pub fixed: &'static [&'static str],
}

impl Shape {
    /// Whether a column belongs to the key.
    pub fn is_key(&self, column: &Column) -> bool {
        self.key.contains(&column.name)
    }

    /// The columns' names with `prefix` before each, joined by commas.
    pub fn list(&self, prefix: &str) -> String {
        self.columns.iter().map(|column| format!("{prefix}{}", column.name)).collect::<Vec<_>>().join(", ")
    }
}

macro_rules! shape {
    ($(#[$doc:meta])* $name:ident = $table:literal, key [$($key:literal),*], { $($column:ident: $kind:ident),* $(,)? }
        $(, indexed [$($indexed:literal),*], fixed [$($fixed:literal),*])?) => {
        $(#[$doc])*
        pub(crate) const $name: Shape = Shape {
            table: $table,
            key: &[$($key),*],
            columns: &[$(Column { name: stringify!($column), kind: Kind::$kind }),*],
            indexed: &[$($($indexed),*)?],
            fixed: &[$($($fixed),*)?],
        };
    };
}

shape!(DAG = "dag", key ["dag_id"], {
    dag_id: Text, is_paused: Bool, is_stale: Bool, latest: Uuid, file: Text, last_parsed_at: Time, last_automated_start: Time,
    last_automated_end: Time, next_run_after: Time, next_logical_date: Time, next_interval_start: Time, next_interval_end: Time,
});
shape!(DAG_VERSION = "dag_version", key ["id"], {
    id: Uuid, dag_id: Text, number: Int, hash: Text, created_at: Time, display_name: Text, tags: Text, owners: Text, dag: Text,
});
shape!(DAG_SOURCE = "dag_source", key ["version"], { version: Uuid, source: Text });
shape!(IMPORT_ERROR = "import_error", key ["file"], { file: Text, timestamp: Time, stack_trace: Text, diagnostics: Text });
shape!(POOL = "pool", key ["name"], { name: Text, slots: Int, description: Text, include_deferred: Bool });
shape!(RUN = "dag_run", key ["id"], {
    id: Int, dag_id: Text, run_id: Text, run_type: Text, state: Text, version: Uuid, logical_date: Time, data_interval_start: Time,
    data_interval_end: Time, run_after: Time, queued_at: Time, start_date: Time, end_date: Time, conf: Text, triggered_by: Text,
    triggering_user: Text, end_reason: Text, note: Text,
}, indexed ["run_after"], fixed ["dag_id", "run_id", "logical_date", "note"]);
shape!(TASK_INSTANCE = "task_instance", key ["run", "task_id", "map_index"], {
    run: Int, task_id: Text, map_index: Int, id: Uuid, version: Uuid, state: Text, try_number: Int, max_tries: Int, attempt: Uuid,
    relaunches: Int, executor: Text, node: Text, pid: Int, scheduled_at: Time, queued_at: Time, start_date: Time, end_date: Time,
    first_start: Time, next_at: Time, awaits: Text, decision: Text, pool: Text, pool_slots: Int, priority_weight: Int, operator: Text,
    exit_code: Int, reason: Text, note: Text,
}, indexed ["id", "start_date"], fixed ["note"]);
shape!(ATTEMPT = "attempt", key ["id"], {
    id: Uuid, run: Int, task_id: Text, map_index: Int, try_number: Int, executor: Text, node: Text, queued_at: Time, started_at: Time,
    ended_at: Time, outcome: Text, exit_code: Int, waiting: Text,
});
shape!(XCOM = "xcom", key ["run", "task_id", "map_index", "key"], { run: Int, task_id: Text, map_index: Int, key: Text, value: Text, timestamp: Time });
shape!(
    /// The XComs of a task instance.
    XCOMS_OF = "xcom", key ["run", "task_id", "map_index"], { run: Int, task_id: Text, map_index: Int }
);
shape!(
    /// All of a DAG's runs.
    RUNS_OF = "dag_run", key ["dag_id"], { dag_id: Text }
);
shape!(
    /// All of a DAG's versions.
    VERSIONS_OF = "dag_version", key ["dag_id"], { dag_id: Text }
);
shape!(REQUEST = "request", key ["id"], { id: Int, answer: Text });
shape!(
    /// A request by its key alone.
    REQUEST_KEY = "request", key ["id"], { id: Int }
);
shape!(
    /// A run by its key alone.
    RUN_KEY = "dag_run", key ["id"], { id: Int }
);
shape!(
    /// A DAG by its key alone.
    DAG_KEY = "dag", key ["dag_id"], { dag_id: Text }
);
shape!(
    /// An import error by its key alone.
    IMPORT_ERROR_KEY = "import_error", key ["file"], { file: Text }
);
shape!(
    /// A pool by its key alone.
    POOL_KEY = "pool", key ["name"], { name: Text }
);

shape!(
    /// Table `setting`.
    SETTING = "setting", key ["name"], { name: Text, value: Text }
);

/// The table of archived tries: the same columns as [`TASK_INSTANCE`], one more of them in the key.
pub(crate) const TRY: Shape =
    Shape { table: "task_instance_try", key: &["run", "task_id", "map_index", "try_number"], indexed: &[], ..TASK_INSTANCE };

/// JSON text. What is stored is made of maps with text keys, which can always be written.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn dag(row: &DagRow) -> Vec<Cell> {
    let DagRow { dag_id, is_paused, is_stale, latest, file, last_parsed_at, last_automated, next } = row;
    vec![
        dag_id.as_str().into(),
        (*is_paused).into(),
        (*is_stale).into(),
        latest.0.into(),
        file.into(),
        (*last_parsed_at).into(),
        last_automated.map(|interval| interval.start).into(),
        last_automated.map(|interval| interval.end).into(),
        next.map(|next| next.run_after).into(),
        next.map(|next| next.logical_date).into(),
        next.map(|next| next.data_interval.start).into(),
        next.map(|next| next.data_interval.end).into(),
    ]
}

pub(crate) fn version(NewVersion { version, content, source: _ }: &NewVersion) -> Vec<Cell> {
    let updraft_model::DagVersion { id, number, hash, created_at, dag } = version.as_ref();
    vec![
        id.0.into(),
        dag.dag_id.as_str().into(),
        (*number).into(),
        (&hash.0).into(),
        (*created_at).into(),
        dag.dag_display_name.as_deref().unwrap_or(dag.dag_id.as_str()).into(),
        json(&dag.tags).into(),
        json(&dag.owners()).into(),
        content.as_stored().into(),
    ]
}

pub(crate) fn source(NewVersion { version, content: _, source }: &NewVersion) -> Vec<Cell> {
    vec![version.id.0.into(), source.as_stored().into()]
}

pub(crate) fn import_error(row: &ImportErrorRow) -> Vec<Cell> {
    let ImportErrorRow { file, timestamp, stack_trace, diagnostics } = row;
    vec![file.into(), (*timestamp).into(), stack_trace.into(), json(diagnostics).into()]
}

pub(crate) fn pool(row: &PoolRow) -> Vec<Cell> {
    let PoolRow { name, slots, description, include_deferred } = row;
    vec![name.as_str().into(), (*slots).into(), description.clone().into(), (*include_deferred).into()]
}

pub(crate) fn run(row: &RunRow) -> Vec<Cell> {
    let RunRow {
        key,
        dag_id,
        run_id,
        run_type,
        state,
        version,
        logical_date,
        data_interval,
        run_after,
        queued_at,
        start_date,
        end_date,
        conf,
        triggered_by,
        triggering_user,
        note,
        end_reason,
    } = row;
    vec![
        key.0.into(),
        dag_id.as_str().into(),
        run_id.as_str().into(),
        run_type.as_str().into(),
        state.as_str().into(),
        version.0.into(),
        (*logical_date).into(),
        data_interval.map(|interval| interval.start).into(),
        data_interval.map(|interval| interval.end).into(),
        (*run_after).into(),
        (*queued_at).into(),
        (*start_date).into(),
        (*end_date).into(),
        json(conf).into(),
        triggered_by.as_str().into(),
        triggering_user.clone().into(),
        end_reason.clone().into(),
        note.clone().into(),
    ]
}

pub(crate) fn task_instance(row: &TaskInstanceRow) -> Vec<Cell> {
    let TaskInstanceRow {
        run,
        task_id,
        map_index,
        id,
        dag_id: _,
        run_id: _,
        version,
        state,
        try_number,
        max_tries,
        attempt,
        relaunches,
        executor,
        node,
        pid,
        scheduled_at,
        queued_at,
        start_date,
        end_date,
        first_start,
        next_at,
        awaits,
        decision,
        pool,
        pool_slots,
        priority_weight,
        operator,
        exit_code,
        reason,
        note,
    } = row;
    vec![
        run.0.into(),
        task_id.as_str().into(),
        map_index.0.into(),
        id.0.into(),
        version.0.into(),
        state.as_str().into(),
        (*try_number).into(),
        (*max_tries).into(),
        attempt.map(|id| id.0).into(),
        (*relaunches).into(),
        executor.as_ref().map(|name| name.as_str()).into(),
        node.as_ref().map(|name| name.as_str()).into(),
        (*pid).into(),
        (*scheduled_at).into(),
        (*queued_at).into(),
        (*start_date).into(),
        (*end_date).into(),
        (*first_start).into(),
        (*next_at).into(),
        awaits.as_ref().map(json).into(),
        decision.as_ref().map(json).into(),
        pool.as_str().into(),
        (*pool_slots).into(),
        (*priority_weight).into(),
        operator.as_ref().into(),
        (*exit_code).into(),
        reason.clone().into(),
        note.clone().into(),
    ]
}

pub(crate) fn attempt(row: &AttemptRow) -> Vec<Cell> {
    let AttemptRow { id, key, try_number, executor, node, queued_at, started_at, ended_at, outcome, exit_code, waiting } = row;
    let TaskInstanceKey { run, task_id, map_index } = key;
    vec![
        id.0.into(),
        run.0.into(),
        task_id.as_str().into(),
        map_index.0.into(),
        (*try_number).into(),
        executor.as_str().into(),
        node.as_ref().map(|name| name.as_str()).into(),
        (*queued_at).into(),
        (*started_at).into(),
        (*ended_at).into(),
        outcome.clone().into(),
        (*exit_code).into(),
        waiting.clone().into(),
    ]
}

pub(crate) fn key(TaskInstanceKey { run, task_id, map_index }: &TaskInstanceKey) -> Vec<Cell> {
    vec![run.0.into(), task_id.as_str().into(), map_index.0.into()]
}

pub(crate) fn xcom(XComRow { owner, key: name, value, timestamp }: &XComRow) -> Vec<Cell> {
    let mut cells = key(owner);
    cells.extend([name.into(), json(value).into(), (*timestamp).into()]);
    cells
}

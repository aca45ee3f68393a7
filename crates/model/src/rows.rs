//! What the store keeps, one struct per table, in rich types.

use std::{borrow::Cow, collections::BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    AttemptId, AttemptLabels, DagId, DataInterval, ExecutorName, MapIndex, NextRun, NodeId, PoolName, RunId, RunKey, RunState, RunType,
    Task, TaskId, TaskInstanceId, TaskInstanceKey, TaskState, Timestamp, VersionId,
};

/// Table `dag`: what is known of a DAG beside its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DagRow {
    /// Its name.
    pub dag_id: DagId,
    /// Nothing of it starts while it is paused.
    pub is_paused: bool,
    /// Its file is gone (or no longer has it). Active runs finish on the version they have.
    pub is_stale: bool,
    /// Its newest content.
    pub latest: VersionId,
    /// The file it comes from, relative to the bundle.
    pub file: String,
    /// When its file was last read.
    pub last_parsed_at: Timestamp,
    /// The data interval of the newest scheduled run.
    pub last_automated: Option<DataInterval>,
    /// The next scheduled run, for people to see.
    pub next: Option<NextRun>,
}

/// What asked for a run (Airflow's `DagRunTriggeredByType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum TriggeredBy {
    Cli,
    Operator,
    RestApi,
    Ui,
    Test,
    Timetable,
    Asset,
    Backfill,
}

impl TriggeredBy {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Cli, Self::Operator, Self::RestApi, Self::Ui, Self::Test, Self::Timetable, Self::Asset, Self::Backfill];

    /// As Airflow spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Operator => "operator",
            Self::RestApi => "rest_api",
            Self::Ui => "ui",
            Self::Test => "test",
            Self::Timetable => "timetable",
            Self::Asset => "asset",
            Self::Backfill => "backfill",
        }
    }
}

impl std::str::FromStr for TriggeredBy {
    type Err = crate::UnknownState;
    fn from_str(text: &str) -> Result<Self, crate::UnknownState> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| crate::UnknownState(text.to_owned()))
    }
}

/// Table `dag_run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// Its key inside other tables.
    pub key: RunKey,
    /// Its DAG.
    pub dag_id: DagId,
    /// Its name; unique per DAG.
    pub run_id: RunId,
    /// What made it.
    pub run_type: RunType,
    /// Its state.
    pub state: RunState,
    /// The version it started with, or was moved to by a clear.
    pub version: VersionId,
    /// Unique per DAG unless absent.
    pub logical_date: Option<Timestamp>,
    /// Absent exactly if the logical date is.
    pub data_interval: Option<DataInterval>,
    /// Not started before.
    pub run_after: Timestamp,
    /// When it last became `queued`.
    pub queued_at: Option<Timestamp>,
    /// When it became `running`.
    pub start_date: Option<Timestamp>,
    /// When it ended.
    pub end_date: Option<Timestamp>,
    /// What the caller sent, an object; empty if nothing.
    pub conf: Value,
    /// What asked for it.
    pub triggered_by: TriggeredBy,
    /// Who asked for it.
    pub triggering_user: Option<String>,
    /// A person's remark.
    pub note: Option<String>,
    /// Why it ended as it did, where that is not plain from its tasks (`deadlock`, `dagrun_timeout`).
    pub end_reason: Option<String>,
}

/// What a branch or short-circuit decided: these are skipped, also when cleared alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SkipDecision(pub BTreeSet<TaskId>);

/// The run a deferred `trigger_dag_run` waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AwaitedRun {
    /// Its DAG.
    pub dag_id: DagId,
    /// Its id.
    pub run_id: RunId,
}

/// Table `task_instance`. A task of an active run without a row is one in `no_status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskInstanceRow {
    /// The run.
    pub run: RunKey,
    /// The task.
    pub task_id: TaskId,
    /// The copy.
    pub map_index: MapIndex,
    /// Its name in Airflow's API.
    pub id: TaskInstanceId,
    /// The run's DAG.
    pub dag_id: DagId,
    /// The run's id.
    pub run_id: RunId,
    /// The version its task is taken from.
    pub version: VersionId,
    /// Its state.
    pub state: TaskState,
    /// The current or last try; 0 before the first is scheduled.
    pub try_number: u32,
    /// A try is followed by another while its number is at most this and this is above 0.
    pub max_tries: u32,
    /// The current or last attempt.
    pub attempt: Option<AttemptId>,
    /// How often this try was launched again after a lost place.
    pub relaunches: u32,
    /// The executor of the current or last attempt.
    pub executor: Option<ExecutorName>,
    /// Where the current or last attempt runs.
    pub node: Option<NodeId>,
    /// Its process id there.
    pub pid: Option<u32>,
    /// When it became `scheduled`.
    pub scheduled_at: Option<Timestamp>,
    /// When it became `queued`.
    pub queued_at: Option<Timestamp>,
    /// When the attempt started.
    pub start_date: Option<Timestamp>,
    /// When it ended.
    pub end_date: Option<Timestamp>,
    /// When the first attempt of this try started: a sensor's timeout counts from it.
    pub first_start: Option<Timestamp>,
    /// `up_for_retry`, `up_for_reschedule`: not before.
    pub next_at: Option<Timestamp>,
    /// `deferred`: what it waits for.
    pub awaits: Option<AwaitedRun>,
    /// What it decided, if it is a branch or short-circuit that ended.
    pub decision: Option<SkipDecision>,
    /// The pool it takes slots from.
    pub pool: PoolName,
    /// How many.
    pub pool_slots: u32,
    /// Fixed when it was created.
    pub priority_weight: i64,
    /// Airflow's operator name.
    pub operator: Cow<'static, str>,
    /// The program's exit code.
    pub exit_code: Option<i32>,
    /// Why it is in this state, where the state alone does not say it.
    pub reason: Option<String>,
    /// A person's remark. Written by API servers, never by the engine.
    pub note: Option<String>,
}

impl TaskInstanceRow {
    /// A task's instance in a run of its version, before anything happened to it: `no_status`, no try.
    pub fn new(run: &RunRow, task: &Task, id: TaskInstanceId) -> Self {
        Self {
            run: run.key,
            task_id: task.task_id.clone(),
            map_index: MapIndex::UNMAPPED,
            id,
            dag_id: run.dag_id.clone(),
            run_id: run.run_id.clone(),
            version: run.version,
            state: TaskState::NoStatus,
            try_number: 0,
            max_tries: task.retry.retries,
            attempt: None,
            relaunches: 0,
            executor: None,
            node: None,
            pid: None,
            scheduled_at: None,
            queued_at: None,
            start_date: None,
            end_date: None,
            first_start: None,
            next_at: None,
            awaits: None,
            decision: None,
            pool: task.pool.clone(),
            pool_slots: task.pool_slots,
            priority_weight: task.priority_weight,
            operator: task.operator.airflow_name().into(),
            exit_code: None,
            reason: None,
            note: None,
        }
    }

    /// Its key.
    pub fn key(&self) -> TaskInstanceKey {
        TaskInstanceKey { run: self.run, task_id: self.task_id.clone(), map_index: self.map_index }
    }

    /// The names of its current or last attempt.
    pub fn labels(&self) -> AttemptLabels {
        AttemptLabels {
            dag_id: self.dag_id.clone(),
            run_id: self.run_id.clone(),
            task_id: self.task_id.clone(),
            map_index: self.map_index,
            try_number: self.try_number,
        }
    }
}

/// Table `attempt`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow {
    /// Its key.
    pub id: AttemptId,
    /// Of what.
    pub key: TaskInstanceKey,
    /// Of which try.
    pub try_number: u32,
    /// Where it runs.
    pub executor: ExecutorName,
    /// On which node.
    pub node: Option<NodeId>,
    /// When it was decided.
    pub queued_at: Timestamp,
    /// When its program started.
    pub started_at: Option<Timestamp>,
    /// When it was over; absent while it may be alive.
    pub ended_at: Option<Timestamp>,
    /// How it ended, in words: `exited 0`, `timed out`, `place lost: ...`.
    pub outcome: Option<String>,
    /// The program's exit code.
    pub exit_code: Option<i32>,
    /// What the executor says about an attempt that does not run yet.
    pub waiting: Option<String>,
}

/// Table `xcom`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XComRow {
    /// Whose.
    pub owner: TaskInstanceKey,
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// When it was pushed.
    pub timestamp: Timestamp,
}

/// Table `pool`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRow {
    /// Its name.
    pub name: PoolName,
    /// `-1` means unlimited, as in Airflow.
    pub slots: i32,
    /// For people.
    pub description: Option<String>,
    /// Whether deferred task instances take slots.
    pub include_deferred: bool,
}

/// The size of `default_pool` in a new store (Airflow's `default_pool_task_slot_count`).
pub const DEFAULT_POOL_SLOTS: i32 = 128;

/// Table `import_error`: why a file, or a part of it, gives no DAG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportErrorRow {
    /// The file, relative to the bundle.
    pub file: String,
    /// When it was read.
    pub timestamp: Timestamp,
    /// The diagnostics as text: file, line, column, the offending line, a hint.
    pub stack_trace: String,
    /// The same as JSON, for the page and other tools: a list of diagnostics.
    pub diagnostics: Value,
}

//! Attempts: what an executor is given, what it tells, how it ended.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AttemptId, DagId, ExecutorName, MapIndex, NodeId, RunId, RunKey, TaskId, TaskInstanceKey, Timestamp};

/// The version of [`Workload`]'s and [`Exit`]'s serialised forms: supervisors outlive daemons.
pub const WORKLOAD_FORMAT: u32 = 1;

/// The longest value of one XCom, in bytes of its JSON text.
pub const XCOM_LIMIT: usize = 64 * 1024;

/// The names of an attempt, for environment variables, labels and paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptLabels {
    /// The DAG.
    pub dag_id: DagId,
    /// The run.
    pub run_id: RunId,
    /// The task.
    pub task_id: TaskId,
    /// The copy.
    pub map_index: MapIndex,
    /// The try, from 1.
    pub try_number: u32,
}

impl AttemptLabels {
    /// The log's path below the log folder, in Airflow's layout:
    /// `dag_id=../run_id=../task_id=../[map_index=../]attempt=N.log`.
    pub fn log_path(&self) -> String {
        let Self { dag_id, run_id, task_id, map_index, try_number } = self;
        let map = if *map_index == MapIndex::UNMAPPED { String::new() } else { format!("map_index={}/", map_index.0) };
        format!("dag_id={dag_id}/run_id={run_id}/task_id={task_id}/{map}attempt={try_number}.log")
    }
}

/// What an executor runs: everything rendered, nothing left to decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// [`WORKLOAD_FORMAT`] of the writer.
    pub format: u32,
    /// The attempt: launching it twice is launching it once.
    pub attempt: AttemptId,
    /// Its names.
    pub labels: AttemptLabels,
    /// Program and arguments; at least one.
    pub argv: Vec<String>,
    /// Written to the program's standard input, which is then closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// Its environment, on top of the executor's allow-list of the daemon's.
    pub env: BTreeMap<String, String>,
    /// Absolute; a private temporary folder if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The system user it runs as; the daemon's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_user: Option<String>,
    /// A container image, for executors that have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Ended after so long, with [`HowEnded::TimedOut`], even while no daemon runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_timeout: Option<SignedDuration>,
    /// Between SIGTERM and SIGKILL.
    pub termination_grace: SignedDuration,
    /// Over, its grace included, after so long without a daemon that could tell the store of it. An executor
    /// that belongs to a node sets it: the run may go on elsewhere then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_lost_after: Option<SignedDuration>,
    /// Whether [`Exit::last_line`] is wanted.
    pub capture_last_line: bool,
    /// Replaced by [`crate::HIDDEN`] in the log and in [`Exit::last_line`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<String>,
    /// Written at the head of the log, e.g. rendering warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What its templates became, by Airflow's name of the field, for people: without secrets. The
    /// executor keeps it beside the log, in the list of its segments.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub rendered_fields: Map<String, Value>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum HowEnded {
    /// The program exited.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal ended the program that nobody of Updraft sent.
    Signaled {
        /// Its number.
        signal: i32,
    },
    /// `execution_timeout` passed and it was ended.
    TimedOut,
    /// It was ended because the engine asked for it.
    Terminated,
    /// It could not be started: no such program, folder or user. Says why.
    CouldNotStart {
        /// The system's words.
        error: String,
    },
    /// Its place vanished: supervisor or machine died.
    PlaceLost {
        /// Whether the user's program may have started.
        started: bool,
        /// What is known.
        why: String,
    },
    /// Its outputs break the contract (too long, not JSON): a failure whatever the exit code.
    BadOutput {
        /// What is wrong, and the limit.
        error: String,
    },
}

/// The end of an attempt, as one value: exit, times and outputs are committed together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// How.
    #[serde(flatten)]
    pub how: HowEnded,
    /// When the program started; absent if it never did.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Timestamp,
    /// What it wrote to `UPDRAFT_OUTPUT`, by key; the last of a key counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Value>,
    /// The last line of its output, right-stripped; empty if it printed nothing, absent if not captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_line: Option<String>,
    /// The process id it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// What an executor reports by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ExecutorEvent {
    /// The program runs.
    Started {
        /// Which.
        attempt: AttemptId,
        /// Since when.
        at: Timestamp,
        /// Its process id, where it has one.
        pid: Option<u32>,
    },
    /// It is over.
    Ended {
        /// Which.
        attempt: AttemptId,
        /// How.
        exit: Box<Exit>,
    },
    /// Why it does not run yet, in the executor's words; `None` when that is over.
    Waiting {
        /// Which.
        attempt: AttemptId,
        /// E.g. `Unschedulable: 0/3 nodes have a GPU`.
        reason: Option<String>,
    },
}

impl ExecutorEvent {
    /// The attempt it is about.
    pub fn attempt(&self) -> AttemptId {
        match self {
            Self::Started { attempt, .. } | Self::Ended { attempt, .. } | Self::Waiting { attempt, .. } => *attempt,
        }
    }
}

/// An attempt as the store knows it, to find it again after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptHandle {
    /// Which.
    pub attempt: AttemptId,
    /// Its names.
    pub labels: AttemptLabels,
    /// Where it was launched.
    pub node: Option<NodeId>,
}

/// What an executor knows of an attempt it is asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "adoption", rename_all = "snake_case")]
pub enum Adoption {
    /// It runs (or waits to start) and will end with an event.
    Running {
        /// Which.
        attempt: AttemptId,
        /// Since when, if it has started.
        started_at: Option<Timestamp>,
    },
    /// It is over.
    Finished {
        /// Which.
        attempt: AttemptId,
        /// How.
        exit: Box<Exit>,
    },
    /// It was never created here: proven, so it may be launched.
    Absent {
        /// Which.
        attempt: AttemptId,
    },
    /// Its place can't be asked now.
    Unreachable {
        /// Which.
        attempt: AttemptId,
        /// What was tried.
        why: String,
    },
    /// Something is there that nobody asked about; it may be terminated and released.
    Orphan {
        /// Which.
        attempt: AttemptId,
    },
}

/// A decision to run something, to be carried out once it is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The new attempt.
    pub attempt: AttemptId,
    /// Of what.
    pub key: TaskInstanceKey,
    /// Where.
    pub executor: ExecutorName,
}

/// Why an attempt is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillReason {
    /// Its task instance was cleared.
    Cleared,
    /// Its task instance, or its run, was given a state by a person.
    Marked,
    /// `dagrun_timeout`.
    RunTimedOut,
    /// Another task's failure in a `fail_fast` DAG.
    FailFast,
    /// Its run was deleted.
    RunDeleted,
    /// The executor has it, but nobody knows it.
    Orphan,
}

/// A state change of one run, for logs and live updates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunName {
    /// Its key.
    pub key: RunKey,
    /// Its DAG.
    pub dag_id: DagId,
    /// Its id.
    pub run_id: RunId,
}

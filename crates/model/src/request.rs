//! What others ask of the one who decides: rows of the inbox.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AttemptId, DagId, Exit, MapIndex, NodeId, PoolName, PoolRow, RunId, RunState, TaskId, TaskState, Timestamp, TriggeredBy};

/// The key of a request in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub i64);

/// A request that has not been answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingRequest {
    /// Its key.
    pub id: RequestId,
    /// Who asks.
    pub user: Option<String>,
    /// What for.
    pub request: Request,
}

/// A change to what the scheduler holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// A new run.
    TriggerRun(TriggerRun),
    /// Pause or unpause.
    SetPaused {
        /// Which DAG.
        dag_id: DagId,
        /// The new value.
        is_paused: bool,
    },
    /// Forgets a DAG with all its runs. Refused while task instances of it run (Airflow: 409).
    DeleteDag {
        /// Which DAG.
        dag_id: DagId,
    },
    /// Gives a run a state: success or failed end it, queued clears it and starts it again.
    SetRunState {
        /// Which DAG.
        dag_id: DagId,
        /// Which run.
        run_id: RunId,
        /// The new state; not `running`.
        state: RunState,
    },
    /// Deletes a run and its task instances, killing what runs.
    DeleteRun {
        /// Which DAG.
        dag_id: DagId,
        /// Which run.
        run_id: RunId,
    },
    /// Clears task instances: they run again.
    Clear(Clear),
    /// Gives task instances a state.
    SetTaskState(SetTaskState),
    /// Makes or changes a pool.
    SetPool(PoolRow),
    /// Deletes a pool; refused for `default_pool`.
    DeletePool {
        /// Which.
        name: PoolName,
    },
    /// A node is gone for good: what ran there is lost.
    ForgetNode {
        /// Which.
        node: NodeId,
        /// `node_lost_after` has passed, and it was not heard of for so long; else a person says so.
        #[serde(default)]
        silent_for: Option<SignedDuration>,
    },
    /// Another node's daemon tells the end of an attempt there.
    AttemptEnded {
        /// Which.
        attempt: AttemptId,
        /// How.
        exit: Box<Exit>,
    },
}

/// Asks for a new run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerRun {
    /// Of which DAG.
    pub dag_id: DagId,
    /// Its id; derived if absent.
    #[serde(default)]
    pub run_id: Option<RunId>,
    /// Its logical date; `None` means that it has none (Airflow 3).
    #[serde(default)]
    pub logical_date: Option<Timestamp>,
    /// Its data interval; derived from the timetable if absent.
    #[serde(default)]
    pub data_interval: Option<crate::DataInterval>,
    /// Not before; now if absent.
    #[serde(default)]
    pub run_after: Option<Timestamp>,
    /// An object.
    #[serde(default)]
    pub conf: Value,
    /// A remark.
    #[serde(default)]
    pub note: Option<String>,
    /// What asks.
    pub triggered_by: TriggeredBy,
}

impl TriggerRun {
    /// A run of this name, now, without a logical date or anything given.
    pub fn new(dag_id: DagId, run_id: RunId, triggered_by: TriggeredBy) -> Self {
        Self {
            dag_id,
            run_id: Some(run_id),
            logical_date: None,
            data_interval: None,
            run_after: None,
            conf: Value::Object(serde_json::Map::new()),
            note: None,
            triggered_by,
        }
    }
}

/// Which task instances of a run, and of its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// The DAG.
    pub dag_id: DagId,
    /// The run.
    pub run_id: RunId,
    /// The tasks (all copies where the index is absent); all of the run if empty.
    #[serde(default)]
    pub tasks: Vec<(TaskId, Option<MapIndex>)>,
    /// What is downstream of them too.
    #[serde(default)]
    pub downstream: bool,
    /// What is upstream of them too.
    #[serde(default)]
    pub upstream: bool,
    /// The same tasks in runs with a later logical date too.
    #[serde(default)]
    pub future: bool,
    /// The same tasks in runs with an earlier logical date too.
    #[serde(default)]
    pub past: bool,
    /// Only counts; nothing changes.
    #[serde(default)]
    pub dry_run: bool,
}

/// Clears task instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clear {
    /// Which.
    pub selection: Selection,
    /// Only those that failed (or whose upstream did).
    pub only_failed: bool,
    /// Only those that run.
    pub only_running: bool,
    /// A finished run becomes queued again.
    pub reset_dag_runs: bool,
    /// They move to the DAG's latest version, so that a fix takes effect.
    pub run_on_latest_version: bool,
}

/// Gives task instances a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetTaskState {
    /// Which.
    pub selection: Selection,
    /// `success`, `failed` or `skipped`.
    pub state: TaskState,
}

/// How long the API waits for an answer before it withdraws its request.
pub const ANSWER_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);

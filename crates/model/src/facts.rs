//! What the one who decides learns from the store: everything active at its start, and single facts
//! that it does not keep in memory.

use crate::{
    AttemptRow, DagId, DagRow, DagVersion, DataInterval, MapIndex, PoolRow, RunId, RunKey, RunRow, RunState, TaskId, TaskInstanceRow,
    TaskState, Timestamp,
};
use serde_json::Value;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// A run by its name, active or not, with all that belongs to it.
    Run {
        /// Its DAG.
        dag_id: DagId,
        /// Its id.
        run_id: RunId,
    },
    /// The run of a DAG with the largest logical date below `before`, and the states of its tasks.
    PreviousRun {
        /// The DAG.
        dag_id: DagId,
        /// Exclusive.
        before: Timestamp,
        /// Whether manual runs count (they do where catchup is off).
        include_manual: bool,
    },
    /// The ids of a DAG's runs with a logical date below (`past`) or above `of`.
    Neighbours {
        /// The DAG.
        dag_id: DagId,
        /// Exclusive.
        of: Timestamp,
        /// Earlier ones; later ones if false.
        past: bool,
    },
    /// The states of the newest runs of a DAG, by `run_after`, newest first.
    NewestRuns {
        /// The DAG.
        dag_id: DagId,
        /// How many.
        limit: u32,
    },
    /// The state of a run, or of a task of it, by logical date.
    External {
        /// The DAG.
        dag_id: DagId,
        /// The task; the run if absent.
        task_id: Option<TaskId>,
        /// The exact logical date.
        logical_date: Timestamp,
    },
    /// The state of a run by its name.
    RunState {
        /// Its DAG.
        dag_id: DagId,
        /// Its id.
        run_id: RunId,
    },
    /// An XCom.
    XCom {
        /// The run.
        run: RunKey,
        /// The task.
        task_id: TaskId,
        /// The copy; all copies, as a list in index order, if absent.
        map_index: Option<MapIndex>,
        /// Its name.
        key: String,
    },
    /// An XCom of a run by its name, active or not.
    XComOfRun {
        /// The run's DAG.
        dag_id: DagId,
        /// The run's id.
        run_id: RunId,
        /// The task.
        task_id: TaskId,
        /// As in [`Question::XCom`].
        map_index: Option<MapIndex>,
        /// Its name.
        key: String,
        /// Whether runs of the DAG before that one count too: the newest that has such an XCom. Runs are in
        /// the order of their logical date, or `run_after` where they have none. Without that run there is no answer.
        include_prior_dates: bool,
    },
    /// A variable.
    Variable {
        /// Its name.
        key: String,
    },
    /// The newest successful run of a DAG with a logical date below `before`.
    PreviousSuccess {
        /// The DAG.
        dag_id: DagId,
        /// Exclusive.
        before: Timestamp,
    },
    /// Whether a DAG exists and is not stale.
    DagExists {
        /// Which.
        dag_id: DagId,
    },
}

/// What was asked, answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// To [`Question::Run`].
    Run(Option<Box<StoredRun>>),
    /// To [`Question::PreviousRun`].
    PreviousRun(Option<PreviousRun>),
    /// To [`Question::Neighbours`], by logical date.
    Neighbours(Vec<RunId>),
    /// To [`Question::NewestRuns`].
    NewestRuns(Vec<RunState>),
    /// To [`Question::External`] with a task.
    TaskState(Option<TaskState>),
    /// To [`Question::External`] without one, and [`Question::RunState`].
    RunState(Option<RunState>),
    /// To [`Question::XCom`] and [`Question::XComOfRun`].
    XCom(Option<Value>),
    /// To [`Question::Variable`].
    Variable(Option<String>),
    /// To [`Question::PreviousSuccess`].
    PreviousSuccess(Option<PreviousSuccess>),
    /// To [`Question::DagExists`].
    DagExists(bool),
}

/// The states of a run's task instances.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviousRun {
    /// Which run.
    pub run: RunKey,
    /// Its id.
    pub run_id: RunId,
    /// One entry a task instance.
    pub states: Vec<(TaskId, MapIndex, TaskState)>,
}

/// A successful run.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviousSuccess {
    /// Its id.
    pub run_id: RunId,
    /// Its data interval.
    pub data_interval: Option<DataInterval>,
    /// When it started.
    pub start_date: Option<Timestamp>,
    /// When it ended.
    pub end_date: Option<Timestamp>,
}

/// Everything a new leader must know.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loaded {
    /// The largest run key in use; 0 if none.
    pub max_run_key: i64,
    /// All DAGs.
    pub dags: Vec<DagRow>,
    /// The latest version of each DAG and every version an active run or its task instances use.
    pub versions: Vec<DagVersion>,
    /// The queued and running runs, and finished ones with an attempt that has not ended.
    pub runs: Vec<RunRow>,
    /// All task instances of those runs.
    pub task_instances: Vec<TaskInstanceRow>,
    /// All attempts that have not ended, whatever their run.
    pub attempts: Vec<AttemptRow>,
    /// All pools.
    pub pools: Vec<PoolRow>,
    /// For each file with an import error, its name.
    pub files_with_errors: Vec<String>,
}

/// A run that is not active, with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRun {
    /// The run.
    pub run: RunRow,
    /// Its task instances.
    pub task_instances: Vec<TaskInstanceRow>,
    /// The versions they use, the run's own included.
    pub versions: Vec<DagVersion>,
}

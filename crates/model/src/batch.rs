//! What one commit writes: all of it or nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    AnsweredRequest, AttemptRow, DagId, DagRow, DagVersion, ImportErrorRow, Packed, PoolName, PoolRow, RequestId, RunKey, RunRow, RunState,
    TaskInstanceKey, TaskInstanceRow, TaskState, XComRow,
};

/// A row that is there, in the state it is expected to be in, and what it becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Update<S, R> {
    /// The state in the store now; if it is another one, the commit does not happen.
    pub from: S,
    /// The whole new row.
    pub row: R,
}

/// A version with the text it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewVersion {
    /// The version, which the scheduler holds too.
    pub version: Arc<DagVersion>,
    /// [`DagVersion::dag`] as JSON, as it is stored.
    pub content: Packed,
    /// The DAG file's text, which the versions of all its DAGs share.
    pub source: Arc<Packed>,
}

impl NewVersion {
    /// A version whose content has not been packed yet.
    pub fn new(version: impl Into<Arc<DagVersion>>, source: impl Into<Packed>) -> Self {
        let version = version.into();
        Self { content: version.dag.packed(), version, source: Arc::new(source.into()) }
    }
}

/// Sets or removes a row of a small table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upsert<R, K> {
    /// The row as it shall be.
    Set(R),
    /// The row that shall not be.
    Delete(K),
}

/// What one commit writes. A store carries the fields out in the order they stand in.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Batch {
    /// Runs that disappear with their task instances, attempts and XComs.
    pub deleted_runs: Vec<RunKey>,
    /// DAGs that disappear with their versions and runs.
    pub deleted_dags: Vec<DagId>,
    /// The highest key that a run ever had, where runs disappear: it is not given again.
    pub last_run: Option<RunKey>,
    /// New versions.
    pub versions: Vec<NewVersion>,
    /// DAGs, made or changed.
    pub dags: Vec<DagRow>,
    /// The import error of a file.
    pub import_errors: Vec<Upsert<ImportErrorRow, String>>,
    pub pools: Vec<Upsert<PoolRow, PoolName>>,
    /// Runs that must not exist yet, by `(dag_id, run_id)` and `(dag_id, logical_date)`.
    pub new_runs: Vec<RunRow>,
    pub runs: Vec<Update<RunState, RunRow>>,
    /// Task instances that must not exist yet.
    pub new_task_instances: Vec<TaskInstanceRow>,
    /// Everything but `note` is written.
    pub task_instances: Vec<Update<TaskState, TaskInstanceRow>>,
    /// Tries that are over and followed by another: rows of `task_instance_try`.
    pub archived_tries: Vec<TaskInstanceRow>,
    /// Attempts, made or changed.
    pub attempts: Vec<AttemptRow>,
    /// Whose XComs are deleted, before `xcoms` are written.
    pub deleted_xcoms: Vec<TaskInstanceKey>,
    pub xcoms: Vec<XComRow>,
    pub answers: Vec<AnsweredRequest>,
    /// Requests whose effects begin with this commit, and that are answered in a later one: they can't
    /// be withdrawn any more.
    pub taken_requests: Vec<RequestId>,
}

/// One thing that changed, as the live feed tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum FeedChange {
    /// A DAG was made, changed, paused or removed.
    Dag { dag_id: DagId },
    /// A run has this state now.
    Run { dag_id: DagId, run_id: crate::RunId, state: RunState },
    /// A task instance has this state now.
    TaskInstance {
        dag_id: DagId,
        run_id: crate::RunId,
        task_id: crate::TaskId,
        map_index: crate::MapIndex,
        state: TaskState,
        try_number: u32,
    },
    /// A run is no more.
    RunDeleted { run: RunKey },
    /// The import errors changed.
    ImportErrors,
    /// The pools changed.
    Pools,
}

impl Batch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows it writes.
    pub fn len(&self) -> usize {
        let Self {
            deleted_runs,
            deleted_dags,
            last_run,
            versions,
            dags,
            import_errors,
            pools,
            new_runs,
            runs,
            new_task_instances,
            task_instances,
            archived_tries,
            attempts,
            deleted_xcoms,
            xcoms,
            answers,
            taken_requests,
        } = self;
        deleted_runs.len()
            + deleted_dags.len()
            + usize::from(last_run.is_some())
            + versions.len()
            + dags.len()
            + import_errors.len()
            + pools.len()
            + new_runs.len()
            + runs.len()
            + new_task_instances.len()
            + task_instances.len()
            + archived_tries.len()
            + attempts.len()
            + deleted_xcoms.len()
            + xcoms.len()
            + answers.len()
            + taken_requests.len()
    }

    /// What the live feed says about it.
    pub fn feed(&self) -> Vec<FeedChange> {
        let mut feed = Vec::with_capacity(self.runs.len() + self.task_instances.len() + 4);
        feed.extend(self.dags.iter().map(|d| FeedChange::Dag { dag_id: d.dag_id.clone() }));
        feed.extend(self.deleted_dags.iter().map(|d| FeedChange::Dag { dag_id: d.clone() }));
        if !self.import_errors.is_empty() {
            feed.push(FeedChange::ImportErrors);
        }
        if !self.pools.is_empty() {
            feed.push(FeedChange::Pools);
        }
        feed.extend(self.deleted_runs.iter().map(|run| FeedChange::RunDeleted { run: *run }));
        let runs = self.new_runs.iter().chain(self.runs.iter().map(|u| &u.row));
        feed.extend(runs.map(|r| FeedChange::Run { dag_id: r.dag_id.clone(), run_id: r.run_id.clone(), state: r.state }));
        // New task instances are told with their run; only those that are more than `no_status` add something.
        let new = self.new_task_instances.iter().filter(|t| t.state != TaskState::NoStatus);
        feed.extend(new.chain(self.task_instances.iter().map(|u| &u.row)).map(|t| FeedChange::TaskInstance {
            dag_id: t.dag_id.clone(),
            run_id: t.run_id.clone(),
            task_id: t.task_id.clone(),
            map_index: t.map_index,
            state: t.state,
            try_number: t.try_number,
        }));
        feed
    }
}

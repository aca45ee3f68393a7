//! Why something does not run: a value with a variant per cause, the same in the log, the API and the page.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AwaitedRun, ExecutorName, PoolName, RunId, TaskId, TaskState, Timestamp, TriggerRule};

/// Why a task instance does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum WaitingFor {
    /// The DAG is paused.
    DagPaused,
    /// No scheduler holds the lease.
    NoScheduler,
    /// The run's `run_after`, or its logical date, is in the future.
    RunAfter { at: Timestamp },
    /// As many runs of the DAG are active as may be.
    MaxActiveRuns { limit: u32 },
    /// The trigger rule is not decided yet.
    Upstream { rule: TriggerRule, pending: Vec<(TaskId, TaskState)>, more: usize },
    /// `depends_on_past` or `wait_for_downstream`: what has not ended well in the run before. A task
    /// without a state is not part of that run.
    PreviousRun { dag_run_id: RunId, rule: String, pending: Vec<(TaskId, Option<TaskState>)>, more: usize },
    /// A retry delay.
    Retry { at: Timestamp },
    /// The next poke of a sensor.
    Poke { at: Timestamp },
    /// A `trigger_dag_run` waits for its run.
    TriggeredRun { run: AwaitedRun },
    /// The pool has no free slots.
    PoolFull { pool: PoolName, used: i64, slots: i64, wants: u32 },
    /// It wants more slots than the pool has.
    PoolTooSmall { pool: PoolName, slots: i64, wants: u32 },
    /// There is no such pool.
    PoolMissing { pool: PoolName },
    /// `max_active_tasks` of the run.
    MaxActiveTasks { limit: u32 },
    /// `max_active_tis_per_dag` of the task.
    MaxActiveTisPerDag { limit: u32 },
    /// `max_active_tis_per_dagrun` of the task.
    MaxActiveTisPerDagRun { limit: u32 },
    /// The executor has no free place.
    ExecutorFull { executor: ExecutorName, limit: u32 },
    /// No such executor is configured.
    ExecutorMissing { executor: ExecutorName },
    /// It has its slots and is being started.
    Starting { executor: ExecutorName, detail: Option<String> },
    /// It was cleared while it ran; its attempt is being ended.
    Killing,
    /// Nothing is in its way; the scheduler will look at it.
    Scheduler,
}

impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DagPaused => write!(f, "the DAG is paused"),
            Self::NoScheduler => write!(f, "no scheduler is running"),
            Self::RunAfter { at } => write!(f, "the run starts at {at}"),
            Self::MaxActiveRuns { limit } => write!(f, "max_active_runs reached ({limit})"),
            Self::Upstream { rule, pending, more } => {
                write!(f, "waits for upstream ")?;
                for (i, (task, state)) in pending.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{task} ({})", state.as_str())?;
                }
                if *more > 0 {
                    write!(f, " and {more} more")?;
                }
                write!(f, " [{}]", rule.as_str())
            }
            Self::PreviousRun { dag_run_id, rule, pending, more } => {
                write!(f, "waits for the previous run {dag_run_id}: ")?;
                for (i, (task, state)) in pending.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{task} ({})", state.map_or("not part of it", TaskState::as_str))?;
                }
                if *more > 0 {
                    write!(f, " and {more} more")?;
                }
                write!(f, " [{rule}]")
            }
            Self::Retry { at } => write!(f, "retry at {at}"),
            Self::Poke { at } => write!(f, "next poke at {at}"),
            Self::TriggeredRun { run } => write!(f, "waits for run {} of DAG {}", run.run_id, run.dag_id),
            Self::PoolFull { pool, used, slots, wants: 1 } => write!(f, "pool {pool} is full ({used}/{slots})"),
            Self::PoolFull { pool, used, slots, wants } => {
                write!(f, "pool {pool} has too few free slots ({used}/{slots} used, wants {wants})")
            }
            Self::PoolTooSmall { pool, slots, wants } => {
                write!(f, "wants {wants} slots of pool {pool}, which has only {slots}: enlarge the pool or lower pool_slots")
            }
            Self::PoolMissing { pool } => write!(f, "pool {pool} does not exist"),
            Self::MaxActiveTasks { limit } => write!(f, "max_active_tasks of the run reached ({limit})"),
            Self::MaxActiveTisPerDag { limit } => write!(f, "max_active_tis_per_dag reached ({limit})"),
            Self::MaxActiveTisPerDagRun { limit } => write!(f, "max_active_tis_per_dagrun reached ({limit})"),
            Self::ExecutorFull { executor, limit } => write!(f, "executor {executor} is full ({limit}/{limit})"),
            Self::ExecutorMissing { executor } => write!(f, "executor {executor} is not configured"),
            Self::Starting { executor, detail: None } => write!(f, "being started on executor {executor}"),
            Self::Starting { executor, detail: Some(detail) } => write!(f, "executor {executor}: {detail}"),
            Self::Killing => write!(f, "its running attempt is being ended"),
            Self::Scheduler => write!(f, "ready; the scheduler will queue it"),
        }
    }
}

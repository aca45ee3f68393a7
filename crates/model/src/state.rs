//! The states of runs and task instances, and the only functions that move between them.

use serde::{Deserialize, Serialize};

/// The state of a DAG run (Airflow's `DagRunState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum RunState {
    Queued,
    Running,
    Success,
    Failed,
}

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEvent {
    /// It may start: not paused, its time has come, `max_active_runs` allows it.
    Start,
    /// Its leaves are done and none failed, or a person said so.
    Succeed,
    /// A leaf failed, it timed out, deadlocked, or a person said so.
    Fail,
    /// Tasks of it were cleared.
    Requeue,
}

impl RunState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Success, Self::Failed];

    /// As Airflow and the database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
        }
    }

    /// Whether the run has ended.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Success | Self::Failed)
    }

    /// The state after `event`.
    pub fn next(self, event: RunEvent) -> Result<Self, IllegalTransition> {
        use RunEvent as E;
        match (self, event) {
            (Self::Queued, E::Start) => Ok(Self::Running),
            (Self::Queued | Self::Running | Self::Success | Self::Failed, E::Succeed) => Ok(Self::Success),
            (Self::Queued | Self::Running | Self::Success | Self::Failed, E::Fail) => Ok(Self::Failed),
            (Self::Queued | Self::Running | Self::Success | Self::Failed, E::Requeue) => Ok(Self::Queued),
            (Self::Running | Self::Success | Self::Failed, E::Start) => {
                Err(IllegalTransition { what: "run", from: self.as_str(), event: format!("{event:?}") })
            }
        }
    }
}

/// The state of a task instance (Airflow's `TaskInstanceState`, and its `null`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum TaskState {
    /// `null` in the API, `no_status` in Airflow's page: not decided yet.
    NoStatus,
    Scheduled,
    Queued,
    Running,
    Success,
    Failed,
    Skipped,
    UpstreamFailed,
    UpForRetry,
    UpForReschedule,
    Deferred,
    AwaitingInput,
    Restarting,
    Removed,
}

/// What happens to a task instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskEvent {
    /// Its rule holds; it waits for slots.
    Schedule,
    /// It has its slots; an attempt is launched.
    Queue,
    /// The attempt was seen running.
    Start,
    /// The place was lost; the same try is launched again.
    Relaunch,
    /// The attempt succeeded, or there was nothing to do.
    Succeed,
    /// The attempt failed for good.
    Fail,
    /// The attempt failed; another try follows.
    Retry,
    /// It does not run, or ended as skipped.
    Skip,
    /// It can't run since something upstream failed.
    UpstreamFail,
    /// A poke said not yet.
    Reschedule,
    /// It waits for something else without holding a slot.
    Defer,
    /// A person asks for it to run again.
    Clear,
    /// The killed attempt of a cleared task instance is over.
    Killed,
    /// A person says that it succeeded.
    MarkSuccess,
    /// A person says that it failed.
    MarkFailed,
    /// A person says that it is skipped.
    MarkSkipped,
    /// Its task is no longer in the DAG.
    Remove,
}

/// A move that the state machine does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {what} in state {from} can't {event}")]
pub struct IllegalTransition {
    /// `run` or `task instance`.
    pub what: &'static str,
    /// The state it is in.
    pub from: &'static str,
    /// The event that does not apply.
    pub event: String,
}

impl TaskState {
    /// All states.
    pub const ALL: [Self; 14] = [
        Self::NoStatus,
        Self::Scheduled,
        Self::Queued,
        Self::Running,
        Self::Success,
        Self::Failed,
        Self::Skipped,
        Self::UpstreamFailed,
        Self::UpForRetry,
        Self::UpForReschedule,
        Self::Deferred,
        Self::AwaitingInput,
        Self::Restarting,
        Self::Removed,
    ];

    /// As Airflow's page and our database spell it; the API shows `no_status` as `null`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoStatus => "no_status",
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::UpstreamFailed => "upstream_failed",
            Self::UpForRetry => "up_for_retry",
            Self::UpForReschedule => "up_for_reschedule",
            Self::Deferred => "deferred",
            Self::AwaitingInput => "awaiting_input",
            Self::Restarting => "restarting",
            Self::Removed => "removed",
        }
    }

    /// `None` for [`TaskState::NoStatus`], as the API shows it.
    pub fn api(self) -> Option<&'static str> {
        (self != Self::NoStatus).then(|| self.as_str())
    }

    /// Whether nothing more happens to it by itself (Airflow's `State.finished`).
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Skipped | Self::UpstreamFailed | Self::Removed)
    }

    /// Whether it takes slots: of its pool, its run and its task.
    pub fn holds_slot(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Restarting)
    }

    /// Whether its dependencies are looked at (Airflow's `SCHEDULEABLE_STATES`).
    pub fn is_schedulable(self) -> bool {
        matches!(self, Self::NoStatus | Self::UpForRetry | Self::UpForReschedule)
    }

    /// The state after `event`.
    pub fn next(self, event: TaskEvent) -> Result<Self, IllegalTransition> {
        use TaskEvent as E;
        let illegal = || Err(IllegalTransition { what: "task instance", from: self.as_str(), event: format!("{event:?}") });
        match event {
            E::Schedule => match self {
                Self::NoStatus | Self::UpForRetry | Self::UpForReschedule | Self::Deferred => Ok(Self::Scheduled),
                _ => illegal(),
            },
            E::Queue => match self {
                Self::Scheduled => Ok(Self::Queued),
                _ => illegal(),
            },
            E::Start => match self {
                Self::Queued => Ok(Self::Running),
                _ => illegal(),
            },
            E::Relaunch => match self {
                Self::Queued | Self::Running => Ok(Self::Queued),
                _ => illegal(),
            },
            // From `queued`: a fast task ends before its start is heard. From `no_status`: empty.
            E::Succeed => match self {
                Self::NoStatus | Self::Scheduled | Self::Queued | Self::Running | Self::Deferred => Ok(Self::Success),
                _ => illegal(),
            },
            // From `up_for_reschedule`: a sensor's timeout between two pokes.
            E::Fail => match self {
                Self::NoStatus
                | Self::Scheduled
                | Self::Queued
                | Self::Running
                | Self::Deferred
                | Self::UpForReschedule
                | Self::AwaitingInput => Ok(Self::Failed),
                _ => illegal(),
            },
            E::Retry => match self {
                Self::Scheduled | Self::Queued | Self::Running | Self::Deferred => Ok(Self::UpForRetry),
                _ => illegal(),
            },
            E::Skip => match self {
                Self::NoStatus
                | Self::Scheduled
                | Self::Queued
                | Self::Running
                | Self::Deferred
                | Self::AwaitingInput
                | Self::UpForRetry
                | Self::UpForReschedule => Ok(Self::Skipped),
                _ => illegal(),
            },
            E::UpstreamFail => match self {
                Self::NoStatus | Self::UpForRetry | Self::UpForReschedule => Ok(Self::UpstreamFailed),
                _ => illegal(),
            },
            E::Reschedule => match self {
                Self::Queued | Self::Running => Ok(Self::UpForReschedule),
                _ => illegal(),
            },
            E::Defer => match self {
                Self::Queued | Self::Running => Ok(Self::Deferred),
                _ => illegal(),
            },
            // A finished one may still have a live attempt (it was marked while it ran), so the
            // scheduler says with `Killed` when it is over.
            E::Clear => match self {
                Self::Queued | Self::Running | Self::Restarting => Ok(Self::Restarting),
                Self::NoStatus
                | Self::Scheduled
                | Self::Success
                | Self::Failed
                | Self::Skipped
                | Self::UpstreamFailed
                | Self::UpForRetry
                | Self::UpForReschedule
                | Self::Deferred
                | Self::AwaitingInput
                | Self::Removed => Ok(Self::NoStatus),
            },
            E::Killed => match self {
                Self::Restarting => Ok(Self::NoStatus),
                _ => illegal(),
            },
            E::MarkSuccess => Ok(Self::Success),
            E::MarkFailed => Ok(Self::Failed),
            E::MarkSkipped => Ok(Self::Skipped),
            E::Remove => match self {
                Self::Queued | Self::Running | Self::Restarting => illegal(),
                _ => Ok(Self::Removed),
            },
        }
    }
}

/// The text names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a state")]
pub struct UnknownState(pub String);

impl std::str::FromStr for TaskState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

impl std::str::FromStr for RunState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// What made a run (Airflow's `DagRunType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum RunType {
    Scheduled,
    Manual,
    Backfill,
    OperatorTriggered,
    AssetTriggered,
    AssetMaterialization,
}

impl RunType {
    /// All types.
    pub const ALL: [Self; 6] =
        [Self::Scheduled, Self::Manual, Self::Backfill, Self::OperatorTriggered, Self::AssetTriggered, Self::AssetMaterialization];

    /// As Airflow spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Manual => "manual",
            Self::Backfill => "backfill",
            Self::OperatorTriggered => "operator_triggered",
            Self::AssetTriggered => "asset_triggered",
            Self::AssetMaterialization => "asset_materialization",
        }
    }

    /// The type whose prefix a run id has, if any. A manual run may not use another type's.
    pub fn of_run_id(run_id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| run_id.strip_prefix(t.as_str()).is_some_and(|rest| rest.starts_with("__")))
    }
}

impl std::str::FromStr for RunType {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back() {
        for state in TaskState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for state in RunState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }

    #[test]
    fn a_finished_task_leaves_only_by_a_persons_word() {
        use TaskEvent as E;
        let by_itself = [E::Schedule, E::Queue, E::Start, E::Relaunch, E::Succeed, E::Fail, E::Retry, E::Skip, E::Reschedule, E::Defer];
        for state in TaskState::ALL.into_iter().filter(|s| s.is_finished()) {
            for event in by_itself {
                assert!(state.next(event).is_err(), "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn a_live_attempt_is_restarting_until_it_is_over() {
        assert_eq!(TaskState::Running.next(TaskEvent::Clear), Ok(TaskState::Restarting));
        assert!(TaskState::Restarting.next(TaskEvent::Queue).is_err());
        assert_eq!(TaskState::Restarting.next(TaskEvent::Killed), Ok(TaskState::NoStatus));
    }

    #[test]
    fn run_ids_tell_their_type() {
        assert_eq!(RunType::of_run_id("manual__2026"), Some(RunType::Manual));
        assert_eq!(RunType::of_run_id("manual_2026"), None);
        assert_eq!(RunType::of_run_id("mine"), None);
    }
}

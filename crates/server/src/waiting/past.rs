//! `depends_on_past` and `wait_for_downstream`: what a task finds in the run before.

use std::collections::BTreeMap;

use updraft_model::{RunId, Task, TaskId, TaskState, WaitingFor};

use super::explain::NAMED_UPSTREAMS;

/// The run that `depends_on_past` and `wait_for_downstream` look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its id.
    pub run_id: RunId,
    /// The direct downstream tasks, if they are waited for.
    pub downstream: Vec<TaskId>,
    /// The states there of the task and of those.
    pub states: BTreeMap<TaskId, Vec<TaskState>>,
}

/// What the scheduler waits for in the run before: every instance of the task, and of the tasks
/// downstream of it, is to be `success` or `skipped`.
pub(super) fn of_past(task: &Task, past: &Past) -> Option<WaitingFor> {
    let Past { run_id, downstream, states } = past;
    let unmet = |id: &TaskId| states.get(id)?.iter().copied().find(|state| !matches!(state, TaskState::Success | TaskState::Skipped));
    let mut pending = Vec::new();
    match states.get(&task.task_id) {
        None if task.ignore_first_depends_on_past => {}
        None => pending.push((task.task_id.clone(), None)),
        Some(_) => pending.extend(unmet(&task.task_id).map(|state| (task.task_id.clone(), Some(state)))),
    }
    let own = pending.len();
    pending.extend(downstream.iter().filter_map(|id| Some((id.clone(), Some(unmet(id)?)))));
    if pending.is_empty() {
        return None;
    }
    let rule = if own < pending.len() || !task.depends_on_past { "wait_for_downstream" } else { "depends_on_past" };
    let more = pending.len().saturating_sub(NAMED_UPSTREAMS);
    pending.truncate(NAMED_UPSTREAMS);
    Some(WaitingFor::PreviousRun { dag_run_id: run_id.clone(), rule: rule.to_owned(), pending, more })
}

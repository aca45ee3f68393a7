//! Why a task of the run did not run, where its row leaves it to its trigger rule: in the words of the API.

use std::collections::BTreeMap;

use updraft_model::{Dag, TaskId, TaskInstanceRow, TaskState, TriggerRule, WaitingFor};

/// So many upstream tasks are named.
const NAMED: usize = 10;

/// The reason of a row: its own, and when it goes on, or what its trigger rule saw.
pub fn reason(row: &TaskInstanceRow, dag: &Dag, states: &BTreeMap<TaskId, TaskState>) -> Option<String> {
    let own = row.reason.clone();
    let waits = row.next_at.and_then(|at| match row.state {
        TaskState::UpForRetry => Some(WaitingFor::Retry { at }),
        TaskState::UpForReschedule => Some(WaitingFor::Poke { at }),
        _ => None,
    });
    match (own, waits) {
        (Some(own), Some(waits)) => Some(format!("{own}; {waits}")),
        (None, Some(waits)) => Some(waits.to_string()),
        (None, None) if matches!(row.state, TaskState::Skipped | TaskState::UpstreamFailed) => by_rule(row, dag, states),
        (own, None) => own,
    }
}

fn by_rule(row: &TaskInstanceRow, dag: &Dag, states: &BTreeMap<TaskId, TaskState>) -> Option<String> {
    let task = dag.tasks.get(&row.task_id)?;
    let decided = task.upstream.iter().filter_map(|id| Some((id, *states.get(id)?)));
    let decided: Vec<String> = decided
        .filter(|(_, state)| decides(task.trigger_rule, row.state, *state))
        .map(|(id, state)| format!("{id} {}", state.as_str()))
        .collect();
    let more = decided.len().saturating_sub(NAMED);
    let names = decided.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!names.is_empty()).then(|| format!("trigger rule {}: upstream {names}{more}", task.trigger_rule.as_str()))
}

/// Whether an upstream in the state `of` is why the rule came to `end`: what it does not bear, or, where it
/// misses something (a success, a failure), all that ended otherwise.
fn decides(rule: TriggerRule, end: TaskState, of: TaskState) -> bool {
    let broken = matches!(of, TaskState::Failed | TaskState::UpstreamFailed);
    let (succeeded, skipped) = (of == TaskState::Success, of == TaskState::Skipped);
    let is_failing = end == TaskState::UpstreamFailed;
    match rule {
        TriggerRule::AllFailed => succeeded || skipped,
        TriggerRule::AllSkipped => succeeded || broken,
        TriggerRule::OneSuccess => of.is_finished() && !succeeded,
        TriggerRule::OneFailed => of.is_finished() && !broken,
        TriggerRule::OneDone => of.is_finished() && !succeeded && of != TaskState::Failed,
        TriggerRule::AllDoneMinOneSuccess | TriggerRule::AllDoneSetupSuccess if is_failing => of.is_finished() && !succeeded,
        TriggerRule::AllSuccess | TriggerRule::NoneFailed | TriggerRule::NoneFailedMinOneSuccess if is_failing => broken,
        TriggerRule::AllSuccess
        | TriggerRule::NoneFailed
        | TriggerRule::NoneFailedMinOneSuccess
        | TriggerRule::AllDoneMinOneSuccess
        | TriggerRule::AllDoneSetupSuccess
        | TriggerRule::NoneSkipped => skipped,
        TriggerRule::AllDone | TriggerRule::Always => false,
    }
}

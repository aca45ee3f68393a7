//! Why something will not run: a trigger rule said so, or its run ended first. The scheduler writes a
//! reason where it is something else.

use std::collections::BTreeMap;

use updraft_model::{RunRow, Task, TaskId, TaskInstanceRow, TaskState, TriggerRule};
use updraft_store::TaskInstanceView;

use super::{
    explain::NAMED_UPSTREAMS,
    gather::{read_runs, read_upstreams},
};
use crate::{app::App, error::ApiError};

/// Why each of these will not run, in their order; `None` where that is in its row, or it may still run.
pub async fn reasons(app: &App, views: &[TaskInstanceView]) -> Result<Vec<Option<String>>, ApiError> {
    let asked: Vec<&TaskInstanceView> = views.iter().filter(|view| may_be_explained(&view.row)).collect();
    if asked.is_empty() {
        return Ok(vec![None; views.len()]);
    }
    let (runs, versions) = read_runs(app, &asked).await?;
    let asked: Vec<_> = asked
        .into_iter()
        .filter(|view| view.row.state.is_finished() || runs.get(&view.row.run).is_some_and(|run| run.state.is_finished()))
        .collect();
    let upstream = read_upstreams(app, &runs, &versions, &asked).await?;
    let reason = |view: &TaskInstanceView| {
        let row = &view.row;
        let (run, version) = (runs.get(&row.run)?, versions.get(&row.version)?);
        let task = version.dag.tasks.get(&row.task_id)?;
        let state_of = |id: &TaskId| upstream.get(&(row.run, id.clone())).copied().unwrap_or(TaskState::NoStatus);
        why_not(row, run, task, &task.upstream.iter().map(|id| (id.clone(), state_of(id))).collect())
    };
    Ok(views.iter().map(|view| if may_be_explained(&view.row) { reason(view) } else { None }).collect())
}

fn may_be_explained(row: &TaskInstanceRow) -> bool {
    row.reason.is_none() && (matches!(row.state, TaskState::Skipped | TaskState::UpstreamFailed) || row.state.is_schedulable())
}

/// Why a task instance whose row has no reason will not run.
fn why_not(row: &TaskInstanceRow, run: &RunRow, task: &Task, upstream: &BTreeMap<TaskId, TaskState>) -> Option<String> {
    let rule = task.trigger_rule;
    let named = |decided: &dyn Fn(TaskState) -> bool| {
        let all: Vec<String> =
            upstream.iter().filter(|(_, state)| decided(**state)).map(|(id, state)| format!("{id} {}", state.as_str())).collect();
        let more = all.len().saturating_sub(NAMED_UPSTREAMS);
        let names = all.into_iter().take(NAMED_UPSTREAMS).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{names} and {more} more") } else { names }
    };
    match row.state {
        TaskState::Skipped | TaskState::UpstreamFailed => {
            let deciding = named(&|state| decides(rule, row.state, state));
            Some(match (upstream.is_empty(), deciding.is_empty()) {
                (true, _) => return None,
                (false, false) => format!("trigger rule {}: upstream {deciding}", rule.as_str()),
                (false, true) => format!("trigger rule {}; what is upstream has changed since", rule.as_str()),
            })
        }
        state if state.is_schedulable() && run.state.is_finished() => {
            let how = run.end_reason.as_deref().unwrap_or(run.state.as_str());
            let pending = named(&|state| !state.is_finished());
            Some(match (rule, pending.is_empty()) {
                (TriggerRule::Always, _) | (_, true) => format!("the run ended before it could start ({how})"),
                (_, false) => format!("the run ended ({how}) while trigger rule {} waited for upstream {pending}", rule.as_str()),
            })
        }
        _ => None,
    }
}

/// Whether an upstream in the state `of` is why `rule` came to `end`. Where a rule misses something
/// (a success, a failure), all that ended otherwise are the reason.
fn decides(rule: TriggerRule, end: TaskState, of: TaskState) -> bool {
    let broken = matches!(of, TaskState::Failed | TaskState::UpstreamFailed);
    let (succeeded, skipped) = (of == TaskState::Success, of == TaskState::Skipped);
    let failing = end == TaskState::UpstreamFailed;
    match rule {
        TriggerRule::AllSuccess | TriggerRule::NoneFailed => {
            if failing {
                broken
            } else {
                skipped
            }
        }
        TriggerRule::NoneFailedMinOneSuccess => {
            if failing {
                broken
            } else {
                skipped
            }
        }
        TriggerRule::AllFailed => succeeded || skipped,
        TriggerRule::AllDoneMinOneSuccess => {
            if failing {
                of.is_finished() && !succeeded
            } else {
                skipped
            }
        }
        TriggerRule::AllDoneSetupSuccess => {
            if failing {
                of.is_finished() && !succeeded
            } else {
                skipped
            }
        }
        TriggerRule::AllSkipped => succeeded || broken,
        TriggerRule::OneSuccess => of.is_finished() && !succeeded,
        TriggerRule::OneFailed => of.is_finished() && !broken,
        TriggerRule::OneDone => of.is_finished() && !succeeded && of != TaskState::Failed,
        TriggerRule::NoneSkipped => skipped,
        // These run whatever is upstream.
        TriggerRule::AllDone | TriggerRule::Always => false,
    }
}

//! A person gives a run or task instances a state.

use updraft_model::{Answer, DagId, KillReason, RunEvent, RunId, RunKey, RunRow, RunState, SetTaskState, TaskEvent, TaskState};

use super::{Facts, No};
use crate::{
    graph::{Direction, Node},
    scheduler::{Cx, Scheduler},
};

/// The end reason of a run that a person has marked. One that still runs its teardowns has it already.
const MARKED_SUCCESS: &str = "marked success";
const MARKED_FAILED: &str = "marked failed";

/// How a run ends that a person has marked, and that has only waited for its teardowns.
pub(crate) fn end_as_marked(row: &RunRow) -> Option<RunEvent> {
    match row.end_reason.as_deref() {
        Some(MARKED_SUCCESS) => Some(RunEvent::Succeed),
        Some(MARKED_FAILED) => Some(RunEvent::Fail),
        _ => None,
    }
}

impl Scheduler {
    pub(super) fn set_run_state(
        &mut self,
        cx: &mut Cx<'_>,
        dag_id: &DagId,
        run_id: &RunId,
        state: RunState,
        facts: &Facts,
    ) -> Result<Answer, No> {
        let key = self.find_run(cx, dag_id, run_id, facts)?;
        let (working, event) = match state {
            RunState::Success => (TaskEvent::MarkSuccess, RunEvent::Succeed),
            RunState::Failed => (TaskEvent::MarkFailed, RunEvent::Fail),
            RunState::Queued => {
                self.requeue(cx, key);
                return Ok(Answer::Run { run: key });
            }
            RunState::Running => return Err(No::invalid("a run can't be set to running: clear it, or set it to queued")),
        };
        // Teardowns stay, unless nothing was set up yet, or this is the second time that somebody says so.
        let stay = self.runs.get(&key).is_some_and(|run| run.row.state == RunState::Running && end_as_marked(&run.row).is_none());
        self.end_unfinished(cx, key, KillReason::Marked, working, stay);
        let reason = match event {
            RunEvent::Succeed => MARKED_SUCCESS,
            RunEvent::Fail | RunEvent::Start | RunEvent::Requeue => MARKED_FAILED,
        };
        match self.runs.get_mut(&key).filter(|run| run.unfinished() > 0) {
            // Its teardowns stay, and the run ends with them.
            Some(run) => {
                run.row.end_reason = Some(reason.to_owned());
                self.touch_run(key);
            }
            None => self.end_run(cx, key, event, Some(reason.to_owned())),
        }
        Ok(Answer::Run { run: key })
    }

    /// Marks task instances, then clears what failed below them, so that it gets its chance
    /// (Airflow's `SerializedDAG.set_task_instance_state`). The run's state is decided again, also
    /// where nothing was cleared (Airflow leaves a failed run failed then).
    pub(super) fn set_task_state(&mut self, cx: &mut Cx<'_>, mark: &SetTaskState, facts: &Facts) -> Result<Answer, No> {
        let event = match mark.state {
            TaskState::Success => TaskEvent::MarkSuccess,
            TaskState::Failed => TaskEvent::MarkFailed,
            TaskState::Skipped => TaskEvent::MarkSkipped,
            other => {
                return Err(No::invalid(format!("a task instance can be set to success, failed or skipped, not to {}", other.as_str())));
            }
        };
        let mut selected = self.select(cx, &mark.selection, false, facts)?;
        for (key, nodes) in &mut selected {
            let Some(run) = self.runs.get(key) else { continue };
            nodes.retain(|node| run.instance(*node).is_some_and(|i| i.row.state != mark.state));
        }
        let keys = self.keys_of(&selected);
        if !mark.selection.dry_run {
            for (key, nodes) in &selected {
                self.mark_nodes(cx, *key, nodes, event);
            }
        }
        Ok(Answer::TaskInstances { keys })
    }

    fn mark_nodes(&mut self, cx: &mut Cx<'_>, key: RunKey, nodes: &[Node], event: TaskEvent) {
        let now = cx.now;
        for node in nodes {
            self.kill_attempt(key, *node, KillReason::Marked);
            self.move_instance(key, *node, event, |instance| {
                crate::evaluate::end_now(instance, now);
                instance.row.reason = Some("marked by a person".to_owned());
            });
        }
        if nodes.is_empty() {
            return;
        }
        let Some(run) = self.runs.get(&key) else { return };
        let failed =
            |node: &Node| run.instance(*node).is_some_and(|i| matches!(i.row.state, TaskState::Failed | TaskState::UpstreamFailed));
        let below: Vec<Node> = run.graph.reachable(nodes.iter().copied(), Direction::Downstream);
        let below: Vec<Node> = below.into_iter().filter(|n| failed(n) && !nodes.contains(n)).collect();
        self.clear_nodes(cx, key, &below, false);
        let Some(run) = self.runs.get(&key) else { return };
        if !run.row.state.is_finished() {
            return;
        }
        if run.unfinished() > 0 {
            self.requeue(cx, key);
        } else {
            let event = if run.failed_leaves > 0 { RunEvent::Fail } else { RunEvent::Succeed };
            self.move_run(key, event, |row| row.end_reason = None);
        }
    }
}

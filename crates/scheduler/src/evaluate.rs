//! Whether an instance may run: trigger rule, earlier skips, retry delay, the past, pause.
//!
//! All of it is Airflow's (`TaskInstance.are_dependencies_met`): the trigger rule comes first, so that
//! a skip or an upstream failure passes on even while a retry or the past is pending.

use updraft_model::{Operator, RunKey, RunState, TaskEvent, TaskState};

use crate::{
    graph::Node,
    past::PastVerdict,
    rule::{Decision, decide},
    run::{Instance, Run, Timer},
    scheduler::{Cx, Scheduler},
};

impl Scheduler {
    pub(crate) fn evaluate(&mut self, cx: &mut Cx<'_>, key: RunKey, node: Node) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let Some(instance) = run.instance_mut(node) else { return };
        instance.dirty = false;
        self.dirty_runs.insert(key);
        let Some(run) = self.runs.get(&key) else { return };
        let Some(instance) = run.instance(node) else { return };
        if run.row.state != RunState::Running || !instance.row.state.is_schedulable() {
            return;
        }
        if let Some(date) = run.row.logical_date
            && date > cx.now
        {
            self.timers.set(date, Timer::Run(key));
            return;
        }
        let this = &run.graph.nodes[node as usize];
        let upstreams = this.upstream.len() as u32 + this.missing_upstream;
        match decide(this.task.trigger_rule, &instance.counts, upstreams, this.setups) {
            Decision::Wait => {}
            Decision::Skip => self.skip(cx, key, node, None),
            Decision::UpstreamFail => {
                let now = cx.now;
                self.move_instance(key, node, TaskEvent::UpstreamFail, |i| end_now(i, now));
            }
            Decision::Run => match skipped_by(run, node) {
                Some(by) => self.skip(cx, key, node, Some(format!("skipped by {by}"))),
                None => self.rule_holds(cx, key, node),
            },
        }
    }

    fn rule_holds(&mut self, cx: &mut Cx<'_>, key: RunKey, node: Node) {
        let Some(run) = self.runs.get(&key) else { return };
        let Some(instance) = run.instance(node) else { return };
        if let Some(at) = instance.row.next_at
            && at > cx.now
        {
            self.timers.set(at, Timer::Instance(key, node));
            return;
        }
        // One that was marked and then cleared while it ran: not before its attempt is known to be over.
        if instance.row.attempt.is_some_and(|attempt| self.attempts.contains_key(&attempt)) {
            return;
        }
        match self.past_of(key, node) {
            PastVerdict::Met => {}
            PastVerdict::Unmet => {
                self.block_on_past(key, node);
                return;
            }
            PastVerdict::Ask(question) => {
                self.block_on_past(key, node);
                self.ask(question);
                return;
            }
        }
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.blocked_on_past.remove(&node);
        if self.dags.get(&run.row.dag_id).is_some_and(|d| d.row.is_paused) {
            run.held.insert(node);
            return;
        }
        run.held.remove(&node);
        let task = run.graph.task(node).clone();
        let now = cx.now;
        if matches!(task.operator, Operator::Empty) && task.when.is_none() {
            self.move_instance(key, node, TaskEvent::Succeed, |instance| {
                let row = &mut instance.row;
                row.try_number += 1;
                row.start_date = Some(now);
                row.end_date = Some(now);
                row.reason = None;
            });
        } else {
            self.move_instance(key, node, TaskEvent::Schedule, |instance| schedule(instance, now));
        }
    }

    /// Skips an instance, with a reason where the trigger rule is not the reason.
    pub(crate) fn skip(&mut self, cx: &Cx<'_>, key: RunKey, node: Node, reason: Option<String>) {
        let now = cx.now;
        self.move_instance(key, node, TaskEvent::Skip, |instance| {
            end_now(instance, now);
            instance.row.reason = reason;
        });
    }
}

/// The fields of an instance that ends without having run.
pub(crate) fn end_now(instance: &mut Instance, now: updraft_model::Timestamp) {
    instance.row.start_date.get_or_insert(now);
    instance.row.end_date = Some(now);
    instance.row.next_at = None;
    instance.row.awaits = None;
}

/// The fields of an instance that becomes `scheduled`: a new try, unless it goes on with the one it
/// is in (a poke, a deferral).
fn schedule(instance: &mut Instance, now: updraft_model::Timestamp) {
    let row = &mut instance.row;
    row.scheduled_at = Some(now);
    row.queued_at = None;
    // `first_start` lives exactly as long as the try: the next poke finds it, the next try does not.
    if row.first_start.is_none() {
        row.try_number += 1;
        row.relaunches = 0;
        row.start_date = None;
        row.exit_code = None;
    }
    row.next_at = None;
    row.end_date = None;
    row.reason = None;
}

/// The direct upstream whose decision skips this task, also when it was cleared alone
/// (Airflow's `NotPreviouslySkippedDep`).
fn skipped_by(run: &Run, node: Node) -> Option<updraft_model::TaskId> {
    let this = &run.graph.nodes[node as usize];
    this.upstream.iter().find_map(|up| {
        let row = &run.instance(*up)?.row;
        let decided = row.state == TaskState::Success && row.decision.as_ref()?.0.contains(&this.task.task_id);
        decided.then(|| row.task_id.clone())
    })
}

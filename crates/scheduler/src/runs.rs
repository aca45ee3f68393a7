//! The life of a run in memory: it comes in, starts, is checked, ends, leaves.

use std::sync::Arc;

use jiff::SignedDuration;
use updraft_model::{AwaitedRun, DagId, KillReason, Question, RunEvent, RunKey, RunRow, RunState, TaskEvent, TaskState, Timestamp};

use crate::{
    evaluate::end_now,
    gates::GateName,
    graph::{Graph, Node},
    requests::end_as_marked,
    run::{Instance, Previous, Run, Timer},
    scheduler::{Cx, Scheduler},
};

impl Scheduler {
    /// Takes a run into memory, without instances.
    pub(crate) fn insert_run(&mut self, row: RunRow, stored: Option<RunState>, graph: Arc<Graph>) -> RunKey {
        let key = row.key;
        self.run_names.insert((row.dag_id.clone(), row.run_id.clone()), key);
        if let Some(date) = row.logical_date {
            self.run_dates.insert((row.dag_id.clone(), date), key);
        }
        let limit = self.dags.get(&row.dag_id).map(|d| i64::from(d.version.dag.max_active_tasks));
        self.gates.set_limit(GateName::Run(key), limit);
        for node in &graph.nodes {
            // The latest version decides, but one without the limit sets no gate for older runs that have it.
            if let Some(limit) = node.task.max_active_tis_per_dag {
                let gate = GateName::Task(row.dag_id.clone(), node.task.task_id.clone());
                self.gates.set_limit_once(gate, Some(i64::from(limit)));
            }
            if let Some(limit) = node.task.max_active_tis_per_dagrun {
                self.gates.set_limit(GateName::TaskInRun(key, node.task.task_id.clone()), Some(i64::from(limit)));
            }
        }
        let run = Run::new(row, stored, graph);
        if run.touched {
            self.touched_runs.push_back(key);
            self.new_runs.push(key);
        }
        self.runs.insert(key, run);
        self.index_run(key);
        key
    }

    /// Enters a run into its DAG's lists, by its state.
    pub(crate) fn index_run(&mut self, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        let row = &run.row;
        let Some(entry) = self.dags.get_mut(&row.dag_id) else { return };
        entry.queued.remove(&(row.run_after, key));
        entry.running.remove(&key);
        match row.state {
            RunState::Queued => {
                entry.queued.insert((row.run_after, key));
            }
            RunState::Running => {
                entry.running.insert(key);
            }
            RunState::Success | RunState::Failed => {}
        }
        self.dirty_dags.insert(row.dag_id.clone());
    }

    /// Moves a run by `event` and writes it.
    pub(crate) fn move_run(&mut self, key: RunKey, event: RunEvent, change: impl FnOnce(&mut RunRow)) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        match run.row.state.next(event) {
            Ok(state) => run.row.state = state,
            Err(illegal) => {
                let problem = format!("run {}/{}: {illegal}", run.row.dag_id, run.row.run_id);
                self.problem(problem);
                return;
            }
        }
        change(&mut run.row);
        self.touch_run(key);
        self.index_run(key);
    }

    pub(crate) fn touch_run(&mut self, key: RunKey) {
        if let Some(run) = self.runs.get_mut(&key)
            && !std::mem::replace(&mut run.touched, true)
        {
            self.touched_runs.push_back(key);
        }
        self.changed_runs.insert(key);
    }

    /// Starts a queued run.
    pub(crate) fn start_run(&mut self, cx: &Cx<'_>, key: RunKey) {
        let now = cx.now;
        self.move_run(key, RunEvent::Start, |row| {
            row.start_date = Some(now);
            row.end_date = None;
            row.end_reason = None;
        });
        self.set_run_timeout(key);
        self.mark_all_dirty(key);
    }

    /// Sets the timer of `dagrun_timeout`, which counts from the run's start.
    pub(crate) fn set_run_timeout(&mut self, key: RunKey) {
        if let Some(at) = self.run_deadline(key) {
            self.timers.set(at, Timer::RunTimeout(key));
        }
    }

    fn run_deadline(&self, key: RunKey) -> Option<Timestamp> {
        let run = self.runs.get(&key)?;
        let timeout: SignedDuration = self.dags.get(&run.row.dag_id)?.version.dag.dagrun_timeout?;
        (run.row.state == RunState::Running).then_some(run.row.start_date?.saturating_add(timeout))
    }

    /// Ends a run that has nothing left to do, has timed out, or is stuck for good.
    pub(crate) fn check_run(&mut self, cx: &mut Cx<'_>, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        if run.row.state != RunState::Running || !run.dirty.is_empty() {
            return;
        }
        let paused = self.dags.get(&run.row.dag_id).is_some_and(|d| d.row.is_paused);
        let unfinished = run.unfinished();
        if unfinished == 0 {
            let by_tasks = if run.failed_leaves > 0 { RunEvent::Fail } else { RunEvent::Succeed };
            let (marked, reason) = (end_as_marked(&run.row), run.row.end_reason.clone());
            self.end_run(cx, key, marked.unwrap_or(by_tasks), reason);
        } else if !paused && self.run_deadline(key).is_some_and(|at| at <= cx.now) {
            self.end_unfinished(cx, key, KillReason::RunTimedOut, TaskEvent::Skip, false);
            self.end_run(cx, key, RunEvent::Fail, Some("dagrun_timeout".to_owned()));
        } else if unfinished == run.count(TaskState::NoStatus)
            && run.blocked_on_past.is_empty()
            && run.held.is_empty()
            && run.live_attempts == 0
            && run.row.logical_date.is_none_or(|date| date <= cx.now)
        {
            // Everything that could happen has happened, and these still wait: for an upstream that is
            // not part of this run. Airflow's `DagRun._are_premature_tis`: a deadlock.
            self.end_run(cx, key, RunEvent::Fail, Some("deadlock".to_owned()));
        }
    }

    /// Ends all instances of a run that have not ended: those at work get `working`'s state and are
    /// killed, the others are skipped. Teardowns can stay, as in Airflow when a person marks a run.
    pub(crate) fn end_unfinished(&mut self, cx: &mut Cx<'_>, key: RunKey, why: KillReason, working: TaskEvent, teardowns_stay: bool) {
        let now = cx.now;
        let Some(run) = self.runs.get(&key) else { return };
        let stays = |node: Node| teardowns_stay && run.graph.task(node).is_teardown;
        let ends = |node: Node, state: TaskState| !state.is_finished() && !stays(node);
        let open: Vec<(Node, TaskState)> = run.iter().map(|(n, i)| (n, i.row.state)).filter(|(n, s)| ends(*n, *s)).collect();
        for (node, state) in open {
            self.kill_attempt(key, node, why);
            let works = matches!(
                state,
                TaskState::Queued
                    | TaskState::Running
                    | TaskState::Restarting
                    | TaskState::Deferred
                    | TaskState::UpForReschedule
                    | TaskState::AwaitingInput
            );
            let event = match (works, working) {
                (true, TaskEvent::Skip) | (false, _) => TaskEvent::MarkSkipped,
                (true, event) => event,
            };
            let reason = match why {
                KillReason::RunTimedOut => "the run timed out",
                _ => "marked by a person",
            };
            self.move_instance(key, node, event, |instance| {
                end_now(instance, now);
                instance.row.reason = Some(reason.to_owned());
            });
        }
    }

    /// Ends a run. Its instances may still have live attempts that are being killed.
    pub(crate) fn end_run(&mut self, cx: &mut Cx<'_>, key: RunKey, event: RunEvent, reason: Option<String>) {
        let now = cx.now;
        let by_tasks = reason.is_none();
        self.move_run(key, event, |row| {
            row.start_date.get_or_insert(now);
            row.end_date = Some(now);
            row.end_reason = reason;
        });
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.held.clear();
        run.blocked_on_past.clear();
        let (dag_id, run_id, state) = (run.row.dag_id.clone(), run.row.run_id.clone(), run.row.state);
        self.awaited_run_ended(cx, &AwaitedRun { dag_id: dag_id.clone(), run_id }, Some(state));
        let limit = self.dags.get(&dag_id).map_or(0, |d| d.version.dag.max_consecutive_failed_dag_runs);
        // A timeout does not count, as in Airflow: only the failure of tasks does.
        if state == RunState::Failed && by_tasks && limit > 0 {
            let question = Question::NewestRuns { dag_id, limit };
            // An answer that is under way may not know of this run.
            if self.asked.contains_key(&question) {
                self.outdated.insert(question);
            } else {
                self.ask(question);
            }
        }
    }

    /// The newest runs of a DAG, after one of them failed: if all failed, it is paused.
    pub(crate) fn streak_known(&mut self, dag_id: &DagId, states: &[RunState]) {
        let Some(entry) = self.dags.get(dag_id) else { return };
        let limit = entry.version.dag.max_consecutive_failed_dag_runs as usize;
        if limit > 0 && states.len() >= limit && states.iter().all(|s| *s == RunState::Failed) && !entry.row.is_paused {
            self.set_paused(dag_id, true);
        }
    }

    /// Takes a run out of memory, as far as it is there.
    pub(crate) fn forget_run(&mut self, key: RunKey) {
        self.hand_down(key);
        let is_open = |(node, instance): (Node, &Instance)| (!instance.row.state.is_finished()).then_some(node);
        let open: Vec<Node> = self.runs.get(&key).map(|run| run.iter().filter_map(is_open).collect()).unwrap_or_default();
        for node in open {
            self.account_instance(key, node, -1);
            let Some(run) = self.runs.get(&key) else { continue };
            if let (Some(ready), Some(instance)) = (run.ready(node), run.instance(node)) {
                self.gates.leave(&ready, instance.parked_at.as_ref());
            }
        }
        let Some(run) = self.runs.remove(&key) else { return };
        let gone: Vec<_> = match run.live_attempts {
            0 => Vec::new(),
            _ => self.attempts.iter().filter(|(_, live)| live.run == key).map(|(id, _)| *id).collect(),
        };
        for attempt in gone {
            if let Some(live) = self.attempts.remove(&attempt) {
                self.gates.account(&GateName::Executor(live.row.executor), -1);
            }
        }
        for node in run.graph.nodes.iter().filter(|node| node.task.max_active_tis_per_dagrun.is_some()) {
            self.gates.remove(&GateName::TaskInRun(key, node.task.task_id.clone()));
        }
        self.gates.remove(&GateName::Run(key));
        self.run_names.remove(&(run.row.dag_id.clone(), run.row.run_id.clone()));
        if let Some(date) = run.row.logical_date
            && let std::collections::btree_map::Entry::Occupied(entry) = self.run_dates.entry((run.row.dag_id.clone(), date))
            && *entry.get() == key
        {
            entry.remove();
        }
        self.fresh_runs.remove(&key);
        if let Previous::Active(previous) = run.previous
            && let Some(previous) = self.runs.get_mut(&previous)
        {
            previous.followers.remove(&key);
        }
        if let Some(entry) = self.dags.get_mut(&run.row.dag_id) {
            entry.queued.remove(&(run.row.run_after, key));
            entry.running.remove(&key);
            self.dirty_dags.insert(run.row.dag_id);
        }
    }
}

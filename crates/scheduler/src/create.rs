//! New runs: from timetables, from people, from tasks; and which of the queued ones start.

use serde_json::Value;
use updraft_model::{
    AwaitedRun, DagId, DataInterval, NextRun, RunId, RunKey, RunRow, RunState, RunType, Schedule, Task, TaskEvent, TaskInstanceId,
    TaskInstanceRow, TaskState, Timestamp, TriggeredBy,
};

use crate::{
    graph::Node,
    rule::Counts,
    run::{Instance, Run, Timer},
    scheduler::{Cx, Scheduler},
};

/// What a new run is made from.
pub(crate) struct NewRunSpec {
    pub run_id: RunId,
    pub run_type: RunType,
    pub logical_date: Option<Timestamp>,
    pub data_interval: Option<DataInterval>,
    pub run_after: Timestamp,
    pub conf: Value,
    pub triggered_by: TriggeredBy,
    pub triggering_user: Option<String>,
    pub note: Option<String>,
}

impl Scheduler {
    /// Makes the scheduled runs of a DAG that are due, and starts queued runs. Returns the work done, in rows.
    pub(crate) fn advance_dag(&mut self, cx: &mut Cx<'_>, dag_id: &DagId) -> usize {
        self.create_scheduled(cx, dag_id) + self.start_queued(cx, dag_id)
    }

    fn create_scheduled(&mut self, cx: &mut Cx<'_>, dag_id: &DagId) -> usize {
        let mut work = 0;
        loop {
            let Some(entry) = self.dags.get_mut(dag_id) else { return work };
            let next = entry.timetable.next(entry.row.last_automated, &entry.restriction, cx.now);
            let next = if entry.row.is_stale { None } else { next };
            if entry.row.next != next {
                entry.row.next = next;
                entry.touched = true;
                self.touched_dags.insert(dag_id.clone());
            }
            let Some(entry) = self.dags.get_mut(dag_id) else { return work };
            let Some(next) = next else { return work };
            // Neither while paused, nor while as many are active as may be: an end or an unpause looks again.
            if entry.row.is_paused || entry.active() >= entry.version.dag.max_active_runs as usize {
                return work;
            }
            if next.run_after > cx.now {
                self.timers.set(next.run_after, Timer::Dag(dag_id.clone()));
                return work;
            }
            let continuous = matches!(entry.version.dag.schedule, Schedule::Continuous);
            if continuous && entry.row.last_automated.is_some_and(|last| last.end >= cx.now) {
                // A run that ended in the instant it began: the next one starts in the next millisecond.
                self.timers.set(cx.now.saturating_add(jiff::SignedDuration::from_millis(1)), Timer::Dag(dag_id.clone()));
                return work;
            }
            entry.row.last_automated = Some(next.data_interval);
            entry.touched = true;
            self.touched_dags.insert(dag_id.clone());
            work += self.create_one(cx, dag_id, next);
        }
    }

    fn create_one(&mut self, cx: &mut Cx<'_>, dag_id: &DagId, next: NextRun) -> usize {
        let Some(run_id) = run_id(RunType::Scheduled, next.run_after) else { return 0 };
        if self.run_names.contains_key(&(dag_id.clone(), run_id.clone())) {
            return 0;
        }
        let spec = NewRunSpec {
            run_id,
            run_type: RunType::Scheduled,
            logical_date: Some(next.logical_date),
            data_interval: Some(next.data_interval),
            run_after: next.run_after,
            conf: Value::Object(serde_json::Map::new()),
            triggered_by: TriggeredBy::Timetable,
            triggering_user: None,
            note: None,
        };
        self.create_run(cx, dag_id, spec).map_or(0, |key| self.runs.get(&key).map_or(0, |r| r.instances.len()))
    }

    /// Starts queued runs whose time has come, in order of `run_after`, up to `max_active_runs`.
    fn start_queued(&mut self, cx: &mut Cx<'_>, dag_id: &DagId) -> usize {
        let mut work = 0;
        loop {
            let Some(entry) = self.dags.get(dag_id) else { return work };
            let Some((run_after, key)) = entry.queued.first().copied() else { return work };
            if entry.row.is_paused || entry.running.len() >= entry.version.dag.max_active_runs as usize {
                return work;
            }
            if run_after > cx.now {
                self.timers.set(run_after, Timer::Dag(dag_id.clone()));
                return work;
            }
            self.start_run(cx, key);
            work += self.runs.get(&key).map_or(0, |r| r.instances.len());
        }
    }

    /// Makes a queued run with its task instances.
    pub(crate) fn create_run(&mut self, cx: &mut Cx<'_>, dag_id: &DagId, spec: NewRunSpec) -> Option<RunKey> {
        let entry = self.dags.get(dag_id)?;
        let (version, graph) = (entry.version.clone(), entry.graph.clone());
        self.last_run_key += 1;
        let NewRunSpec { run_id, run_type, logical_date, data_interval, run_after, conf, triggered_by, triggering_user, note } = spec;
        let row = RunRow {
            key: RunKey(self.last_run_key),
            dag_id: dag_id.clone(),
            run_id,
            run_type,
            state: RunState::Queued,
            version: version.id,
            logical_date,
            data_interval,
            run_after,
            queued_at: Some(cx.now),
            start_date: None,
            end_date: None,
            conf,
            triggered_by,
            triggering_user,
            note,
            end_reason: None,
        };
        let key = self.insert_run(row, None, graph);
        self.come_between(key);
        self.add_missing_instances(cx, key);
        Some(key)
    }

    /// Makes the task instances that a run should have and does not: all of a new run's, and after a
    /// crash those that were not written yet.
    pub(crate) fn add_missing_instances(&mut self, cx: &mut Cx<'_>, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        let dates = self.dags.get(&run.row.dag_id).map(|d| (d.version.dag.start_date, d.version.dag.end_date)).unwrap_or_default();
        let graph = run.graph.clone();
        let missing: Vec<Node> = (0..graph.nodes.len() as Node)
            .filter(|node| run.instance(*node).is_none() && takes_part(graph.task(*node), &run.row, dates))
            .collect();
        if missing.is_empty() {
            return;
        }
        let Some(run) = self.runs.get_mut(&key) else { return };
        let is_new = run.iter().next().is_none();
        for node in missing {
            let instance = new_instance(run, node, TaskInstanceId(cx.mint.uuid()));
            run.insert(node, instance);
        }
        if !is_new {
            run.recount();
        }
        self.fresh_runs.insert(key);
    }

    /// The store refuses a run, since one of that id or logical date exists. The task that triggered it
    /// fails, and so do those that wait for it.
    pub(crate) fn refused(&mut self, cx: &mut Cx<'_>, key: RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        let (name, triggered_by) = (AwaitedRun { dag_id: run.row.dag_id.clone(), run_id: run.row.run_id.clone() }, run.triggered_by);
        self.forget_run(key);
        self.awaited_run_ended(cx, &name, None);
        let Some((from, node)) = triggered_by else { return };
        let state = self.runs.get(&from).and_then(|run| run.instance(node)).map(|i| i.row.state);
        if state == Some(TaskState::Success) {
            self.move_instance(from, node, TaskEvent::MarkFailed, |instance| {
                instance.row.reason =
                    Some(format!("run {} of DAG {}, or one of its logical date, already exists", name.run_id, name.dag_id));
            });
        }
    }

    /// A run that tasks wait for has ended (or, `None`, is not there any more).
    pub(crate) fn awaited_run_ended(&mut self, cx: &mut Cx<'_>, awaited: &AwaitedRun, state: Option<RunState>) {
        if state.is_some_and(|s| !s.is_finished()) {
            return;
        }
        for (key, node) in self.awaiting.remove(awaited).unwrap_or_default() {
            let waits = |i: &Instance| i.row.state == TaskState::Deferred && i.row.awaits.as_ref() == Some(awaited);
            let Some(instance) = self.runs.get_mut(&key).and_then(|r| r.instance_mut(node)).filter(|i| waits(i)) else { continue };
            instance.row.end_date = Some(cx.now);
            match state {
                Some(RunState::Success) => self.succeed_deferred(cx, key, node),
                Some(state) => self.fail(cx, key, node, format!("the triggered run {} is {}", awaited.run_id, state.as_str()), true),
                None => self.fail(cx, key, node, format!("the triggered run {} does not exist", awaited.run_id), true),
            }
        }
    }

    fn succeed_deferred(&mut self, cx: &mut Cx<'_>, key: RunKey, node: Node) {
        let now = cx.now;
        self.move_instance(key, node, TaskEvent::Succeed, |instance| {
            instance.row.end_date = Some(now);
            instance.row.awaits = None;
        });
    }

    /// The data interval of a run that is not scheduled: as asked, or as the timetable infers it.
    pub(crate) fn interval_of(&self, dag_id: &DagId, date: Option<Timestamp>, asked: Option<DataInterval>) -> Option<DataInterval> {
        asked.or_else(|| Some(self.dags.get(dag_id)?.timetable.manual_interval(date?)))
    }
}

/// `<type>__<run_after>`, as Airflow 3 names runs.
pub(crate) fn run_id(run_type: RunType, run_after: Timestamp) -> Option<RunId> {
    RunId::new(format!("{}__{}", run_type.as_str(), run_after.isoformat())).ok()
}

/// Whether a task is part of a run: its dates, narrowed by its DAG's, include the logical date.
/// Backfills and runs without a logical date have all tasks (Airflow's `DagRun._create_tasks`).
fn takes_part(task: &Task, run: &RunRow, (dag_start, dag_end): (Option<Timestamp>, Option<Timestamp>)) -> bool {
    let Some(date) = run.logical_date.filter(|_| run.run_type != RunType::Backfill) else { return true };
    let start = task.start_date.max(dag_start);
    let end = [task.end_date, dag_end].into_iter().flatten().min();
    start.is_none_or(|s| s <= date) && end.is_none_or(|e| date <= e)
}

/// A task instance nothing has happened to yet.
pub(crate) fn new_instance(run: &Run, node: Node, id: TaskInstanceId) -> Instance {
    let this = &run.graph.nodes[node as usize];
    let row = TaskInstanceRow { version: this.version, priority_weight: this.weight, ..TaskInstanceRow::new(&run.row, &this.task, id) };
    Instance { row, stored: None, counts: Counts::default(), parked_at: None, dirty: false, touched: false, place: 0, writes: None }
}

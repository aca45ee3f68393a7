//! New runs: from timetables, from people, from tasks; and which of the queued ones start.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;
use updraft_model::{
    AttemptId, AwaitedRun, DagId, DataInterval, MapIndex, NextRun, Question, RunId, RunKey, RunRow, RunState, RunType, Schedule, Task,
    TaskEvent, TaskInstanceId, TaskInstanceRow, TaskState, Timestamp, TriggerRun, TriggeredBy,
};

use crate::{
    end::{IfExists, InlineEnd},
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

/// A `trigger_dag_run` that waits to hear whether its run exists.
#[derive(Debug, Clone)]
pub(crate) struct PendingTrigger {
    pub attempt: AttemptId,
    pub trigger: TriggerRun,
    pub wait: bool,
    pub if_exists: IfExists,
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
        let any = !missing.is_empty();
        let Some(run) = self.runs.get_mut(&key) else { return };
        for node in missing {
            let instance = new_instance(run, node, TaskInstanceId(cx.mint.uuid()));
            run.insert(node, instance);
        }
        if any {
            run.recount();
            self.fresh_runs.insert(key);
        }
    }

    /// A task triggers a run. `None`: it goes on later, when the store has answered or the run has ended.
    pub(crate) fn trigger_for_task(
        &mut self,
        cx: &mut Cx<'_>,
        attempt: AttemptId,
        mut trigger: TriggerRun,
        wait: bool,
        if_exists: IfExists,
    ) -> Option<Result<Value, InlineEnd>> {
        let run_after = *trigger.run_after.get_or_insert(cx.now);
        let missing = |error: String| Some(Err(InlineEnd::Failed { error, retry: true }));
        if self.dags.get(&trigger.dag_id).is_none_or(|d| d.row.is_stale) {
            return missing(format!("DAG \"{}\" does not exist", trigger.dag_id));
        }
        // Airflow: the logical date is now unless the task says otherwise, and the run is named after it,
        // like a manual one.
        let date = *trigger.logical_date.get_or_insert_with(|| self.free_date(&trigger.dag_id, run_after));
        let Some(run_id) = trigger.run_id.clone().or_else(|| run_id(RunType::Manual, date)) else {
            return missing("the run id could not be made".to_owned());
        };
        trigger.run_id = Some(run_id.clone());
        let question = Question::RunState { dag_id: trigger.dag_id.clone(), run_id };
        let pending = PendingTrigger { attempt, trigger, wait, if_exists };
        self.pending_triggers.entry(question.clone()).or_default().push(pending);
        self.ask(question);
        None
    }

    /// The store has said whether a task's run exists.
    pub(crate) fn trigger_checked(&mut self, cx: &mut Cx<'_>, question: &Question, exists: bool) {
        for pending in self.pending_triggers.remove(question).unwrap_or_default() {
            let PendingTrigger { attempt, trigger, wait, if_exists } = pending;
            let Some(live) = self.attempts.get(&attempt) else { continue };
            let (key, node, executor) = (live.run, live.node, live.row.executor.clone());
            if live.killing.is_some() {
                self.attempt_ended(cx, attempt, executor, crate::end::never_started(cx.now));
                continue;
            }
            let Some(run_id) = trigger.run_id.clone() else { continue };
            let (dag_id, name) = (trigger.dag_id.clone(), run_id.to_string());
            let exists = exists || self.run_names.contains_key(&(dag_id.clone(), run_id.clone()));
            let end = match (exists, if_exists) {
                (true, IfExists::Fail) => {
                    Some(InlineEnd::Failed { error: format!("run {name} of DAG {dag_id} already exists"), retry: true })
                }
                (true, IfExists::Skip) => Some(InlineEnd::Skipped(format!("run {name} of DAG {dag_id} already exists"))),
                (true, IfExists::Reset) => {
                    self.clear_run_by_name(cx, &dag_id, &run_id);
                    None
                }
                (false, _) => {
                    let interval = self.interval_of(&dag_id, trigger.logical_date, trigger.data_interval);
                    let spec = NewRunSpec {
                        run_id: run_id.clone(),
                        run_type: RunType::OperatorTriggered,
                        logical_date: trigger.logical_date,
                        data_interval: interval,
                        run_after: trigger.run_after.unwrap_or(cx.now),
                        conf: trigger.conf,
                        triggered_by: TriggeredBy::Operator,
                        triggering_user: None,
                        note: trigger.note,
                    };
                    self.create_run(cx, &dag_id, spec);
                    None
                }
            };
            match end {
                Some(end) => self.inline_ended(cx, attempt, end),
                None if !wait => self.inline_ended(cx, attempt, InlineEnd::Success(Some(Value::String(name)))),
                None => {
                    let now = cx.now;
                    let closed = self.close_attempt(attempt, &executor, Some(now), now, format!("triggered {name}"), None);
                    if closed.is_none() {
                        continue;
                    }
                    let awaited = AwaitedRun { dag_id, run_id };
                    self.awaiting.entry(awaited.clone()).or_default().insert((key, node));
                    self.move_instance(key, node, TaskEvent::Defer, |instance| {
                        instance.row.start_date.get_or_insert(now);
                        instance.row.first_start.get_or_insert(now);
                        instance.row.awaits = Some(awaited);
                    });
                }
            }
        }
    }

    /// The first date from `date` on that no active run of the DAG has, nor one that a task is about to
    /// trigger: two tasks may do so in the same microsecond.
    fn free_date(&self, dag_id: &DagId, date: Timestamp) -> Timestamp {
        let active = self.runs.values().filter(|r| r.row.dag_id == *dag_id).filter_map(|r| r.row.logical_date);
        let coming = self.pending_triggers.values().flatten().filter(|p| p.trigger.dag_id == *dag_id);
        let dates: BTreeSet<Timestamp> = active.chain(coming.filter_map(|p| p.trigger.logical_date)).collect();
        let taken = |date: Timestamp| dates.contains(&date);
        let mut free = date;
        while taken(free) {
            free = Timestamp::from_micros(free.micros() + 1);
        }
        free
    }

    /// The store refuses a run, since one of that id or logical date exists. Tasks that wait for it fail.
    pub(crate) fn refused(&mut self, cx: &mut Cx<'_>, key: RunKey) {
        let name = self.runs.get(&key).map(|r| AwaitedRun { dag_id: r.row.dag_id.clone(), run_id: r.row.run_id.clone() });
        self.forget_run(key);
        if let Some(name) = name {
            self.awaited_run_ended(cx, &name, None);
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
    let task: &Arc<Task> = &this.task;
    let row = TaskInstanceRow {
        run: run.row.key,
        task_id: task.task_id.clone(),
        map_index: MapIndex::UNMAPPED,
        id,
        dag_id: run.row.dag_id.clone(),
        run_id: run.row.run_id.clone(),
        version: this.version,
        state: TaskState::NoStatus,
        try_number: 0,
        max_tries: task.retry.retries,
        attempt: None,
        relaunches: 0,
        executor: None,
        node: None,
        pid: None,
        scheduled_at: None,
        queued_at: None,
        start_date: None,
        end_date: None,
        first_start: None,
        next_at: None,
        awaits: None,
        decision: None,
        pool: task.pool.clone(),
        pool_slots: task.pool_slots,
        priority_weight: this.weight,
        operator: task.operator.airflow_name().to_owned(),
        exit_code: None,
        reason: None,
        note: None,
    };
    Instance { row, stored: None, counts: Counts::default(), parked_at: None, dirty: false, touched: false, writes: None }
}

/// Pending triggers by the question that decides them.
pub(crate) type PendingTriggers = BTreeMap<Question, Vec<PendingTrigger>>;

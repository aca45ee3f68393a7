//! Moving task instances: the one place where a state changes, and everything that counts it.

use std::collections::BTreeMap;

use updraft_model::{DagId, Operator, RunKey, TaskEvent, TaskState};

use crate::{
    Kill,
    gates::{GateName, Needs},
    graph::Node,
    run::{Instance, Run},
    scheduler::{INLINE, Scheduler},
};

impl Scheduler {
    /// Moves an instance by `event`, with its share of every count: slots, histogram, downstreams.
    /// `change` sets the fields that go with it. A move that is not legal changes nothing.
    pub(crate) fn move_instance(&mut self, key: RunKey, node: Node, event: TaskEvent, change: impl FnOnce(&mut Instance)) -> bool {
        let Some(run) = self.runs.get_mut(&key) else { return false };
        let ready = run.ready(node);
        let Some(instance) = run.instance_mut(node) else { return false };
        let from = instance.row.state;
        let to = match from.next(event) {
            Ok(to) => to,
            Err(illegal) => {
                let problem = format!("{} in run {}/{}: {illegal}", instance.row.task_id, instance.row.dag_id, instance.row.run_id);
                self.problem(problem);
                return false;
            }
        };
        let parked_at = instance.parked_at.take();
        if from == TaskState::Scheduled
            && let Some(ready) = ready
        {
            self.gates.leave(&ready, parked_at.as_ref());
        }
        let Some(run) = self.runs.get_mut(&key) else { return false };
        for gate in gates_of(run, node) {
            let Some(instance) = run.instance(node) else { break };
            let include_deferred = match &gate {
                GateName::Pool(pool) => self.pools.get(pool).is_some_and(|p| p.include_deferred),
                _ => false,
            };
            let (before, after) = (holds(&gate, from, include_deferred), holds(&gate, to, include_deferred));
            let by = i64::from(after) - i64::from(before);
            self.gates.account(&gate, by * i64::from(wants_of(instance, &gate)));
        }
        run.tally(node, from, -1);
        run.tally(node, to, 1);
        if let Some(instance) = run.instance_mut(node) {
            instance.row.state = to;
            change(instance);
        }
        if to == TaskState::Queued {
            self.touch_anew(key, node);
        }
        self.touch(key, node);
        self.after_move(key, node, from, to);
        true
    }

    fn after_move(&mut self, key: RunKey, node: Node, from: TaskState, to: TaskState) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        if from.is_finished() != to.is_finished() || (to.is_finished() && from != to) {
            let graph = run.graph.clone();
            for &down in &graph.nodes[node as usize].downstream {
                self.mark_dirty(key, down);
            }
            self.dirty_runs.insert(key);
            self.tell_followers(key, node);
        }
        if to.is_schedulable() {
            self.mark_dirty(key, node);
        }
        if to == TaskState::Scheduled
            && let Some(ready) = self.runs.get(&key).and_then(|run| run.ready(node))
        {
            self.gates.enter(ready);
        }
    }

    /// The instance will be evaluated.
    pub(crate) fn mark_dirty(&mut self, key: RunKey, node: Node) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let Some(instance) = run.instance_mut(node) else { return };
        if instance.row.state.is_schedulable() && !std::mem::replace(&mut instance.dirty, true) {
            if run.dirty.is_empty() {
                self.turns.push(key);
            }
            run.dirty.push_back(node);
        }
    }

    /// All instances of a run will be evaluated, and the run.
    pub(crate) fn mark_all_dirty(&mut self, key: RunKey) {
        let nodes = self.runs.get(&key).map_or(0, |run| run.instances.len() as Node);
        for node in 0..nodes {
            self.mark_dirty(key, node);
        }
        self.dirty_runs.insert(key);
    }

    /// The instance's row will be written.
    pub(crate) fn touch(&mut self, key: RunKey, node: Node) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let Some(instance) = run.instance_mut(node) else { return };
        if !std::mem::replace(&mut instance.touched, true) {
            let place = instance.place;
            if run.touched_nodes.is_empty() {
                self.touched_runs.push_back(key);
            }
            run.touched_nodes.push((node, place));
            self.changed_runs.insert(key);
        }
    }

    /// The instance takes slots now: its row goes after those of its run that gave them back, so that no crash
    /// between two commits leaves more of them at work than may be.
    fn touch_anew(&mut self, key: RunKey, node: Node) {
        let instance = self.runs.get_mut(&key).and_then(|run| run.instance_mut(node));
        if let Some(instance) = instance.filter(|instance| instance.touched) {
            instance.place += 1;
            instance.touched = false;
            self.touch(key, node);
        }
    }

    /// Lets the best of the ready instances pass its gates, or parks it at the first closed one.
    /// `false`: nobody is ready.
    pub(crate) fn pass_gate(&mut self, cx: &mut crate::scheduler::Cx<'_>) -> bool {
        let Self { gates, runs, .. } = self;
        let next = gates.next(|ready| {
            if let Some(instance) = runs.get_mut(&ready.run).and_then(|run| run.instance_mut(ready.node)) {
                instance.parked_at = None;
            }
        });
        let Some(ready) = next else { return false };
        let Some(executor) = self.executor_of(ready.run, ready.node) else { return true };
        let Some(run) = self.runs.get_mut(&ready.run) else { return true };
        let mut names = vec![GateName::Paused(run.row.dag_id.clone()), GateName::Executor(executor.clone())];
        names.extend(gates_of(run, ready.node));
        let Some(instance) = run.instance_mut(ready.node) else { return true };
        if instance.row.state != TaskState::Scheduled {
            return true;
        }
        let closed = names.iter().find(|gate| !self.gates.fits(gate, wants_of(instance, gate))).cloned();
        match closed {
            Some(gate) => {
                instance.parked_at = Some(gate.clone());
                let (pool, slots) = (instance.row.pool.clone(), instance.row.pool_slots);
                self.gates.park(ready, &gate, Needs { executor, pool, slots });
            }
            None => self.queue(cx, ready.run, ready.node, executor),
        }
        true
    }

    /// What waits starts anew: its DAG names another executor now.
    pub(crate) fn reenter(&mut self, dag_id: &DagId) {
        let keys: Vec<RunKey> = self.dags.get(dag_id).map(|entry| entry.running.iter().copied().collect()).unwrap_or_default();
        for key in keys {
            let Self { runs, gates, .. } = self;
            let Some(run) = runs.get_mut(&key) else { continue };
            for node in 0..run.instances.len() as Node {
                let Some(ready) = run.ready(node) else { continue };
                let Some(instance) = run.instance_mut(node).filter(|i| i.row.state == TaskState::Scheduled) else { continue };
                gates.leave(&ready, instance.parked_at.take().as_ref());
                gates.enter(ready);
            }
        }
    }

    /// The executor an instance goes to: its task's, its DAG's or the configuration's.
    pub(crate) fn executor_of(&self, key: RunKey, node: Node) -> Option<updraft_model::ExecutorName> {
        let run = self.runs.get(&key)?;
        let task = run.graph.task(node);
        if is_inline(&task.operator) {
            return updraft_model::ExecutorName::new(INLINE).ok();
        }
        let of_dag = || self.dags.get(&run.row.dag_id).and_then(|d| d.version.dag.executor.clone());
        Some(task.executor.clone().or_else(of_dag).unwrap_or_else(|| self.config.default_executor.clone()))
    }

    /// Ends the live attempt of an instance, if it has one.
    pub(crate) fn kill_attempt(&mut self, key: RunKey, node: Node, why: updraft_model::KillReason) -> bool {
        let Some(run) = self.runs.get(&key) else { return false };
        let grace = run.graph.task(node).termination_grace;
        let Some(attempt) = run.instance(node).and_then(|i| i.row.attempt) else { return false };
        let Some(live) = self.attempts.get_mut(&attempt) else { return false };
        if live.killing.is_none() {
            live.killing = Some(why);
            let executor = live.row.executor.clone();
            self.kill(Kill { attempt, executor, why, grace });
        }
        true
    }

    /// Sets the gates that a DAG's latest version decides.
    pub(crate) fn set_dag_gates(&mut self, dag_id: &DagId) {
        let Some(entry) = self.dags.get(dag_id) else { return };
        self.gates.set_limit(GateName::Paused(dag_id.clone()), entry.row.is_paused.then_some(0));
        for task in entry.version.dag.tasks.values() {
            if let Some(limit) = task.max_active_tis_per_dag {
                self.gates.set_limit(GateName::Task(dag_id.clone(), task.task_id.clone()), Some(i64::from(limit)));
            }
        }
    }
}

/// Whether the engine does it by itself.
pub(crate) fn is_inline(operator: &Operator) -> bool {
    use updraft_model::{Chooser, Condition};
    match operator {
        Operator::Empty | Operator::TriggerDagRun(_) => true,
        Operator::Branch { by } | Operator::ShortCircuit { by, .. } => matches!(by, Chooser::Expression(_)),
        Operator::Sensor(sensor) => matches!(sensor.condition, Condition::Time { .. } | Condition::ExternalTask(_)),
        Operator::Bash { .. } | Operator::Cmd { .. } | Operator::Python(_) | Operator::Http(_) => false,
    }
}

/// The gates that count an instance by its state (the executor's counts attempts).
fn gates_of(run: &Run, node: Node) -> Vec<GateName> {
    let task = run.graph.task(node);
    let mut gates = vec![GateName::Pool(task.pool.clone()), GateName::Run(run.row.key)];
    if task.max_active_tis_per_dag.is_some() {
        gates.push(GateName::Task(run.row.dag_id.clone(), task.task_id.clone()));
    }
    if task.max_active_tis_per_dagrun.is_some() {
        gates.push(GateName::TaskInRun(run.row.key, task.task_id.clone()));
    }
    gates
}

impl Scheduler {
    /// Counts an instance's state into its gates (when it is put in) or out of them (`by` = -1).
    pub(crate) fn account_instance(&mut self, key: RunKey, node: Node, by: i64) {
        let Some(run) = self.runs.get(&key) else { return };
        for gate in gates_of(run, node) {
            let Some(instance) = run.instance(node) else { break };
            let include_deferred = match &gate {
                GateName::Pool(pool) => self.pools.get(pool).is_some_and(|p| p.include_deferred),
                _ => false,
            };
            if holds(&gate, instance.row.state, include_deferred) {
                self.gates.account(&gate, by * i64::from(wants_of(instance, &gate)));
            }
        }
    }
}

impl Scheduler {
    /// The gates whose use is not what follows from the instances and attempts in memory.
    pub(crate) fn miscounts(&self) -> Vec<String> {
        let mut uses: BTreeMap<GateName, i64> = BTreeMap::new();
        for run in self.runs.values() {
            for (node, instance) in run.iter() {
                for gate in gates_of(run, node) {
                    let include_deferred = match &gate {
                        GateName::Pool(pool) => self.pools.get(pool).is_some_and(|p| p.include_deferred),
                        _ => false,
                    };
                    if holds(&gate, instance.row.state, include_deferred) {
                        *uses.entry(gate.clone()).or_default() += i64::from(wants_of(instance, &gate));
                    }
                }
            }
        }
        for live in self.attempts.values() {
            *uses.entry(GateName::Executor(live.row.executor.clone())).or_default() += 1;
        }
        self.gates.differences(&uses)
    }
}

/// How much of a gate an instance takes.
pub(crate) fn wants_of(instance: &Instance, gate: &GateName) -> u32 {
    match gate {
        GateName::Pool(_) => instance.row.pool_slots,
        GateName::Paused(_) | GateName::Executor(_) | GateName::Run(_) | GateName::Task(..) | GateName::TaskInRun(..) => 1,
    }
}

/// Whether an instance in `state` takes its share of a gate, as in Airflow: pools count queued and
/// running, deferred if they say so; `max_active_tis_*` count deferred and waiting for input too.
fn holds(gate: &GateName, state: TaskState, include_deferred: bool) -> bool {
    match gate {
        GateName::Paused(_) | GateName::Executor(_) => false,
        GateName::Run(_) => state.holds_slot(),
        GateName::Pool(_) => state.holds_slot() || (include_deferred && state == TaskState::Deferred),
        GateName::Task(..) | GateName::TaskInRun(..) => {
            state.holds_slot() || matches!(state, TaskState::Deferred | TaskState::AwaitingInput)
        }
    }
}

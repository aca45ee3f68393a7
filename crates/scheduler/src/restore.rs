//! From the store back into memory: everything at the start, single runs later.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use updraft_model::{
    AwaitedRun, DagVersion, Loaded, Mint, Question, RunKey, RunRow, RunState, StoredRun, Task, TaskInstanceRow, TaskState, Timestamp,
    VersionId,
};

use crate::{
    Plan,
    dags::{DagEntry, FileState, Shelved},
    gates::GateName,
    graph::Graph,
    rule::Counts,
    run::{Instance, LiveAttempt, Timer},
    scheduler::{Config, Cx, Scheduler},
};

type Versions = BTreeMap<VersionId, Arc<DagVersion>>;

impl Scheduler {
    /// A scheduler that goes on where the store is, and its first plan. What the store holds that
    /// can't be read is told in `problems` and left alone.
    pub fn restore(config: Config, loaded: Loaded, now: Timestamp, mint: &mut dyn Mint) -> (Self, Plan) {
        let mut scheduler = Self::new(config);
        let mut cx = Cx { now, mint };
        let Loaded { max_run_key, dags, versions, runs, task_instances, attempts, pools, files_with_errors } = loaded;
        scheduler.last_run_key = max_run_key;
        let versions: Versions = versions.into_iter().map(|v| (v.id, Arc::new(v))).collect();
        pools.into_iter().for_each(|pool| scheduler.install_pool(pool));
        for file in files_with_errors {
            scheduler.files.entry(file).or_default().has_error = true;
        }
        for row in dags {
            let dag_id = row.dag_id.clone();
            if !row.is_stale {
                let state: &mut FileState = scheduler.files.entry(row.file.clone()).or_default();
                state.dags.insert(dag_id.clone());
            }
            let Some(version) = versions.get(&row.latest).cloned() else {
                scheduler.problem(format!("DAG {dag_id}: its version {} is not in the store", row.latest));
                continue;
            };
            let number = version.number;
            match DagEntry::new(row.clone(), version) {
                Ok(entry) => {
                    scheduler.dags.insert(dag_id.clone(), entry);
                    scheduler.set_dag_gates(&dag_id);
                    scheduler.dirty_dags.insert(dag_id);
                }
                // What its file says now may be readable again: it goes on from here.
                Err(problem) => {
                    scheduler.problem(format!("DAG {dag_id}: {problem}"));
                    scheduler.shelved.insert(dag_id, Shelved { row, number });
                }
            }
        }
        let mut by_run: BTreeMap<RunKey, Vec<TaskInstanceRow>> = BTreeMap::new();
        for row in task_instances {
            by_run.entry(row.run).or_default().push(row);
        }
        let mut graphs = BTreeMap::new();
        for run in runs {
            let rows = by_run.remove(&run.key).unwrap_or_default();
            if let Err(problem) = scheduler.insert_stored(&mut cx, run, rows, &versions, &mut graphs) {
                scheduler.problem(problem);
            }
        }
        for row in attempts {
            scheduler.insert_attempt(row);
        }
        let mut plan = scheduler.handle(now, [], cx.mint);
        // Nothing may be launched before it is known what became of the attempts of the term before:
        // the engine reconciles those; what this plan launches is new.
        plan.more |= true;
        (scheduler, plan)
    }

    fn insert_attempt(&mut self, row: updraft_model::AttemptRow) {
        let Some(run) = self.runs.get_mut(&row.key.run) else { return };
        let Some(node) = run.graph.node(&row.key.task_id) else { return };
        let Some(instance) = run.instance(node) else { return };
        let current = instance.row.attempt == Some(row.id);
        let wanted = current && matches!(instance.row.state, TaskState::Queued | TaskState::Running);
        run.live_attempts += 1;
        let key = row.key.run;
        self.gates.account(&GateName::Executor(row.executor.clone()), 1);
        let attempt = row.id;
        self.attempts.insert(attempt, LiveAttempt { run: key, node, row, killing: None });
        if !wanted {
            // It was being ended when the last leader stopped.
            self.kill_live(attempt);
        }
    }

    fn kill_live(&mut self, attempt: updraft_model::AttemptId) {
        let Some(live) = self.attempts.get_mut(&attempt) else { return };
        let why = updraft_model::KillReason::Marked;
        live.killing = Some(why);
        let executor = live.row.executor.clone();
        let grace = self.runs.get(&live.run).map(|r| r.graph.task(live.node).termination_grace).unwrap_or_default();
        self.kill(crate::Kill { attempt, executor, why, grace });
    }

    /// Takes a run that is not active into memory: a request is about it.
    pub(crate) fn adopt_run(&mut self, cx: &mut Cx<'_>, stored: StoredRun) -> Result<RunKey, String> {
        let StoredRun { run, task_instances, versions } = stored;
        let versions: Versions = versions.into_iter().map(|v| (v.id, Arc::new(v))).collect();
        let key = run.key;
        self.insert_stored(cx, run, task_instances, &versions, &mut BTreeMap::new())?;
        // Visited by the next flush, and forgotten there if nothing became of it.
        self.touched_runs.push_back(key);
        self.take_followers(key);
        Ok(key)
    }

    fn insert_stored(
        &mut self,
        cx: &mut Cx<'_>,
        row: RunRow,
        instances: Vec<TaskInstanceRow>,
        versions: &Versions,
        graphs: &mut BTreeMap<VersionId, Arc<Graph>>,
    ) -> Result<(), String> {
        let name = format!("run {}/{}", row.dag_id, row.run_id);
        let graph = self.graph_of(&row, &instances, versions, graphs).map_err(|problem| format!("{name}: {problem}"))?;
        let state = row.state;
        let key = self.insert_run(row, Some(state), graph.clone());
        for row in instances {
            let Some(node) = graph.node(&row.task_id) else { continue };
            let stored = Some(row.state);
            let instance =
                Instance { row, stored, counts: Counts::default(), parked_at: None, dirty: false, touched: false, place: 0, writes: None };
            if let Some(run) = self.runs.get_mut(&key) {
                run.insert(node, instance);
            }
            self.account_instance(key, node, 1);
            self.resume_instance(key, node);
        }
        if !state.is_finished() {
            self.add_missing_instances(cx, key);
        }
        if let Some(run) = self.runs.get_mut(&key) {
            run.recount();
        }
        if state == RunState::Running {
            self.set_run_timeout(key);
            self.mark_all_dirty(key);
        }
        Ok(())
    }

    /// What an instance waits for is not stored but follows from its state.
    fn resume_instance(&mut self, key: RunKey, node: crate::graph::Node) {
        let Some(run) = self.runs.get(&key) else { return };
        let Some(row) = run.instance(node).map(|i| &i.row) else { return };
        match row.state {
            TaskState::Scheduled => {
                if let Some(ready) = run.ready(node) {
                    self.gates.enter(ready);
                }
            }
            TaskState::UpForRetry | TaskState::UpForReschedule => {
                if let Some(at) = row.next_at {
                    self.timers.set(at, Timer::Instance(key, node));
                }
            }
            TaskState::Deferred => {
                if let Some(awaited) = row.awaits.clone() {
                    let AwaitedRun { dag_id, run_id } = awaited.clone();
                    self.awaiting.entry(awaited).or_default().insert((key, node));
                    self.ask(Question::RunState { dag_id, run_id });
                }
            }
            TaskState::NoStatus
            | TaskState::Queued
            | TaskState::Running
            | TaskState::Success
            | TaskState::Failed
            | TaskState::Skipped
            | TaskState::UpstreamFailed
            | TaskState::AwaitingInput
            | TaskState::Restarting
            | TaskState::Removed => {}
        }
    }

    /// The graph of a stored run: each instance's task from its own version, and the tasks of the
    /// run's version that have no instance.
    fn graph_of(
        &self,
        run: &RunRow,
        instances: &[TaskInstanceRow],
        versions: &Versions,
        graphs: &mut BTreeMap<VersionId, Arc<Graph>>,
    ) -> Result<Arc<Graph>, String> {
        let missing = |id: &VersionId| format!("version {id} is not in the store");
        if instances.iter().all(|i| i.version == run.version) {
            if let Some(entry) = self.dags.get(&run.dag_id).filter(|d| d.version.id == run.version) {
                return Ok(entry.graph.clone());
            }
            if let Some(graph) = graphs.get(&run.version) {
                return Ok(graph.clone());
            }
            let version = versions.get(&run.version).ok_or_else(|| missing(&run.version))?;
            let graph = Arc::new(Graph::of_version(version).map_err(|e| e.to_string())?);
            graphs.insert(run.version, graph.clone());
            return Ok(graph);
        }
        let mut tasks: Vec<(Arc<Task>, VersionId)> = Vec::new();
        for row in instances {
            let version = versions.get(&row.version).ok_or_else(|| missing(&row.version))?;
            let task =
                version.dag.tasks.get(&row.task_id).ok_or_else(|| format!("task {} is not in version {}", row.task_id, row.version))?;
            tasks.push((Arc::new(task.clone()), row.version));
        }
        let version = versions.get(&run.version).ok_or_else(|| missing(&run.version))?;
        let has: BTreeSet<_> = instances.iter().map(|i| &i.task_id).collect();
        tasks.extend(version.dag.tasks.values().filter(|t| !has.contains(&t.task_id)).map(|t| (Arc::new(t.clone()), version.id)));
        let used: BTreeSet<VersionId> = tasks.iter().map(|(_, version)| *version).collect();
        let used = used.iter().filter_map(|id| versions.get(id)).cloned().collect::<Vec<_>>();
        Graph::new(tasks).map(|graph| Arc::new(graph.with_versions(used))).map_err(|e| e.to_string())
    }
}

//! A scheduler with a clock of its own and a store made of maps, to say in few words what happens.

use std::{collections::BTreeMap, sync::Arc};

use jiff::SignedDuration;
use updraft_model::*;
use updraft_scheduler::*;
use uuid::Uuid;

pub struct Counter(pub u128);

impl Mint for Counter {
    fn uuid(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u128(self.0)
    }
}

pub struct World {
    pub scheduler: Scheduler,
    pub now: Timestamp,
    pub mint: Counter,
    /// What a store would hold.
    pub loaded: Loaded,
    pub finished_runs: BTreeMap<RunKey, RunRow>,
    pub instances: BTreeMap<TaskInstanceKey, TaskInstanceRow>,
    pub attempts: BTreeMap<AttemptId, AttemptRow>,
    pub xcoms: BTreeMap<(TaskInstanceKey, String), serde_json::Value>,
    pub answers: BTreeMap<RequestId, Answer>,
    /// Requests that can't be withdrawn any more, once for each commit that says so.
    pub taken: Vec<RequestId>,
    pub launches: Vec<Launch>,
    pub kills: Vec<Kill>,
    pub archived: Vec<TaskInstanceRow>,
    pub plans: usize,
    pub wake_at: Option<(Timestamp, WakeReason)>,
    /// How much a plan carries, from the next restart on.
    pub plan_rows: usize,
    /// Where what is launched runs, from the next restart on.
    pub node: Option<NodeId>,
    next_request: i64,
}

pub fn config() -> Config {
    Config {
        executors: BTreeMap::from([(ExecutorName::new("local").unwrap(), 32)]),
        default_executor: ExecutorName::new("local").unwrap(),
        dags_are_paused_at_creation: false,
        node: None,
        plan_rows: 5_000,
    }
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn task_id(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}

pub fn bash(id: &str, upstream: &[&str]) -> Task {
    let mut task = Task::new(task_id(id), Operator::Bash { command: "true".into() });
    task.upstream = upstream.iter().map(|u| task_id(u)).collect();
    task
}

pub fn empty(id: &str, upstream: &[&str]) -> Task {
    Task { operator: Operator::Empty, ..bash(id, upstream) }
}

pub fn dag(tasks: impl IntoIterator<Item = Task>) -> Dag {
    let mut dag = Dag::new(DagId::new("d").unwrap());
    dag.tasks = tasks.into_iter().map(|t| (t.task_id.clone(), t)).collect();
    dag
}

pub fn file(dag: Dag) -> FileChange {
    let content = FileContent { source: Arc::default(), dags: vec![ReadDag::new(dag.clone())], error: None };
    FileChange { file: format!("{}.yaml", dag.dag_id), content: Some(content) }
}

pub fn exit(how: HowEnded, now: Timestamp) -> Box<Exit> {
    Box::new(Exit { how, started_at: Some(now), ended_at: now, outputs: BTreeMap::new(), last_line: None, pid: None })
}

pub fn trigger_of(dag_id: &str, run_id: &str) -> TriggerRun {
    TriggerRun::new(DagId::new(dag_id).unwrap(), RunId::new(run_id).unwrap(), TriggeredBy::RestApi)
}

impl World {
    pub fn new(dag: Dag) -> Self {
        let mut world = Self {
            scheduler: Scheduler::new(config()),
            now: at("2026-01-10T10:00:00Z"),
            mint: Counter(0),
            loaded: Loaded::default(),
            finished_runs: BTreeMap::new(),
            instances: BTreeMap::new(),
            attempts: BTreeMap::new(),
            xcoms: BTreeMap::new(),
            answers: BTreeMap::new(),
            taken: Vec::new(),
            launches: Vec::new(),
            kills: Vec::new(),
            archived: Vec::new(),
            plans: 0,
            wake_at: None,
            plan_rows: 5_000,
            node: None,
            next_request: 0,
        };
        world.loaded.pools.push(PoolRow { name: PoolName::default_pool(), slots: 128, description: None, include_deferred: false });
        world.restart();
        world.give([Input::Files(vec![file(dag)])]);
        world
    }

    /// A world whose store answers each question with what was true before the commit that follows.
    pub fn with_slow_answers(dag: Dag) -> Self {
        let mut world = Self::new(Dag::new(DagId::new("nothing").unwrap()));
        let mut inputs = vec![Input::Files(vec![file(dag)])];
        loop {
            let plan = world.scheduler.handle(world.now, inputs.drain(..), &mut world.mint);
            let (more, asks) = (plan.more, plan.asks.clone());
            world.commit(plan);
            let mut facts: Vec<Input> =
                asks.into_iter().map(|question| Input::Fact { verdict: world.verdict(&question), question }).collect();
            // The answers were all read now, but they are heard one after the other.
            while facts.len() > 1 {
                let first = facts.remove(0);
                let plan = world.scheduler.handle(world.now, [first], &mut world.mint);
                let asks = plan.asks.clone();
                world.commit(plan);
                facts.extend(asks.into_iter().map(|question| Input::Fact { verdict: world.verdict(&question), question }));
            }
            inputs = facts;
            if !more && inputs.is_empty() {
                return world;
            }
        }
    }

    /// One plan and its commit; the questions in it are not answered.
    pub fn step(&mut self, inputs: impl IntoIterator<Item = Input>) -> (Vec<Question>, bool) {
        let plan = self.scheduler.handle(self.now, inputs, &mut self.mint);
        let (asks, more) = (plan.asks.clone(), plan.more);
        self.commit(plan);
        (asks, more)
    }

    pub fn give(&mut self, inputs: impl IntoIterator<Item = Input>) {
        let mut next: (Vec<Input>, bool) = (inputs.into_iter().collect(), true);
        while next.1 || !next.0.is_empty() {
            next = self.step_with_facts(next.0);
        }
    }

    /// One plan and its commit: the answers to its questions, and whether there is more to do.
    pub fn step_with_facts(&mut self, inputs: Vec<Input>) -> (Vec<Input>, bool) {
        let (asks, more) = self.step(inputs);
        let fact = |question: Question| Input::Fact { verdict: self.verdict(&question), question };
        (asks.into_iter().map(fact).collect(), more)
    }

    fn commit(&mut self, plan: Plan) {
        assert_eq!(plan.problems, Vec::<String>::new());
        assert_eq!(self.scheduler.violations(), Vec::<String>::new());
        self.plans += usize::from(!plan.batch.is_empty());
        let batch = plan.batch;
        for key in batch.deleted_runs {
            self.finished_runs.remove(&key);
            self.instances.retain(|of, _| of.run != key);
        }
        for row in batch.dags {
            self.loaded.dags.retain(|d| d.dag_id != row.dag_id);
            self.loaded.dags.push(row);
        }
        self.loaded.versions.extend(batch.versions.into_iter().map(|v| v.version.as_ref().clone()));
        for pool in batch.pools {
            if let Upsert::Set(pool) = pool {
                self.loaded.pools.retain(|p| p.name != pool.name);
                self.loaded.pools.push(pool);
            }
        }
        let updated = batch.runs.into_iter().map(|u| {
            assert_eq!(self.finished_runs[&u.row.key].state, u.from);
            u.row
        });
        let updated: Vec<RunRow> = updated.collect();
        for run in batch.new_runs.into_iter().chain(updated) {
            self.loaded.max_run_key = self.loaded.max_run_key.max(run.key.0);
            self.finished_runs.insert(run.key, run);
        }
        for row in batch.new_task_instances {
            assert!(self.instances.insert(row.key(), row).is_none());
        }
        for update in batch.task_instances {
            let old = self.instances.insert(update.row.key(), update.row.clone()).unwrap();
            assert_eq!(old.state, update.from, "{}", old.task_id);
        }
        self.archived.extend(batch.archived_tries);
        self.attempts.extend(batch.attempts.into_iter().map(|a| (a.id, a)));
        for key in batch.deleted_xcoms {
            self.xcoms.retain(|(owner, _), _| *owner != key);
        }
        self.xcoms.extend(batch.xcoms.into_iter().map(|x| ((x.owner, x.key), x.value)));
        self.taken.extend(batch.taken_requests);
        self.answers.extend(batch.answers.into_iter().map(|a| (a.id, a.answer)));
        self.launches.extend(plan.launches);
        self.kills.extend(plan.kills);
        self.wake_at = plan.wake_at;
    }

    fn stored_run(&self, dag_id: &DagId, run_id: &RunId) -> Option<&RunRow> {
        self.finished_runs.values().find(|r| r.dag_id == *dag_id && r.run_id == *run_id)
    }

    pub fn verdict(&self, question: &Question) -> Verdict {
        match question {
            Question::Run { dag_id, run_id } => Verdict::Run(self.stored_run(dag_id, run_id).map(|run| {
                Box::new(StoredRun {
                    run: run.clone(),
                    task_instances: self.instances.values().filter(|i| i.run == run.key).cloned().collect(),
                    versions: self.loaded.versions.clone(),
                })
            })),
            Question::RunState { dag_id, run_id } => Verdict::RunState(self.stored_run(dag_id, run_id).map(|r| r.state)),
            Question::External { dag_id, task_id: None, logical_date } => {
                let run = self.finished_runs.values().find(|r| r.dag_id == *dag_id && r.logical_date == Some(*logical_date));
                Verdict::RunState(run.map(|r| r.state))
            }
            Question::PreviousRun { dag_id, before, .. } => {
                let earlier = self.finished_runs.values().filter(|r| r.dag_id == *dag_id && r.logical_date.is_some_and(|d| d < *before));
                Verdict::PreviousRun(earlier.max_by_key(|r| r.logical_date).map(|r| PreviousRun {
                    run: r.key,
                    run_id: r.run_id.clone(),
                    states: self.instances.values().filter(|i| i.run == r.key).map(|i| (i.task_id.clone(), i.map_index, i.state)).collect(),
                }))
            }
            Question::Neighbours { dag_id, of, past } => Verdict::Neighbours(
                self.finished_runs
                    .values()
                    .filter(|r| r.dag_id == *dag_id && r.logical_date.is_some_and(|d| if *past { d < *of } else { d > *of }))
                    .map(|r| r.run_id.clone())
                    .collect(),
            ),
            Question::NewestRuns { dag_id, limit } => {
                let mut runs: Vec<_> = self.finished_runs.values().filter(|r| r.dag_id == *dag_id).collect();
                runs.sort_by_key(|r| std::cmp::Reverse(r.run_after));
                Verdict::NewestRuns(runs.into_iter().take(*limit as usize).map(|r| r.state).collect())
            }
            other => panic!("the scheduler does not ask {other:?}"),
        }
    }

    /// A new leader starts from what the store holds.
    pub fn restart(&mut self) {
        let mut loaded = self.loaded.clone();
        let live: Vec<RunKey> = self.attempts.values().filter(|a| a.ended_at.is_none()).map(|a| a.key.run).collect();
        loaded.runs = self.finished_runs.values().filter(|r| !r.state.is_finished() || live.contains(&r.key)).cloned().collect();
        loaded.task_instances = self.instances.values().filter(|i| loaded.runs.iter().any(|r| r.key == i.run)).cloned().collect();
        loaded.attempts = self.attempts.values().filter(|a| a.ended_at.is_none()).cloned().collect();
        let (scheduler, plan) =
            Scheduler::restore(Config { plan_rows: self.plan_rows, node: self.node.clone(), ..config() }, loaded, self.now, &mut self.mint);
        self.scheduler = scheduler;
        let asks = plan.asks.clone();
        self.commit(plan);
        let facts: Vec<Input> = asks.into_iter().map(|question| Input::Fact { verdict: self.verdict(&question), question }).collect();
        self.give(facts);
    }

    pub fn pass(&mut self, time: SignedDuration) {
        self.now = self.now.saturating_add(time);
        self.give([Input::Tick]);
    }

    pub fn request(&mut self, request: Request) -> Answer {
        self.next_request += 1;
        let id = RequestId(self.next_request);
        self.give([Input::Request(PendingRequest { id, user: None, request })]);
        self.answers[&id].clone()
    }

    pub fn trigger(&mut self) -> RunKey {
        self.trigger_at(None)
    }

    pub fn trigger_at(&mut self, logical_date: Option<Timestamp>) -> RunKey {
        let trigger = TriggerRun { logical_date, ..trigger_of("d", &format!("r{}", self.next_request)) };
        match self.request(Request::TriggerRun(trigger)) {
            Answer::Run { run } => run,
            other => panic!("{other:?}"),
        }
    }

    pub fn key(&self, run: RunKey, id: &str) -> TaskInstanceKey {
        TaskInstanceKey { run, task_id: task_id(id), map_index: MapIndex::UNMAPPED }
    }

    pub fn row(&self, run: RunKey, id: &str) -> &TaskInstanceRow {
        &self.instances[&self.key(run, id)]
    }

    pub fn state(&self, run: RunKey, id: &str) -> TaskState {
        self.row(run, id).state
    }

    /// `a=success b=running`, by task id.
    pub fn states(&self, run: RunKey) -> String {
        let of_run = self.instances.values().filter(|i| i.run == run);
        of_run.map(|i| format!("{}={}", i.task_id, i.state.as_str())).collect::<Vec<_>>().join(" ")
    }

    pub fn run_state(&self, run: RunKey) -> &'static str {
        self.finished_runs[&run].state.as_str()
    }

    pub fn attempt(&self, run: RunKey, id: &str) -> AttemptId {
        self.row(run, id).attempt.unwrap()
    }

    /// The current attempt of a task ends.
    pub fn end(&mut self, run: RunKey, id: &str, how: HowEnded) {
        let attempt = self.attempt(run, id);
        self.end_attempt(attempt, how);
    }

    pub fn end_attempt(&mut self, attempt: AttemptId, how: HowEnded) {
        let executor = self.attempts[&attempt].executor.clone();
        self.give([Input::Ended { attempt, executor, exit: exit(how, self.now) }]);
    }

    pub fn ok(&mut self, run: RunKey, id: &str) {
        self.end(run, id, HowEnded::Exited { code: 0 });
    }

    pub fn fail(&mut self, run: RunKey, id: &str) {
        self.end(run, id, HowEnded::Exited { code: 1 });
    }

    pub fn selection(&self, run: RunKey, tasks: &[&str]) -> Selection {
        let row = &self.finished_runs[&run];
        Selection {
            dag_id: row.dag_id.clone(),
            run_id: row.run_id.clone(),
            tasks: tasks.iter().map(|t| (task_id(t), None)).collect(),
            downstream: false,
            upstream: false,
            future: false,
            past: false,
            dry_run: false,
        }
    }

    pub fn clear(&mut self, selection: Selection) -> Answer {
        self.request(Request::Clear(Clear {
            selection,
            only_failed: false,
            only_running: false,
            reset_dag_runs: true,
            run_on_latest_version: true,
        }))
    }
}

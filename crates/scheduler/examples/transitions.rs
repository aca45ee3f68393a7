//! How many transitions of task instances the scheduler decides in a second, with nothing around it: a
//! thousand active runs of one DAG, whose hundred thousand tasks park at a full pool and pass it one
//! after the other.
//!
//! `cargo run --release -p updraft-scheduler --example transitions [RUNS] [TASKS_PER_RUN]` prints one line of JSON.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use serde_json::json;
use updraft_model::{
    AttemptId, Dag, DagId, ExecutorName, Exit, HowEnded, Launch, Loaded, Mint, Operator, PendingRequest, PoolName, PoolRow, Request,
    RequestId, RunId, Task, TaskId, Timestamp, TriggerRun, TriggeredBy,
};
use updraft_scheduler::{Config, FileChange, FileContent, Input, Plan, ReadDag, Scheduler};
use uuid::Uuid;

/// As many slots as the default pool has at first.
const SLOTS: i32 = 128;

struct Counter(u128);

impl Mint for Counter {
    fn uuid(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u128(self.0)
    }
}

struct Bench {
    scheduler: Scheduler,
    mint: Counter,
    now: Timestamp,
    executor: ExecutorName,
    /// Launched and not ended.
    live: Vec<AttemptId>,
    in_handle: Duration,
    plans: u64,
}

impl Bench {
    fn new() -> Result<Self, Box<dyn Error>> {
        let executor = ExecutorName::new("local")?;
        let config = Config {
            executors: BTreeMap::from([(executor.clone(), u32::MAX)]),
            default_executor: executor.clone(),
            dags_are_paused_at_creation: false,
            node: None,
            plan_rows: 5_000,
        };
        let pool = PoolRow { name: PoolName::default_pool(), slots: SLOTS, description: None, include_deferred: false };
        let (mut mint, now) = (Counter(0), "2026-01-10T10:00:00Z".parse()?);
        let (scheduler, _) = Scheduler::restore(config, Loaded { pools: vec![pool], ..Loaded::default() }, now, &mut mint);
        Ok(Self { scheduler, mint, now, executor, live: Vec::new(), in_handle: Duration::ZERO, plans: 0 })
    }

    /// Gives inputs, and then time until there is nothing more to do. Returns how many attempts were launched.
    fn give(&mut self, mut inputs: Vec<Input>) -> usize {
        let before = self.live.len();
        loop {
            let began = Instant::now();
            let plan = self.scheduler.handle(self.now, std::mem::take(&mut inputs), &mut self.mint);
            self.in_handle += began.elapsed();
            self.plans += 1;
            let Plan { launches, more, .. } = plan;
            self.live.extend(launches.into_iter().map(|Launch { attempt, .. }| attempt));
            if !more {
                return self.live.len() - before;
            }
        }
    }

    /// All live attempts are heard to start and to end. Returns how many transitions that made.
    fn round(&mut self) -> usize {
        self.now = self.now.saturating_add(SignedDuration::from_millis(100));
        let ended = std::mem::take(&mut self.live);
        let heard = ended.iter().flat_map(|&attempt| [self.started(attempt), self.ended(attempt)]).collect();
        // Each that was live becomes `running` and `success`, each that is launched `queued`.
        2 * ended.len() + self.give(heard)
    }

    fn started(&self, attempt: AttemptId) -> Input {
        Input::Started { attempt, at: self.now, pid: Some(1) }
    }

    fn ended(&self, attempt: AttemptId) -> Input {
        let how = HowEnded::Exited { code: 0 };
        let (started_at, outputs) = (Some(self.now), BTreeMap::new());
        let exit = Exit { how, started_at, ended_at: self.now, outputs, last_line: None, pid: Some(1) };
        Input::Ended { attempt, executor: self.executor.clone(), exit: Box::new(exit) }
    }
}

fn dag(tasks: usize) -> Result<Dag, Box<dyn Error>> {
    let mut dag = Dag::new(DagId::new("d")?);
    dag.max_active_runs = u32::MAX;
    dag.max_active_tasks = u32::MAX;
    for number in 0..tasks {
        let id = TaskId::new(format!("t{number:05}"))?;
        dag.tasks.insert(id.clone(), Task::new(id, Operator::Bash { command: "true".into() }));
    }
    Ok(dag)
}

fn trigger(number: usize) -> Result<Input, Box<dyn Error>> {
    let trigger = TriggerRun::new(DagId::new("d")?, RunId::new(format!("r{number:05}"))?, TriggeredBy::RestApi);
    let id = RequestId(i64::try_from(number)?);
    Ok(Input::Request(PendingRequest { id, user: None, request: Request::TriggerRun(trigger) }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut sizes = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let runs = sizes.next().transpose()?.unwrap_or(1_000);
    let tasks = sizes.next().transpose()?.unwrap_or(100);

    let mut bench = Bench::new()?;
    let content = FileContent { source: Arc::default(), dags: vec![ReadDag::new(dag(tasks)?)], error: None };
    bench.give(vec![Input::Files(vec![FileChange { file: "d.yaml".to_owned(), content: Some(content) }])]);
    for number in 0..runs {
        bench.give(vec![trigger(number)?]);
    }
    let parked = runs * tasks - bench.live.len();
    let (to_park, active_runs) = (bench.in_handle, bench.scheduler.active_runs());

    (bench.in_handle, bench.plans) = (Duration::ZERO, 0);
    let mut transitions = 0;
    while !bench.live.is_empty() {
        transitions += bench.round();
    }
    let seconds = bench.in_handle.as_secs_f64();
    let line = json!({
        "active_runs": active_runs,
        "parked": parked,
        "seconds_to_park": to_park.as_secs_f64(),
        "transitions": transitions,
        "plans": bench.plans,
        "seconds": seconds,
        "transitions_per_second": transitions as f64 / seconds,
        "active_runs_left": bench.scheduler.active_runs(),
    });
    println!("{line}");
    Ok(())
}

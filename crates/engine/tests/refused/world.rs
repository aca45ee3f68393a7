//! One engine over a store in memory, whose answers come at once, and an executor that only remembers.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures::FutureExt;
use jiff::SignedDuration;
use updraft_engine::{Effect, Engine, EngineConfig, Event, Now, Report, Runtime, SeededMint};
use updraft_model::*;
use updraft_scheduler::{Config, FileChange};
use updraft_store::{CommitError, EngineStore, memory::MemoryStore};

/// The name of an output that this database takes from nobody.
pub const POISON: &str = "poison";

pub struct World {
    pub store: Arc<MemoryStore>,
    pub problems: Vec<String>,
    /// What was launched.
    pub launched: Vec<AttemptId>,
    /// The database can't be reached by commits.
    pub is_down: bool,
    /// The engine has ended.
    pub has_stopped: bool,
    engine: Engine,
    clock: Arc<AtomicI64>,
    now: Now,
    files: Vec<FileChange>,
    import_errors: BTreeMap<String, String>,
}

impl World {
    pub fn new(files: Vec<FileChange>) -> Self {
        let wall: Timestamp = "2026-01-10T10:00:00Z".parse().unwrap();
        let clock = Arc::new(AtomicI64::new(wall.micros()));
        let of_store = clock.clone();
        let store = Arc::new(MemoryStore::new(Arc::new(move || Timestamp::from_micros(of_store.load(Ordering::Relaxed)))));
        let executor = ExecutorName::new("local").unwrap();
        let scheduler = Config {
            executors: BTreeMap::from([(executor.clone(), 4)]),
            default_executor: executor,
            dags_are_paused_at_creation: false,
            node: None,
            plan_rows: 100,
        };
        let runtime = Runtime { dags_folder: "/dags".to_owned(), program: "updraft".to_owned(), python: "python3".to_owned() };
        let engine = Engine::new(EngineConfig::new(scheduler, runtime), SeededMint::new([7; 32]));
        let now = Now { wall, boot: Duration::from_secs(1_000) };
        Self {
            store,
            problems: Vec::new(),
            launched: Vec::new(),
            is_down: false,
            has_stopped: false,
            engine,
            clock,
            now,
            files,
            import_errors: BTreeMap::new(),
        }
    }

    /// A file changes.
    pub fn change(&mut self, change: FileChange) {
        self.files.retain(|known| known.file != change.file);
        self.files.push(change.clone());
        self.tell(Event::Files(vec![change]));
        self.settle();
    }

    /// Ten seconds: everything that is going to happen has happened.
    pub fn settle(&mut self) {
        self.pass(10);
    }

    /// Lets time pass, from one wake-up to the next.
    pub fn pass(&mut self, seconds: u64) {
        let end = self.now.boot + Duration::from_secs(seconds);
        self.tell(Event::Hint);
        while let Some(at) = self.engine.wake_at(self.now).filter(|at| *at <= end) {
            let step = at.saturating_sub(self.now.boot).max(Duration::from_micros(1));
            self.now.boot += step;
            self.now.wall = self.now.wall.saturating_add(SignedDuration::try_from(step).unwrap());
            self.clock.store(self.now.wall.micros(), Ordering::Relaxed);
            self.tell(Event::Tick);
        }
    }

    /// The program of an attempt ends well, with outputs of these names.
    pub fn end(&mut self, attempt: AttemptId, outputs: &[&str]) {
        self.tell(ended(ExecutorName::new("local").unwrap(), attempt, self.now.wall, outputs));
        self.settle();
    }

    /// The daemon is told to stop.
    pub fn stop(&mut self) {
        self.tell(Event::Stop);
    }

    /// What stands in the import error of a file.
    pub fn import_error(&self, file: &str) -> Option<String> {
        self.import_errors.get(file).cloned()
    }

    fn tell(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.engine.handle(self.now, event) {
                events.extend(self.perform(effect));
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Option<Event> {
        let store = self.store.clone();
        match effect {
            Effect::AcquireLease { ttl } => Some(Event::LeaseAcquired(at_once(store.acquire_lease("one", None, ttl)))),
            Effect::RenewLease { term, sent, ttl } => Some(Event::LeaseRenewed { sent, result: at_once(store.renew_lease(term, ttl)) }),
            Effect::Load { term } => Some(Event::Loaded { term, result: at_once(store.load(term)).map(Box::new) }),
            Effect::Commit { term, .. } if self.is_down => {
                Some(Event::Committed { term, result: Err(CommitError::NotCommitted("down".to_owned())) })
            }
            Effect::Commit { term, batch } => {
                let result = taken(&batch).and_then(|()| at_once(store.commit(term, batch.clone())));
                for error in batch.import_errors.iter().filter(|_| result.is_ok()) {
                    match error {
                        Upsert::Set(row) => self.import_errors.insert(row.file.clone(), row.stack_trace.clone()),
                        Upsert::Delete(file) => self.import_errors.remove(file),
                    };
                }
                Some(Event::Committed { term, result })
            }
            Effect::Probe { term, batch } => {
                let result = taken(&batch).and_then(|()| at_once(store.probe(term, batch)));
                Some(Event::Probed { term, result })
            }
            Effect::FetchRequests { term, limit } => Some(Event::Requests { term, result: at_once(store.pending_requests(limit)) }),
            Effect::Ask { term, question } => {
                let result = at_once(store.ask(question.clone()));
                Some(Event::Answered { term, question, result })
            }
            Effect::Rescan(_) => Some(Event::Files(self.files.clone())),
            Effect::Report(Report::Problem(problem)) => {
                self.problems.push(problem);
                None
            }
            Effect::Launch { term, workload, .. } => {
                self.launched.push(workload.attempt);
                Some(Event::Launched { term, attempt: workload.attempt, result: Ok(()) })
            }
            Effect::Terminate { executor, attempt, .. } => Some(ended(executor, attempt, self.now.wall, &[])),
            Effect::ReleaseLease { term } => {
                at_once(store.release_lease(term)).unwrap();
                None
            }
            Effect::Stopped => {
                self.has_stopped = true;
                None
            }
            Effect::Reconcile { .. } | Effect::Release { .. } | Effect::Report(_) => None,
        }
    }
}

fn taken(batch: &Batch) -> Result<(), CommitError> {
    match batch.xcoms.iter().any(|xcom| xcom.key == POISON) {
        true => Err(CommitError::Poisoned("a value is refused".to_owned())),
        false => Ok(()),
    }
}

fn ended(executor: ExecutorName, attempt: AttemptId, at: Timestamp, outputs: &[&str]) -> Event {
    let outputs = outputs.iter().map(|key| ((*key).to_owned(), serde_json::Value::Null)).collect();
    let exit = Exit { how: HowEnded::Exited { code: 0 }, started_at: Some(at), ended_at: at, outputs, last_line: None, pid: None };
    Event::Executor { executor, event: ExecutorEvent::Ended { attempt, exit: Box::new(exit) } }
}

/// The value of a future of the store in memory.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the store in memory never waits")
}

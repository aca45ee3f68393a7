//! The world: daemons with real engines, the store, the place, people, faults, and the queue of all
//! that is going to happen.

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
use updraft_engine::{Effect, Engine, EngineConfig, Event, Now, Report, Rescan, Runtime, SeededMint};
use updraft_executor::LaunchError;
use updraft_model::*;
use updraft_scheduler::{FileChange, FileContent, ReadDag};
use updraft_store::{CommitError, EngineStore, StoreError, memory::MemoryStore};

use crate::{
    check::Checks,
    dice::Dice,
    place::{Place, Stage},
    plot,
};

/// How a story ended.
#[derive(Debug)]
pub struct Outcome {
    /// What was told on the way.
    pub story: Vec<String>,
    /// What went against the promises, if anything did.
    pub violation: Option<String>,
    /// How much happened.
    pub steps: u64,
    /// How many attempts ran.
    pub attempts: usize,
    /// How many faults there were.
    pub faults: u64,
}

const PARALLELISM: u32 = 6;
/// How long things go wrong, and how long there is to recover.
const FAULTS: Duration = Duration::from_secs(20 * 60);
/// A story that takes more steps than this turns in circles: a daemon that wakes without a reason.
const MOST_STEPS: u64 = 300_000;
const HEALING: Duration = Duration::from_secs(5 * 3600);

#[derive(Debug)]
enum Happening {
    Deliver {
        daemon: usize,
        life: u32,
        event: Event,
    },
    Perform {
        daemon: usize,
        life: u32,
        effect: Effect,
    },
    /// A commit that was given up arrives late.
    LateCommit {
        term: Term,
        batch: Arc<Batch>,
    },
    TaskStarts(AttemptId),
    TaskEnds(AttemptId, HowEnded),
    Crash(usize),
    Boot(usize),
    Pause(usize),
    Resume(usize),
    Person,
    Edit,
    Outage(bool),
    StoreDown(bool),
    ClockJump,
    Heal,
    /// A person ends the runs that wait for a past that will not come.
    GiveUp,
}

struct Daemon {
    engine: Option<Engine>,
    life: u32,
    paused: bool,
    /// What reaches a paused daemon waits.
    backlog: VecDeque<Happening>,
    skew: SignedDuration,
}

struct World {
    dice: Dice,
    clock: Arc<AtomicI64>,
    begin: Timestamp,
    boot: Duration,
    queue: BTreeMap<(Duration, u64), Happening>,
    sequence: u64,
    store: Arc<MemoryStore>,
    place: Place,
    daemons: Vec<Daemon>,
    dags: Vec<Dag>,
    versions: BTreeMap<VersionId, Dag>,
    checks: Checks,
    healed: bool,
    store_down: bool,
    requests: Vec<RequestId>,
    deleted: bool,
    story: Vec<String>,
    violation: Option<String>,
    faults: u64,
    edits: u64,
}

/// Plays the story of `seed`.
pub fn run(seed: u64) -> Outcome {
    let mut dice = Dice::new(seed);
    let begin = plot::beginning(&mut dice);
    let clock = Arc::new(AtomicI64::new(begin.micros()));
    let store_clock = clock.clone();
    let store = Arc::new(MemoryStore::new(Arc::new(move || Timestamp::from_micros(store_clock.load(Ordering::Relaxed)))));
    let faults_end = begin.saturating_add(SignedDuration::try_from(FAULTS).unwrap_or_default());
    let dags = plot::dags(&mut dice, begin, faults_end);
    let mut world = World {
        dice,
        clock,
        begin,
        boot: Duration::from_secs(1_000),
        queue: BTreeMap::new(),
        sequence: 0,
        store,
        place: Place::default(),
        daemons: Vec::new(),
        dags,
        versions: BTreeMap::new(),
        checks: Checks::default(),
        healed: false,
        store_down: false,
        requests: Vec::new(),
        deleted: false,
        story: Vec::new(),
        violation: None,
        faults: 0,
        edits: 0,
    };
    world.prepare();
    let steps = world.play();
    let attempts = world.store.attempts().len();
    Outcome { story: world.story, violation: world.violation.map(|v| format!("seed {seed}: {v}")), steps, attempts, faults: world.faults }
}

impl World {
    fn prepare(&mut self) {
        self.make_pool();
        let daemons = 1 + self.dice.below(2) as usize;
        for daemon in 0..daemons {
            self.daemons.push(Daemon { engine: None, life: 0, paused: false, backlog: VecDeque::new(), skew: SignedDuration::ZERO });
            self.after(Duration::ZERO, Happening::Boot(daemon));
        }
        let until = FAULTS.as_millis() as u64;
        for _ in 0..self.dice.below(10) {
            let at = self.dice.millis(500, until);
            let daemon = self.dice.below(daemons as u64) as usize;
            let fault = match self.dice.below(10) {
                0..4 => Happening::Crash(daemon),
                4..6 => Happening::Pause(daemon),
                6 => Happening::Outage(true),
                7 => Happening::StoreDown(true),
                8 => Happening::ClockJump,
                _ => Happening::Edit,
            };
            self.faults += 1;
            self.after(at, fault);
        }
        for _ in 0..self.dice.below(25) {
            let at = self.dice.millis(0, until);
            self.after(at, Happening::Person);
        }
        self.after(FAULTS, Happening::Heal);
        self.after(FAULTS + Duration::from_secs(2 * 3600), Happening::GiveUp);
    }

    fn play(&mut self) -> u64 {
        let mut steps = 0;
        let end = self.boot + FAULTS + HEALING;
        while self.violation.is_none() {
            steps += 1;
            if steps > MOST_STEPS {
                self.violation = Some(format!("{MOST_STEPS} steps at {}, and no end: something turns in circles", self.true_time()));
            }
            let wake = (0..self.daemons.len()).filter_map(|d| Some((self.wake_of(d)?, d))).min();
            let next = self.queue.first_key_value().map(|((at, _), _)| *at);
            match (wake, next) {
                (Some((at, daemon)), next) if next.is_none_or(|next| at < next) => {
                    self.go_to(at);
                    self.tell(daemon, Event::Tick);
                }
                (_, Some(_)) => {
                    if let Some(((at, _), happening)) = self.queue.pop_first() {
                        self.go_to(at);
                        self.happen(happening);
                    }
                }
                (_, None) => break,
            }
            if self.healed && self.is_quiet() {
                self.final_checks();
                break;
            }
            if self.boot > end {
                let open = self.store.runs().into_iter().filter(|r| !r.state.is_finished());
                let open: Vec<String> = open.map(|r| format!("{}/{} {}", r.dag_id, r.run_id, r.state.as_str())).collect();
                self.violation = Some(format!("not everything came to its end: {open:?}, {} requests", self.open_requests()));
            }
        }
        steps
    }

    fn wake_of(&self, daemon: usize) -> Option<Duration> {
        let d = &self.daemons[daemon];
        let engine = d.engine.as_ref().filter(|_| !d.paused)?;
        // As the shell does: at least each second, since the wall clock may be moved.
        Some(engine.wake_at(self.now(daemon))?.min(self.boot + Duration::from_secs(1)).max(self.boot + Duration::from_micros(1)))
    }

    fn go_to(&mut self, at: Duration) {
        self.boot = self.boot.max(at);
        self.clock.store(self.true_time().micros(), Ordering::Relaxed);
    }

    fn true_time(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.boot.saturating_sub(Duration::from_secs(1_000))).unwrap_or_default();
        self.begin.saturating_add(passed)
    }

    fn now(&self, daemon: usize) -> Now {
        Now { wall: self.true_time().saturating_add(self.daemons[daemon].skew), boot: self.boot }
    }

    fn after(&mut self, wait: Duration, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((self.boot + wait, self.sequence), happening);
    }

    fn say(&mut self, what: impl FnOnce() -> String) {
        let line = format!("{} {}", self.true_time(), what());
        self.story.push(line);
    }

    /// Whether a fault happens now.
    fn fault(&mut self, permille: u64) -> bool {
        let happens = !self.healed && self.dice.permille(permille);
        self.faults += u64::from(happens);
        happens
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Deliver { daemon, life, event } => {
                let d = &mut self.daemons[daemon];
                if d.life != life {
                } else if d.paused {
                    d.backlog.push_back(Happening::Deliver { daemon, life, event });
                } else {
                    self.tell(daemon, event);
                }
            }
            Happening::Perform { daemon, life, effect } => {
                let d = &mut self.daemons[daemon];
                if d.life != life {
                } else if d.paused {
                    d.backlog.push_back(Happening::Perform { daemon, life, effect });
                } else {
                    self.perform(daemon, effect);
                }
            }
            Happening::LateCommit { term, batch } => {
                let _ = self.commit(term, batch);
            }
            Happening::TaskStarts(attempt) => self.task_starts(attempt),
            Happening::TaskEnds(attempt, how) => self.task_ends(attempt, how),
            Happening::Crash(daemon) => self.crash(daemon),
            Happening::Boot(daemon) => self.start(daemon),
            Happening::Pause(daemon) => {
                self.daemons[daemon].paused = true;
                self.say(|| format!("daemon {daemon} is paused"));
                let wait = self.dice.millis(100, 20_000);
                self.after(wait, Happening::Resume(daemon));
            }
            Happening::Resume(daemon) => {
                self.say(|| format!("daemon {daemon} wakes"));
                self.daemons[daemon].paused = false;
                for waiting in std::mem::take(&mut self.daemons[daemon].backlog) {
                    self.happen(waiting);
                }
            }
            Happening::Person => self.person(),
            Happening::Edit => self.edit(),
            Happening::Outage(down) => {
                self.place.unreachable = down;
                self.say(|| format!("the executor is {}", if down { "unreachable" } else { "back" }));
                if down {
                    let wait = self.dice.millis(1_000, 60_000);
                    self.after(wait, Happening::Outage(false));
                }
            }
            Happening::StoreDown(down) => {
                self.store_down = down;
                self.say(|| format!("the store is {}", if down { "down" } else { "back" }));
                if down {
                    let wait = self.dice.millis(500, 30_000);
                    self.after(wait, Happening::StoreDown(false));
                }
            }
            Happening::ClockJump => {
                let daemon = self.dice.below(self.daemons.len() as u64) as usize;
                let minutes = self.dice.below(20) as i64 - 10;
                self.daemons[daemon].skew = SignedDuration::from_mins(minutes);
                self.say(|| format!("the clock of daemon {daemon} is {minutes} minutes off"));
            }
            Happening::Heal => self.heal(),
            Happening::GiveUp => self.give_up(),
        }
    }

    fn heal(&mut self) {
        self.say(|| "everything is healed".to_owned());
        self.healed = true;
        self.place.unreachable = false;
        self.store_down = false;
        for daemon in 0..self.daemons.len() {
            self.daemons[daemon].skew = SignedDuration::ZERO;
            if self.daemons[daemon].paused {
                self.after(Duration::ZERO, Happening::Resume(daemon));
            }
        }
        for dag in self.dags.iter_mut().filter(|dag| plot::is_refused(dag)) {
            dag.description = None;
        }
        let files: Vec<FileChange> = self.dags.iter().map(file).collect();
        self.deliver(Duration::from_millis(50), || Event::Files(files.clone()));
        self.make_pool();
        for dag in self.dags.clone() {
            let request = Request::SetPaused { dag_id: dag.dag_id, is_paused: false };
            self.requests.push(self.store.submit(request));
        }
    }

    fn make_pool(&mut self) {
        self.requests.extend(plot::small_pool(false).map(|pool| self.store.submit(Request::SetPool(pool))));
    }

    /// `depends_on_past` after a failure waits for ever, as in Airflow, until a person decides. Only
    /// runs of DAGs that have it may need that.
    fn give_up(&mut self) {
        let waits = |dag: &Dag| dag.tasks.values().any(|t| t.depends_on_past);
        let stuck: Vec<RunRow> = self
            .store
            .runs()
            .into_iter()
            .filter(|run| !run.state.is_finished() && self.versions.values().any(|d| d.dag_id == run.dag_id && waits(d)))
            .collect();
        for run in stuck {
            let request = Request::SetRunState { dag_id: run.dag_id, run_id: run.run_id, state: RunState::Failed };
            self.say(|| format!("a person gives up: {request:?}"));
            self.requests.push(self.store.submit(request));
        }
        self.after(Duration::from_secs(600), Happening::GiveUp);
    }

    fn start(&mut self, daemon: usize) {
        let (Ok(executor), None) = (ExecutorName::new("place"), &self.daemons[daemon].engine) else { return };
        let scheduler = updraft_scheduler::Config {
            executors: BTreeMap::from([(executor.clone(), PARALLELISM)]),
            default_executor: executor,
            dags_are_paused_at_creation: false,
            node: None,
            // Small, so that plans are cut into pieces.
            plan_rows: 1 + self.dice.below(60) as usize,
        };
        let runtime = Runtime { dags_folder: "/dags".to_owned(), program: "updraft".to_owned(), python: "python3".to_owned() };
        let mint = SeededMint::new(self.dice.bytes());
        self.daemons[daemon].engine = Some(Engine::new(EngineConfig::new(scheduler, runtime), mint));
        self.say(|| format!("daemon {daemon} starts"));
        self.tell(daemon, Event::Tick);
    }

    fn crash(&mut self, daemon: usize) {
        self.say(|| format!("daemon {daemon} crashes"));
        let d = &mut self.daemons[daemon];
        let life = d.life;
        d.life += 1;
        d.engine = None;
        d.paused = false;
        d.backlog.clear();
        // What had left the daemon arrives, or not.
        let queued = std::mem::take(&mut self.queue);
        for (when, happening) in queued {
            match happening {
                Happening::Perform { daemon: of, life: l, effect } if of == daemon && l == life => {
                    if self.dice.permille(500) {
                        self.perform_orphaned(effect);
                    }
                }
                other => {
                    self.queue.insert(when, other);
                }
            }
        }
        let wait = self.dice.millis(10, 15_000);
        self.after(wait, Happening::Boot(daemon));
    }

    /// An effect whose daemon died after it was sent.
    fn perform_orphaned(&mut self, effect: Effect) {
        match effect {
            Effect::Commit { term, batch } => {
                let _ = self.commit(term, batch);
            }
            Effect::Launch { workload, not_after, .. } if self.boot <= not_after => self.create(*workload),
            Effect::Release { attempt, .. } => self.release(attempt),
            Effect::Terminate { attempt, .. } => self.terminate(attempt),
            _ => {}
        }
    }

    fn tell(&mut self, daemon: usize, event: Event) {
        let now = self.now(daemon);
        let life = self.daemons[daemon].life;
        let Some(engine) = &mut self.daemons[daemon].engine else { return };
        let effects = engine.handle(now, event);
        if let Some(violations) = engine.scheduler().map(|s| s.violations()).filter(|v| !v.is_empty()) {
            self.violation = Some(format!("limits are exceeded: {violations:?}"));
        }
        for effect in effects {
            let wait = self.dice.millis(0, 20);
            self.after(wait, Happening::Perform { daemon, life, effect });
        }
    }

    fn answer(&mut self, daemon: usize, event: Event) {
        let life = self.daemons[daemon].life;
        let slow = self.fault(20);
        let wait = if slow { self.dice.millis(100, 5_000) } else { self.dice.millis(0, 5) };
        self.after(wait, Happening::Deliver { daemon, life, event });
    }

    fn down(&self) -> StoreError {
        StoreError::Unavailable("connection refused".to_owned())
    }

    fn perform(&mut self, daemon: usize, effect: Effect) {
        let store = self.store.clone();
        let down = self.store_down || self.fault(5);
        match effect {
            Effect::AcquireLease { ttl } => {
                let name = format!("daemon{daemon}-{}", self.daemons[daemon].life);
                let result = if down { Err(self.down()) } else { now(store.acquire_lease(&name, None, ttl)) };
                self.answer(daemon, Event::LeaseAcquired(result));
            }
            Effect::RenewLease { term, sent, ttl } => {
                let result = if down { Err(self.down()) } else { now(store.renew_lease(term, ttl)) };
                self.answer(daemon, Event::LeaseRenewed { sent, result });
            }
            Effect::ReleaseLease { term } => {
                let _ = now(store.release_lease(term));
            }
            Effect::Load { term } => {
                let result = if down { Err(self.down()) } else { now(store.load(term)).map(Box::new) };
                self.answer(daemon, Event::Loaded { term, result });
            }
            Effect::Commit { term, batch } => self.perform_commit(daemon, term, batch, down),
            Effect::Probe { term, batch } => {
                let result = if down {
                    Err(CommitError::NotCommitted("connection refused".to_owned()))
                } else {
                    self.poisoned(&batch).and_then(|()| now(store.probe(term, batch)))
                };
                if let Err(CommitError::Stale(what)) = &result {
                    self.violation = Some(format!("a part of a commit does not stand alone: {what}"));
                }
                self.answer(daemon, Event::Probed { term, result });
            }
            Effect::FetchRequests { term, limit } => {
                let result = if down { Err(self.down()) } else { now(store.pending_requests(limit)) };
                self.answer(daemon, Event::Requests { term, result });
            }
            Effect::Ask { term, question } => {
                let result = if down { Err(self.down()) } else { now(store.ask(question.clone())) };
                self.answer(daemon, Event::Answered { term, question, result });
            }
            Effect::Rescan(Rescan::Dags(dags)) => {
                let files = self.dags.iter().filter(|dag| dags.contains(&dag.dag_id)).map(file).collect();
                self.answer(daemon, Event::Files(files));
            }
            Effect::Rescan(Rescan::All { known }) => {
                let mut files: Vec<FileChange> = self.dags.iter().map(file).collect();
                let gone = known.into_iter().filter(|k| !files.iter().any(|f| f.file == *k)).collect::<Vec<_>>();
                files.extend(gone.into_iter().map(|file| FileChange { file, content: None }));
                self.answer(daemon, Event::Files(files));
            }
            Effect::Reconcile { executor, round, known } => {
                for adoption in self.place.adoptions(&known) {
                    self.answer(daemon, Event::Adoption { executor: executor.clone(), round, adoption });
                }
            }
            Effect::Launch { term, workload, not_after, .. } => {
                self.say(|| format!("    daemon {daemon} launches attempt {}", workload.attempt));
                self.perform_launch(daemon, term, *workload, not_after);
            }
            Effect::Terminate { attempt, .. } => {
                self.say(|| format!("    daemon {daemon} terminates attempt {attempt}"));
                if self.place.unreachable {
                    let result = Err(updraft_executor::TerminateError { attempt, why: "no route to host".to_owned() });
                    self.answer(daemon, Event::Terminated { attempt, result });
                } else {
                    self.terminate(attempt);
                    self.answer(daemon, Event::Terminated { attempt, result: Ok(()) });
                }
            }
            Effect::Release { attempt, .. } => {
                self.say(|| format!("    daemon {daemon} releases attempt {attempt}"));
                self.release(attempt);
            }
            // What a story makes up to be refused, and nothing depends on.
            Effect::Report(Report::Problem(problem)) if problem.contains("ImportError") && problem.contains(plot::POISON) => {
                self.say(|| format!("daemon {daemon}: {problem}"));
            }
            Effect::Report(Report::Problem(problem)) => self.violation = Some(format!("daemon {daemon} has a problem: {problem}")),
            Effect::Report(report) => self.say(|| format!("daemon {daemon}: {report:?}")),
            Effect::Stopped => {}
        }
    }

    fn perform_commit(&mut self, daemon: usize, term: Term, batch: Arc<Batch>, down: bool) {
        let result = if down {
            Err(CommitError::NotCommitted("connection refused".to_owned()))
        } else if self.fault(15) {
            // The answer is lost: it was written, or will be a little later, or never is.
            match self.dice.below(3) {
                0 => {
                    let _ = self.commit(term, batch);
                }
                1 => {
                    let wait = self.dice.millis(1, 2_000);
                    self.after(wait, Happening::LateCommit { term, batch });
                }
                _ => {}
            }
            Err(CommitError::Unknown("connection lost".to_owned()))
        } else {
            self.commit(term, batch)
        };
        self.answer(daemon, Event::Committed { term, result });
    }

    fn commit(&mut self, term: Term, batch: Arc<Batch>) -> Result<i64, CommitError> {
        let result = self.poisoned(&batch).and_then(|()| now(self.store.commit(term, batch.clone())));
        if let Err(CommitError::Stale(what)) = &result {
            self.violation = Some(format!("memory and store disagree: {what}"));
        }
        if result.is_ok() {
            self.versions.extend(batch.versions.iter().map(|v| (v.version.id, v.version.dag.clone())));
            self.deleted |= !batch.deleted_runs.is_empty();
            let instances = self.store.task_instances();
            if let Err(violation) = self.checks.committed(&batch, &instances, &self.versions) {
                self.violation = Some(violation);
            }
            self.tell_commit(&batch);
        }
        result
    }

    fn poisoned(&self, batch: &Batch) -> Result<(), CommitError> {
        if plot::is_poisoned(batch) { Err(CommitError::Poisoned("a value is refused".to_owned())) } else { Ok(()) }
    }

    fn tell_commit(&mut self, batch: &Batch) {
        let mut lines = Vec::new();
        for run in batch.new_runs.iter().chain(batch.runs.iter().map(|u| &u.row)) {
            lines.push(format!("run {} {}/{} {}", run.key, run.dag_id, run.run_id, run.state.as_str()));
        }
        for row in
            batch.new_task_instances.iter().filter(|r| r.state != TaskState::NoStatus).chain(batch.task_instances.iter().map(|u| &u.row))
        {
            let reason = row.reason.as_deref().unwrap_or_default();
            lines.push(format!("  {}/{} try {} {} {reason}", row.run, row.task_id, row.try_number, row.state.as_str()));
        }
        lines.extend(batch.answers.iter().map(|a| format!("answer {:?}: {:?}", a.id, a.answer)));
        for line in lines {
            self.say(|| line);
        }
    }

    fn perform_launch(&mut self, daemon: usize, term: Term, workload: Workload, not_after: Duration) {
        let attempt = workload.attempt;
        let result = if self.boot > not_after {
            Err(LaunchError::Unavailable("the lease was not renewed in time".to_owned()))
        } else if self.place.unreachable || self.fault(20) {
            Err(LaunchError::Unavailable("no route to host".to_owned()))
        } else if self.fault(20) {
            if self.dice.permille(500) {
                self.create(workload);
            }
            Err(LaunchError::Indeterminate("connection lost".to_owned()))
        } else if !self.place.attempts.contains_key(&attempt) && self.fault(5) {
            Err(LaunchError::Rejected("quota exceeded".to_owned()))
        } else {
            self.create(workload);
            Ok(())
        };
        if let Err(error) = &result {
            let error = error.to_string();
            self.say(|| format!("    attempt {attempt}: {error}"));
        }
        self.answer(daemon, Event::Launched { term, attempt, result });
    }

    fn create(&mut self, workload: Workload) {
        let attempt = workload.attempt;
        let calm = self.healed;
        if let Some(fate) = self.place.create(workload, &mut self.dice, calm) {
            match fate.how {
                HowEnded::CouldNotStart { .. } | HowEnded::PlaceLost { started: false, .. } => {
                    self.after(fate.starts_after, Happening::TaskEnds(attempt, fate.how));
                }
                how => {
                    self.after(fate.starts_after, Happening::TaskStarts(attempt));
                    self.after(fate.starts_after + fate.runs_for, Happening::TaskEnds(attempt, how));
                }
            }
        }
    }

    fn release(&mut self, attempt: AttemptId) {
        match self.place.attempts.get(&attempt).map(|a| &a.stage) {
            Some(Stage::Over(_)) => {
                let open = self.store.attempts().into_iter().any(|a| a.id == attempt && a.ended_at.is_none());
                if open {
                    self.violation = Some(format!("attempt {attempt} is released before its end is in the store"));
                }
                self.place.attempts.remove(&attempt);
                self.place.released.insert(attempt, ());
            }
            Some(Stage::Created | Stage::Running(_)) => {
                self.violation = Some(format!("attempt {attempt} is released while it is alive"));
            }
            None => {}
        }
    }

    fn terminate(&mut self, attempt: AttemptId) {
        let Some(a) = self.place.attempts.get_mut(&attempt) else { return };
        if let Stage::Over(exit) = &a.stage {
            let exit = exit.clone();
            self.report(ExecutorEvent::Ended { attempt, exit });
            return;
        }
        if std::mem::replace(&mut a.terminating, true) {
            return;
        }
        let wait = self.dice.millis(0, 6_000);
        self.after(wait, Happening::TaskEnds(attempt, HowEnded::Terminated));
    }

    fn task_starts(&mut self, attempt: AttemptId) {
        let at = self.true_time();
        let Some(a) = self.place.attempts.get_mut(&attempt) else { return };
        if !matches!(a.stage, Stage::Created) {
            return;
        }
        a.stage = Stage::Running(at);
        if let Err(violation) = self.checks.starts(attempt, &self.store.attempts(), PARALLELISM as usize, &self.place) {
            self.violation = Some(violation);
        }
        self.say(|| format!("    attempt {attempt} runs"));
        self.report(ExecutorEvent::Started { attempt, at, pid: None });
    }

    fn task_ends(&mut self, attempt: AttemptId, how: HowEnded) {
        let at = self.true_time();
        let Some(a) = self.place.attempts.get_mut(&attempt) else { return };
        let started = match &a.stage {
            Stage::Created => None,
            Stage::Running(started) => Some(*started),
            Stage::Over(_) => return,
        };
        let exit = Place::exit(how.clone(), started, at, a.poisons);
        a.stage = Stage::Over(exit.clone());
        self.say(|| format!("    attempt {attempt} ends: {how:?}"));
        self.checks.ends(attempt, how);
        self.report(ExecutorEvent::Ended { attempt, exit });
    }

    /// An event on its way to every daemon: lost, doubled, late.
    fn report(&mut self, event: ExecutorEvent) {
        let Ok(executor) = ExecutorName::new("place") else { return };
        for daemon in 0..self.daemons.len() {
            let copies = if self.fault(60) { 0 } else { 1 + u64::from(self.fault(60)) };
            for _ in 0..copies {
                let wait = if self.fault(100) { self.dice.millis(0, 10_000) } else { self.dice.millis(0, 3) };
                let life = self.daemons[daemon].life;
                let event = Event::Executor { executor: executor.clone(), event: event.clone() };
                self.after(wait, Happening::Deliver { daemon, life, event });
            }
        }
    }

    fn person(&mut self) {
        let number = self.requests.len() as u64;
        let Some(request) = plot::request(&mut self.dice, &self.dags, &self.store.runs(), number) else { return };
        self.say(|| format!("a person asks: {request:?}"));
        self.requests.push(self.store.submit(request));
        self.deliver(Duration::from_millis(1), || Event::Hint);
    }

    fn edit(&mut self) {
        self.edits += 1;
        let which = self.dice.below(self.dags.len() as u64) as usize;
        let number = self.edits;
        plot::edit(&mut self.dice, &mut self.dags[which], number);
        let mut changes = vec![file(&self.dags[which])];
        if self.dice.permille(300) {
            changes.push(plot::bad_file(self.true_time()));
        }
        self.say(|| format!("{} is edited", changes[0].file));
        self.deliver(Duration::from_millis(50), || Event::Files(changes.clone()));
    }

    /// Tells every daemon.
    fn deliver(&mut self, wait: Duration, event: impl Fn() -> Event) {
        for daemon in 0..self.daemons.len() {
            let life = self.daemons[daemon].life;
            self.after(wait, Happening::Deliver { daemon, life, event: event() });
        }
    }

    fn open_requests(&self) -> usize {
        self.requests.iter().filter(|id| self.store.answer(**id).is_none()).count()
    }

    /// Nothing more will happen by itself.
    fn is_quiet(&self) -> bool {
        let late = self.true_time()
            > self.begin.saturating_add(SignedDuration::try_from(FAULTS).unwrap_or_default() + SignedDuration::from_mins(2));
        late && self.open_requests() == 0
            && self.place.alive().next().is_none()
            && self.store.runs().iter().all(|r| r.state.is_finished())
            && self.store.attempts().iter().all(|a| a.ended_at.is_some())
            && self.daemons.iter().any(|d| d.engine.as_ref().is_some_and(|e| e.status().active_runs == 0 && e.scheduler().is_some()))
            && self.store.dags().iter().all(|d| d.next.is_none_or(|n| n.run_after > self.true_time()) || d.is_paused)
    }

    fn final_checks(&mut self) {
        let (runs, instances, attempts) = (self.store.runs(), self.store.task_instances(), self.store.attempts());
        if let Err(violation) = self.checks.end(&runs, &instances, &attempts, &self.place) {
            self.violation = Some(violation);
        }
        let paused = |dag: &Dag| self.store.dags().iter().any(|d| d.dag_id == dag.dag_id && d.is_paused);
        for dag in self.dags.iter().filter(|d| !paused(d)) {
            if let Err(violation) = self.checks.no_slot_is_lost(dag, &runs, self.deleted, self.true_time()) {
                self.violation = Some(violation);
            }
        }
    }
}

fn file(dag: &Dag) -> FileChange {
    let content = FileContent { source: Arc::default(), dags: vec![ReadDag::new(dag.clone())], error: None };
    FileChange { file: format!("{}.yaml", dag.dag_id), content: Some(content) }
}

/// The value of a future that is ready at once, as those of the store in memory are.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap_or_else(|| unreachable!("the store in memory never waits"))
}

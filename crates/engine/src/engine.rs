//! The engine's roles: standby, starting, leading; and the lease that decides between them.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use updraft_model::{DagId, TaskInstanceKey, Term, Timestamp};
use updraft_scheduler::{RefusedDag, Scheduler};
use updraft_store::{Acquired, StoreError};

use crate::{
    Effect, Event, Now, SeededMint,
    event::Report,
    leading::{Leading, Next},
    trouble::{Troubles, Work},
    workload::Runtime,
};

/// What an engine must be told once.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// How the scheduler decides.
    pub scheduler: updraft_scheduler::Config,
    /// What tasks find around them.
    pub runtime: Runtime,
    /// How long a lease lives unless it is renewed.
    pub lease_ttl: SignedDuration,
    /// How often it is renewed, and how often a standby tries to take it.
    pub renew_every: Duration,
    /// Executors are asked so often what became of all attempts, in case an event was lost.
    pub reconcile_every: Duration,
    /// The inbox is read so often, in case a hint was lost.
    pub poll_every: Duration,
}

impl EngineConfig {
    /// The usual times around a scheduler and a runtime.
    pub fn new(scheduler: updraft_scheduler::Config, runtime: Runtime) -> Self {
        Self {
            scheduler,
            runtime,
            lease_ttl: SignedDuration::from_secs(3),
            renew_every: Duration::from_secs(1),
            reconcile_every: Duration::from_secs(30),
            poll_every: Duration::from_secs(5),
        }
    }
}

/// Our lease, on the boot clock.
#[derive(Debug)]
pub(crate) struct Lease {
    pub term: Term,
    /// When the last renewal that succeeded was *sent*.
    pub sent: Duration,
    /// When a renewal under way was sent.
    renewing: Option<Duration>,
    next_renewal: Duration,
}

/// A stale leader's launches stop so long before its lease can be taken: longer than a launch may take.
const FENCE_MARGIN: Duration = Duration::from_secs(1);

impl Lease {
    /// Nothing may be launched later than this.
    pub fn fence(&self, ttl: SignedDuration) -> Duration {
        self.sent + Duration::try_from(ttl).unwrap_or_default().saturating_sub(FENCE_MARGIN)
    }

    /// Nothing while a renewal is under way: its answer is what comes next.
    fn wake_at(&self) -> Option<Duration> {
        self.renewing.is_none().then_some(self.next_renewal)
    }

    fn renew_if_due(&mut self, now: Now, ttl: SignedDuration, out: &mut Vec<Effect>) {
        if self.renewing.is_none() && now.boot >= self.next_renewal {
            self.renewing = Some(now.boot);
            out.push(Effect::RenewLease { term: self.term, sent: now.boot, ttl });
        }
    }
}

#[derive(Debug)]
enum State {
    Standby { next_try: Duration, trying: Option<Duration> },
    Loading { lease: Lease, retry_at: Option<Duration> },
    Leading(Box<Leading>),
    Stopped,
}

/// What an engine is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Another one leads, or nobody can.
    Standby,
    /// It has the lease and reads the store.
    Starting(Term),
    /// It decides.
    Leading(Term),
    /// It has given the lease back and does nothing more.
    Stopped,
}

/// A few numbers for people and monitors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub role: Role,
    /// Runs in memory.
    pub active_runs: usize,
    /// Attempts that may be alive.
    pub live_attempts: usize,
    /// Commits since the start.
    pub commits: u64,
    /// Whether a commit could not be made and is tried again.
    pub store_trouble: bool,
}

/// The engine: see the crate's documentation.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: EngineConfig,
    mint: SeededMint,
    state: State,
    troubles: Troubles,
    stopping: bool,
    commits: u64,
    /// Task instances whose rows the database does not take: they fail as soon as this engine leads.
    poisoned: Vec<(TaskInstanceKey, String)>,
    /// Versions of DAGs that it does not take: while this engine goes on to lead they are left alone.
    refused_dags: BTreeMap<DagId, RefusedDag>,
    /// How often the store was read again in a row, and when that was last.
    reloads: u32,
    last_reload: Option<Duration>,
}

/// After so long without a reload, the next one is at once.
const CALM: Duration = Duration::from_secs(10);

impl Engine {
    /// An engine that is a standby and will try to lead at once.
    pub fn new(config: EngineConfig, mint: SeededMint) -> Self {
        let state = State::Standby { next_try: Duration::ZERO, trying: None };
        Self {
            config,
            mint,
            state,
            troubles: Troubles::default(),
            stopping: false,
            commits: 0,
            poisoned: Vec::new(),
            refused_dags: BTreeMap::new(),
            reloads: 0,
            last_reload: None,
        }
    }

    /// What it is at the moment.
    pub fn role(&self) -> Role {
        match &self.state {
            State::Standby { .. } => Role::Standby,
            State::Loading { lease, .. } => Role::Starting(lease.term),
            State::Leading(leading) => Role::Leading(leading.lease.term),
            State::Stopped => Role::Stopped,
        }
    }

    /// A few numbers.
    pub fn status(&self) -> Status {
        let scheduler = self.scheduler();
        Status {
            role: self.role(),
            active_runs: scheduler.map_or(0, Scheduler::active_runs),
            live_attempts: scheduler.map_or(0, Scheduler::live_attempts),
            commits: self.commits,
            store_trouble: self.troubles.any(),
        }
    }

    /// The scheduler, while this engine leads.
    pub fn scheduler(&self) -> Option<&Scheduler> {
        match &self.state {
            State::Leading(leading) => Some(&leading.scheduler),
            State::Standby { .. } | State::Loading { .. } | State::Stopped => None,
        }
    }

    /// Takes in an event and says what is to be done.
    pub fn handle(&mut self, now: Now, event: Event) -> Vec<Effect> {
        let mut out = Vec::new();
        self.mint.set_time(now.wall);
        self.take_in(now, event, &mut out);
        self.advance(now, &mut out);
        out
    }

    /// When [`Event::Tick`] is due at the latest, on the boot clock.
    pub fn wake_at(&self, now: Now) -> Option<Duration> {
        match &self.state {
            State::Stopped | State::Standby { trying: Some(_), .. } => None,
            State::Standby { next_try, .. } => Some(*next_try),
            State::Loading { lease, retry_at } => [lease.wake_at(), *retry_at].into_iter().flatten().min(),
            State::Leading(leading) => [leading.lease.wake_at(), leading.wake_at(now, &self.config)].into_iter().flatten().min(),
        }
    }

    fn take_in(&mut self, now: Now, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Stop => self.stopping = true,
            Event::LeaseAcquired(result) => self.lease_acquired(now, result, out),
            Event::LeaseRenewed { sent, result } => self.lease_renewed(now, sent, result, out),
            Event::Loaded { term, result } => self.loaded(now, term, result, out),
            Event::Committed { term, result } => {
                let State::Leading(leading) = &mut self.state else { return };
                if leading.lease.term != term {
                    return;
                }
                self.commits += u64::from(result.is_ok());
                let next = leading.committed(now, result, &self.config, out);
                self.go_on(now, next, out);
            }
            Event::Probed { term, result } => {
                let State::Leading(leading) = &mut self.state else { return };
                if leading.lease.term == term {
                    let next = leading.probed(now, result, out);
                    self.go_on(now, next, out);
                }
            }
            // An answer to what a term before wanted says nothing about this one.
            Event::Requests { term, .. } | Event::Answered { term, .. } | Event::Launched { term, .. }
                if self.role() != Role::Leading(term) => {}
            event => {
                if let State::Leading(leading) = &mut self.state {
                    leading.take_in(now, event, &self.config, out);
                }
            }
        }
    }

    fn go_on(&mut self, now: Now, next: Next, out: &mut Vec<Effect>) {
        match next {
            Next::GoOn => {}
            Next::Written => self.troubles.end(Work::Commit, out),
            Next::Trouble(why) => self.troubles.begin(Work::Commit, why, out),
            Next::Reload(why) => self.reload(now, why, out),
            Next::Poisoned(key, error) => {
                let why = format!("the database does not take what task instance {} of run {} wrote: {error}", key.task_id, key.run);
                self.poisoned.push((key, error));
                self.reload(now, why, out);
            }
            Next::DagRefused(refused) => {
                let why = format!("the database does not take DAG {}: {}", refused.dag_id, refused.error);
                self.refused_dags.insert(refused.dag_id.clone(), refused);
                self.reload(now, why, out);
            }
            Next::StepDown(why) => self.step_down(now, why, out),
        }
    }

    fn advance(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.stopping {
            self.stop(out);
            if matches!(self.state, State::Stopped) {
                return;
            }
        }
        match &mut self.state {
            State::Stopped => {}
            State::Standby { next_try, trying } => {
                if trying.is_none() && now.boot >= *next_try {
                    *trying = Some(now.boot);
                    out.push(Effect::AcquireLease { ttl: self.config.lease_ttl });
                }
            }
            State::Loading { lease, retry_at } => {
                lease.renew_if_due(now, self.config.lease_ttl, out);
                if retry_at.is_some_and(|at| now.boot >= at) {
                    *retry_at = None;
                    out.push(Effect::Load { term: lease.term });
                }
            }
            State::Leading(leading) => {
                leading.lease.renew_if_due(now, self.config.lease_ttl, out);
                if !self.stopping {
                    leading.advance(now, &self.config, &mut self.mint, out);
                }
            }
        }
    }

    /// Stops as soon as no commit is under way.
    fn stop(&mut self, out: &mut Vec<Effect>) {
        let term = match &self.state {
            State::Stopped => return,
            State::Leading(leading) if leading.is_committing() => return,
            State::Leading(leading) => Some(leading.lease.term),
            State::Loading { lease, .. } => Some(lease.term),
            State::Standby { .. } => None,
        };
        out.extend(term.map(|term| Effect::ReleaseLease { term }));
        out.push(Effect::Stopped);
        self.state = State::Stopped;
    }

    fn lease_acquired(&mut self, now: Now, result: Result<Acquired, StoreError>, out: &mut Vec<Effect>) {
        let State::Standby { trying, .. } = &self.state else { return };
        let sent = trying.unwrap_or(now.boot);
        let next_try = now.boot + self.config.renew_every;
        match result {
            Ok(Acquired::Yes(term)) => {
                self.troubles.end(Work::Lease, out);
                let lease = Lease { term, sent, renewing: None, next_renewal: sent + self.config.renew_every };
                self.state = State::Loading { lease, retry_at: None };
                out.push(Effect::Load { term });
            }
            Ok(Acquired::HeldBy(lease)) => {
                // What was to be written is another one's business now.
                self.poisoned.clear();
                self.refused_dags.clear();
                self.troubles.end(Work::Lease, out);
                self.troubles.end(Work::Commit, out);
                // Just after its end, if it is not renewed.
                let rest = Duration::try_from(lease.remaining).unwrap_or_default() + Duration::from_millis(20);
                self.state = State::Standby { next_try: now.boot + rest.min(self.config.renew_every), trying: None };
            }
            Err(error) => {
                self.state = State::Standby { next_try, trying: None };
                self.troubles.begin(Work::Lease, error.to_string(), out);
            }
        }
    }

    fn lease_renewed(&mut self, now: Now, sent: Duration, result: Result<bool, StoreError>, out: &mut Vec<Effect>) {
        let renew_every = self.config.renew_every;
        let lease = match &mut self.state {
            State::Loading { lease, .. } => lease,
            State::Leading(leading) => &mut leading.lease,
            State::Standby { .. } | State::Stopped => return,
        };
        if lease.renewing != Some(sent) {
            return;
        }
        lease.renewing = None;
        match result {
            Ok(true) => {
                lease.sent = sent;
                lease.next_renewal = sent + renew_every;
                self.troubles.end(Work::Lease, out);
            }
            Ok(false) => self.step_down(now, "another scheduler has taken the lease".to_owned(), out),
            Err(error) => {
                lease.next_renewal = now.boot + renew_every / 4;
                self.troubles.begin(Work::Lease, error.to_string(), out);
            }
        }
    }

    fn loaded(&mut self, now: Now, of: Term, result: Result<Box<updraft_model::Loaded>, StoreError>, out: &mut Vec<Effect>) {
        let State::Loading { lease, retry_at } = &mut self.state else { return };
        if lease.term != of {
            return;
        }
        match result {
            Err(error) => {
                *retry_at = Some(now.boot + self.config.renew_every);
                self.troubles.begin(Work::Commit, error.to_string(), out);
            }
            Ok(loaded) => {
                let Lease { term, sent, renewing, next_renewal } = *lease;
                let lease = Lease { term, sent, renewing, next_renewal };
                out.push(Effect::Report(Report::Leading(term)));
                let mut leading = Leading::start(now, lease, *loaded, &self.config, &mut self.mint, out);
                leading.refuse_dags(self.refused_dags.values().cloned());
                leading.fail_poisoned(std::mem::take(&mut self.poisoned));
                self.state = State::Leading(Box::new(leading));
                self.troubles.end(Work::Commit, out);
            }
        }
    }

    /// Memory and store may differ: a new term first, which ends what may still be under way in the
    /// database, and then everything is read again.
    fn reload(&mut self, now: Now, why: String, out: &mut Vec<Effect>) {
        self.troubles.begin(Work::Commit, why, out);
        // At once, but not again and again.
        let since = self.last_reload.replace(now.boot).map_or(Duration::MAX, |last| now.boot.saturating_sub(last));
        self.reloads = if since < CALM { self.reloads + 1 } else { 0 };
        let wait = if self.reloads == 0 { Duration::ZERO } else { Duration::from_millis(50 << self.reloads.min(6)) };
        self.state = State::Standby { next_try: now.boot + wait, trying: None };
    }

    fn step_down(&mut self, now: Now, why: String, out: &mut Vec<Effect>) {
        out.push(Effect::Report(Report::NotLeading(why)));
        self.poisoned.clear();
        self.refused_dags.clear();
        self.state = State::Standby { next_try: now.boot + self.config.renew_every, trying: None };
    }
}

/// The boot-clock time of a wall-clock one, as far as both clocks go on as they are.
pub(crate) fn boot_time_of(at: Timestamp, now: Now) -> Duration {
    now.boot + Duration::try_from(at.since(now.wall)).unwrap_or_default()
}

//! What a leader does: hear, plan, commit, carry out.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    time::Duration,
};

use updraft_model::{
    Adoption, AttemptHandle, AttemptId, ExecutorEvent, ExecutorName, Exit, HowEnded, Loaded, PendingRequest, Question, RequestId,
    TaskInstanceKey, Timestamp, Verdict,
};
use updraft_scheduler::{INLINE, Input, Plan, RefusedDag, Scheduler};
use updraft_store::{CommitError, StoreError};

use crate::{
    Effect, EngineConfig, Event, Now, SeededMint,
    commit::{Commit, Found},
    engine::{Lease, boot_time_of},
    event::{Report, Rescan},
    launches::Launches,
};

/// What follows from a commit's result.
pub(crate) enum Next {
    GoOn,
    /// The commit was made.
    Written,
    /// The database can't be used now; the commit will be tried again.
    Trouble(String),
    /// A new term, and everything is read again.
    Reload(String),
    /// The same, and this task instance fails: the database does not take its rows.
    Poisoned(TaskInstanceKey, String),
    /// The same, and this version of a DAG is not taken from its file: the database does not take it.
    DagRefused(RefusedDag),
    /// Another one leads.
    StepDown(String),
}

/// So many requests are read at once.
const REQUESTS: u32 = 1_000;
/// That a program runs, or waits for something, is written so much later at most: a short task is
/// over by then, and its start and end are one commit.
const PATIENCE: Duration = Duration::from_millis(25);
/// With so many attempts alive, more of them end while a commit is under way than while none is: ...
const CROWD: usize = 8;
/// ... so a commit is followed by a rest as long as it took, but no longer than this. What ends meanwhile is
/// written together, and the database leaves half of the time to the tasks.
const MOST_REST: Duration = Duration::from_millis(10);
/// A question that could not be answered is asked again after this time.
const ASK_AGAIN: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Leading {
    pub lease: Lease,
    pub scheduler: Scheduler,
    inputs: Vec<Input>,
    /// How many of the inputs nothing follows from, and until when they may wait for something to be
    /// committed with.
    patient: usize,
    patience: Option<Duration>,
    commit: Option<Commit>,
    /// Before that, a plan is made only to go on with what is being written.
    rest_until: Duration,
    more: bool,
    wake_at: Option<Timestamp>,
    fetching: bool,
    fetch_again: bool,
    next_fetch: Duration,
    /// Requests the scheduler has been given. One that is answered is dropped only when a fetch that
    /// was sent after that has come back: an earlier one may still show it as open.
    seen: BTreeSet<RequestId>,
    answered: Vec<RequestId>,
    answered_before_fetch: Vec<RequestId>,
    /// There were more requests than were read: the next are read when some of these are answered.
    more_requests: bool,
    /// Questions under way, and after how many commits each was sent; and those to be asked again at a time.
    asking: BTreeMap<Question, u64>,
    ask_again: BTreeMap<Question, Duration>,
    /// How many were made in this term.
    commits: u64,
    pub launches: Launches,
    next_reconcile: Duration,
    /// How often executors were asked what became of attempts.
    round: u64,
    /// Attempts of the terms before.
    inherited: BTreeSet<AttemptId>,
    /// Task instances that were to blame for the end of the term before, and whose failure is not
    /// written yet.
    poisoned: BTreeSet<TaskInstanceKey>,
}

impl Leading {
    pub fn start(now: Now, lease: Lease, loaded: Loaded, config: &EngineConfig, mint: &mut SeededMint, out: &mut Vec<Effect>) -> Self {
        let inherited: BTreeSet<AttemptId> = loaded.attempts.iter().map(|a| a.id).collect();
        let (scheduler, plan) = Scheduler::restore(config.scheduler.clone(), loaded, now.wall, mint);
        out.push(Effect::Rescan(Rescan::All { known: scheduler.known_files() }));
        let lease_rounds = u64::try_from(lease.term.0).unwrap_or_default() << 32;
        let mut leading = Self {
            lease,
            scheduler,
            inputs: Vec::new(),
            patient: 0,
            patience: None,
            commit: None,
            rest_until: Duration::ZERO,
            more: false,
            wake_at: None,
            fetching: false,
            fetch_again: false,
            next_fetch: now.boot,
            seen: BTreeSet::new(),
            answered: Vec::new(),
            answered_before_fetch: Vec::new(),
            more_requests: false,
            asking: BTreeMap::new(),
            commits: 0,
            ask_again: BTreeMap::new(),
            launches: Launches::default(),
            next_reconcile: now.boot + config.reconcile_every,
            // Above those of the terms before, whose answers may still come.
            round: lease_rounds,
            inherited,
            poisoned: BTreeSet::new(),
        };
        leading.reconcile(config, out);
        leading.plan_made(now, plan, config, out);
        leading
    }

    /// Whether a commit was sent and not answered. One that waits to be sent again was not made.
    pub fn is_committing(&self) -> bool {
        self.commit.as_ref().is_some_and(|commit| commit.retry_at.is_none())
    }

    pub fn wake_at(&self, now: Now, config: &EngineConfig) -> Option<Duration> {
        // Of what waits for the next plan, nothing is looked at before the rest is over.
        let rested = |at: Duration| at.max(self.rest_until);
        let planned = self.wake_at.filter(|_| self.commit.is_none()).map(|at| rested(boot_time_of(at, now)));
        let again = self.ask_again.values().min().copied();
        let commit = self.commit.as_ref().and_then(|c| c.retry_at);
        let patience = self.patience.filter(|_| self.commit.is_none()).map(rested);
        let heard = (self.commit.is_none() && self.inputs.len() > self.patient).then_some(self.rest_until);
        [
            planned,
            patience,
            heard,
            again,
            commit,
            self.launches.wake_at(now, self.lease.fence(config.lease_ttl)),
            Some(self.next_fetch),
            Some(self.next_reconcile),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub fn take_in(&mut self, now: Now, event: Event, config: &EngineConfig, out: &mut Vec<Effect>) {
        match event {
            Event::Tick => {}
            Event::Hint => self.next_fetch = now.boot,
            Event::Requests { term: _, result } => self.requests(now, result, config),
            Event::Answered { term: _, question, result } => self.answered(now, question, result, config, out),
            Event::Files(changes) => self.inputs.push(Input::Files(changes)),
            Event::Executor { executor, event } => self.executor_says(now, executor, event),
            Event::Launched { term: _, attempt, result } => {
                let known = self.scheduler.is_live(attempt);
                if known {
                    self.launches.launched(now, attempt, result, &mut self.inputs, out);
                }
                if self.launches.take_doubtful() {
                    self.next_reconcile = self.next_reconcile.min(now.boot + Duration::from_secs(1));
                }
            }
            Event::Terminated { attempt, result } => self.launches.terminated(now, attempt, result.is_ok()),
            Event::Adoption { executor, round, adoption } => self.adoption(now, executor, round, adoption, config, out),
            // The engine itself takes these.
            Event::LeaseAcquired(_)
            | Event::LeaseRenewed { .. }
            | Event::Loaded { .. }
            | Event::Committed { .. }
            | Event::Probed { .. }
            | Event::Stop => {}
        }
    }

    pub fn advance(&mut self, now: Now, config: &EngineConfig, mint: &mut SeededMint, out: &mut Vec<Effect>) {
        if now.boot >= self.next_fetch {
            self.next_fetch = now.boot + config.poll_every;
            if std::mem::replace(&mut self.fetching, true) {
                self.fetch_again = true;
            } else {
                self.answered_before_fetch.append(&mut self.answered);
                out.push(Effect::FetchRequests { term: self.lease.term, limit: REQUESTS });
            }
        }
        if now.boot >= self.next_reconcile {
            self.next_reconcile = now.boot + config.reconcile_every;
            self.reconcile(config, out);
        }
        let due: Vec<Question> = self.ask_again.iter().filter(|(_, at)| now.boot >= **at).map(|(q, _)| q.clone()).collect();
        for question in due {
            self.ask_again.remove(&question);
            self.ask(question, out);
        }
        if let Some(commit) = &mut self.commit
            && commit.retry_at.is_some_and(|at| now.boot >= at)
        {
            commit.retry_at = None;
            out.push(commit.effect(self.lease.term));
        }
        self.launches.advance(now, self.lease.term, self.lease.fence(config.lease_ttl), out);
        while self.commit.is_none() && (self.more || now.boot >= self.rest_until) {
            let due = self.wake_at.is_some_and(|at| at <= now.wall);
            let impatient = self.patience.is_some_and(|until| now.boot >= until);
            if self.inputs.len() <= self.patient && !self.more && !due && !impatient {
                return;
            }
            let inputs = std::mem::take(&mut self.inputs);
            (self.patient, self.patience) = (0, None);
            let plan = self.scheduler.handle(now.wall, inputs, mint);
            self.plan_made(now, plan, config, out);
        }
    }

    fn plan_made(&mut self, now: Now, mut plan: Plan, config: &EngineConfig, out: &mut Vec<Effect>) {
        self.more = plan.more;
        self.wake_at = plan.wake_at.map(|(at, _)| at);
        for problem in std::mem::take(&mut plan.problems) {
            out.push(Effect::Report(Report::Problem(problem)));
        }
        if plan.batch.is_empty() {
            self.carry_out(now, plan, false, config, out);
        } else {
            let commit = Commit::new(plan, now.boot);
            out.push(commit.effect(self.lease.term));
            self.commit = Some(commit);
        }
    }

    /// What a plan asks for beside its batch, which is durable now.
    fn carry_out(&mut self, now: Now, plan: Plan, was_committed: bool, config: &EngineConfig, out: &mut Vec<Effect>) {
        let Plan { batch: _, launches, kills, releases, asks, .. } = plan;
        for launch in launches {
            self.launches.begin(launch, self.round);
        }
        self.prepare(now, config, out);
        for kill in kills {
            self.launches.kill(now, kill, &mut self.inputs, out);
        }
        // A commit has proved that this leader still led when it heard of these ends. Without one, an
        // end of an attempt nobody here knows may be the first that is heard of a successor's attempt.
        let releases = if !was_committed && now.boot >= self.lease.fence(config.lease_ttl) { Vec::new() } else { releases };
        for (executor, attempt) in releases {
            self.launches.forget(attempt);
            if executor.as_str() != INLINE {
                out.push(Effect::Release { executor, attempt });
            }
        }
        for question in asks {
            self.ask(question, out);
        }
    }

    /// Renders what is to be launched and has all its facts.
    fn prepare(&mut self, now: Now, config: &EngineConfig, out: &mut Vec<Effect>) {
        let is_outdated = |question: &Question| self.asking.get(question).is_some_and(|after| *after != self.commits);
        let questions = self.launches.prepare(now, &self.scheduler, &config.runtime, is_outdated, &mut self.inputs);
        for question in questions {
            self.ask(question, out);
        }
        self.launches.advance(now, self.lease.term, self.lease.fence(config.lease_ttl), out);
    }

    pub fn committed(&mut self, now: Now, result: Result<i64, CommitError>, config: &EngineConfig, out: &mut Vec<Effect>) -> Next {
        let Some(mut commit) = self.commit.take() else { return Next::GoOn };
        match result {
            Ok(_) => {
                self.commits += 1;
                // Those that failed for what they wrote may run again, and write it again.
                for update in commit.batch.task_instances.iter().filter(|update| update.row.state.is_finished()) {
                    self.poisoned.remove(&update.row.key());
                }
                if !commit.batch.answers.is_empty() {
                    self.answered.extend(commit.batch.answers.iter().map(|a| a.id));
                    if std::mem::take(&mut self.more_requests) {
                        self.next_fetch = now.boot;
                    }
                }
                if !commit.batch.deleted_dags.is_empty() {
                    out.push(Effect::Rescan(Rescan::Dags(commit.batch.deleted_dags.iter().cloned().collect())));
                }
                let took = now.boot.saturating_sub(commit.sent_at);
                self.scheduler.committed(commit.batch.len(), took);
                if self.scheduler.live_attempts() >= CROWD {
                    self.rest_until = now.boot + took.min(MOST_REST);
                }
                self.carry_out(now, commit.plan, true, config, out);
                return Next::Written;
            }
            Err(CommitError::Refused { runs }) => {
                commit.refuse(&runs);
                self.inputs.push(Input::Refused { runs });
                if commit.batch.is_empty() {
                    self.carry_out(now, commit.plan, true, config, out);
                    return Next::Written;
                }
            }
            Err(CommitError::Poisoned(error)) => return self.search_on(now, commit, Some(error), out),
            Err(error) => return self.not_written(now, commit, error),
        }
        out.push(commit.effect(self.lease.term));
        self.commit = Some(commit);
        Next::GoOn
    }

    /// The answer to a step of the search for a value that the database does not take.
    pub fn probed(&mut self, now: Now, result: Result<(), CommitError>, out: &mut Vec<Effect>) -> Next {
        let Some(commit) = self.commit.take() else { return Next::GoOn };
        match result {
            Ok(()) | Err(CommitError::Refused { .. }) => self.search_on(now, commit, None, out),
            Err(CommitError::Poisoned(error)) => self.search_on(now, commit, Some(error), out),
            Err(error) => self.not_written(now, commit, error),
        }
    }

    fn search_on(&mut self, now: Now, mut commit: Commit, error: Option<String>, out: &mut Vec<Effect>) -> Next {
        match commit.refused(error, &self.poisoned) {
            Found::NotYet => {}
            Found::Nothing(error) => return self.not_written(now, commit, CommitError::NotCommitted(error)),
            // Others may have been decided by what it wrote: memory starts again from the store.
            Found::TaskInstance(key, error) => return Next::Poisoned(key, error),
            Found::Dag(refused) => return Next::DagRefused(refused),
            Found::NewRun(run) => self.inputs.push(Input::Refused { runs: vec![run] }),
            Found::Other(what) => out.push(Effect::Report(Report::Problem(what))),
        }
        out.push(commit.effect(self.lease.term));
        self.commit = Some(commit);
        Next::GoOn
    }

    fn not_written(&mut self, now: Now, mut commit: Commit, error: CommitError) -> Next {
        let why = error.to_string();
        match error {
            CommitError::Superseded { .. } => Next::StepDown("another scheduler has taken the lease".to_owned()),
            CommitError::Unknown(_) | CommitError::Stale(_) => Next::Reload(why),
            CommitError::NotCommitted(_) | CommitError::Refused { .. } | CommitError::Poisoned(_) => {
                commit.retry_at = Some(now.boot + commit.backoff());
                self.commit = Some(commit);
                Next::Trouble(why)
            }
        }
    }

    /// Fails task instances whose rows the database did not take.
    pub fn fail_poisoned(&mut self, poisoned: Vec<(TaskInstanceKey, String)>) {
        self.poisoned.extend(poisoned.iter().map(|(key, _)| key.clone()));
        self.inputs.extend(poisoned.into_iter().map(|(key, error)| Input::Poisoned { key, error }));
    }

    /// Tells what the database does not take, before any file is read.
    pub fn refuse_dags(&mut self, refused: impl IntoIterator<Item = RefusedDag>) {
        self.inputs.extend(refused.into_iter().map(Input::DagRefused));
    }

    fn requests(&mut self, now: Now, result: Result<Vec<PendingRequest>, StoreError>, config: &EngineConfig) {
        self.fetching = false;
        if std::mem::take(&mut self.fetch_again) {
            self.next_fetch = now.boot;
        }
        match result {
            Ok(requests) => {
                self.more_requests = requests.len() >= REQUESTS as usize;
                let new = requests.into_iter().filter(|r| self.seen.insert(r.id)).map(Input::Request);
                self.inputs.extend(new);
                for id in std::mem::take(&mut self.answered_before_fetch) {
                    self.seen.remove(&id);
                }
            }
            // Tried again when the lease's renewal says that the store is back.
            Err(_) => self.next_fetch = now.boot + config.renew_every,
        }
    }

    fn ask(&mut self, question: Question, out: &mut Vec<Effect>) {
        if let Entry::Vacant(entry) = self.asking.entry(question) {
            out.push(Effect::Ask { term: self.lease.term, question: entry.key().clone() });
            entry.insert(self.commits);
        }
    }

    fn answered(
        &mut self,
        now: Now,
        question: Question,
        result: Result<Verdict, StoreError>,
        config: &EngineConfig,
        out: &mut Vec<Effect>,
    ) {
        self.asking.remove(&question);
        match result {
            Ok(verdict) => {
                if self.launches.answered(&question, &verdict) {
                    self.ask(question.clone(), out);
                }
                self.inputs.push(Input::Fact { question, verdict });
                self.prepare(now, config, out);
            }
            Err(StoreError::Unavailable(_)) => {
                self.ask_again.insert(question, now.boot + ASK_AGAIN);
            }
            Err(error @ StoreError::Broken { .. }) => {
                out.push(Effect::Report(Report::Problem(error.to_string())));
                self.launches.unanswerable(&question, &error.to_string(), &mut self.inputs);
                self.ask_again.insert(question, now.boot + 60 * ASK_AGAIN);
            }
        }
    }

    fn wait_for_company(&mut self, now: Now, input: Input) {
        self.inputs.push(input);
        self.patient += 1;
        self.patience.get_or_insert(now.boot + PATIENCE);
    }

    fn executor_says(&mut self, now: Now, executor: ExecutorName, event: ExecutorEvent) {
        match event {
            ExecutorEvent::Started { attempt, at, pid } => {
                self.launches.accepted(attempt);
                self.wait_for_company(now, Input::Started { attempt, at, pid });
            }
            ExecutorEvent::Ended { attempt, exit } => {
                self.launches.forget(attempt);
                self.inputs.push(Input::Ended { attempt, executor, exit });
            }
            ExecutorEvent::Waiting { attempt, reason } => self.wait_for_company(now, Input::Waiting { attempt, reason }),
        }
    }

    /// Asks every executor what became of the attempts it should have: not of those that are only
    /// decided, since of them it must say that it has none.
    fn reconcile(&mut self, config: &EngineConfig, out: &mut Vec<Effect>) {
        self.inherited.retain(|attempt| self.scheduler.is_live(*attempt));
        let mut known: BTreeMap<ExecutorName, Vec<AttemptHandle>> =
            config.scheduler.executors.keys().map(|name| (name.clone(), Vec::new())).collect();
        for (row, handle) in self.scheduler.live() {
            let decided_only = !self.inherited.contains(&row.id) && self.launches.begun_in(row.id).is_none();
            if decided_only || self.launches.is_under_way(row.id) {
                continue;
            }
            if row.executor.as_str() == INLINE {
                // Ours, and nothing of it outlives a leader: if it is not under way here, it is not at all.
                if !self.launches.waits_for_scheduler(row.id) {
                    self.inputs.push(Input::Absent { attempt: row.id });
                }
            } else {
                known.entry(row.executor.clone()).or_default().push(handle);
            }
        }
        self.round += 1;
        let round = self.round;
        out.extend(known.into_iter().map(|(executor, known)| Effect::Reconcile { executor, round, known }));
    }

    fn adoption(&mut self, now: Now, executor: ExecutorName, round: u64, adoption: Adoption, config: &EngineConfig, out: &mut Vec<Effect>) {
        match adoption {
            Adoption::Running { attempt, started_at } => {
                self.launches.accepted(attempt);
                if let Some(at) = started_at {
                    self.wait_for_company(now, Input::Started { attempt, at, pid: None });
                }
            }
            Adoption::Finished { attempt, exit } => self.executor_says(now, executor, ExecutorEvent::Ended { attempt, exit }),
            Adoption::Absent { attempt } => {
                let of_this_term = round > u64::try_from(self.lease.term.0).unwrap_or_default() << 32;
                let outdated = !of_this_term || self.launches.begun_in(attempt).is_some_and(|begun| round <= begun);
                if outdated || !self.scheduler.is_live(attempt) || self.launches.is_under_way(attempt) {
                    return;
                }
                let started = self.scheduler.started_at(attempt);
                if self.launches.was_accepted(attempt) || started.is_some() {
                    // It was there, and is not any more: not to be launched as if it never had been.
                    let how = HowEnded::PlaceLost { started: true, why: format!("executor {executor} does not know it any more") };
                    let exit = Exit { how, started_at: started, ended_at: now.wall, outputs: BTreeMap::new(), last_line: None, pid: None };
                    self.executor_says(now, executor, ExecutorEvent::Ended { attempt, exit: Box::new(exit) });
                } else {
                    self.inputs.push(Input::Absent { attempt });
                }
            }
            Adoption::Unreachable { attempt, why } => {
                self.inputs.push(Input::Waiting { attempt, reason: Some(why) });
                self.next_reconcile = self.next_reconcile.min(now.boot + Duration::from_secs(5));
            }
            Adoption::Orphan { attempt } => {
                // With a lease in doubt it may be a successor's; it will be seen again.
                if self.scheduler.is_live(attempt) || now.boot >= self.lease.fence(config.lease_ttl) {
                    return;
                }
                // Its end, which one that is over tells again, is answered with a release.
                out.push(Effect::Terminate { executor, attempt, grace: jiff::SignedDuration::from_secs(5) });
            }
        }
    }
}

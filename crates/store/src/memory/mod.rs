//! A store in memory, for tests and the simulation: the same checks as a database, nothing durable.
//!
//! Every future does its work when it is first polled and is ready then, so that a simulation can
//! drive it without a runtime. No clock lives here: the one that counts is given to
//! [`MemoryStore::new`].

mod facts;
mod table;
mod tables;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{self, BoxFuture},
    stream::{self, BoxStream, StreamExt},
};
use jiff::SignedDuration;
use tokio::sync::watch;
use updraft_model::{
    Answer, AttemptRow, Batch, DEFAULT_POOL_SLOTS, DagRow, DagVersion, Packed, PendingRequest, PoolName, PoolRow, Request, RequestId,
    RunKey, RunRow, TaskInstanceRow, Term, Timestamp, VersionId, XComRow,
};

use self::tables::{FeedRow, Inboxed, Tables, of_run};
use crate::{Acquired, CommitError, EngineStore, FeedEntry, Lease, Loaded, Question, StoreError, Verdict};

/// The clock of a [`MemoryStore`].
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A store in memory.
pub struct MemoryStore {
    clock: Clock,
    state: Mutex<State>,
    hints: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    tables: Tables,
    variables: BTreeMap<String, String>,
    lease: Held,
    last_request: i64,
}

/// The lease's row.
#[derive(Default)]
struct Held {
    holder: Option<String>,
    term: i64,
    expires_at: Option<Timestamp>,
    address: Option<String>,
}

impl MemoryStore {
    /// An empty store with `default_pool`, whose leases run on `clock`.
    pub fn new(clock: Clock) -> Self {
        let mut state = State::default();
        let name = PoolName::default_pool();
        let pool = PoolRow {
            name: name.clone(),
            slots: DEFAULT_POOL_SLOTS,
            description: Some("Default pool".to_owned()),
            include_deferred: false,
        };
        state.tables.pools.set(name, pool);
        state.tables.keep();
        Self { clock, state: Mutex::new(state), hints: watch::Sender::new(()) }
    }

    /// Leaves a request in the inbox.
    pub fn submit(&self, request: Request) -> RequestId {
        let mut state = self.lock();
        state.last_request += 1;
        let id = RequestId(state.last_request);
        let pending = PendingRequest { id, user: None, request };
        state.tables.requests.set(id, Inboxed { pending, submitted_at: (self.clock)(), answer: None, withdrawn: false, taken: false });
        state.tables.keep();
        drop(state);
        self.hints.send_replace(());
        id
    }

    /// The answer to a request, if it has one.
    pub fn answer(&self, id: RequestId) -> Option<Answer> {
        self.lock().tables.requests.get(&id).and_then(|inboxed| inboxed.answer.clone())
    }

    /// Takes a request back. `false`: it is taken or answered (or was never there).
    pub fn withdraw(&self, id: RequestId) -> bool {
        let mut state = self.lock();
        let open = state.tables.requests.get(&id).filter(|inboxed| inboxed.is_pending() && !inboxed.taken).cloned();
        let Some(open) = open else { return false };
        state.tables.requests.set(id, Inboxed { withdrawn: true, ..open });
        state.tables.keep();
        true
    }

    /// Makes or changes a variable.
    pub fn set_variable(&self, key: impl Into<String>, value: impl Into<String>) {
        self.lock().variables.insert(key.into(), value.into());
    }

    /// All DAGs, by id.
    pub fn dags(&self) -> Vec<DagRow> {
        self.lock().tables.dags.values().cloned().collect()
    }

    /// All versions, by id.
    pub fn versions(&self) -> Vec<DagVersion> {
        self.lock().tables.versions.values().map(|new| new.version.as_ref().clone()).collect()
    }

    /// All runs, by key.
    pub fn runs(&self) -> Vec<RunRow> {
        self.lock().tables.runs.values().cloned().collect()
    }

    /// All task instances, by key.
    pub fn task_instances(&self) -> Vec<TaskInstanceRow> {
        self.lock().tables.task_instances.values().cloned().collect()
    }

    /// All tries that another one followed, by key and number.
    pub fn archived_tries(&self) -> Vec<TaskInstanceRow> {
        self.lock().tables.tries.values().cloned().collect()
    }

    /// All attempts, by id.
    pub fn attempts(&self) -> Vec<AttemptRow> {
        self.lock().tables.attempts.values().cloned().collect()
    }

    /// All XComs, by owner and key.
    pub fn xcoms(&self) -> Vec<XComRow> {
        self.lock().tables.xcoms.values().cloned().collect()
    }

    /// All commits, oldest first: the term that made each, and what it changed.
    pub fn feed(&self) -> Vec<(Term, FeedEntry)> {
        let state = self.lock();
        state.tables.feed.iter().map(|(seq, row)| (row.term, FeedEntry { seq: *seq, changes: row.changes.clone() })).collect()
    }

    /// The lease, if someone holds it (expired or not).
    pub fn lease(&self) -> Option<Lease> {
        self.lock().lease.show((self.clock)())
    }

    /// Calls `look` with an exclusive view; a thread that panicked in between changed nothing, since
    /// every change is undone unless it is kept.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A future that does its work when it is first polled.
    fn ready<'a, T: Send + 'a>(&'a self, work: impl FnOnce(&mut State, Timestamp) -> T + Send + 'a) -> BoxFuture<'a, T> {
        future::lazy(move |_| work(&mut self.lock(), (self.clock)())).boxed()
    }
}

impl EngineStore for MemoryStore {
    fn acquire_lease(&self, holder: &str, address: Option<&str>, ttl: SignedDuration) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        let (holder, address) = (holder.to_owned(), address.map(str::to_owned));
        self.ready(move |state, now| Ok(state.lease.acquire(holder, address, ttl, now)))
    }

    fn renew_lease(&self, term: Term, ttl: SignedDuration) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.ready(move |state, now| {
            let held = state.lease.is_of(term);
            if held {
                state.lease.expires_at = Some(now.saturating_add(ttl));
            }
            Ok(held)
        })
    }

    fn release_lease(&self, term: Term) -> BoxFuture<'_, Result<(), StoreError>> {
        self.ready(move |state, now| {
            if state.lease.is_of(term) {
                state.lease = Held { holder: None, expires_at: Some(now), address: None, term: term.0 };
            }
            Ok(())
        })
    }

    fn load(&self, _term: Term) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        self.ready(|state, _| Ok(state.tables.load()))
    }

    fn commit(&self, term: Term, batch: Arc<Batch>) -> BoxFuture<'_, Result<i64, CommitError>> {
        self.ready(move |state, now| state.commit(term, &batch, now))
    }

    fn probe(&self, term: Term, batch: Arc<Batch>) -> BoxFuture<'_, Result<(), CommitError>> {
        self.ready(move |state, _| {
            let outcome = state.write(term, &batch);
            state.tables.undo();
            outcome
        })
    }

    fn pending_requests(&self, limit: u32) -> BoxFuture<'_, Result<Vec<PendingRequest>, StoreError>> {
        self.ready(move |state, _| {
            let open = state.tables.requests.values().filter(|inboxed| inboxed.is_pending());
            Ok(open.take(limit as usize).map(|inboxed| inboxed.pending.clone()).collect())
        })
    }

    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        self.ready(move |state, _| {
            Ok(match question {
                Question::Variable { key } => Verdict::Variable(state.variables.get(&key).cloned()),
                question => state.tables.ask(question),
            })
        })
    }

    fn source(&self, version: VersionId) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        self.ready(move |state, _| {
            Ok(state.tables.versions.get(&version).and_then(|new| Packed::unpack(new.source.as_stored().to_owned()).ok()))
        })
    }

    fn hints(&self) -> BoxStream<'static, ()> {
        stream::unfold(self.hints.subscribe(), |mut hints| async { hints.changed().await.ok().map(|()| ((), hints)) }).boxed()
    }

    fn clean(&self, before: Timestamp, limit: u32) -> BoxFuture<'_, Result<Vec<RunKey>, StoreError>> {
        self.ready(move |state, _| Ok(state.tables.clean(before, limit)))
    }
}

impl Held {
    /// Whether `term` leads: nobody took the lease since, and it was not given back.
    fn is_of(&self, term: Term) -> bool {
        self.holder.is_some() && self.term == term.0
    }

    fn show(&self, now: Timestamp) -> Option<Lease> {
        let (holder, expires_at) = (self.holder.clone()?, self.expires_at?);
        Some(Lease { holder, term: Term(self.term), expires_at, address: self.address.clone(), remaining: expires_at.since(now) })
    }

    fn acquire(&mut self, holder: String, address: Option<String>, ttl: SignedDuration, now: Timestamp) -> Acquired {
        match self.show(now) {
            Some(lease) if lease.holder != holder && lease.expires_at > now => Acquired::HeldBy(lease),
            _ => {
                *self = Self { holder: Some(holder), term: self.term + 1, expires_at: Some(now.saturating_add(ttl)), address };
                Acquired::Yes(Term(self.term))
            }
        }
    }
}

impl State {
    fn commit(&mut self, term: Term, batch: &Batch, now: Timestamp) -> Result<i64, CommitError> {
        if let Err(error) = self.write(term, batch) {
            self.tables.undo();
            return Err(error);
        }
        let seq = self.tables.feed.iter().next_back().map_or(0, |(seq, _)| *seq) + 1;
        self.tables.feed.set(seq, FeedRow { term, at: now, changes: batch.feed() });
        self.tables.keep();
        Ok(seq)
    }

    fn write(&mut self, term: Term, batch: &Batch) -> Result<(), CommitError> {
        if !self.lease.is_of(term) {
            return Err(CommitError::Superseded { term });
        }
        crate::check_text(batch)?;
        self.tables.write(batch)
    }
}

impl Tables {
    fn load(&self) -> Loaded {
        let live = self.live_runs();
        let runs: Vec<RunRow> = self.runs.values().filter(|run| !run.state.is_finished() || live.contains(&run.key)).cloned().collect();
        let task_instances: Vec<TaskInstanceRow> =
            runs.iter().flat_map(|run| of_run(&self.task_instances, run.key).map(|(_, row)| row.clone())).collect();
        let dags: Vec<DagRow> = self.dags.values().cloned().collect();
        let of_runs = runs.iter().map(|run| run.version).chain(task_instances.iter().map(|row| row.version));
        let ids: BTreeSet<VersionId> = dags.iter().map(|dag| dag.latest).chain(of_runs).collect();
        Loaded {
            max_run_key: self.runs.iter().next_back().map(|(key, _)| *key).max(self.last_run.get(&()).copied()).map_or(0, |key| key.0),
            dags,
            versions: ids.iter().filter_map(|id| self.versions.get(id)).map(|new| new.version.as_ref().clone()).collect(),
            runs,
            task_instances,
            attempts: self.attempts.values().filter(|attempt| attempt.ended_at.is_none()).cloned().collect(),
            pools: self.pools.values().cloned().collect(),
            files_with_errors: self.import_errors.iter().map(|(file, _)| file.clone()).collect(),
        }
    }

    /// The runs with an attempt that has not ended.
    fn live_runs(&self) -> BTreeSet<RunKey> {
        self.attempts.values().filter(|attempt| attempt.ended_at.is_none()).map(|attempt| attempt.key.run).collect()
    }

    fn clean(&mut self, before: Timestamp, limit: u32) -> Vec<RunKey> {
        let live = self.live_runs();
        let newest = self.runs.iter().next_back().map(|(key, _)| *key);
        let old = |run: &&RunRow| {
            Some(run.key) != newest && run.state.is_finished() && run.end_date.is_some_and(|end| end < before) && !live.contains(&run.key)
        };
        let mut runs: Vec<(Option<Timestamp>, RunKey)> = self.runs.values().filter(old).map(|run| (run.end_date, run.key)).collect();
        runs.sort();
        let mut runs: Vec<RunKey> = runs.into_iter().take(limit as usize).map(|(_, key)| key).collect();
        runs.sort();
        runs.iter().for_each(|run| self.delete_run(*run));
        self.requests.remove_where(|_, inboxed| !inboxed.is_pending() && inboxed.submitted_at < before);
        // The last row stays: it is where the numbers go on.
        let last = self.feed.iter().next_back().map_or(0, |(seq, _)| *seq);
        self.feed.remove_where(|seq, row| *seq < last && row.at < before);
        self.keep();
        runs
    }
}

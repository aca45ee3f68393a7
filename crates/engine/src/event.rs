//! What the engine hears, and what it wants done.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::SignedDuration;
use updraft_executor::{LaunchError, TerminateError};
use updraft_model::{
    Adoption, AttemptHandle, AttemptId, Batch, DagId, ExecutorEvent, ExecutorName, Loaded, PendingRequest, Question, Term, Timestamp,
    Verdict, Workload,
};
use updraft_scheduler::FileChange;
use updraft_store::{Acquired, CommitError, StoreError};

/// The time, twice: what people call it, and what no clock change moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub wall: Timestamp,
    /// Since the machine started, suspended time included (`CLOCK_BOOTTIME`).
    pub boot: Duration,
}

/// What has happened.
#[derive(Debug)]
pub enum Event {
    /// Time has passed.
    Tick,
    /// To [`Effect::AcquireLease`].
    LeaseAcquired(Result<Acquired, StoreError>),
    /// To [`Effect::RenewLease`].
    LeaseRenewed {
        /// When the renewal was sent, on the boot clock.
        sent: Duration,
        /// Whether the term still leads.
        result: Result<bool, StoreError>,
    },
    /// To [`Effect::Load`].
    Loaded {
        /// For which term.
        term: Term,
        /// Everything active.
        result: Result<Box<Loaded>, StoreError>,
    },
    /// To [`Effect::Commit`].
    Committed {
        /// For which term.
        term: Term,
        /// The feed's number, or why not.
        result: Result<i64, CommitError>,
    },
    /// To [`Effect::Probe`].
    Probed {
        /// For which term.
        term: Term,
        /// Whether the database takes it.
        result: Result<(), CommitError>,
    },
    /// To [`Effect::FetchRequests`].
    Requests {
        /// For which term.
        term: Term,
        /// The oldest open ones.
        result: Result<Vec<PendingRequest>, StoreError>,
    },
    /// To [`Effect::Ask`].
    Answered {
        /// For which term.
        term: Term,
        /// What was asked.
        question: Question,
        /// What is true.
        result: Result<Verdict, StoreError>,
    },
    /// There may be new requests.
    Hint,
    /// DAG files were read, or are gone.
    Files(Vec<FileChange>),
    /// An executor reports.
    Executor {
        /// Which.
        executor: ExecutorName,
        /// What.
        event: ExecutorEvent,
    },
    /// To [`Effect::Launch`].
    Launched {
        /// For which term.
        term: Term,
        /// Which.
        attempt: AttemptId,
        /// Whether it was accepted.
        result: Result<(), LaunchError>,
    },
    /// To [`Effect::Terminate`].
    Terminated {
        /// Which.
        attempt: AttemptId,
        /// Whether it was told.
        result: Result<(), TerminateError>,
    },
    /// To [`Effect::Reconcile`]: one for each attempt.
    Adoption {
        /// Which executor.
        executor: ExecutorName,
        /// To which round of asking.
        round: u64,
        /// What it knows.
        adoption: Adoption,
    },
    /// The daemon shall stop: decide nothing more, give the lease back.
    Stop,
}

impl Event {
    /// Which kind it is, for people who look for what takes long.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tick => "tick",
            Self::LeaseAcquired(_) => "lease acquired",
            Self::LeaseRenewed { .. } => "lease renewed",
            Self::Loaded { .. } => "loaded",
            Self::Committed { .. } => "committed",
            Self::Probed { .. } => "probed",
            Self::Requests { .. } => "requests",
            Self::Answered { .. } => "answered",
            Self::Hint => "hint",
            Self::Files(_) => "files",
            Self::Executor { .. } => "executor",
            Self::Launched { .. } => "launched",
            Self::Terminated { .. } => "terminated",
            Self::Adoption { .. } => "adoption",
            Self::Stop => "stop",
        }
    }
}

/// Which DAG files are to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rescan {
    /// All: a new leader knows only what the store has.
    All {
        /// The files the store knows, so that those that are gone can be told.
        known: Vec<String>,
    },
    /// Those with these DAGs, which were deleted: as in Airflow, one whose file is still there comes back.
    Dags(BTreeSet<DagId>),
}

/// What is to be done. The shell answers with the event of the same name.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Try to take the lease.
    AcquireLease {
        /// For so long.
        ttl: SignedDuration,
    },
    /// Prolong the lease.
    RenewLease {
        /// Ours.
        term: Term,
        /// Now, on the boot clock: goes back with the answer.
        sent: Duration,
        /// From now on.
        ttl: SignedDuration,
    },
    /// Give the lease back; no answer is waited for.
    ReleaseLease {
        /// Ours.
        term: Term,
    },
    /// Read everything active.
    Load {
        /// Ours.
        term: Term,
    },
    /// Write a batch.
    Commit {
        /// Ours.
        term: Term,
        /// What is written.
        batch: Arc<Batch>,
    },
    /// See whether the database takes a part of a batch that it has refused; nothing is written.
    Probe {
        /// Ours.
        term: Term,
        /// The part.
        batch: Arc<Batch>,
    },
    /// Read the inbox.
    FetchRequests {
        /// Ours; goes back with the answer, since one that a term before asked for says nothing now.
        term: Term,
        /// At most so many, the oldest first.
        limit: u32,
    },
    /// Find out a fact.
    Ask {
        /// Ours; goes back with the answer.
        term: Term,
        /// What.
        question: Question,
    },
    /// Send DAG files again.
    Rescan(Rescan),
    /// Ask an executor what became of these attempts.
    Reconcile {
        /// Which executor.
        executor: ExecutorName,
        /// Goes back with each answer: one that is older than a launch says nothing about it.
        round: u64,
        /// The attempts.
        known: Vec<AttemptHandle>,
    },
    /// Start a workload.
    Launch {
        /// Ours; goes back with the answer.
        term: Term,
        /// Where.
        executor: ExecutorName,
        /// What.
        workload: Box<Workload>,
        /// Not later than this on the boot clock: another leader may exist by then.
        not_after: Duration,
    },
    /// End an attempt.
    Terminate {
        /// Where.
        executor: ExecutorName,
        /// Which.
        attempt: AttemptId,
        /// Between SIGTERM and SIGKILL.
        grace: SignedDuration,
    },
    /// Let an executor forget an attempt; no answer is waited for.
    Release {
        /// Where.
        executor: ExecutorName,
        /// Which.
        attempt: AttemptId,
    },
    /// Something a person should read in the daemon's log.
    Report(Report),
    /// The engine has stopped.
    Stopped,
}

/// Something for the daemon's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// This daemon leads now.
    Leading(Term),
    /// It does not lead any more.
    NotLeading(String),
    /// The database can't be used now.
    StoreTrouble(String),
    /// The database can be used again.
    StoreWell,
    /// Something that should not happen; it was left as it was.
    Problem(String),
}

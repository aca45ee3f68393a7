//! What the engine needs: the lease, everything active, commits, requests, facts.

use std::sync::Arc;

use futures::{future::BoxFuture, stream::BoxStream};
use jiff::SignedDuration;
use updraft_model::{Batch, Loaded, PendingRequest, Question, RunKey, Term, Timestamp, Verdict, VersionId};

use crate::{CommitError, StoreError};

/// Who leads, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The leader's name (its node and a number of its own).
    pub holder: String,
    /// Its term.
    pub term: Term,
    /// On the database's clock.
    pub expires_at: Timestamp,
    /// Where the leader's API answers, if it has one.
    pub address: Option<String>,
    /// How much of the lease is left, on the database's clock; negative if it expired.
    pub remaining: SignedDuration,
}

/// What came of trying to take the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acquired {
    /// It is ours, in this new term.
    Yes(Term),
    /// Somebody else holds it.
    HeldBy(Lease),
}

/// The store as the engine uses it. All calls but the lease's own are made by the leader only.
pub trait EngineStore: Send + Sync {
    /// Takes the lease if it is free, expired, or `holder`'s own from before: always a new term.
    /// Ends the transactions of the term before (PostgreSQL: terminates its backend).
    fn acquire_lease(&self, holder: &str, address: Option<&str>, ttl: SignedDuration) -> BoxFuture<'_, Result<Acquired, StoreError>>;

    /// Prolongs the lease to now + `ttl`. `false`: another term has begun.
    fn renew_lease(&self, term: Term, ttl: SignedDuration) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Gives the lease back, so that a standby need not wait for its end.
    fn release_lease(&self, term: Term) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Everything active, as one consistent picture.
    fn load(&self, term: Term) -> BoxFuture<'_, Result<Loaded, StoreError>>;

    /// Writes all of `batch` or nothing, if `term` still leads, with one row of the feed.
    /// Returns that row's number.
    fn commit(&self, term: Term, batch: Arc<Batch>) -> BoxFuture<'_, Result<i64, CommitError>>;

    /// Whether the database would take `batch`: everything a commit does, taken back at its end. To
    /// find the value to blame when a commit is [`CommitError::Poisoned`].
    fn probe(&self, term: Term, batch: Arc<Batch>) -> BoxFuture<'_, Result<(), CommitError>>;

    /// Unanswered requests, oldest first, at most `limit`. The same ones again until they are answered.
    fn pending_requests(&self, limit: u32) -> BoxFuture<'_, Result<Vec<PendingRequest>, StoreError>>;

    /// A fact that is not in memory.
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Verdict, StoreError>>;

    /// The source text of a version, if there is such a version.
    fn source(&self, version: VersionId) -> BoxFuture<'_, Result<Option<String>, StoreError>>;

    /// Hints that there may be new requests. Lost ones do no harm.
    fn hints(&self) -> BoxStream<'static, ()>;

    /// Deletes finished runs (with all that belongs to them; not the newest) that ended before `before`, answered
    /// requests and feed rows older than that; those that ended first, at most `limit` runs at a time. Returns the runs deleted.
    fn clean(&self, before: Timestamp, limit: u32) -> BoxFuture<'_, Result<Vec<RunKey>, StoreError>>;
}

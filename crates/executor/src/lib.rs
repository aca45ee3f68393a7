//! Where tasks run: the [`Executor`] trait. `conformance` has the suite every implementation passes.
//!
//! An executor decides nothing: it starts what it is given, once, tells how it ended, and forgets
//! only when it is told to. It never touches the store.

mod clock;
pub mod conformance;

use std::time::Duration;

pub use clock::boot_clock;
use futures::{future::BoxFuture, stream::BoxStream};
use jiff::SignedDuration;
use updraft_model::{Adoption, AttemptHandle, AttemptId, ExecutorEvent, Workload};

/// Where an executor's events go; given to it when it is made.
///
/// Unbounded on purpose: an executor must never block on a slow engine, and an event is small and
/// at most a handful per attempt, whose number `parallelism` bounds.
pub type EventSink = tokio::sync::mpsc::UnboundedSender<ExecutorEvent>;

/// What an executor can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Runs a workload that has an image.
    pub images: bool,
    /// Runs a workload that has none.
    pub processes: bool,
    /// Honours `run_as_user`.
    pub run_as_user: bool,
    /// Its attempts belong to the node that launched them: only that node's daemon sees their end.
    pub bound_to_node: bool,
}

/// Why a launch did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// It never will: the workload itself is wrong. Nothing was started.
    #[error("{0}")]
    Rejected(String),
    /// Nothing was started; it may work later.
    #[error("not started, will be tried again: {0}")]
    Unavailable(String),
    /// It may have been started. Only [`Executor::reconcile`] can tell; never launch it again before.
    #[error("not known whether it was started: {0}")]
    Indeterminate(String),
}

/// Why an attempt could not be told to end. Its end, if it comes, is still reported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("attempt {attempt} could not be told to end: {why}")]
pub struct TerminateError {
    /// Which.
    pub attempt: AttemptId,
    /// What failed.
    pub why: String,
}

/// A place where attempts run.
///
/// Events go to the [`EventSink`] given at construction. Every attempt that was launched ends with
/// exactly one kind of truth, [`ExecutorEvent::Ended`], which may be told more than once; until
/// [`Executor::release`] the executor can tell it again, also after a restart.
pub trait Executor: Send + Sync {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Starts a workload. Idempotent on the attempt id: a second launch finds the first.
    ///
    /// After `not_after` on the [boot clock](boot_clock) a new leader may have been told that the attempt
    /// was never created. So a launch that could not begin until then is [`LaunchError::Unavailable`], and
    /// one that did is not [`Adoption::Absent`] from that moment on, however long it takes.
    fn launch(&self, workload: Workload, not_after: Duration) -> BoxFuture<'_, Result<(), LaunchError>>;

    /// What has become of `known`, one [`Adoption`] each, and [`Adoption::Orphan`] for every other
    /// attempt found here. From then on the ends of running ones are reported as events.
    fn reconcile(&self, known: Vec<AttemptHandle>) -> BoxStream<'_, Adoption>;

    /// Tells an attempt to end: SIGTERM to all of it, and SIGKILL after `grace`. Its end comes as
    /// an event. An attempt that is over tells its end again; one that is unknown is no error.
    fn terminate(&self, attempt: AttemptId, grace: SignedDuration) -> BoxFuture<'_, Result<(), TerminateError>>;

    /// The attempt's end is durable: it may be forgotten. Its name stays reserved for 10 s, so that
    /// a launch by a superseded leader can't start it anew.
    fn release(&self, attempt: AttemptId) -> BoxFuture<'_, ()>;
}

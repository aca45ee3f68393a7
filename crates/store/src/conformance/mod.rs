//! What every store must do, as tests that any of them can run.
//!
//! A store's tests say how an empty one is made, and [`engine_suite!`](crate::engine_suite) (and
//! [`reader_suite!`](crate::reader_suite), where it has readers) makes one test of each case.
//! Nothing here knows which store it looks at.

pub mod bulk;
pub mod cursors;
pub mod differential;
pub mod engine;
pub mod facts;
pub mod readers;
pub mod samples;

use std::{any::Any, sync::Arc};

use futures::future::BoxFuture;
use jiff::SignedDuration;
use updraft_model::{Answer, Batch, Request, RequestId, Term};

use crate::{Acquired, CommitError, EngineStore, Reader, StoreError, memory::MemoryStore};

/// The inbox as those see it who leave requests.
pub trait Inbox: Send + Sync {
    /// As [`Reader::submit`].
    fn submit(&self, request: Request) -> BoxFuture<'_, Result<RequestId, StoreError>>;
    /// As [`Reader::answer`].
    fn answer(&self, id: RequestId) -> BoxFuture<'_, Result<Option<Answer>, StoreError>>;
    /// As [`Reader::withdraw`].
    fn withdraw(&self, id: RequestId) -> BoxFuture<'_, Result<bool, StoreError>>;
}

impl<R: Reader> Inbox for R {
    fn submit(&self, request: Request) -> BoxFuture<'_, Result<RequestId, StoreError>> {
        Reader::submit(self, request, None)
    }
    fn answer(&self, id: RequestId) -> BoxFuture<'_, Result<Option<Answer>, StoreError>> {
        Reader::answer(self, id)
    }
    fn withdraw(&self, id: RequestId) -> BoxFuture<'_, Result<bool, StoreError>> {
        Reader::withdraw(self, id)
    }
}

impl Inbox for MemoryStore {
    fn submit(&self, request: Request) -> BoxFuture<'_, Result<RequestId, StoreError>> {
        Box::pin(async move { Ok(MemoryStore::submit(self, request)) })
    }
    fn answer(&self, id: RequestId) -> BoxFuture<'_, Result<Option<Answer>, StoreError>> {
        Box::pin(async move { Ok(MemoryStore::answer(self, id)) })
    }
    fn withdraw(&self, id: RequestId) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move { Ok(MemoryStore::withdraw(self, id)) })
    }
}

/// An empty store to test.
#[derive(Clone)]
pub struct Subject {
    /// Its name in messages.
    pub name: &'static str,
    /// As the engine sees it.
    pub engine: Arc<dyn EngineStore>,
    /// As requesters see it.
    pub inbox: Arc<dyn Inbox>,
    /// As readers see it, if they can.
    pub reader: Option<Arc<dyn Reader>>,
    /// What must live as long as the store: a temporary folder, say.
    pub keep: Arc<dyn Any + Send + Sync>,
}

impl Subject {
    /// A store that has readers.
    pub fn new<S: EngineStore + Reader + 'static>(name: &'static str, store: Arc<S>, keep: impl Any + Send + Sync) -> Self {
        Self { name, engine: Arc::clone(&store) as _, inbox: Arc::clone(&store) as _, reader: Some(store), keep: Arc::new(keep) }
    }

    /// A store in memory, whose clock stands still.
    pub fn memory() -> Self {
        let store = Arc::new(MemoryStore::new(Arc::new(|| samples::time(0))));
        Self { name: "memory", engine: Arc::clone(&store) as _, inbox: store, reader: None, keep: Arc::new(()) }
    }

    /// Its readers.
    ///
    /// # Panics
    /// If it has none.
    #[allow(clippy::expect_used)]
    pub fn reader(&self) -> &dyn Reader {
        self.reader.as_deref().expect("a store with readers")
    }

    /// Takes the lease as `holder`, for an hour.
    ///
    /// # Panics
    /// If it does not get it.
    pub async fn lead(&self, holder: &str) -> Term {
        match self.engine.acquire_lease(holder, None, SignedDuration::from_hours(1)).await {
            Ok(Acquired::Yes(term)) => term,
            other => panic!("{holder} did not get the lease of {}: {other:?}", self.name),
        }
    }

    /// Commits `batch`.
    pub async fn try_commit(&self, term: Term, batch: Batch) -> Result<i64, CommitError> {
        self.engine.commit(term, Arc::new(batch)).await
    }

    /// Commits `batch`.
    ///
    /// # Panics
    /// If that fails.
    pub async fn commit(&self, term: Term, batch: Batch) -> i64 {
        match self.try_commit(term, batch).await {
            Ok(seq) => seq,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }
}

/// Makes a test of each case of the engine's suite. `$subject` is an async expression that makes an
/// empty [`Subject`], or `None` to skip.
#[macro_export]
macro_rules! engine_suite {
    ($subject:expr) => {
        $crate::suite!($subject, engine:
            the_lease_is_held_until_it_ends, every_taking_is_a_new_term, only_the_term_that_leads_commits, a_batch_comes_back_as_it_was,
            a_large_dag_comes_back,
            existing_runs_are_refused, runs_without_a_date_do_not_collide, unexpected_states_are_stale, nothing_of_a_refused_batch_stays,
            notes_stay, a_deleted_run_takes_all_of_it_along, a_deleted_dag_takes_its_runs_along, a_run_can_be_replaced_in_one_batch,
            xcoms_are_replaced, requests_wait_until_they_are_answered, a_withdrawn_request_is_not_answered,
            a_taken_request_is_open_and_not_withdrawn, a_submit_hints,
            old_runs_are_cleaned, a_nul_is_poison, import_errors_and_pools_come_and_go, hostile_text_comes_back,
        );
        $crate::suite!($subject, facts: all_questions_about_runs, all_questions_about_values, xcoms_of_earlier_runs,);
    };
}

/// Makes a test of each case of the readers' suite.
#[macro_export]
macro_rules! reader_suite {
    ($subject:expr) => {
        $crate::suite!($subject, readers:
            dags_by_every_filter, runs_by_every_filter, task_instances_by_every_filter, lists_are_ordered_and_paged, a_runs_details,
            xcoms_by_every_filter, import_errors_have_numbers, pools_count_slots, variables_users_and_settings, nodes_and_the_lease,
            the_feed_goes_on_without_gaps,
        );
        $crate::suite!($subject, cursors:
            runs_page_by_page_in_every_order, task_instances_page_by_page_in_every_order, what_comes_and_goes_moves_nothing,
            a_long_list_is_not_counted, only_lists_with_places_have_cursors,
        );
    };
}

/// One test a case.
#[doc(hidden)]
#[macro_export]
macro_rules! suite {
    ($subject:expr, $module:ident: $($case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let subject: Option<$crate::conformance::Subject> = $subject.await;
            if let Some(subject) = subject {
                $crate::conformance::$module::$case(subject).await;
            }
        }
    )*};
}

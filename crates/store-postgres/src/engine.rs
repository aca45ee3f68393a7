//! The store as the engine uses it.

use std::sync::Arc;

use futures::{future::BoxFuture, stream::BoxStream};
use jiff::SignedDuration;
use updraft_model::{Batch, Loaded, PendingRequest, Question, RunKey, Term, Timestamp, Verdict, VersionId};
use updraft_store::{Acquired, CommitError, EngineStore, StoreError};
use updraft_store_sql::{Backend, clean, commit, engine};

use crate::{commit::Last, store::PostgresStore};

impl EngineStore for PostgresStore {
    fn acquire_lease(&self, holder: &str, address: Option<&str>, ttl: SignedDuration) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        let (holder, address) = (holder.to_owned(), address.map(str::to_owned));
        Box::pin(async move { self.acquire(&holder, address.as_deref(), ttl).await })
    }

    fn renew_lease(&self, term: Term, ttl: SignedDuration) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.renew(term, ttl))
    }

    fn release_lease(&self, term: Term) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.release(term))
    }

    fn load(&self, _term: Term) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        Box::pin(engine::load(self))
    }

    fn commit(&self, term: Term, batch: Arc<Batch>) -> BoxFuture<'_, Result<i64, CommitError>> {
        Box::pin(async move {
            let steps = commit::steps(&batch)?;
            let seq = self.write_batch(term, &batch, &steps, Last::Commit).await?;
            self.hint_feed();
            Ok(seq)
        })
    }

    fn probe(&self, term: Term, batch: Arc<Batch>) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            let steps = commit::steps(&batch)?;
            self.write_batch(term, &batch, &steps, Last::Rollback).await.map(drop)
        })
    }

    fn pending_requests(&self, limit: u32) -> BoxFuture<'_, Result<Vec<PendingRequest>, StoreError>> {
        Box::pin(engine::pending_requests(self, limit))
    }

    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Verdict, StoreError>> {
        Box::pin(engine::ask(self, question))
    }

    fn source(&self, version: VersionId) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(engine::source(self, version))
    }

    fn hints(&self) -> BoxStream<'static, ()> {
        self.request_hints()
    }

    fn clean(&self, before: Timestamp, limit: u32) -> BoxFuture<'_, Result<Vec<RunKey>, StoreError>> {
        Box::pin(clean::clean(self, before, limit))
    }
}

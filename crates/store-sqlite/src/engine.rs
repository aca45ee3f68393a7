//! The store as the engine uses it. One process has the file, so a lease here only orders the
//! terms of that process; the clock is SQLite's, which is the process's own.

use std::sync::Arc;

use futures::{future::BoxFuture, stream::BoxStream};
use jiff::SignedDuration;
use rusqlite::{Connection, TransactionBehavior};
use updraft_model::{Batch, Loaded, PendingRequest, Question, RunKey, Term, Timestamp, Verdict, VersionId};
use updraft_store::{Acquired, CommitError, EngineStore, StoreError};
use updraft_store_sql::{Backend, Dialect, Query, clean, commit, engine};

use crate::{
    connection::{fetch, store_error},
    store::SqliteStore,
};

impl EngineStore for SqliteStore {
    fn acquire_lease(&self, holder: &str, address: Option<&str>, ttl: SignedDuration) -> BoxFuture<'_, Result<Acquired, StoreError>> {
        let (holder, address) = (holder.to_owned(), address.map(str::to_owned));
        Box::pin(async move { self.on_writer(move |connection| acquire(connection, &holder, address, ttl)).await? })
    }

    fn renew_lease(&self, term: Term, ttl: SignedDuration) -> BoxFuture<'_, Result<bool, StoreError>> {
        let query = Query::new("renew_lease")
            .sql(format!("UPDATE scheduler_lease SET expires_at = {} + ", Dialect::Sqlite.now()))
            .arg(micros(ttl))
            .sql(" WHERE holder IS NOT NULL AND term = ")
            .arg(term.0)
            .sql(" RETURNING term");
        Box::pin(async move { Ok(!self.write(query).await?.is_empty()) })
    }

    fn release_lease(&self, term: Term) -> BoxFuture<'_, Result<(), StoreError>> {
        let query = Query::new("release_lease")
            .sql("UPDATE scheduler_lease SET holder = NULL, address = NULL, expires_at = NULL WHERE term = ")
            .arg(term.0);
        Box::pin(async move { self.write(query).await.map(drop) })
    }

    fn load(&self, _term: Term) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        Box::pin(engine::load(self))
    }

    fn commit(&self, term: Term, batch: Arc<Batch>) -> BoxFuture<'_, Result<i64, CommitError>> {
        Box::pin(async move {
            let write = move |connection: &mut Connection| {
                let steps = commit::steps(&batch)?;
                crate::commit::commit(connection, term, &batch, &steps)
            };
            // A panic or a runtime that shuts down: it may have got as far as COMMIT.
            let seq = self.on_writer(write).await.map_err(|e| CommitError::Unknown(e.to_string()))??;
            self.hint_feed();
            Ok(seq)
        })
    }

    fn probe(&self, term: Term, batch: Arc<Batch>) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            let write = move |connection: &mut Connection| {
                let steps = commit::steps(&batch)?;
                crate::commit::probe(connection, term, &batch, &steps)
            };
            self.on_writer(write).await.map_err(|e| CommitError::NotCommitted(e.to_string()))?
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

fn micros(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn acquire(connection: &mut Connection, holder: &str, address: Option<String>, ttl: SignedDuration) -> Result<Acquired, StoreError> {
    let failed = |e| store_error("acquire_lease", e);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let found = fetch(&transaction, &engine::select_lease(Dialect::Sqlite)).map_err(failed)?;
    let held = found.into_iter().next().map(engine::read_lease).transpose()?.flatten();
    if let Some(lease) = held.filter(|lease| lease.holder != holder && lease.remaining > SignedDuration::ZERO) {
        return Ok(Acquired::HeldBy(lease));
    }
    let take = Query::new("acquire_lease")
        .sql("UPDATE scheduler_lease SET term = term + 1, holder = ")
        .arg(holder)
        .sql(", address = ")
        .arg(address)
        .sql(format!(", expires_at = {} + ", Dialect::Sqlite.now()))
        .arg(micros(ttl))
        .sql(" RETURNING term");
    let taken = fetch(&transaction, &take).map_err(failed)?;
    let term = taken.into_iter().next().and_then(|mut row| row.int().ok());
    let none = || StoreError::Broken { what: "acquire_lease".to_owned(), why: "the table scheduler_lease has no row".to_owned() };
    let term = Term(term.ok_or_else(none)?);
    transaction.commit().map_err(failed)?;
    Ok(Acquired::Yes(term))
}

//! The store itself: its pool, and how statements get to it.

use std::{sync::Arc, time::Duration};

use futures::{future::BoxFuture, stream::BoxStream};
use sqlx::{Connection as _, PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::sync::Mutex;
use updraft_store::StoreError;
use updraft_store_sql::{Backend, Dialect, Query, Row};

use crate::{
    OpenError, connect,
    hints::Hints,
    leader::Leader,
    lost::{Losses, STATEMENT, is_lost, is_silent, within},
    migrate::migrate,
    values::{fetch, store_error},
};

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    pub(crate) options: PgConnectOptions,
    pub(crate) pool: PgPool,
    /// Present while this process leads and its connection is well.
    pub(crate) leader: Mutex<Option<Leader>>,
    pub(crate) losses: Losses,
    hints: Hints,
}

impl PostgresStore {
    /// Connects to the database that `url` names (`postgres://user:password@host/database`) and
    /// brings it up to date.
    pub async fn connect(url: &str) -> Result<Arc<Self>, OpenError> {
        let options = connect::options(url)?;
        migrate(connect::one(&options).await?).await?;
        let losses = Losses::none();
        let pool = connect::pool(&options, losses.clone()).await?;
        let hints = Hints::start(&pool, &options, &losses).await?;
        Ok(Arc::new(Self { options, pool, leader: Mutex::new(None), losses, hints }))
    }

    /// What does not fit together, in words. (PostgreSQL's own files are for `pg_amcheck`.)
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        updraft_store_sql::engine::problems(self).await
    }

    /// The results of statements on a session of the pool, each within `limit`.
    async fn in_pool(&self, queries: &[Query], limit: Duration) -> Result<Vec<Vec<Row>>, sqlx::Error> {
        let mut session = self.pool.acquire().await.inspect_err(|error| self.losses.note(error))?;
        let result = together(&mut session, queries, limit).await;
        if let Err(error) = &result
            && is_lost(error)
        {
            self.losses.note(error);
            // Not back into the pool, which would wait for a sign of life from it.
            drop(session.detach());
        }
        result
    }

    /// Carries out one statement that writes, by itself.
    pub(crate) async fn write_within(&self, query: Query, limit: Duration) -> Result<Vec<Row>, StoreError> {
        let written = self.in_pool(std::slice::from_ref(&query), limit).await;
        written.map(|mut results| results.pop().unwrap_or_default()).map_err(|error| store_error(query.name(), error))
    }

    pub(crate) fn request_hints(&self) -> BoxStream<'static, ()> {
        self.hints.requests()
    }

    pub(crate) fn feed_hint_stream(&self) -> BoxStream<'static, ()> {
        self.hints.feed()
    }
}

impl Backend for PostgresStore {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn snapshot(&self, queries: Vec<Query>) -> BoxFuture<'_, Result<Vec<Vec<Row>>, StoreError>> {
        Box::pin(async move {
            let name = queries.first().map_or("nothing", Query::name);
            match self.in_pool(&queries, STATEMENT).await {
                // The pool held a connection that the server had closed: reading again does no harm.
                Err(error) if is_lost(&error) && !is_silent(&error) => self.in_pool(&queries, STATEMENT).await,
                other => other,
            }
            .map_err(|e| store_error(name, e))
        })
    }

    fn write(&self, query: Query) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(self.write_within(query, STATEMENT))
    }

    fn hint_requests(&self) {
        self.hints.hint_requests();
    }

    fn hint_feed(&self) {
        self.hints.hint_feed();
    }
}

/// The results of some statements; as of one moment, if they are several.
async fn together(session: &mut PgConnection, queries: &[Query], limit: Duration) -> Result<Vec<Vec<Row>>, sqlx::Error> {
    // One statement is a moment by itself.
    if let [query] = queries {
        return Ok(vec![within(limit, fetch(session, query)).await?]);
    }
    let mut transaction = within(limit, session.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?;
    let mut results = Vec::with_capacity(queries.len());
    for query in queries {
        results.push(within(limit, fetch(&mut transaction, query)).await?);
    }
    within(limit, transaction.commit()).await?;
    Ok(results)
}

updraft_store_sql::impl_reader!(PostgresStore);

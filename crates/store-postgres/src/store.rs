//! The store itself: its pool, and how statements get to it.

use std::sync::Arc;

use futures::{future::BoxFuture, stream::BoxStream};
use sqlx::{ConnectOptions, PgPool, postgres::PgConnectOptions};
use tokio::sync::Mutex;
use updraft_store::StoreError;
use updraft_store_sql::{Backend, Dialect, Query, Row};

use crate::{
    OpenError, connect,
    hints::Hints,
    leader::Leader,
    migrate::migrate,
    values::{fetch, store_error},
};

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    pub(crate) options: PgConnectOptions,
    pub(crate) pool: PgPool,
    /// Present while this process leads and its connection is well.
    pub(crate) leader: Mutex<Option<Leader>>,
    hints: Hints,
}

impl PostgresStore {
    /// Connects to the database that `url` names (`postgres://user:password@host/database`) and
    /// brings it up to date.
    pub async fn connect(url: &str) -> Result<Arc<Self>, OpenError> {
        let options = connect::options(url)?;
        migrate(options.connect().await?).await?;
        let pool = connect::pool(&options).await?;
        let hints = Hints::start(&pool).await?;
        Ok(Arc::new(Self { options, pool, leader: Mutex::new(None), hints }))
    }

    /// What does not fit together, in words. (PostgreSQL's own files are for `pg_amcheck`.)
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        updraft_store_sql::engine::problems(self).await
    }

    async fn read(&self, queries: &[Query]) -> Result<Vec<Vec<Row>>, sqlx::Error> {
        // One statement is a moment by itself.
        if let [query] = queries {
            return Ok(vec![fetch(&mut *self.pool.acquire().await?, query).await?]);
        }
        let mut transaction = self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let mut results = Vec::with_capacity(queries.len());
        for query in queries {
            results.push(fetch(&mut transaction, query).await?);
        }
        transaction.commit().await?;
        Ok(results)
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
            match self.read(&queries).await {
                // The pool held a connection that the server had closed: reading again does no harm.
                Err(error) if is_lost(&error) => self.read(&queries).await,
                other => other,
            }
            .map_err(|e| store_error(name, e))
        })
    }

    fn write(&self, query: Query) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            let failed = |error| store_error(query.name(), error);
            let mut connection = self.pool.acquire().await.map_err(failed)?;
            fetch(&mut connection, &query).await.map_err(failed)
        })
    }

    fn hint_requests(&self) {
        self.hints.hint_requests();
    }

    fn hint_feed(&self) {
        self.hints.hint_feed();
    }
}

/// Whether the connection is gone: broken off, or ended by the server (57P01: an administrator's command).
fn is_lost(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_)) || crate::values::sqlstate(error).is_some_and(|code| code.starts_with("57P0"))
}

updraft_store_sql::impl_reader!(PostgresStore);

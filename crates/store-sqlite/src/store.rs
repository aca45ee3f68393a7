//! The store itself: its connections, and how work gets to them.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use futures::{
    future::BoxFuture,
    stream::{self, BoxStream, StreamExt},
};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{Semaphore, watch};
use updraft_store::StoreError;
use updraft_store_sql::{Backend, Dialect, Query, Row};

use crate::{
    connection::{self, fetch, store_error},
    lock::{FileLock, LockError, path_of},
    migrate::migrate,
};

/// How many statements read at the same time.
const READERS: usize = 4;

/// Why a database can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is in use by {owner}: stop that process, or choose another database", path.display())]
    InUse {
        /// The database.
        path: PathBuf,
        /// Who, as the lock file says it.
        owner: String,
    },
    /// The lock file can't be made or read.
    #[error("can't lock {}: {source}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The file is a database, but not ours.
    #[error("the file is a database of another program; choose another path")]
    Foreign,
    /// A newer release has been here.
    #[error("the schema has version {found}, but this release knows only up to {known}: use a newer release of updraft")]
    Newer {
        /// The schema's version.
        found: usize,
        /// The newest this release knows.
        known: usize,
    },
    /// SQLite can't open it, or a migration failed.
    #[error("can't open the database: {0}")]
    Database(#[from] rusqlite::Error),
}

/// A store in one SQLite file.
pub struct SqliteStore {
    writer: Arc<Mutex<Connection>>,
    readers: Arc<Mutex<Vec<Connection>>>,
    /// As many permits as there are readers.
    reading: Arc<Semaphore>,
    requests: watch::Sender<()>,
    feed: watch::Sender<()>,
    // Declared last, so that it is freed after the connections are closed.
    _lock: FileLock,
}

impl SqliteStore {
    /// Opens the database at `path`, makes it if there is none, and brings it up to date. Blocks
    /// the thread for as long as that takes.
    pub fn open(path: impl AsRef<Path>) -> Result<Arc<Self>, OpenError> {
        let path = path.as_ref();
        let lock = FileLock::take(path).map_err(|error| match error {
            LockError::Held(owner) => OpenError::InUse { path: path.to_owned(), owner },
            LockError::Io(source) => OpenError::Lock { path: path_of(path), source },
        })?;
        let mut writer = connection::open(path)?;
        migrate(&mut writer)?;
        let readers = (0..READERS).map(|_| connection::open(path)).collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Arc::new(Self {
            writer: Arc::new(Mutex::new(writer)),
            readers: Arc::new(Mutex::new(readers)),
            reading: Arc::new(Semaphore::new(READERS)),
            requests: watch::Sender::new(()),
            feed: watch::Sender::new(()),
            _lock: lock,
        }))
    }

    /// What `PRAGMA integrity_check` and `foreign_key_check` complain about, and what does not fit together.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        let pragmas = [
            "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
            "SELECT 'a row of ' || \"table\" || ' refers to a missing row of ' || parent FROM pragma_foreign_key_check",
        ];
        let mut problems = Vec::new();
        for pragma in pragmas {
            let rows = self.snapshot(vec![Query::new("check_pragma").sql(pragma)]).await?;
            problems.extend(rows.into_iter().flatten().filter_map(|mut row| row.text().ok()));
        }
        problems.extend(updraft_store_sql::engine::problems(self).await?);
        Ok(problems)
    }

    /// Does `work` on the connection that writes. It is done to its end even if nobody waits for it.
    pub(crate) async fn on_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = Arc::clone(&self.writer);
        // A thread that panicked rolled its transaction back when it was dropped.
        let work = move || work(&mut writer.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(work).await.map_err(|e| StoreError::Unavailable(format!("the work was interrupted: {e}")))
    }

    async fn on_reader<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = |e: &dyn std::fmt::Display| StoreError::Unavailable(format!("the work was interrupted: {e}"));
        let permit = Arc::clone(&self.reading).acquire_owned().await.map_err(|e| closed(&e))?;
        let readers = Arc::clone(&self.readers);
        let work = move || {
            let taken = readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut reader = taken.ok_or_else(|| StoreError::Unavailable("no connection is left to read with".to_owned()))?;
            let result = work(&mut reader);
            readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            drop(permit);
            result
        };
        tokio::task::spawn_blocking(work).await.map_err(|e| closed(&e))?
    }

    pub(crate) fn request_hints(&self) -> BoxStream<'static, ()> {
        hints(&self.requests)
    }

    pub(crate) fn feed_hint_stream(&self) -> BoxStream<'static, ()> {
        hints(&self.feed)
    }
}

fn hints(sender: &watch::Sender<()>) -> BoxStream<'static, ()> {
    stream::unfold(sender.subscribe(), |mut hints| async { hints.changed().await.ok().map(|()| ((), hints)) }).boxed()
}

impl Backend for SqliteStore {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn snapshot(&self, queries: Vec<Query>) -> BoxFuture<'_, Result<Vec<Vec<Row>>, StoreError>> {
        Box::pin(self.on_reader(move |connection| {
            let begun = connection.transaction_with_behavior(TransactionBehavior::Deferred);
            let transaction = begun.map_err(|e| store_error("begin", e))?;
            queries.iter().map(|query| fetch(&transaction, query).map_err(|e| store_error(query.name(), e))).collect()
        }))
    }

    fn write(&self, query: Query) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(
            async move { self.on_writer(move |connection| fetch(connection, &query).map_err(|e| store_error(query.name(), e))).await? },
        )
    }

    fn hint_requests(&self) {
        self.requests.send_replace(());
    }

    fn hint_feed(&self) {
        self.feed.send_replace(());
    }
}

updraft_store_sql::impl_reader!(SqliteStore);

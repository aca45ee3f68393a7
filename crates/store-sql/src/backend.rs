//! What a store crate brings.

use futures::future::BoxFuture;
use updraft_store::StoreError;

use crate::{Dialect, Query, Row, cell::Unreadable};

/// How statements reach a database.
pub trait Backend: Send + Sync {
    /// What it speaks.
    fn dialect(&self) -> Dialect;

    /// The results of some reading statements, as of one moment.
    fn snapshot(&self, queries: Vec<Query>) -> BoxFuture<'_, Result<Vec<Vec<Row>>, StoreError>>;

    /// Carries out one writing statement by itself; what it returns.
    fn write(&self, query: Query) -> BoxFuture<'_, Result<Vec<Row>, StoreError>>;

    /// There may be new requests.
    fn hint_requests(&self);

    /// There may be something to see for those who look.
    fn hint_feed(&self);
}

/// The result of one reading statement.
pub(crate) async fn fetch(backend: &dyn Backend, query: Query) -> Result<Vec<Row>, StoreError> {
    Ok(backend.snapshot(vec![query]).await?.pop().unwrap_or_default())
}

/// All rows of one reading statement, read by `read`.
pub(crate) async fn fetch_all<T>(
    backend: &dyn Backend,
    query: Query,
    read: impl Fn(Row) -> Result<T, Unreadable>,
) -> Result<Vec<T>, StoreError> {
    let name = query.name();
    read_all(name, fetch(backend, query).await?, read)
}

/// The first row of one reading statement, if there is one.
pub(crate) async fn fetch_first<T>(
    backend: &dyn Backend,
    query: Query,
    read: impl Fn(Row) -> Result<T, Unreadable>,
) -> Result<Option<T>, StoreError> {
    let name = query.name();
    fetch(backend, query).await?.into_iter().next().map(|row| read(row).map_err(|e| unreadable(name, e))).transpose()
}

/// `rows` of the statement `name`, read by `read`.
pub(crate) fn read_all<T>(name: &str, rows: Vec<Row>, read: impl Fn(Row) -> Result<T, Unreadable>) -> Result<Vec<T>, StoreError> {
    rows.into_iter().map(|row| read(row).map_err(|e| unreadable(name, e))).collect()
}

/// A column that can't be read, as an error of the store.
pub(crate) fn unreadable(name: &str, Unreadable(why): Unreadable) -> StoreError {
    StoreError::Broken { what: name.to_owned(), why: format!("a stored value can't be read: {why}") }
}

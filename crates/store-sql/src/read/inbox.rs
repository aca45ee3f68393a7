//! The inbox as those see it who leave requests; the feed; the lease.

use updraft_model::{Answer, Request, RequestId};
use updraft_store::{FeedEntry, Lease, StoreError};

use crate::{
    Backend, Query,
    backend::{fetch, fetch_all, fetch_first, read_all},
    engine::{read_lease, select_lease},
    shapes::json,
};

/// [`updraft_store::Reader::submit`].
pub async fn submit(backend: &dyn Backend, request: Request, user: Option<String>) -> Result<RequestId, StoreError> {
    let query = Query::new("submit")
        .sql("INSERT INTO request (username, body, created_at) VALUES (")
        .arg(user)
        .sql(", ")
        .arg(json(&request))
        .sql(format!(", {}) RETURNING id", backend.dialect().now()));
    let ids = read_all("submit", backend.write(query).await?, |mut row| row.int().map(RequestId))?;
    backend.hint_requests();
    let none = || StoreError::Broken { what: "submit".to_owned(), why: "the request got no number".to_owned() };
    ids.into_iter().next().ok_or_else(none)
}

/// [`updraft_store::Reader::answer`].
pub async fn answer(backend: &dyn Backend, id: RequestId) -> Result<Option<Answer>, StoreError> {
    let query = Query::new("answer").sql("SELECT answer FROM request WHERE answer IS NOT NULL AND id = ").arg(id.0);
    fetch_first(backend, query, |mut row| row.json()).await
}

/// [`updraft_store::Reader::withdraw`].
pub async fn withdraw(backend: &dyn Backend, id: RequestId) -> Result<bool, StoreError> {
    let query = Query::new("withdraw")
        .sql(format!("UPDATE request SET withdrawn_at = {} WHERE id = ", backend.dialect().now()))
        .arg(id.0)
        .sql(" AND answered_at IS NULL AND withdrawn_at IS NULL AND taken_at IS NULL RETURNING id");
    Ok(!backend.write(query).await?.is_empty())
}

/// [`updraft_store::Reader::feed`].
pub async fn feed(backend: &dyn Backend, after: i64, limit: u32) -> Result<Vec<FeedEntry>, StoreError> {
    let query = Query::new("feed").sql("SELECT seq, changes FROM feed WHERE seq > ").arg(after).sql(" ORDER BY seq LIMIT ").arg(limit);
    fetch_all(backend, query, |mut row| Ok(FeedEntry { seq: row.int()?, changes: row.json()? })).await
}

/// [`updraft_store::Reader::feed_head`].
pub async fn feed_head(backend: &dyn Backend) -> Result<i64, StoreError> {
    let query = Query::new("feed_head").sql("SELECT coalesce(max(seq), 0) FROM feed");
    Ok(fetch_first(backend, query, |mut row| row.int()).await?.unwrap_or(0))
}

/// [`updraft_store::Reader::lease`].
pub async fn lease(backend: &dyn Backend) -> Result<Option<Lease>, StoreError> {
    match fetch(backend, select_lease(backend.dialect())).await?.into_iter().next() {
        Some(row) => read_lease(row),
        None => Ok(None),
    }
}

//! Deleting what is old, in pieces small enough for a commit to wait behind one.

use updraft_model::{RunKey, Timestamp};
use updraft_store::StoreError;

use crate::{
    Arg, Backend, Query,
    backend::{fetch_all, read_all},
};

/// About so many task instances go at once.
const PIECE: i64 = 2_000;

/// [`updraft_store::EngineStore::clean`]. Runs that may have something alive stay, and the newest.
pub async fn clean(backend: &dyn Backend, before: Timestamp, limit: u32) -> Result<Vec<RunKey>, StoreError> {
    let mut deleted = Vec::new();
    let (mut together, mut size) = (Vec::new(), 0);
    for (run, instances) in old_runs(backend, before, limit).await? {
        let is_large = instances > PIECE;
        if is_large {
            empty(backend, before, run).await?;
        }
        let left = if is_large { 0 } else { instances };
        if size + left > PIECE {
            deleted.extend(delete(backend, before, std::mem::take(&mut together)).await?);
            size = 0;
        }
        together.push(run);
        size += left;
    }
    if !together.is_empty() {
        deleted.extend(delete(backend, before, together).await?);
    }
    deleted.sort();
    let requests = Query::new("clean_requests")
        .sql("DELETE FROM request WHERE (answered_at IS NOT NULL OR withdrawn_at IS NOT NULL) AND created_at < ")
        .arg(before);
    backend.write(requests).await?;
    // The last row stays: it is where the numbers go on.
    let feed = Query::new("clean_feed").sql("DELETE FROM feed WHERE seq < (SELECT max(seq) FROM feed) AND created_at < ").arg(before);
    backend.write(feed).await?;
    Ok(deleted)
}

/// Appends the condition that a row of `dag_run AS r` may go. Asked with each deletion: the run may be at
/// work again. The newest stays: its key must not be given again.
fn may_go(query: Query, before: Timestamp) -> Query {
    query
        .sql("r.state IN ('success', 'failed') AND r.end_date < ")
        .arg(before)
        .sql(" AND r.id < (SELECT max(id) FROM dag_run)")
        .sql(" AND NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.run = r.id AND a.ended_at IS NULL)")
}

/// Runs that may go, and how many task instances each has; those that ended first are first.
async fn old_runs(backend: &dyn Backend, before: Timestamp, limit: u32) -> Result<Vec<(i64, i64)>, StoreError> {
    let query =
        Query::new("old_runs").sql("SELECT r.id, (SELECT count(*) FROM task_instance AS t WHERE t.run = r.id) FROM dag_run AS r WHERE ");
    let query = may_go(query, before).sql(" ORDER BY r.end_date, r.id LIMIT ").arg(limit);
    fetch_all(backend, query, |mut row| Ok((row.int()?, row.int()?))).await
}

/// Deletes what belongs to a large run, piece by piece, and leaves its own row.
async fn empty(backend: &dyn Backend, before: Timestamp, run: i64) -> Result<(), StoreError> {
    for table in ["xcom", "task_instance_try", "attempt", "task_instance"] {
        loop {
            let piece = Query::new("clean_piece")
                .sql(format!("DELETE FROM {table} WHERE run = "))
                .arg(run)
                .sql(format!(" AND (task_id, map_index) IN (SELECT task_id, map_index FROM {table} WHERE run = "))
                .arg(run)
                .sql(" LIMIT ")
                .arg(PIECE)
                .sql(") AND EXISTS (SELECT 1 FROM dag_run AS r WHERE r.id = ")
                .arg(run)
                .sql(" AND ");
            if backend.write(may_go(piece, before).sql(") RETURNING 1")).await?.is_empty() {
                break;
            }
        }
    }
    Ok(())
}

async fn delete(backend: &dyn Backend, before: Timestamp, runs: Vec<i64>) -> Result<Vec<RunKey>, StoreError> {
    let mut query = Query::new("clean_runs").sql("DELETE FROM dag_run WHERE id IN (SELECT r.id FROM dag_run AS r WHERE ");
    let runs = query.placeholder(Arg::Ints(runs));
    let query = query.sql(backend.dialect().one_of("r.id", &runs)).sql(" AND ");
    let rows = backend.write(may_go(query, before).sql(") RETURNING id")).await?;
    read_all("clean_runs", rows, |mut row| row.int().map(RunKey))
}

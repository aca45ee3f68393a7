//! Deleting what is old, some runs at a time: a commit may have to wait behind them.

use updraft_model::{RunKey, Timestamp};
use updraft_store::StoreError;

use crate::{
    Arg, Backend, Query,
    backend::{fetch_all, read_all},
};

/// So many task instances go at once, unless one run has more: a run goes as a whole, or it could come to
/// life in between and do again what was deleted of it.
const PIECE: i64 = 2_000;

/// [`updraft_store::EngineStore::clean`]. Runs that may have something alive stay, and the newest.
pub async fn clean(backend: &dyn Backend, before: Timestamp, limit: u32) -> Result<Vec<RunKey>, StoreError> {
    // Some that can't be deleted must not keep those that ended after them.
    let (mut deleted, mut failure) = (Vec::new(), None);
    let (mut together, mut size) = (Vec::new(), 0);
    for (run, instances) in old_runs(backend, before, limit).await? {
        if size + instances > PIECE && !together.is_empty() {
            take_over(&mut deleted, &mut failure, delete(backend, before, std::mem::take(&mut together)).await);
            size = 0;
        }
        together.push(run);
        size += instances;
    }
    if !together.is_empty() {
        take_over(&mut deleted, &mut failure, delete(backend, before, together).await);
    }
    deleted.sort();
    let requests = Query::new("clean_requests")
        .sql("DELETE FROM request WHERE (answered_at IS NOT NULL OR withdrawn_at IS NOT NULL) AND created_at < ")
        .arg(before);
    backend.write(requests).await?;
    // The last row stays: it is where the numbers go on.
    let feed = Query::new("clean_feed").sql("DELETE FROM feed WHERE seq < (SELECT max(seq) FROM feed) AND created_at < ").arg(before);
    backend.write(feed).await?;
    match failure {
        Some(failure) if deleted.is_empty() => Err(failure),
        _ => Ok(deleted),
    }
}

fn take_over(deleted: &mut Vec<RunKey>, failure: &mut Option<StoreError>, result: Result<Vec<RunKey>, StoreError>) {
    match result {
        Ok(runs) => deleted.extend(runs),
        Err(error) => {
            tracing::warn!(%error, "some old runs could not be deleted");
            *failure = Some(error);
        }
    }
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
    let query = may_go(query, before).sql(" ORDER BY r.end_date LIMIT ").arg(limit);
    fetch_all(backend, query, |mut row| Ok((row.int()?, row.int()?))).await
}

async fn delete(backend: &dyn Backend, before: Timestamp, runs: Vec<i64>) -> Result<Vec<RunKey>, StoreError> {
    let mut query = Query::new("clean_runs").sql("DELETE FROM dag_run WHERE id IN (SELECT r.id FROM dag_run AS r WHERE ");
    let runs = query.placeholder(Arg::Ints(runs));
    let query = query.sql(backend.dialect().one_of("r.id", &runs)).sql(" AND ");
    let rows = backend.write(may_go(query, before).sql(") RETURNING id")).await?;
    read_all("clean_runs", rows, |mut row| row.int().map(RunKey))
}

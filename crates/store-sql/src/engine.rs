//! What the engine reads: everything active, open requests, versions.

use updraft_model::{PendingRequest, RequestId, Term, VersionId};
use updraft_store::{Lease, Loaded, StoreError};

pub use crate::facts::ask;
use crate::{
    Backend, Dialect, Query, Row,
    backend::{fetch_all, fetch_first, read_all, unreadable},
    cell::Unreadable,
    commit::LAST_RUN,
    rows::{self, HELD},
};

/// [`updraft_store::EngineStore::load`].
pub async fn load(backend: &dyn Backend) -> Result<Loaded, StoreError> {
    let mut results = backend.snapshot(load_queries()).await?.into_iter();
    let mut next = || results.next().unwrap_or_default();
    Ok(Loaded {
        max_run_key: read_all("load_max_run_key", next(), |mut row| row.int())?.first().copied().unwrap_or(0),
        dags: read_all("load_dags", next(), |mut row| rows::dag(&mut row))?,
        versions: read_all("load_versions", next(), |mut row| rows::version(&mut row))?,
        runs: read_all("load_runs", next(), |mut row| rows::run(&mut row))?,
        task_instances: read_all("load_task_instances", next(), |mut row| rows::task_instance(&mut row))?,
        attempts: read_all("load_attempts", next(), |mut row| rows::attempt(&mut row))?,
        pools: read_all("load_pools", next(), |mut row| rows::pool(&mut row))?,
        files_with_errors: read_all("load_import_errors", next(), |mut row| row.text())?,
    })
}

fn load_queries() -> Vec<Query> {
    let one = |name, text: String| Query::new(name).sql(text);
    vec![
        one(
            "load_max_run_key",
            format!(
                "SELECT max(k) FROM (SELECT coalesce(max(id), 0) AS k FROM dag_run \
                 UNION ALL SELECT CAST(value AS bigint) FROM setting WHERE name = '{LAST_RUN}') AS keys"
            ),
        ),
        one("load_dags", format!("SELECT {} FROM dag AS d ORDER BY d.dag_id", rows::dag_columns())),
        one(
            "load_versions",
            format!(
                "SELECT {} FROM dag_version AS v WHERE v.id IN (
                     SELECT latest FROM dag
                     UNION SELECT version FROM dag_run WHERE id IN {HELD}
                     UNION SELECT version FROM task_instance WHERE run IN {HELD}
                 ) ORDER BY v.id",
                rows::VERSION
            ),
        ),
        one("load_runs", format!("SELECT {} FROM dag_run AS r WHERE r.id IN {HELD} ORDER BY r.id", rows::run_columns())),
        one(
            "load_task_instances",
            format!(
                "SELECT {} FROM dag_run AS r JOIN task_instance AS t ON t.run = r.id WHERE t.run IN {HELD} ORDER BY t.run, t.task_id, t.map_index",
                rows::task_instance_columns()
            ),
        ),
        one("load_attempts", format!("SELECT {} FROM attempt AS a WHERE a.ended_at IS NULL ORDER BY a.id", rows::attempt_columns())),
        one("load_pools", format!("SELECT {} FROM pool AS p ORDER BY p.name", rows::pool_columns())),
        one("load_import_errors", "SELECT e.file FROM import_error AS e ORDER BY e.file".to_owned()),
    ]
}

/// [`updraft_store::EngineStore::pending_requests`]. A request of a newer release that can't be read
/// stays where it is, for one who can.
pub async fn pending_requests(backend: &dyn Backend, limit: u32) -> Result<Vec<PendingRequest>, StoreError> {
    let query = Query::new("pending_requests")
        .sql("SELECT id, username, body FROM request WHERE answered_at IS NULL AND withdrawn_at IS NULL ORDER BY id LIMIT ")
        .arg(limit);
    let found = fetch_all(backend, query, |mut row| {
        let (id, user) = (RequestId(row.int()?), row.opt_text()?);
        Ok(match row.json() {
            Ok(request) => Some(PendingRequest { id, user, request }),
            Err(Unreadable(why)) => {
                tracing::error!(request = id.0, why, "a request in the inbox can't be read; it stays unanswered");
                None
            }
        })
    });
    Ok(found.await?.into_iter().flatten().collect())
}

/// The source text of a version.
pub async fn source(backend: &dyn Backend, version: VersionId) -> Result<Option<String>, StoreError> {
    let query = Query::new("source").sql("SELECT source FROM dag_source WHERE version = ").arg(version.0);
    fetch_first(backend, query, |mut row| row.packed()).await
}

/// Selects the lease, held or not, and the time.
pub fn select_lease(dialect: Dialect) -> Query {
    Query::new("lease").sql(format!("SELECT holder, term, expires_at, address, {} FROM scheduler_lease", dialect.now()))
}

/// The lease in the row of [`select_lease`], if someone holds it.
pub fn read_lease(mut row: Row) -> Result<Option<Lease>, StoreError> {
    let mut read = || -> Result<Option<Lease>, Unreadable> {
        let (holder, term, expires_at, address) = (row.opt_text()?, Term(row.int()?), row.opt_time()?, row.opt_text()?);
        let now = row.time()?;
        let held = holder.zip(expires_at);
        Ok(held.map(|(holder, expires_at)| Lease { holder, term, expires_at, address, remaining: expires_at.since(now) }))
    };
    read().map_err(|e| unreadable("lease", e))
}

/// What does not fit together, in words, for a person who checks a database. Empty if all is well.
pub async fn problems(backend: &dyn Backend) -> Result<Vec<String>, StoreError> {
    const CHECKS: [(&str, &str); 5] = [
        (
            "a DAG's latest version does not exist",
            "SELECT d.dag_id FROM dag AS d WHERE NOT EXISTS (SELECT 1 FROM dag_version AS v WHERE v.id = d.latest)",
        ),
        (
            "a version has no source",
            "SELECT v.dag_id FROM dag_version AS v WHERE NOT EXISTS (SELECT 1 FROM dag_source AS s WHERE s.version = v.id)",
        ),
        (
            "an active run's version does not exist",
            "SELECT r.run_id FROM dag_run AS r WHERE r.state IN ('queued', 'running') \
             AND NOT EXISTS (SELECT 1 FROM dag_version AS v WHERE v.id = r.version)",
        ),
        (
            "a queued or running task instance has no attempt",
            "SELECT t.task_id FROM dag_run AS r JOIN task_instance AS t ON t.run = r.id WHERE r.state IN ('queued', 'running') \
             AND t.state IN ('queued', 'running') AND NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.id = t.attempt)",
        ),
        (
            "the feed has a gap after this number",
            "SELECT CAST(f.seq AS text) FROM feed AS f WHERE f.seq < (SELECT max(seq) FROM feed) \
             AND NOT EXISTS (SELECT 1 FROM feed AS n WHERE n.seq = f.seq + 1)",
        ),
    ];
    let queries = CHECKS.iter().map(|(_, text)| Query::new("problems").sql(format!("{text} ORDER BY 1 LIMIT 20"))).collect();
    let mut problems = Vec::new();
    for ((what, _), found) in CHECKS.iter().zip(backend.snapshot(queries).await?) {
        let names = read_all("problems", found, |mut row| row.text())?;
        problems.extend(names.into_iter().map(|name| format!("{what}: {name}")));
    }
    Ok(problems)
}

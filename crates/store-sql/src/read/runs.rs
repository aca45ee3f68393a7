//! Runs.

use std::collections::BTreeMap;

use updraft_model::{DagId, RunId, RunKey, RunRow};
use updraft_store::{Listed, Page, RUN_ORDERS, RunFilter, StateCounts, StoreError};

use super::list::{List, between};
use crate::{
    Arg, Backend, Dialect, Query,
    backend::{fetch_all, fetch_first},
    query::Conditions,
    rows,
};

/// [`updraft_store::Reader::runs`].
pub async fn runs(backend: &dyn Backend, filter: RunFilter, page: Page) -> Result<Listed<RunRow>, StoreError> {
    let RunFilter { dag_ids, dag_id, run_id, run_types, states, logical_date, run_after, start_date, end_date, duration, triggering_user } =
        filter;
    let length = backend.dialect().micros_between("r.start_date", "r.end_date");
    let mut conditions = Conditions::new(backend.dialect());
    conditions.one_of("r.dag_id", dag_ids.as_deref());
    conditions.like("r.dag_id", &dag_id);
    conditions.like("r.run_id", &run_id);
    conditions.any_of("r.run_type", &run_types.iter().map(|t| t.as_str()).collect::<Vec<_>>());
    conditions.any_of("r.state", &states.iter().map(|s| s.as_str()).collect::<Vec<_>>());
    between(&mut conditions, "r.logical_date", &logical_date);
    between(&mut conditions, "r.run_after", &run_after);
    between(&mut conditions, "r.start_date", &start_date);
    between(&mut conditions, "r.end_date", &end_date);
    between(&mut conditions, &length, &duration);
    conditions.like("r.triggering_user", &triggering_user);
    let orders = [
        ("id", "r.id"),
        ("dag_id", "r.dag_id"),
        ("run_id", "r.run_id"),
        ("logical_date", "r.logical_date"),
        ("run_after", "r.run_after"),
        ("start_date", "r.start_date"),
        ("end_date", "r.end_date"),
        ("state", "r.state"),
        ("run_type", "r.run_type"),
        ("queued_at", "r.queued_at"),
        ("duration", length.as_str()),
    ];
    let list = List {
        names: ("runs", "runs_count"),
        columns: rows::run_columns(),
        from: "FROM dag_run AS r",
        counted: "FROM dag_run AS r",
        orders: &orders,
        key: &["r.id"],
        places: Some(&RUN_ORDERS),
        shown: None,
    };
    list.fetch(backend, &conditions, &page, |mut row| rows::run(&mut row)).await
}

fn runs_where(name: &'static str) -> Query {
    Query::new(name).sql(format!("SELECT {} FROM dag_run AS r WHERE ", rows::run_columns()))
}

/// [`updraft_store::Reader::run`].
pub async fn run(backend: &dyn Backend, dag_id: DagId, run_id: RunId) -> Result<Option<RunRow>, StoreError> {
    let query = runs_where("run").sql("r.dag_id = ").arg(dag_id.as_str()).sql(" AND r.run_id = ").arg(run_id.as_str());
    fetch_first(backend, query, |mut row| rows::run(&mut row)).await
}

/// [`updraft_store::Reader::run_by_key`].
pub async fn run_by_key(backend: &dyn Backend, key: RunKey) -> Result<Option<RunRow>, StoreError> {
    fetch_first(backend, runs_where("run_by_key").sql("r.id = ").arg(key.0), |mut row| rows::run(&mut row)).await
}

/// [`updraft_store::Reader::state_counts`].
pub async fn state_counts(backend: &dyn Backend, runs: Vec<RunKey>) -> Result<BTreeMap<RunKey, StateCounts>, StoreError> {
    let mut query = Query::new("state_counts").sql("SELECT run, state, count(*) FROM task_instance WHERE ");
    let placeholder = query.placeholder(Arg::Ints(runs.iter().map(|run| run.0).collect()));
    let query = query.sql(backend.dialect().one_of("run", &placeholder)).sql(" GROUP BY run, state");
    let mut counts: BTreeMap<RunKey, StateCounts> = runs.into_iter().map(|run| (run, StateCounts::new())).collect();
    for (run, state, count) in fetch_all(backend, query, |mut row| Ok((RunKey(row.int()?), row.parse()?, row.int()?))).await? {
        counts.entry(run).or_default().insert(state, count);
    }
    Ok(counts)
}

/// [`updraft_store::Reader::recent_runs`]: a few steps in an index for each DAG, whatever its history.
pub async fn recent_runs(backend: &dyn Backend, dag_ids: Vec<DagId>, limit: u32) -> Result<BTreeMap<DagId, Vec<RunRow>>, StoreError> {
    let columns = rows::run_columns();
    let newest = "WHERE n.dag_id = d.value ORDER BY n.run_after DESC, n.id DESC LIMIT $2";
    let text = match backend.dialect() {
        Dialect::Sqlite => {
            format!("SELECT {columns} FROM json_each($1) AS d JOIN dag_run AS r ON r.id IN (SELECT n.id FROM dag_run AS n {newest})")
        }
        Dialect::Postgres => {
            format!("SELECT {columns} FROM unnest($1) AS d(value) CROSS JOIN LATERAL (SELECT n.* FROM dag_run AS n {newest}) AS r")
        }
    };
    let mut query = Query::new("recent_runs").sql(text).sql(" ORDER BY r.run_after DESC, r.id DESC");
    query.placeholder(Arg::Texts(dag_ids.iter().map(ToString::to_string).collect()));
    query.placeholder(limit);
    let mut recent: BTreeMap<DagId, Vec<RunRow>> = dag_ids.into_iter().map(|dag| (dag, Vec::new())).collect();
    for run in fetch_all(backend, query, |mut row| rows::run(&mut row)).await? {
        recent.entry(run.dag_id.clone()).or_default().push(run);
    }
    Ok(recent)
}

/// [`updraft_store::Reader::set_run_note`].
pub async fn set_run_note(backend: &dyn Backend, run: RunKey, note: Option<String>, user: Option<String>) -> Result<(), StoreError> {
    let query =
        Query::new("set_run_note").sql("UPDATE dag_run SET note = ").arg(note).sql(", note_by = ").arg(user).sql(" WHERE id = ").arg(run.0);
    backend.write(query).await?;
    Ok(())
}

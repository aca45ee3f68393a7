//! DAGs and their versions.

use std::collections::BTreeMap;

use updraft_model::{DagId, DagVersion, RunState, VersionId};
use updraft_store::{DagFilter, DagView, Listed, Page, StoreError};

use super::list::List;
use crate::{
    Arg, Backend, Dialect, Query,
    backend::{fetch_all, fetch_first},
    query::Conditions,
    rows,
};

const FROM: &str = "FROM dag AS d JOIN dag_version AS v ON v.id = d.latest";
const LAST_STATE: &str = "(SELECT r.state FROM dag_run AS r WHERE r.dag_id = d.dag_id ORDER BY r.run_after DESC, r.id DESC LIMIT 1)";
const ORDERS: [(&str, &str); 5] = [
    ("dag_id", "d.dag_id"),
    ("dag_display_name", "v.display_name"),
    ("next_dagrun", "d.next_run_after"),
    ("last_run_state", LAST_STATE),
    (
        "last_run_start_date",
        "(SELECT r.start_date FROM dag_run AS r WHERE r.dag_id = d.dag_id ORDER BY r.run_after DESC, r.id DESC LIMIT 1)",
    ),
];

/// [`updraft_store::Reader::dags`].
pub async fn dags(backend: &dyn Backend, filter: DagFilter, page: Page) -> Result<Listed<DagView>, StoreError> {
    let list = List {
        names: ("dags", "dags_count"),
        columns: format!("{}, {}", rows::dag_columns(), rows::VERSION),
        from: FROM,
        counted: FROM,
        orders: &ORDERS,
        key: &["d.dag_id"],
        places: None,
        shown: None,
    };
    let conditions = conditions(backend.dialect(), filter);
    let Listed { items, total, next, previous } = list.fetch(backend, &conditions, &page, view).await?;
    Ok(Listed { items: with_counts(backend, items).await?, total, next, previous })
}

fn conditions(dialect: Dialect, filter: DagFilter) -> Conditions {
    let DagFilter { dag_id, display_name, dag_ids, tags, tags_all, owners, paused, exclude_stale, last_run_state, has_import_errors } =
        filter;
    let mut conditions = Conditions::new(dialect);
    conditions.like("d.dag_id", &dag_id);
    conditions.like("v.display_name", &display_name);
    conditions.one_of("d.dag_id", dag_ids.as_deref());
    if tags_all {
        tags.into_iter().for_each(|tag| has_any(&mut conditions, "v.tags", vec![tag]));
    } else {
        has_any(&mut conditions, "v.tags", tags);
    }
    has_any(&mut conditions, "v.owners", owners);
    if let Some(paused) = paused {
        conditions.plain(if paused { "d.is_paused" } else { "NOT d.is_paused" });
    }
    if exclude_stale {
        conditions.plain("NOT d.is_stale");
    }
    if let Some(state) = last_run_state {
        conditions.with(&format!("{LAST_STATE} = "), state.as_str(), "");
    }
    if let Some(errors) = has_import_errors {
        let not = if errors { "" } else { "NOT " };
        conditions.plain(format!("{not}EXISTS (SELECT 1 FROM import_error AS e WHERE e.file = d.file)"));
    }
    conditions
}

/// The JSON list in `column` has at least one of `values`; no condition if there are none.
fn has_any(conditions: &mut Conditions, column: &str, values: Vec<String>) {
    if values.is_empty() {
        return;
    }
    let placeholder = conditions.placeholder(Arg::Texts(values));
    let dialect = conditions.dialect();
    let (elements, one_of) = (dialect.elements(column, "e"), dialect.one_of("e.value", &placeholder));
    conditions.plain(format!("EXISTS (SELECT 1 FROM {elements} WHERE {one_of})"));
}

fn view(mut row: crate::Row) -> Result<DagView, crate::cell::Unreadable> {
    Ok(DagView { row: rows::dag(&mut row)?, version: rows::version(&mut row)?, run_counts: BTreeMap::new() })
}

async fn with_counts(backend: &dyn Backend, mut views: Vec<DagView>) -> Result<Vec<DagView>, StoreError> {
    let ids = Arg::Texts(views.iter().map(|view| view.row.dag_id.to_string()).collect());
    let mut query = Query::new("dag_run_counts").sql("SELECT dag_id, state, count(*) FROM dag_run WHERE ");
    let placeholder = query.placeholder(ids);
    let query = query.sql(backend.dialect().one_of("dag_id", &placeholder)).sql(" GROUP BY dag_id, state");
    let mut counts: BTreeMap<DagId, BTreeMap<RunState, i64>> = BTreeMap::new();
    for (dag_id, state, count) in fetch_all(backend, query, |mut row| Ok((row.parse()?, row.parse()?, row.int()?))).await? {
        counts.entry(dag_id).or_default().insert(state, count);
    }
    for view in &mut views {
        view.run_counts = counts.remove(&view.row.dag_id).unwrap_or_default();
    }
    Ok(views)
}

/// [`updraft_store::Reader::dag`].
pub async fn dag(backend: &dyn Backend, dag_id: DagId) -> Result<Option<DagView>, StoreError> {
    let query =
        Query::new("dag").sql(format!("SELECT {}, {} {FROM} WHERE d.dag_id = ", rows::dag_columns(), rows::VERSION)).arg(dag_id.as_str());
    let found = fetch_first(backend, query, view).await?;
    Ok(with_counts(backend, found.into_iter().collect()).await?.pop())
}

/// [`updraft_store::Reader::tags`].
pub async fn tags(backend: &dyn Backend) -> Result<Vec<String>, StoreError> {
    let elements = backend.dialect().elements("v.tags", "e");
    let query = Query::new("tags").sql(format!("SELECT DISTINCT e.value {FROM}, {elements}"));
    let mut tags = fetch_all(backend, query, |mut row| row.text()).await?;
    tags.sort();
    Ok(tags)
}

fn versions_where(name: &'static str) -> Query {
    Query::new(name).sql(format!("SELECT {} FROM dag_version AS v WHERE ", rows::VERSION))
}

/// [`updraft_store::Reader::version`].
pub async fn version(backend: &dyn Backend, id: VersionId) -> Result<Option<DagVersion>, StoreError> {
    fetch_first(backend, versions_where("version").sql("v.id = ").arg(id.0), |mut row| rows::version(&mut row)).await
}

/// [`updraft_store::Reader::version_number`].
pub async fn version_number(backend: &dyn Backend, dag_id: DagId, number: u32) -> Result<Option<DagVersion>, StoreError> {
    let query = versions_where("version_number").sql("v.dag_id = ").arg(dag_id.as_str()).sql(" AND v.number = ").arg(number);
    fetch_first(backend, query, |mut row| rows::version(&mut row)).await
}

/// [`updraft_store::Reader::versions`].
pub async fn versions(backend: &dyn Backend, dag_id: DagId) -> Result<Vec<DagVersion>, StoreError> {
    let query = versions_where("versions").sql("v.dag_id = ").arg(dag_id.as_str()).sql(" ORDER BY v.number");
    fetch_all(backend, query, |mut row| rows::version(&mut row)).await
}

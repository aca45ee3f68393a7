//! XComs.

use updraft_store::{Listed, Page, StoreError, XComFilter, XComView};

use super::list::{List, between};
use crate::{Backend, Row, cell::Unreadable, query::Conditions, rows};

const ORDERS: [(&str, &str); 7] = [
    ("key", "x.key"),
    ("timestamp", "x.timestamp"),
    ("dag_id", "r.dag_id"),
    ("run_id", "r.run_id"),
    ("task_id", "x.task_id"),
    ("map_index", "x.map_index"),
    ("run_after", "r.run_after"),
];
const FROM: &str = "FROM xcom AS x JOIN dag_run AS r ON r.id = x.run";

/// [`updraft_store::Reader::xcoms`].
pub async fn xcoms(backend: &dyn Backend, filter: XComFilter, page: Page) -> Result<Listed<XComView>, StoreError> {
    let XComFilter { dag_id, run_id, task_id, map_index, key, keys, runs, tasks, dag_display_name, logical_date, run_after } = filter;
    let mut conditions = Conditions::new(backend.dialect());
    if let Some(dag_id) = dag_id {
        conditions.with("r.dag_id = ", dag_id.as_str(), "");
    }
    if let Some(run_id) = run_id {
        conditions.with("r.run_id = ", run_id.as_str(), "");
    }
    if let Some(task_id) = task_id {
        conditions.with("x.task_id = ", task_id.as_str(), "");
    }
    if let Some(map_index) = map_index {
        conditions.with("x.map_index = ", map_index.0, "");
    }
    if let Some(key) = key {
        conditions.with("x.key = ", key, "");
    }
    conditions.like("x.key", &keys);
    conditions.like("r.run_id", &runs);
    conditions.like("x.task_id", &tasks);
    for pattern in &dag_display_name {
        let like = conditions.condition_like("v.display_name", pattern);
        let latest = "SELECT 1 FROM dag AS d JOIN dag_version AS v ON v.id = d.latest WHERE d.dag_id = r.dag_id";
        conditions.plain(format!("EXISTS ({latest} AND {like})"));
    }
    between(&mut conditions, "r.logical_date", &logical_date);
    between(&mut conditions, "r.run_after", &run_after);
    let list = List {
        names: ("xcoms", "xcoms_count"),
        columns: format!("r.dag_id, r.run_id, r.logical_date, r.run_after, {}", rows::xcom_columns()),
        from: FROM,
        counted: FROM,
        orders: &ORDERS,
        key: &["x.run", "x.task_id", "x.map_index", "x.key"],
        places: None,
        shown: None,
    };
    list.fetch(backend, &conditions, &page, view).await
}

fn view(mut row: Row) -> Result<XComView, Unreadable> {
    Ok(XComView {
        dag_id: row.parse()?,
        run_id: row.parse()?,
        logical_date: row.opt_time()?,
        run_after: row.time()?,
        row: rows::xcom(&mut row)?,
    })
}

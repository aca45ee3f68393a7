//! Task instances, their earlier tries and their attempts.

use updraft_model::{AttemptId, AttemptRow, NodeId, TaskInstanceKey, TaskInstanceRow};
use updraft_store::{Listed, Page, QUEUE, StoreError, TASK_INSTANCE_ORDERS, TaskInstanceFilter, TaskInstanceView};

use super::list::{List, Shown, between};
use crate::{
    Arg, Backend, Query, Row,
    backend::{fetch_all, fetch_first},
    cell::Unreadable,
    query::Conditions,
    rows::{self, HELD},
    shapes::TRY,
};

/// What a task instance is shown with, from `task_instance AS t` on.
fn shown_with(join: &str) -> String {
    format!("{join} dag_run AS r ON r.id = t.run LEFT JOIN attempt AS a ON a.id = t.attempt")
}

fn columns() -> String {
    format!("r.logical_date, r.run_after, a.waiting, (a.id IS NOT NULL AND a.ended_at IS NULL), {}", rows::task_instance_columns())
}

fn view(mut row: Row) -> Result<TaskInstanceView, Unreadable> {
    let (logical_date, run_after, waiting, has_open_attempt) = (row.opt_time()?, row.time()?, row.opt_text()?, row.bool()?);
    Ok(TaskInstanceView { row: rows::task_instance(&mut row)?, logical_date, run_after, waiting, has_open_attempt })
}

/// [`updraft_store::Reader::task_instances`].
pub async fn task_instances(backend: &dyn Backend, filter: TaskInstanceFilter, page: Page) -> Result<Listed<TaskInstanceView>, StoreError> {
    let asks_of_run = filter.dag_ids.is_some()
        || filter.run_ids.is_some()
        || !filter.dag_id.is_empty()
        || !filter.run_id.is_empty()
        || filter.run_after != Default::default()
        || filter.logical_date != Default::default();
    let is_of_run =
        |name: &str| matches!(name.trim_start_matches('-'), "run_after" | "logical_date" | "data_interval_start" | "data_interval_end");
    let sorts_by_run = page.order_by.iter().any(|name| is_of_run(name));
    let duration = backend.dialect().micros_between("t.start_date", "t.end_date");
    let orders = [
        ("id", "t.id"),
        ("task_id", "t.task_id"),
        ("map_index", "t.map_index"),
        ("state", "t.state"),
        ("start_date", "t.start_date"),
        ("end_date", "t.end_date"),
        ("try_number", "t.try_number"),
        ("run_after", "r.run_after"),
        ("logical_date", "r.logical_date"),
        ("queued_at", "t.queued_at"),
        ("duration", duration.as_str()),
        ("operator", "t.operator"),
        ("data_interval_start", "r.data_interval_start"),
        ("data_interval_end", "r.data_interval_end"),
    ];
    // Every task instance has its run, so the join is not needed to count. Where an index of runs gives
    // the order, the key begins with the run as that index has it.
    let from = |joins: bool| if joins { "FROM task_instance AS t JOIN dag_run AS r ON r.id = t.run" } else { "FROM task_instance AS t" };
    let runs_first = format!("FROM dag_run AS r {} task_instance AS t ON t.run = r.id", backend.dialect().join_in_order());
    let sorts_first_by_run = page.order_by.first().is_some_and(|name| is_of_run(name));
    let joins = asks_of_run || sorts_by_run;
    // The keys first: SQLite may take it for cheaper to look at all runs.
    let join = backend.dialect().join_in_order();
    let found = format!("{join} task_instance AS t ON t.run = k.run AND t.task_id = k.task_id AND t.map_index = k.map_index");
    let list = List {
        names: ("task_instances", "task_instances_count"),
        columns: columns(),
        from: if sorts_first_by_run { &runs_first } else { from(joins) },
        counted: from(asks_of_run),
        orders: &orders,
        key: if joins { &["r.id", "t.task_id", "t.map_index"] } else { &["t.run", "t.task_id", "t.map_index"] },
        places: Some(&TASK_INSTANCE_ORDERS),
        shown: Some(Shown { keys: "t.run, t.task_id, t.map_index", join: &format!("{found} {}", shown_with(join)) }),
    };
    list.fetch(backend, &conditions(backend, filter), &page, view).await
}

fn conditions(backend: &dyn Backend, filter: TaskInstanceFilter) -> Conditions {
    let TaskInstanceFilter {
        dag_ids,
        run_ids,
        task_ids,
        dag_id,
        run_id,
        task_id,
        map_indexes,
        try_numbers,
        states,
        pools,
        pool,
        queues,
        queue,
        executors,
        operators,
        operator,
        run_after,
        logical_date,
        start_date,
        end_date,
        duration,
    } = filter;
    let mut conditions = Conditions::new(backend.dialect());
    conditions.one_of("r.dag_id", dag_ids.as_deref());
    conditions.one_of("r.run_id", run_ids.as_deref());
    conditions.one_of("t.task_id", task_ids.as_deref());
    conditions.like("r.dag_id", &dag_id);
    conditions.like("r.run_id", &run_id);
    conditions.like("t.task_id", &task_id);
    conditions.one_of_ints("t.map_index", map_indexes.map(|list| list.into_iter().map(|index| i64::from(index.0)).collect()));
    conditions.one_of_ints("t.try_number", try_numbers);
    if !states.is_empty() && states.iter().all(|state| state.holds_slot()) {
        // No index has the state, but what holds a slot is in few runs.
        conditions.plain(format!("t.run IN {HELD}"));
    }
    conditions.any_of("t.state", &states.iter().map(|s| s.as_str()).collect::<Vec<_>>());
    conditions.any_of("t.pool", &pools);
    conditions.like("t.pool", &pool);
    let in_queue = format!("'{QUEUE}'");
    conditions.any_of(&in_queue, &queues);
    conditions.like(&in_queue, &queue);
    conditions.any_of("t.executor", &executors);
    conditions.any_of("t.operator", &operators);
    conditions.like("t.operator", &operator);
    between(&mut conditions, "r.run_after", &run_after);
    between(&mut conditions, "r.logical_date", &logical_date);
    between(&mut conditions, "t.start_date", &start_date);
    between(&mut conditions, "t.end_date", &end_date);
    between(&mut conditions, &backend.dialect().micros_between("t.start_date", "t.end_date"), &duration);
    conditions
}

/// Appends the conditions that pick one task instance of the table `alias`.
fn of(query: Query, alias: &str, key: &TaskInstanceKey) -> Query {
    query
        .sql(format!(" WHERE {alias}.run = "))
        .arg(key.run.0)
        .sql(format!(" AND {alias}.task_id = "))
        .arg(key.task_id.as_str())
        .sql(format!(" AND {alias}.map_index = "))
        .arg(key.map_index.0)
}

/// [`updraft_store::Reader::task_instance`].
pub async fn task_instance(backend: &dyn Backend, key: TaskInstanceKey) -> Result<Option<TaskInstanceView>, StoreError> {
    let query = Query::new("task_instance").sql(format!("SELECT {} FROM task_instance AS t {}", columns(), shown_with("JOIN")));
    fetch_first(backend, of(query, "t", &key), view).await
}

/// [`updraft_store::Reader::archived_tries`].
pub async fn archived_tries(backend: &dyn Backend, key: TaskInstanceKey) -> Result<Vec<TaskInstanceRow>, StoreError> {
    let select = format!("SELECT {} FROM {} AS t JOIN dag_run AS r ON r.id = t.run", rows::task_instance_columns(), TRY.table);
    let query = of(Query::new("archived_tries").sql(select), "t", &key).sql(" ORDER BY t.try_number");
    fetch_all(backend, query, |mut row| rows::task_instance(&mut row)).await
}

/// [`updraft_store::Reader::attempts`].
pub async fn attempts(backend: &dyn Backend, key: TaskInstanceKey) -> Result<Vec<AttemptRow>, StoreError> {
    let select = format!("SELECT {} FROM attempt AS a", rows::attempt_columns());
    let query = of(Query::new("attempts").sql(select), "a", &key).sql(" ORDER BY a.try_number, a.queued_at, a.id");
    fetch_all(backend, query, |mut row| rows::attempt(&mut row)).await
}

/// [`updraft_store::Reader::attempts_by_id`].
pub async fn attempts_by_id(backend: &dyn Backend, ids: Vec<AttemptId>) -> Result<Vec<AttemptRow>, StoreError> {
    let mut query = Query::new("attempts_by_id").sql(format!("SELECT {} FROM attempt AS a WHERE ", rows::attempt_columns()));
    let placeholder = query.placeholder(Arg::Uuids(ids.into_iter().map(|id| id.0).collect()));
    let query = query.sql(backend.dialect().one_of("a.id", &placeholder));
    fetch_all(backend, query, |mut row| rows::attempt(&mut row)).await
}

/// [`updraft_store::Reader::open_attempts`].
pub async fn open_attempts(backend: &dyn Backend, node: NodeId) -> Result<Vec<(AttemptRow, TaskInstanceRow)>, StoreError> {
    let select = format!(
        "SELECT {}, {} FROM attempt AS a JOIN task_instance AS t ON t.run = a.run AND t.task_id = a.task_id AND t.map_index = a.map_index \
         JOIN dag_run AS r ON r.id = a.run WHERE a.ended_at IS NULL AND a.node = ",
        rows::attempt_columns(),
        rows::task_instance_columns(),
    );
    let query = Query::new("open_attempts").sql(select).arg(node.as_str()).sql(" ORDER BY a.queued_at, a.id");
    fetch_all(backend, query, |mut row| Ok((rows::attempt(&mut row)?, rows::task_instance(&mut row)?))).await
}

/// [`updraft_store::Reader::set_task_instance_note`].
pub async fn set_task_instance_note(backend: &dyn Backend, key: TaskInstanceKey, note: Option<String>) -> Result<(), StoreError> {
    let query = Query::new("set_task_instance_note").sql("UPDATE task_instance SET note = ").arg(note);
    backend.write(of(query, "task_instance", &key)).await?;
    Ok(())
}

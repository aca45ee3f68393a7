//! `GET /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::{MapIndex, TaskState};
use updraft_store::{Cursor, Page, TASK_INSTANCE_ORDERS, TaskInstanceFilter};

use crate::{
    app::App,
    cursor::Around,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
    lookup, render,
    shape::TaskInstanceCollection,
};

/// What task instances can be sorted by, and what the store calls it.
pub const SORTABLE: [(&str, &str); 14] = [
    ("id", "id"),
    ("task_id", "task_id"),
    ("map_index", "map_index"),
    ("rendered_map_index", "map_index"),
    ("state", "state"),
    ("start_date", "start_date"),
    ("end_date", "end_date"),
    ("try_number", "try_number"),
    ("run_after", "run_after"),
    ("logical_date", "logical_date"),
    ("duration", "duration"),
    ("operator", "operator"),
    ("data_interval_start", "data_interval_start"),
    ("data_interval_end", "data_interval_end"),
];

/// Which task instances, and which part of them.
pub struct ListTaskInstances {
    pub filter: TaskInstanceFilter,
    pub page: Page,
}

impl FromQuery for ListTaskInstances {
    fn from_query(q: &mut QueryReader) -> Self {
        let task_ids = q.only("task_id");
        let (dag_id, run_id, task_id) = (q.patterns("dag_id"), q.patterns("run_id"), q.patterns("task_display_name"));
        let ListCopies(list) = ListCopies::from_query(q);
        q.unsupported(&["task_group_id"]);
        let page = q.cursor(list.page, &TASK_INSTANCE_ORDERS);
        Self { filter: TaskInstanceFilter { task_ids, dag_id, run_id, task_id, ..list.filter }, page }
    }
}

/// Which copies of a mapped task, and which part of them.
pub struct ListCopies(ListTaskInstances);

impl FromQuery for ListCopies {
    fn from_query(q: &mut QueryReader) -> Self {
        let names = TaskState::ALL.map(TaskState::as_str);
        let filter = TaskInstanceFilter {
            map_indexes: q.integers("map_index").map(|all| all.into_iter().filter_map(|i| i32::try_from(i).ok()).map(MapIndex).collect()),
            try_numbers: q.integers("try_number"),
            states: q.states("state", &names[1..]),
            pools: q.texts("pool"),
            pool: q.patterns("pool_name"),
            queues: q.texts("queue"),
            queue: q.patterns("queue_name"),
            executors: q.texts("executor"),
            operators: q.texts("operator"),
            operator: q.patterns("operator_name"),
            run_after: q.between("run_after"),
            logical_date: q.between("logical_date"),
            start_date: q.between("start_date"),
            end_date: q.between("end_date"),
            duration: q.seconds_between("duration"),
            ..TaskInstanceFilter::default()
        };
        q.unsupported(&[
            "updated_at_gte",
            "updated_at_gt",
            "updated_at_lte",
            "updated_at_lt",
            "version_number",
            "rendered_map_index_pattern",
            "rendered_map_index_prefix_pattern",
        ]);
        Self(ListTaskInstances { filter, page: q.page(&[], &SORTABLE) })
    }
}

/// Narrows a filter to the DAG and the run of a path, either of which may be `~`.
pub async fn narrow(app: &App, filter: &mut TaskInstanceFilter, dag_id: &str, run_id: &str) -> Result<(), ApiError> {
    match (dag_id == lookup::ALL, run_id == lookup::ALL) {
        (false, false) => {
            let run = lookup::run(app, dag_id, run_id).await?;
            filter.dag_ids = Some(vec![run.dag_id]);
            filter.run_ids = Some(vec![run.run_id]);
        }
        (false, true) => filter.dag_ids = Some(vec![lookup::dag(app, dag_id).await?.row.dag_id]),
        // A text that can't be a run's id names none, and no run means no task instances.
        (true, false) => filter.run_ids = Some(run_id.parse().into_iter().collect()),
        (true, true) => {}
    }
    Ok(())
}

/// The task instances of a run, or of all runs or DAGs (`~`).
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", tag = "Task Instance",
    operation_id = "get_task_instances", params(Query<ListTaskInstances>), responses((status = 200, body = TaskInstanceCollection)))]
pub async fn get_task_instances(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id)): Path<(String, String)>,
    Query(ListTaskInstances { mut filter, page }): Query<ListTaskInstances>,
) -> Result<Json<TaskInstanceCollection>, ApiError> {
    narrow(&app, &mut filter, &dag_id, &run_id).await?;
    respond(&app, filter, page).await
}

/// The copies of a mapped task.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/listMapped", tag = "Task Instance",
    operation_id = "get_mapped_task_instances", params(Query<ListCopies>), responses((status = 200, body = TaskInstanceCollection)))]
pub async fn get_mapped_task_instances(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id, task_id)): Path<(String, String, String)>,
    Query(ListCopies(ListTaskInstances { mut filter, page })): Query<ListCopies>,
) -> Result<Json<TaskInstanceCollection>, ApiError> {
    narrow(&app, &mut filter, &dag_id, &run_id).await?;
    let not_found = || ApiError::not_found(format!("Task id {task_id} was not found in run {run_id} of DAG {dag_id}"));
    filter.task_ids = Some(vec![task_id.parse().map_err(|_| not_found())?]);
    let any = TaskInstanceFilter {
        dag_ids: filter.dag_ids.clone(),
        run_ids: filter.run_ids.clone(),
        task_ids: filter.task_ids.clone(),
        ..TaskInstanceFilter::default()
    };
    let one = Page { limit: 1, cursor: Some(Cursor::First), ..Page::default() };
    if app.reader.task_instances(any, one).await?.items.is_empty() {
        return Err(not_found());
    }
    respond(&app, filter, page).await
}

/// A page of task instances as an answer.
pub async fn respond(app: &App, filter: TaskInstanceFilter, page: Page) -> Result<Json<TaskInstanceCollection>, ApiError> {
    let found = app.reader.task_instances(filter, page.clone()).await?;
    let (items, around) = Around::new(found, &page);
    Ok(Json(TaskInstanceCollection::new(render::task_instances(app, &items).await?, around)))
}

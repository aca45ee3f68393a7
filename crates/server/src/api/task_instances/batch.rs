//! `POST /api/v2/dags/~/dagRuns/~/taskInstances/list`: the list with its filters in a body.

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::TaskState;
use updraft_store::{Page, TaskInstanceFilter};

use super::list::{SORTABLE, narrow, respond};
use crate::{
    app::App,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, Path, body_schema, clamp_limit, order_names},
    shape::TaskInstanceCollection,
};

/// Which task instances, and which part of them.
pub struct TaskInstancesBatch {
    filter: TaskInstanceFilter,
    order_by: Option<String>,
    limit: i64,
    offset: i64,
}

body_schema!(TaskInstancesBatch);

impl FromBody for TaskInstancesBatch {
    const NAME: &'static str = "TaskInstancesBatchBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let names = TaskState::ALL.map(TaskState::as_str);
        let filter = TaskInstanceFilter {
            dag_ids: b.ids("dag_ids"),
            run_ids: b.ids("dag_run_ids"),
            task_ids: b.ids("task_ids"),
            states: b.choices("state", &names[1..]),
            pools: b.texts("pool").unwrap_or_default(),
            queues: b.texts("queue").unwrap_or_default(),
            executors: b.texts("executor").unwrap_or_default(),
            run_after: b.between("run_after"),
            logical_date: b.between("logical_date"),
            start_date: b.between("start_date"),
            end_date: b.between("end_date"),
            duration: b.seconds_between("duration"),
            ..TaskInstanceFilter::default()
        };
        Self {
            filter,
            order_by: b.text("order_by", 0),
            limit: b.integer_or("page_limit", 0, 100),
            offset: b.integer_or("page_offset", 0, 0),
        }
    }
}

/// The task instances of some runs of some DAGs.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/list", tag = "Task Instance",
    operation_id = "get_task_instances_batch", request_body = TaskInstancesBatch,
    responses((status = 200, body = TaskInstanceCollection)))]
pub async fn get_task_instances_batch(
    State(app): State<Arc<App>>,
    Path((dag_id, run_id)): Path<(String, String)>,
    Body(mut batch): Body<TaskInstancesBatch>,
) -> Result<Json<TaskInstanceCollection>, ApiError> {
    narrow(&app, &mut batch.filter, &dag_id, &run_id).await?;
    let order_by = order_names(&batch.order_by.into_iter().collect::<Vec<_>>(), &SORTABLE)?;
    let page = Page { limit: clamp_limit(batch.limit), offset: u32::try_from(batch.offset).unwrap_or(u32::MAX), order_by, cursor: None };
    respond(&app, batch.filter, page).await
}

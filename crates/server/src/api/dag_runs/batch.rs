//! `POST /api/v2/dags/~/dagRuns/list`: the list with its filters in a body.

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::{DagId, RunState};
use updraft_store::{Between, Page, RunFilter};

use super::list::{SORTABLE, respond};
use crate::{
    api::dags::list::RUN_STATES,
    app::App,
    error::ApiError,
    extract::{Body, BodyReader, FromBody, Path, body_schema, clamp_limit, order_names},
    lookup,
    shape::DagRunCollection,
};

/// Which runs, and which part of them.
pub struct RunsBatch {
    order_by: Option<String>,
    limit: i64,
    offset: i64,
    dag_ids: Option<Vec<String>>,
    states: Vec<RunState>,
    run_after: Between,
    logical_date: Between,
    start_date: Between,
    end_date: Between,
    duration: Between<i64>,
}

body_schema!(RunsBatch);

impl FromBody for RunsBatch {
    const NAME: &'static str = "DAGRunsBatchBody";
    fn from_body(b: &mut BodyReader) -> Self {
        let batch = Self {
            order_by: b.text("order_by", 0),
            offset: b.integer_or("page_offset", 0, 0),
            limit: b.integer_or("page_limit", 0, 100),
            dag_ids: b.texts("dag_ids"),
            states: b.choices("states", &RUN_STATES),
            run_after: b.between("run_after"),
            logical_date: b.between("logical_date"),
            start_date: b.between("start_date"),
            end_date: b.between("end_date"),
            duration: b.seconds_between("duration"),
        };
        b.unsupported(&["conf_contains"]);
        batch
    }
}

/// The runs of some DAGs.
#[utoipa::path(post, path = "/api/v2/dags/{dag_id}/dagRuns/list", tag = "DagRun", operation_id = "get_list_dag_runs_batch",
    request_body = RunsBatch, responses((status = 200, body = DagRunCollection)))]
pub async fn get_list_dag_runs_batch(
    State(app): State<Arc<App>>,
    Path(dag_id): Path<String>,
    Body(batch): Body<RunsBatch>,
) -> Result<Json<DagRunCollection>, ApiError> {
    let mut dag_ids: Option<Vec<DagId>> = batch.dag_ids.map(|ids| ids.iter().filter_map(|id| id.parse().ok()).collect());
    if dag_id != lookup::ALL {
        dag_ids = Some(vec![lookup::dag(&app, &dag_id).await?.row.dag_id]);
    }
    let order_by = order_names(&batch.order_by.into_iter().collect::<Vec<_>>(), &SORTABLE)?;
    let page = Page { limit: clamp_limit(batch.limit), offset: u32::try_from(batch.offset).unwrap_or(u32::MAX), order_by, cursor: None };
    let filter = RunFilter {
        dag_ids,
        states: batch.states,
        run_after: batch.run_after,
        logical_date: batch.logical_date,
        start_date: batch.start_date,
        end_date: batch.end_date,
        duration: batch.duration,
        ..RunFilter::default()
    };
    respond(&app, filter, page).await
}

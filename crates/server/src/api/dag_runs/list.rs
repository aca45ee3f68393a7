//! `GET /api/v2/dags/{dag_id}/dagRuns`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::{RunState, RunType};
use updraft_store::{Page, RUN_ORDERS, RunFilter};

use crate::{
    api::dags::list::RUN_STATES,
    app::App,
    cursor::Around,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
    lookup, render,
    shape::DagRunCollection,
};

/// What runs can be sorted by, and what the store calls it.
pub const SORTABLE: [(&str, &str); 12] = [
    ("id", "id"),
    ("state", "state"),
    ("dag_id", "dag_id"),
    ("run_id", "run_id"),
    ("dag_run_id", "run_id"),
    ("logical_date", "logical_date"),
    ("run_after", "run_after"),
    ("start_date", "start_date"),
    ("end_date", "end_date"),
    ("run_type", "run_type"),
    ("queued_at", "queued_at"),
    ("duration", "duration"),
];

/// Which runs, and which part of them.
pub struct ListRuns {
    filter: RunFilter,
    page: Page,
}

impl FromQuery for ListRuns {
    fn from_query(q: &mut QueryReader) -> Self {
        let filter = RunFilter {
            dag_ids: None,
            dag_id: q.patterns("dag_id"),
            run_id: q.patterns("run_id"),
            run_types: q.states::<RunType>("run_type", &RunType::ALL.map(RunType::as_str)),
            states: q.states::<RunState>("state", &RUN_STATES),
            logical_date: q.between("logical_date"),
            run_after: q.between("run_after"),
            start_date: q.between("start_date"),
            end_date: q.between("end_date"),
            duration: q.seconds_between("duration"),
            triggering_user: q.patterns("triggering_user_name"),
        };
        q.unsupported(&[
            "partition_date_gte",
            "partition_date_lte",
            "updated_at_gte",
            "updated_at_gt",
            "updated_at_lte",
            "updated_at_lt",
            "conf_contains",
            "dag_version",
            "bundle_version",
            "partition_key_pattern",
            "partition_key_prefix_pattern",
            "consuming_asset_pattern",
        ]);
        Self { filter, page: q.page_by_cursor(&SORTABLE, &RUN_ORDERS) }
    }
}

/// The runs of a DAG, or of all (`~`).
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/dagRuns", tag = "DagRun", operation_id = "get_dag_runs", params(Query<ListRuns>),
    responses((status = 200, body = DagRunCollection)))]
pub async fn get_dag_runs(
    State(app): State<Arc<App>>,
    Path(dag_id): Path<String>,
    Query(ListRuns { mut filter, page }): Query<ListRuns>,
) -> Result<Json<DagRunCollection>, ApiError> {
    if dag_id != lookup::ALL {
        filter.dag_ids = Some(vec![lookup::dag(&app, &dag_id).await?.row.dag_id]);
    }
    respond(&app, filter, page).await
}

/// A page of runs as an answer.
pub async fn respond(app: &App, filter: RunFilter, page: Page) -> Result<Json<DagRunCollection>, ApiError> {
    let found = app.reader.runs(filter, page.clone()).await?;
    let (items, around) = Around::new(found, &page);
    Ok(Json(DagRunCollection::new(render::runs(app, &items).await?, around)))
}

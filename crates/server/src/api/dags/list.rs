//! `GET /api/v2/dags`

use std::sync::Arc;

use axum::{Json, extract::State};
use updraft_model::RunState;
use updraft_store::{DagFilter, Page};

use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Query, QueryReader},
    render,
    shape::DagCollection,
};

pub const RUN_STATES: [&str; 4] = ["queued", "running", "success", "failed"];

/// Which DAGs, and which part of them.
pub struct ListDags {
    filter: DagFilter,
    page: Page,
}

/// The filters that the list and the bulk change share.
pub fn dag_filter(q: &mut QueryReader) -> DagFilter {
    let tags = q.texts("tags");
    let tags_match_mode: Option<String> = q.choice("tags_match_mode", &["any", "all"]);
    let exclude_stale = q.flag_or("exclude_stale", true);
    DagFilter {
        dag_id: q.patterns("dag_id"),
        display_name: Vec::new(),
        dag_ids: None,
        tags,
        tags_all: tags_match_mode.as_deref() == Some("all"),
        owners: q.texts("owners"),
        paused: q.flag("paused"),
        exclude_stale,
        last_run_state: None,
        has_import_errors: None,
    }
}

impl FromQuery for ListDags {
    fn from_query(q: &mut QueryReader) -> Self {
        let mut filter = dag_filter(q);
        filter.last_run_state = q.choice::<RunState>("last_dag_run_state", &RUN_STATES);
        filter.display_name = q.patterns("dag_display_name");
        filter.has_import_errors = q.flag("has_import_errors");
        q.unsupported(&[
            "bundle_name",
            "bundle_version",
            "has_asset_schedule",
            "asset_dependency",
            "dag_run_start_date_gte",
            "dag_run_start_date_gt",
            "dag_run_start_date_lte",
            "dag_run_start_date_lt",
            "dag_run_end_date_gte",
            "dag_run_end_date_gt",
            "dag_run_end_date_lte",
            "dag_run_end_date_lt",
            "dag_run_state",
            "is_favorite",
            "timetable_type",
        ]);
        let page = q.page(
            &["dag_id"],
            &[
                ("dag_id", "dag_id"),
                ("dag_display_name", "dag_display_name"),
                ("next_dagrun", "next_dagrun"),
                ("last_run_start_date", "last_run_start_date"),
                ("last_run_state", "last_run_state"),
                ("start_date", "last_run_start_date"),
                ("state", "last_run_state"),
            ],
        );
        Self { filter, page }
    }
}

/// The DAGs.
#[utoipa::path(get, path = "/api/v2/dags", tag = "DAG", operation_id = "get_dags", params(Query<ListDags>),
    responses((status = 200, body = DagCollection)))]
pub async fn get_dags(State(app): State<Arc<App>>, Query(list): Query<ListDags>) -> Result<Json<DagCollection>, ApiError> {
    let found = app.reader.dags(list.filter, list.page).await?;
    Ok(Json(DagCollection { dags: render::dags(&app, &found.items).await?, total_entries: found.total }))
}

//! `GET /api/v2/dagStats`

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use updraft_model::{DagId, RunState};
use updraft_store::{DagFilter, Page};
use utoipa::ToSchema;

use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Query, QueryReader},
    shape::{DagRunState, display_name},
};

/// Airflow's page asks for the DAGs it shows; without a choice it is all of them.
const MAX_DAGS: u32 = 100_000;

/// Which DAGs.
pub struct WhichDags {
    dag_ids: Option<Vec<DagId>>,
}

impl FromQuery for WhichDags {
    fn from_query(q: &mut QueryReader) -> Self {
        Self { dag_ids: q.ids("dag_ids") }
    }
}

/// How many runs are in a state.
#[derive(Serialize, ToSchema)]
#[schema(as = DagStatsStateResponse)]
#[allow(missing_docs)]
pub struct StateCount {
    #[schema(value_type = DagRunState)]
    state: RunState,
    count: i64,
}

/// The runs of a DAG by state.
#[derive(Serialize, ToSchema)]
#[schema(as = DagStatsResponse)]
#[allow(missing_docs)]
pub struct DagStats {
    dag_id: String,
    dag_display_name: String,
    stats: Vec<StateCount>,
}

/// The runs of some DAGs by state.
#[derive(Serialize, ToSchema)]
#[schema(as = DagStatsCollectionResponse)]
#[allow(missing_docs)]
pub struct DagStatsCollection {
    dags: Vec<DagStats>,
    total_entries: usize,
}

/// How many runs of each DAG are in which state.
#[utoipa::path(get, path = "/api/v2/dagStats", tag = "DagStats", operation_id = "get_dag_stats", params(Query<WhichDags>),
    responses((status = 200, body = DagStatsCollection)))]
pub async fn get_dag_stats(State(app): State<Arc<App>>, Query(which): Query<WhichDags>) -> Result<Json<DagStatsCollection>, ApiError> {
    let filter = DagFilter { dag_ids: which.dag_ids, ..DagFilter::default() };
    let page = Page { limit: MAX_DAGS, order_by: vec!["dag_id".to_owned()], ..Page::default() };
    let found = app.reader.dags(filter, page).await?.items;
    let states = [RunState::Queued, RunState::Running, RunState::Success, RunState::Failed];
    let dags: Vec<_> = found
        .iter()
        .map(|view| DagStats {
            dag_id: view.row.dag_id.to_string(),
            dag_display_name: display_name(&view.version),
            stats: states.map(|state| StateCount { state, count: view.run_counts.get(&state).copied().unwrap_or_default() }).into(),
        })
        .collect();
    Ok(Json(DagStatsCollection { total_entries: dags.len(), dags }))
}

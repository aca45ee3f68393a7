//! `GET /api/v2/recentRuns`, an extension of Updraft: what the list of DAGs shows of runs.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde::Serialize;
use updraft_model::{DagId, RunState, RunType, TaskState, Timestamp};
use utoipa::ToSchema;

use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Query, QueryReader},
    shape::{DagRunState, DagRunType, run_duration},
};

/// More than a page shows is cut.
const MAX_DAGS: usize = 200;
const MAX_RUNS: i64 = 50;

/// Of which DAGs, how many runs each.
pub struct WhichRuns {
    dag_ids: Vec<DagId>,
    limit: u32,
}

impl FromQuery for WhichRuns {
    fn from_query(q: &mut QueryReader) -> Self {
        let mut dag_ids: Vec<DagId> = q.ids("dag_ids").unwrap_or_default();
        dag_ids.truncate(MAX_DAGS);
        let limit = q.integer_or("limit", Some(1), 14).clamp(1, MAX_RUNS);
        Self { dag_ids, limit: u32::try_from(limit).unwrap_or(1) }
    }
}

/// A run as a list of DAGs shows it.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct RecentRun {
    dag_run_id: String,
    #[schema(value_type = DagRunState)]
    state: RunState,
    #[schema(value_type = DagRunType)]
    run_type: RunType,
    #[schema(value_type = Option<String>, format = DateTime)]
    logical_date: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    run_after: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    start_date: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    end_date: Option<Timestamp>,
    duration: Option<f64>,
    /// How many of its task instances are in which state; `no_status` for those without one.
    #[schema(value_type = std::collections::HashMap<String, i64>)]
    task_instance_counts: BTreeMap<TaskState, i64>,
}

/// The newest runs by DAG, newest first.
#[derive(Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct RecentRuns {
    #[schema(value_type = std::collections::HashMap<String, Vec<RecentRun>>)]
    dags: BTreeMap<String, Vec<RecentRun>>,
}

/// The newest runs of some DAGs, with the states of their task instances. An extension of Updraft.
#[utoipa::path(get, path = "/api/v2/recentRuns", tag = "Updraft", operation_id = "get_recent_runs", params(Query<WhichRuns>),
    responses((status = 200, body = RecentRuns)))]
pub async fn get_recent_runs(State(app): State<Arc<App>>, Query(which): Query<WhichRuns>) -> Result<Json<RecentRuns>, ApiError> {
    let runs = app.reader.recent_runs(which.dag_ids, which.limit).await?;
    let keys = runs.values().flatten().map(|run| run.key).collect();
    let mut counts = app.reader.state_counts(keys).await?;
    let mut dags = BTreeMap::new();
    for (dag_id, rows) in runs {
        let recent = rows.into_iter().map(|run| RecentRun {
            duration: run_duration(&run),
            task_instance_counts: counts.remove(&run.key).unwrap_or_default(),
            dag_run_id: run.run_id.to_string(),
            state: run.state,
            run_type: run.run_type,
            logical_date: run.logical_date,
            run_after: run.run_after,
            start_date: run.start_date,
            end_date: run.end_date,
        });
        dags.insert(dag_id.to_string(), recent.collect());
    }
    Ok(Json(RecentRuns { dags }))
}

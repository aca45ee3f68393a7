//! Runs.

use serde::Serialize;
use serde_json::{Map, Value};
use updraft_model::{DagVersion, RunRow, RunState, RunType, Timestamp, TriggeredBy};
use utoipa::ToSchema;

use super::{DagVersionResponse, WaitingView, display_name, names, span};
use crate::cursor::Around;

/// A run.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DAGRunResponse)]
#[allow(missing_docs)]
pub struct DagRunResponse {
    pub dag_run_id: String,
    pub dag_id: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    logical_date: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    queued_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    start_date: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    end_date: Option<Timestamp>,
    duration: Option<f64>,
    #[schema(value_type = Option<String>, format = DateTime)]
    data_interval_start: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    data_interval_end: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    run_after: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_scheduling_decision: Option<Timestamp>,
    #[schema(value_type = names::DagRunType)]
    run_type: RunType,
    #[schema(value_type = names::DagRunState)]
    pub state: RunState,
    #[schema(value_type = Option<names::DagRunTriggeredByType>)]
    triggered_by: Option<TriggeredBy>,
    triggering_user_name: Option<String>,
    #[schema(value_type = Option<Object>)]
    conf: Option<Map<String, Value>>,
    note: Option<String>,
    dag_versions: Vec<DagVersionResponse>,
    bundle_version: Option<String>,
    dag_display_name: String,
    partition_key: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    partition_date: Option<Timestamp>,
    /// An extension of Updraft: why a queued run has not started.
    #[schema(value_type = Option<super::Waiting>)]
    waiting_for: Option<WaitingView>,
    /// An extension of Updraft: why it ended as it did, where its tasks do not say it.
    end_reason: Option<String>,
}

/// A run's conf as an object; what else a store may hold counts as none.
pub fn conf_object(conf: &Value) -> Map<String, Value> {
    conf.as_object().cloned().unwrap_or_default()
}

/// From its start to its end, in seconds.
pub fn run_duration(run: &RunRow) -> Option<f64> {
    span(run.start_date, run.end_date)
}

impl DagRunResponse {
    /// From its row and the version it has.
    pub fn new(run: &RunRow, version: &DagVersion, waiting_for: Option<WaitingView>) -> Self {
        Self {
            dag_run_id: run.run_id.to_string(),
            dag_id: run.dag_id.to_string(),
            logical_date: run.logical_date,
            queued_at: run.queued_at,
            start_date: run.start_date,
            end_date: run.end_date,
            duration: run_duration(run),
            data_interval_start: run.data_interval.map(|interval| interval.start),
            data_interval_end: run.data_interval.map(|interval| interval.end),
            run_after: run.run_after,
            last_scheduling_decision: None,
            run_type: run.run_type,
            state: run.state,
            triggered_by: Some(run.triggered_by),
            triggering_user_name: run.triggering_user.clone(),
            conf: Some(conf_object(&run.conf)),
            note: run.note.clone(),
            dag_versions: vec![DagVersionResponse::from(version)],
            bundle_version: None,
            dag_display_name: display_name(version),
            partition_key: None,
            partition_date: None,
            waiting_for,
            end_reason: run.end_reason.clone(),
        }
    }
}

/// A part of the list of runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DAGRunCollectionResponse)]
#[allow(missing_docs)]
pub struct DagRunCollection {
    pub dag_runs: Vec<DagRunResponse>,
    pub total_entries: i64,
    /// Up to here rows were counted, if the page was asked for by cursor.
    total_entries_limit: Option<i64>,
    /// What to ask for with `cursor` for the page behind this one; `null` by offset, and on the last page.
    next_cursor: Option<String>,
    /// The same for the page before this one; `null` by offset, and on the first page.
    previous_cursor: Option<String>,
}

impl DagRunCollection {
    /// A page, and what is around it.
    pub fn new(dag_runs: Vec<DagRunResponse>, around: Around) -> Self {
        let Around { total_entries, total_entries_limit, next_cursor, previous_cursor } = around;
        Self { dag_runs, total_entries, total_entries_limit, next_cursor, previous_cursor }
    }
}

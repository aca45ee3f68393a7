//! DAGs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use updraft_model::{Dag, DagVersion, NextRun, Param, RunState, Timestamp};
use updraft_store::DagView;
use updraft_timetable::Timetable;
use utoipa::ToSchema;

use super::{BUNDLE, DagVersionResponse, display_name, file_token, names};
use crate::date::iso_duration;

/// A tag of a DAG.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DagTagResponse)]
#[allow(missing_docs)]
pub struct DagTag {
    name: String,
    dag_id: String,
    dag_display_name: String,
}

/// A DAG.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DAGResponse)]
#[allow(missing_docs)]
pub struct DagResponse {
    dag_id: String,
    dag_display_name: String,
    is_paused: bool,
    is_stale: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_parsed_time: Option<Timestamp>,
    last_parse_duration: Option<f64>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_expired: Option<Timestamp>,
    bundle_name: Option<&'static str>,
    bundle_version: Option<String>,
    relative_fileloc: Option<String>,
    fileloc: String,
    description: Option<String>,
    timetable_summary: Option<String>,
    timetable_description: Option<String>,
    timetable_partitioned: bool,
    timetable_periodic: bool,
    tags: Vec<DagTag>,
    max_active_tasks: u32,
    max_active_runs: Option<u32>,
    max_consecutive_failed_dag_runs: u32,
    has_task_concurrency_limits: bool,
    has_import_errors: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_dagrun_logical_date: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_dagrun_data_interval_start: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_dagrun_data_interval_end: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_dagrun_run_after: Option<Timestamp>,
    #[schema(value_type = Option<Vec<names::DagRunType>>)]
    allowed_run_types: Option<Vec<&'static str>>,
    owners: Vec<String>,
    is_backfillable: bool,
    file_token: String,
    /// An extension of Updraft: how many of its runs are in which state.
    #[schema(value_type = std::collections::HashMap<String, i64>)]
    run_counts: BTreeMap<RunState, i64>,
}

impl DagResponse {
    /// From what the store has. `has_import_errors`: its file has one now, and an older version is in use.
    pub fn new(view: &DagView, has_import_errors: bool) -> Self {
        let DagView { row, version, run_counts } = view;
        let dag = &version.dag;
        let timetable = timetable(dag);
        let is_periodic = timetable.as_ref().is_some_and(Timetable::is_periodic);
        let next = |pick: fn(&NextRun) -> Timestamp| row.next.as_ref().map(pick);
        Self {
            dag_id: row.dag_id.to_string(),
            dag_display_name: display_name(version),
            is_paused: row.is_paused,
            is_stale: row.is_stale,
            last_parsed_time: Some(row.last_parsed_at),
            last_parse_duration: None,
            last_expired: None,
            bundle_name: Some(BUNDLE),
            bundle_version: None,
            relative_fileloc: Some(row.file.clone()),
            fileloc: row.file.clone(),
            description: dag.description.clone(),
            timetable_summary: timetable.as_ref().map(Timetable::summary),
            timetable_description: timetable.as_ref().map(Timetable::description),
            timetable_partitioned: false,
            timetable_periodic: is_periodic,
            tags: tags(version),
            max_active_tasks: dag.max_active_tasks,
            max_active_runs: Some(dag.max_active_runs),
            max_consecutive_failed_dag_runs: dag.max_consecutive_failed_dag_runs,
            has_task_concurrency_limits: dag
                .tasks
                .values()
                .any(|task| task.max_active_tis_per_dag.is_some() || task.max_active_tis_per_dagrun.is_some()),
            has_import_errors,
            next_dagrun_logical_date: next(|next| next.logical_date),
            next_dagrun_data_interval_start: next(|next| next.data_interval.start),
            next_dagrun_data_interval_end: next(|next| next.data_interval.end),
            next_dagrun_run_after: next(|next| next.run_after),
            allowed_run_types: None,
            owners: dag.owners().into_iter().map(str::to_owned).collect(),
            is_backfillable: is_periodic,
            file_token: file_token(&row.file),
            run_counts: run_counts.clone(),
        }
    }
}

/// A stored DAG's schedule was valid when it was read; one that is not any more has no summary.
fn timetable(dag: &Dag) -> Option<Timetable> {
    Timetable::new(&dag.schedule).ok()
}

fn tags(version: &DagVersion) -> Vec<DagTag> {
    let tag =
        |name: &String| DagTag { name: name.clone(), dag_id: version.dag.dag_id.to_string(), dag_display_name: display_name(version) };
    version.dag.tags.iter().map(tag).collect()
}

/// A part of the list of DAGs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DAGCollectionResponse)]
#[allow(missing_docs)]
pub struct DagCollection {
    pub dags: Vec<DagResponse>,
    pub total_entries: i64,
}

/// A DAG with all that its file says of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DAGDetailsResponse)]
#[allow(missing_docs)]
pub struct DagDetails {
    #[serde(flatten)]
    dag: DagResponse,
    catchup: bool,
    #[schema(format = "duration")]
    dag_run_timeout: Option<String>,
    #[schema(value_type = Option<Object>)]
    asset_expression: Option<Value>,
    doc_md: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    start_date: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    end_date: Option<Timestamp>,
    is_paused_upon_creation: Option<bool>,
    #[schema(value_type = Option<Object>)]
    params: Option<Map<String, Value>>,
    render_template_as_native_obj: bool,
    template_search_path: Option<Vec<String>>,
    timezone: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_parsed: Option<Timestamp>,
    #[schema(value_type = Option<Object>)]
    default_args: Option<Map<String, Value>>,
    rerun_with_latest_version: Option<bool>,
    #[schema(value_type = Option<Object>)]
    owner_links: Option<Map<String, Value>>,
    is_favorite: bool,
    active_runs_count: i64,
    concurrency: u32,
    latest_dag_version: Option<DagVersionResponse>,
}

impl DagDetails {
    /// From what the store has.
    pub fn new(view: &DagView, has_import_errors: bool) -> Self {
        let dag = &view.version.dag;
        let count = |state| view.run_counts.get(&state).copied().unwrap_or_default();
        Self {
            dag: DagResponse::new(view, has_import_errors),
            catchup: dag.catchup,
            dag_run_timeout: dag.dagrun_timeout.map(iso_duration),
            asset_expression: None,
            doc_md: dag.doc_md.clone(),
            start_date: dag.start_date,
            end_date: dag.end_date,
            is_paused_upon_creation: dag.is_paused_upon_creation,
            params: Some(dag.params.iter().map(|(name, param)| (name.clone(), param_object(param))).collect()),
            render_template_as_native_obj: false,
            template_search_path: None,
            timezone: Some(dag.timezone.clone()),
            last_parsed: Some(view.row.last_parsed_at),
            // Defaults are already applied to the tasks of a canonical DAG.
            default_args: Some(Map::new()),
            // Clearing moves to the latest version unless the caller says otherwise.
            rerun_with_latest_version: Some(true),
            owner_links: Some(Map::new()),
            is_favorite: false,
            active_runs_count: count(RunState::Queued) + count(RunState::Running),
            concurrency: dag.max_active_tasks,
            latest_dag_version: Some(DagVersionResponse::from(&view.version)),
        }
    }
}

/// Airflow's dump of a param.
fn param_object(param: &Param) -> Value {
    json!({ "value": param.default, "description": param.description, "schema": param.schema })
}

//! Task instances and their earlier tries.

use serde::Serialize;
use serde_json::{Map, Value};
use updraft_model::{AttemptId, DagVersion, TaskInstanceRow, TaskState, Timestamp, WaitingFor};
use updraft_store::{QUEUE, TaskInstanceView};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DagVersionResponse, display_name, names, span};
use crate::cursor::Around;

/// Why something does not run: a kind with its values, and the same in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitingView {
    #[serde(flatten)]
    reason: WaitingFor,
    text: String,
}

impl From<WaitingFor> for WaitingView {
    fn from(reason: WaitingFor) -> Self {
        Self { text: reason.to_string(), reason }
    }
}

/// Why something does not run. An extension of Updraft.
///
/// Beside `kind` and `text` there are the values that belong to the kind, e.g. `pool`, `used`,
/// `slots` for `pool_full`.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitingFor)]
#[allow(dead_code, missing_docs)]
pub struct Waiting {
    /// A stable name: `upstream`, `pool_full`, `retry`, ...
    kind: String,
    /// The same in words.
    text: String,
}

/// A task instance.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct TaskInstanceResponse {
    id: Uuid,
    task_id: String,
    dag_id: String,
    dag_run_id: String,
    map_index: i32,
    #[schema(value_type = Option<String>, format = DateTime)]
    logical_date: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    run_after: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    start_date: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    end_date: Option<Timestamp>,
    duration: Option<f64>,
    #[schema(value_type = Option<names::TaskInstanceState>)]
    state: Option<&'static str>,
    try_number: u32,
    max_tries: u32,
    task_display_name: String,
    dag_display_name: String,
    hostname: Option<String>,
    unixname: Option<String>,
    pool: String,
    pool_slots: u32,
    queue: Option<&'static str>,
    priority_weight: Option<i64>,
    operator: Option<String>,
    operator_name: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    queued_when: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    scheduled_when: Option<Timestamp>,
    pid: Option<u32>,
    executor: Option<String>,
    executor_config: &'static str,
    note: Option<String>,
    rendered_map_index: Option<String>,
    /// What the templates of the last attempt became, without secrets; empty in lists, for what
    /// needs no program, and where the log is on another node.
    #[schema(value_type = Object)]
    pub rendered_fields: Map<String, Value>,
    #[schema(value_type = Option<Object>)]
    trigger: Option<Value>,
    #[schema(value_type = Option<Object>)]
    triggerer_job: Option<Value>,
    dag_version: Option<DagVersionResponse>,
    /// An extension of Updraft: why it does not run; `null` while it runs and once it has ended.
    #[schema(value_type = Option<Waiting>)]
    waiting_for: Option<WaitingView>,
    /// An extension of Updraft: why it is in its state, where the state alone does not say it.
    reason: Option<String>,
    /// An extension of Updraft: the program's exit code.
    exit_code: Option<i32>,
    /// An extension of Updraft: `up_for_retry` and `up_for_reschedule` last until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
    /// An extension of Updraft: the current or last attempt.
    #[schema(value_type = Option<Uuid>)]
    attempt_id: Option<AttemptId>,
}

impl TaskInstanceResponse {
    /// From its row, its version, why it waits, and why it is in its state if its row does not say it.
    pub fn new(view: &TaskInstanceView, version: &DagVersion, waiting_for: Option<WaitingFor>, reason: Option<String>) -> Self {
        let TaskInstanceView { row, logical_date, run_after, .. } = view;
        Self {
            id: row.id.0,
            task_id: row.task_id.to_string(),
            dag_id: row.dag_id.to_string(),
            dag_run_id: row.run_id.to_string(),
            map_index: row.map_index.0,
            logical_date: *logical_date,
            run_after: *run_after,
            start_date: row.start_date,
            end_date: row.end_date,
            duration: span(row.start_date, row.end_date),
            state: row.state.api(),
            try_number: row.try_number,
            max_tries: row.max_tries,
            task_display_name: row.task_id.to_string(),
            dag_display_name: display_name(version),
            hostname: row.node.as_ref().map(ToString::to_string),
            unixname: None,
            pool: row.pool.to_string(),
            pool_slots: row.pool_slots,
            queue: Some(QUEUE),
            priority_weight: Some(row.priority_weight),
            operator: Some(row.operator.to_string()),
            operator_name: Some(row.operator.to_string()),
            queued_when: row.queued_at,
            scheduled_when: row.scheduled_at,
            pid: row.pid,
            executor: row.executor.as_ref().map(ToString::to_string),
            executor_config: "{}",
            note: row.note.clone(),
            rendered_map_index: None,
            rendered_fields: Map::new(),
            trigger: None,
            triggerer_job: None,
            dag_version: Some(DagVersionResponse::from(version)),
            waiting_for: waiting_for.map(WaitingView::from),
            reason: row.reason.clone().or(reason),
            exit_code: row.exit_code,
            next_at: row.next_at,
            attempt_id: row.attempt,
        }
    }
}

/// A part of a list of task instances.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskInstanceCollectionResponse)]
#[allow(missing_docs)]
pub struct TaskInstanceCollection {
    pub task_instances: Vec<TaskInstanceResponse>,
    pub total_entries: i64,
    /// Up to here rows were counted, if the page was asked for by cursor.
    total_entries_limit: Option<i64>,
    /// What to ask for with `cursor` for the page behind this one; `null` by offset, and on the last page.
    next_cursor: Option<String>,
    /// The same for the page before this one; `null` by offset, and on the first page.
    previous_cursor: Option<String>,
}

impl TaskInstanceCollection {
    /// A page, and what is around it.
    pub fn new(task_instances: Vec<TaskInstanceResponse>, around: Around) -> Self {
        let Around { total_entries, total_entries_limit, next_cursor, previous_cursor } = around;
        Self { task_instances, total_entries, total_entries_limit, next_cursor, previous_cursor }
    }

    /// All of them.
    pub fn whole(task_instances: Vec<TaskInstanceResponse>) -> Self {
        let total = i64::try_from(task_instances.len()).unwrap_or(i64::MAX);
        Self::new(task_instances, Around::all(total))
    }
}

/// One try of a task instance.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = TaskInstanceHistoryResponse)]
#[allow(missing_docs)]
pub struct TaskInstanceHistory {
    task_id: String,
    dag_id: String,
    dag_run_id: String,
    map_index: i32,
    #[schema(value_type = Option<String>, format = DateTime)]
    start_date: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    end_date: Option<Timestamp>,
    duration: Option<f64>,
    #[schema(value_type = Option<names::TaskInstanceState>)]
    state: Option<&'static str>,
    pub try_number: u32,
    max_tries: u32,
    task_display_name: String,
    dag_display_name: String,
    hostname: Option<String>,
    unixname: Option<String>,
    pool: String,
    pool_slots: u32,
    queue: Option<&'static str>,
    priority_weight: Option<i64>,
    operator: Option<String>,
    operator_name: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    queued_when: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    scheduled_when: Option<Timestamp>,
    pid: Option<u32>,
    executor: Option<String>,
    executor_config: &'static str,
    dag_version: Option<DagVersionResponse>,
    /// An extension of Updraft: why it is in its state, where the state alone does not say it.
    reason: Option<String>,
    /// An extension of Updraft: the program's exit code.
    exit_code: Option<i32>,
}

impl TaskInstanceHistory {
    /// From the row as it was when the try ended.
    pub fn new(row: &TaskInstanceRow, version: &DagVersion) -> Self {
        Self {
            task_id: row.task_id.to_string(),
            dag_id: row.dag_id.to_string(),
            dag_run_id: row.run_id.to_string(),
            map_index: row.map_index.0,
            start_date: row.start_date,
            end_date: row.end_date,
            duration: span(row.start_date, row.end_date),
            state: row.state.api(),
            try_number: row.try_number,
            max_tries: row.max_tries,
            task_display_name: row.task_id.to_string(),
            dag_display_name: display_name(version),
            hostname: row.node.as_ref().map(ToString::to_string),
            unixname: None,
            pool: row.pool.to_string(),
            pool_slots: row.pool_slots,
            queue: Some(QUEUE),
            priority_weight: Some(row.priority_weight),
            operator: Some(row.operator.to_string()),
            operator_name: Some(row.operator.to_string()),
            queued_when: row.queued_at,
            scheduled_when: row.scheduled_at,
            pid: row.pid,
            executor: row.executor.as_ref().map(ToString::to_string),
            executor_config: "{}",
            dag_version: Some(DagVersionResponse::from(version)),
            reason: row.reason.clone(),
            exit_code: row.exit_code,
        }
    }
}

/// All tries of a task instance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskInstanceHistoryCollectionResponse)]
#[allow(missing_docs)]
pub struct TaskInstanceHistoryCollection {
    pub task_instances: Vec<TaskInstanceHistory>,
    pub total_entries: i64,
}

/// Whether a try that is the newest one is over in this state: nothing more is written to its log.
pub fn is_try_over(state: TaskState) -> bool {
    match state {
        TaskState::Scheduled
        | TaskState::Queued
        | TaskState::Running
        | TaskState::Restarting
        | TaskState::UpForReschedule
        | TaskState::Deferred
        | TaskState::AwaitingInput => false,
        TaskState::NoStatus
        | TaskState::Success
        | TaskState::Failed
        | TaskState::Skipped
        | TaskState::UpstreamFailed
        | TaskState::UpForRetry
        | TaskState::Removed => true,
    }
}

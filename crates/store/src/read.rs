//! What readers need: lists with filters, single rows, the feed, and the inbox.

use std::{collections::BTreeMap, time::Duration};

use futures::{future::BoxFuture, stream::BoxStream};
use serde_json::Value;
use updraft_model::{
    Answer, AttemptId, AttemptRow, DagId, DagRow, DagVersion, FeedChange, ImportErrorRow, MapIndex, NodeId, PoolName, PoolRow, Request,
    RequestId, RunId, RunKey, RunRow, RunState, RunType, TaskId, TaskInstanceKey, TaskInstanceRow, TaskState, Timestamp, VersionId,
    XComRow,
};

use crate::{Cursor, Lease, StoreError};

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// At most so many rows.
    pub limit: u32,
    /// From this one on.
    pub offset: u32,
    /// From this place on instead, where the list has places: runs and task instances. `offset` is
    /// then not looked at, and the whole is counted up to [`CURSOR_TOTAL_LIMIT`](crate::CURSOR_TOTAL_LIMIT).
    pub cursor: Option<Cursor>,
    /// By what: a field's name as in Airflow's `order_by`, with `-` in front for descending. Rows
    /// that are equal come by their key. A name the list does not have is [`StoreError::Broken`].
    pub order_by: Vec<String>,
}

/// A part of a list, and how long the whole is.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The part.
    pub items: Vec<T>,
    /// The length of the whole; of a page by cursor at most [`CURSOR_TOTAL_LIMIT`](crate::CURSOR_TOTAL_LIMIT).
    pub total: i64,
    /// The page behind this one, if it was read by cursor and there is one.
    pub next: Option<Cursor>,
    /// The page before this one, if it was read by cursor and there is one.
    pub previous: Option<Cursor>,
}

/// A range, of times if nothing else is said; both ends optional and inclusive, unless they are the `gt`/`lt` ones.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Between<T = Timestamp> {
    pub gte: Option<T>,
    pub gt: Option<T>,
    pub lte: Option<T>,
    pub lt: Option<T>,
}

impl<T> Default for Between<T> {
    fn default() -> Self {
        Self { gte: None, gt: None, lte: None, lt: None }
    }
}

/// What a text must be like: one of several things. Where there are several patterns all must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// It has one of these in it, letters of ASCII in any case; `%` and `_` as in SQL's LIKE.
    Contains(Vec<String>),
    /// It begins with one of these, letter by letter.
    Begins(Vec<String>),
}

/// Which DAGs. Order: `dag_id`, `dag_display_name`, `next_dagrun`, `last_run_start_date`, `last_run_state`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct DagFilter {
    pub dag_id: Vec<Pattern>,
    pub display_name: Vec<Pattern>,
    pub dag_ids: Option<Vec<DagId>>,
    /// All of these (`tags_match_mode=all`) or any of them.
    pub tags: Vec<String>,
    pub tags_all: bool,
    pub owners: Vec<String>,
    pub paused: Option<bool>,
    /// Leaves out DAGs whose file is gone.
    pub exclude_stale: bool,
    /// The state of the newest run.
    pub last_run_state: Option<RunState>,
    pub has_import_errors: Option<bool>,
}

/// A DAG with what lists show.
#[derive(Debug, Clone, PartialEq)]
pub struct DagView {
    /// The row.
    pub row: DagRow,
    /// Its latest version.
    pub version: DagVersion,
    /// How many of its runs are in which state.
    pub run_counts: BTreeMap<RunState, i64>,
}

/// Which runs. Order: `id`, `dag_id`, `run_id`, `logical_date`, `run_after`, `start_date`, `end_date`, `state`, `run_type`, `queued_at`, `duration`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct RunFilter {
    pub dag_ids: Option<Vec<DagId>>,
    pub dag_id: Vec<Pattern>,
    pub run_id: Vec<Pattern>,
    pub run_types: Vec<RunType>,
    pub states: Vec<RunState>,
    pub logical_date: Between,
    pub run_after: Between,
    pub start_date: Between,
    pub end_date: Between,
    /// From start to end, in microseconds.
    pub duration: Between<i64>,
    pub triggering_user: Vec<Pattern>,
}

/// The queue of every task instance: Airflow's default, and there is no other.
pub const QUEUE: &str = "default";

/// Which task instances. Order: `id`, `task_id`, `map_index`, `state`, `start_date`, `end_date`, `try_number`, `run_after`, `logical_date`, `queued_at`, `duration`, `operator`, `data_interval_start`, `data_interval_end`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct TaskInstanceFilter {
    pub dag_ids: Option<Vec<DagId>>,
    pub run_ids: Option<Vec<RunId>>,
    pub task_ids: Option<Vec<TaskId>>,
    pub dag_id: Vec<Pattern>,
    pub run_id: Vec<Pattern>,
    pub task_id: Vec<Pattern>,
    pub map_indexes: Option<Vec<MapIndex>>,
    pub try_numbers: Option<Vec<i64>>,
    pub states: Vec<TaskState>,
    pub pools: Vec<String>,
    pub pool: Vec<Pattern>,
    pub queues: Vec<String>,
    pub queue: Vec<Pattern>,
    pub executors: Vec<String>,
    pub operators: Vec<String>,
    pub operator: Vec<Pattern>,
    pub run_after: Between,
    pub logical_date: Between,
    pub start_date: Between,
    pub end_date: Between,
    /// From start to end, in microseconds.
    pub duration: Between<i64>,
}

/// A task instance with what every answer shows of its run.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskInstanceView {
    /// The row.
    pub row: TaskInstanceRow,
    /// The run's logical date.
    pub logical_date: Option<Timestamp>,
    /// The run's `run_after`.
    pub run_after: Timestamp,
    /// What the executor says of the current attempt.
    pub waiting: Option<String>,
    /// Whether the end of that is not known yet.
    pub has_open_attempt: bool,
}

/// Which XComs of a run (or of all runs). Order: `key`, `timestamp`, `dag_id`, `run_id`, `task_id`, `map_index`, `run_after`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct XComFilter {
    pub dag_id: Option<DagId>,
    pub run_id: Option<RunId>,
    pub task_id: Option<TaskId>,
    pub map_index: Option<MapIndex>,
    pub key: Option<String>,
    pub keys: Vec<Pattern>,
    pub runs: Vec<Pattern>,
    pub tasks: Vec<Pattern>,
    /// Of the latest version of the DAG.
    pub dag_display_name: Vec<Pattern>,
    pub logical_date: Between,
    pub run_after: Between,
}

/// Which import errors. Order: `id`, `filename`, `timestamp`, `stack_trace`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct ImportErrorFilter {
    pub file: Option<String>,
    pub files: Vec<Pattern>,
}

/// An XCom with the names of what it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct XComView {
    /// The row.
    pub row: XComRow,
    /// The DAG.
    pub dag_id: DagId,
    /// The run's id.
    pub run_id: RunId,
    /// The run's logical date.
    pub logical_date: Option<Timestamp>,
    /// The run's `run_after`.
    pub run_after: Timestamp,
}

/// How a pool's slots are used, counted over task instances.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PoolView {
    pub row: PoolRow,
    pub running: i64,
    pub queued: i64,
    pub scheduled: i64,
    pub deferred: i64,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct VariableRow {
    pub key: String,
    pub value: String,
    pub description: Option<String>,
}

/// Someone who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct UserRow {
    pub username: String,
    /// Argon2, PHC text form.
    pub password_hash: String,
    /// `admin`, `user`, `viewer` (Airflow's roles by name).
    pub role: String,
    pub created_at: Timestamp,
}

/// A node and when its daemon was last heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct NodeRow {
    pub node: updraft_model::NodeId,
    /// Where its API answers, if it does.
    pub address: Option<String>,
    pub last_seen: Timestamp,
    /// Digest of its DAG folder.
    pub bundle_digest: Option<String>,
    /// When it has not been heard of for so long, in whole milliseconds, all its tasks are over: its
    /// supervisors see to it. `None`: they go on for as long as they like.
    pub lost_after: Option<Duration>,
}

/// One commit, as the live feed tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedEntry {
    /// Its number: without gaps, one after the other.
    pub seq: i64,
    /// What changed.
    pub changes: Vec<FeedChange>,
}

/// The number of task instances of a run by state.
pub type StateCounts = BTreeMap<TaskState, i64>;

/// The store as API servers and the command line use it: they read, and they write requests and
/// the few tables that the scheduler does not hold.
pub trait Reader: Send + Sync {
    /// DAGs.
    fn dags(&self, filter: DagFilter, page: Page) -> BoxFuture<'_, Result<Listed<DagView>, StoreError>>;
    /// One DAG.
    fn dag(&self, dag_id: &DagId) -> BoxFuture<'_, Result<Option<DagView>, StoreError>>;
    /// All tags in use, in order.
    fn tags(&self) -> BoxFuture<'_, Result<Vec<String>, StoreError>>;
    /// One version.
    fn version(&self, id: VersionId) -> BoxFuture<'_, Result<Option<DagVersion>, StoreError>>;
    /// One version by its number.
    fn version_number(&self, dag_id: &DagId, number: u32) -> BoxFuture<'_, Result<Option<DagVersion>, StoreError>>;
    /// All versions of a DAG, oldest first, without their content being looked at.
    fn versions(&self, dag_id: &DagId) -> BoxFuture<'_, Result<Vec<DagVersion>, StoreError>>;
    /// A version's text.
    fn source(&self, id: VersionId) -> BoxFuture<'_, Result<Option<String>, StoreError>>;

    /// Runs.
    fn runs(&self, filter: RunFilter, page: Page) -> BoxFuture<'_, Result<Listed<RunRow>, StoreError>>;
    /// One run.
    fn run(&self, dag_id: &DagId, run_id: &RunId) -> BoxFuture<'_, Result<Option<RunRow>, StoreError>>;
    /// One run by its key.
    fn run_by_key(&self, key: RunKey) -> BoxFuture<'_, Result<Option<RunRow>, StoreError>>;
    /// How many task instances each of these runs has in which state.
    fn state_counts(&self, runs: Vec<RunKey>) -> BoxFuture<'_, Result<BTreeMap<RunKey, StateCounts>, StoreError>>;
    /// For each of these DAGs its newest `limit` runs, newest first.
    fn recent_runs(&self, dag_ids: Vec<DagId>, limit: u32) -> BoxFuture<'_, Result<BTreeMap<DagId, Vec<RunRow>>, StoreError>>;
    /// Writes a run's note.
    fn set_run_note(&self, run: RunKey, note: Option<String>, user: Option<String>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Task instances.
    fn task_instances(&self, filter: TaskInstanceFilter, page: Page) -> BoxFuture<'_, Result<Listed<TaskInstanceView>, StoreError>>;
    /// One task instance.
    fn task_instance(&self, key: &TaskInstanceKey) -> BoxFuture<'_, Result<Option<TaskInstanceView>, StoreError>>;
    /// The tries before the current one, in order.
    fn archived_tries(&self, key: &TaskInstanceKey) -> BoxFuture<'_, Result<Vec<TaskInstanceRow>, StoreError>>;
    /// All attempts of a task instance, in order.
    fn attempts(&self, key: &TaskInstanceKey) -> BoxFuture<'_, Result<Vec<AttemptRow>, StoreError>>;
    /// Those of these attempts that there are, in no order.
    fn attempts_by_id(&self, ids: Vec<AttemptId>) -> BoxFuture<'_, Result<Vec<AttemptRow>, StoreError>>;
    /// The attempts of a node whose end is not in the store, with their task instances.
    fn open_attempts(&self, node: &NodeId) -> BoxFuture<'_, Result<Vec<(AttemptRow, TaskInstanceRow)>, StoreError>>;
    /// Writes a task instance's note.
    fn set_task_instance_note(&self, key: &TaskInstanceKey, note: Option<String>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// XComs; their values are read only where asked for.
    fn xcoms(&self, filter: XComFilter, page: Page) -> BoxFuture<'_, Result<Listed<XComView>, StoreError>>;

    /// Import errors.
    fn import_errors(&self, filter: ImportErrorFilter, page: Page) -> BoxFuture<'_, Result<Listed<(i64, ImportErrorRow)>, StoreError>>;
    /// One import error by its number.
    fn import_error(&self, id: i64) -> BoxFuture<'_, Result<Option<ImportErrorRow>, StoreError>>;

    /// Pools; order: `name`, `slots`.
    fn pools(&self, name: Vec<Pattern>, page: Page) -> BoxFuture<'_, Result<Listed<PoolView>, StoreError>>;
    /// One pool.
    fn pool(&self, name: &PoolName) -> BoxFuture<'_, Result<Option<PoolView>, StoreError>>;

    /// Variables by key; order: `key`, `description`.
    fn variables(&self, key: Vec<Pattern>, page: Page) -> BoxFuture<'_, Result<Listed<VariableRow>, StoreError>>;
    /// One variable.
    fn variable(&self, key: &str) -> BoxFuture<'_, Result<Option<VariableRow>, StoreError>>;
    /// Makes or changes a variable.
    fn set_variable(&self, row: VariableRow) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Deletes a variable; whether there was one.
    fn delete_variable(&self, key: &str) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Users by name.
    fn users(&self) -> BoxFuture<'_, Result<Vec<UserRow>, StoreError>>;
    /// Makes or changes a user.
    fn set_user(&self, row: UserRow) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Deletes a user; whether there was one.
    fn delete_user(&self, username: &str) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// The lease, if anyone ever took it.
    fn lease(&self) -> BoxFuture<'_, Result<Option<Lease>, StoreError>>;
    /// All nodes.
    fn nodes(&self) -> BoxFuture<'_, Result<Vec<NodeRow>, StoreError>>;
    /// A node's daemon was here, on the database's clock.
    fn node_seen(&self, node: NodeRow) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The commits after `seq`, at most `limit`, oldest first.
    fn feed(&self, after: i64, limit: u32) -> BoxFuture<'_, Result<Vec<FeedEntry>, StoreError>>;
    /// The number of the last commit; 0 if none.
    fn feed_head(&self) -> BoxFuture<'_, Result<i64, StoreError>>;
    /// Hints that the feed has grown (or answers have come). Lost ones do no harm.
    fn feed_hints(&self) -> BoxStream<'static, ()>;

    /// Leaves a request for the scheduler.
    fn submit(&self, request: Request, user: Option<String>) -> BoxFuture<'_, Result<RequestId, StoreError>>;
    /// The answer to a request, if it has one.
    fn answer(&self, id: RequestId) -> BoxFuture<'_, Result<Option<Answer>, StoreError>>;
    /// Takes a request back. `false`: too late. It is answered, or taken: a part of what it asks for is
    /// written, and the answer follows with the rest.
    fn withdraw(&self, id: RequestId) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// A value of the instance, made on first use (the key that signs tokens, the instance's id).
    fn setting(&self, name: &str, initial: Value) -> BoxFuture<'_, Result<Value, StoreError>>;
    /// Whether the database answers.
    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

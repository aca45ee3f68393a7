//! What a template may see about one attempt: plain, owned data that the engine fills in.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use updraft_model::{DataInterval, Timestamp};

use crate::value::Draws;

/// Everything a template may see about one attempt without asking the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// The DAG.
    pub dag_id: String,
    /// The run.
    pub run_id: String,
    /// The task.
    pub task_id: String,
    /// The copy of a mapped task; -1 if the task is not mapped.
    pub map_index: i32,
    /// The first try is 1.
    pub try_number: u32,
    /// Airflow's `max_tries`: the retries.
    pub max_tries: u32,
    /// The attempt's UUID.
    pub attempt_id: String,
    /// `scheduled`, `manual`, ...
    pub run_type: String,
    /// The run is not started before.
    pub run_after: Timestamp,
    /// A run may have none; then `ds`, `ts` and what follows from them are undefined.
    pub logical_date: Option<Timestamp>,
    /// A run may have none.
    pub data_interval: Option<DataInterval>,
    /// When the run started.
    pub start_date: Option<Timestamp>,
    /// When the run was queued.
    pub queued_at: Option<Timestamp>,
    /// The DAG's IANA time zone.
    pub timezone: String,
    /// The task's owner.
    pub owner: String,
    /// The DAG's params, overridden by the task's and the run's conf.
    pub params: Map<String, Value>,
    /// What the trigger of the run sent; an empty object if nothing.
    pub conf: Value,
    /// The moment of the attempt: what `macros.datetime.now()` gives.
    pub now: Timestamp,
    /// How often templates have asked for random values, which follow from `attempt_id`. A preparation
    /// that is repeated begins anew and gets the same ones.
    pub draws: Draws,
    /// Whether this is `dags test` or `tasks test`.
    pub test_mode: bool,
    /// The `dag` object.
    pub dag: DagFacts,
    /// The `task` object.
    pub task: TaskFacts,
}

/// What templates see of their DAG besides its id.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DagFacts {
    /// One line about it.
    pub description: Option<String>,
    /// Labels.
    pub tags: BTreeSet<String>,
    /// At most so many runs at once.
    pub max_active_runs: u32,
    /// At most so many task instances per run.
    pub max_active_tasks: u32,
    /// Whether missed slots are made up for.
    pub catchup: bool,
    /// No runs before.
    pub start_date: Option<Timestamp>,
    /// No runs after.
    pub end_date: Option<Timestamp>,
}

/// What templates see of their task besides its id and owner.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskFacts {
    /// Airflow's class name, e.g. `BashOperator`.
    pub operator: String,
    /// The pool.
    pub pool: String,
    /// Its own weight.
    pub priority_weight: i64,
    /// E.g. `all_success`.
    pub trigger_rule: String,
    /// Direct upstream tasks.
    pub upstream_task_ids: BTreeSet<String>,
    /// Direct downstream tasks.
    pub downstream_task_ids: BTreeSet<String>,
}

impl Context {
    /// A first try of an unmapped task in a manual run without a logical date; everything else is empty.
    pub fn new(dag_id: impl Into<String>, run_id: impl Into<String>, task_id: impl Into<String>, run_after: Timestamp) -> Self {
        Self {
            dag_id: dag_id.into(),
            run_id: run_id.into(),
            task_id: task_id.into(),
            map_index: -1,
            try_number: 1,
            max_tries: 0,
            attempt_id: String::new(),
            run_type: "manual".to_owned(),
            run_after,
            logical_date: None,
            data_interval: None,
            start_date: None,
            queued_at: None,
            timezone: "UTC".to_owned(),
            owner: "airflow".to_owned(),
            params: Map::new(),
            conf: Value::Object(Map::new()),
            now: run_after,
            draws: Draws::default(),
            test_mode: false,
            dag: DagFacts::default(),
            task: TaskFacts::default(),
        }
    }
}

//! A DAG, every default filled in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{DagId, ExecutorName, Packed, Params, Schedule, Task, TaskId, Timestamp};

/// A DAG in canonical form: two files that mean the same give equal values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dag {
    /// Its name.
    pub dag_id: DagId,
    /// What the page shows instead of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dag_display_name: Option<String>,
    /// One line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Markdown for the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_md: Option<String>,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// When it runs.
    pub schedule: Schedule,
    /// IANA name of its zone (`UTC` by default).
    pub timezone: String,
    /// No runs before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Timestamp>,
    /// No runs after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Timestamp>,
    /// Whether slots that passed are made up for.
    pub catchup: bool,
    /// At most so many runs at once.
    pub max_active_runs: u32,
    /// At most so many queued or running task instances per run (Airflow 3).
    pub max_active_tasks: u32,
    /// Pause after so many failed runs in a row; 0 = never.
    pub max_consecutive_failed_dag_runs: u32,
    /// How long a run may take from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dagrun_timeout: Option<SignedDuration>,
    /// The first final failure of a task ends the run.
    #[serde(default)]
    pub fail_fast: bool,
    /// Overrides the configuration's `dags_are_paused_at_creation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_paused_upon_creation: Option<bool>,
    /// The executor for tasks that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<ExecutorName>,
    /// Values a run is triggered with.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub params: Params,
    /// Its tasks.
    pub tasks: BTreeMap<TaskId, Task>,
}

impl Dag {
    /// It as JSON, as stores keep it.
    pub fn packed(&self) -> Packed {
        // It is made of maps with text keys, which can always be written.
        Packed::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// A DAG without tasks or schedule, with Airflow's defaults.
    pub fn new(dag_id: DagId) -> Self {
        Self {
            dag_id,
            dag_display_name: None,
            description: None,
            doc_md: None,
            tags: BTreeSet::new(),
            schedule: Schedule::Never,
            timezone: "UTC".to_owned(),
            start_date: None,
            end_date: None,
            catchup: false,
            max_active_runs: 16,
            max_active_tasks: 16,
            max_consecutive_failed_dag_runs: 0,
            dagrun_timeout: None,
            fail_fast: false,
            is_paused_upon_creation: None,
            executor: None,
            params: Params::new(),
            tasks: BTreeMap::new(),
        }
    }

    /// The distinct owners of its tasks, in order.
    pub fn owners(&self) -> BTreeSet<&str> {
        self.tasks.values().map(|t| t.owner.as_str()).collect()
    }
}

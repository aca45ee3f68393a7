//! A task of a DAG, every default filled in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{ExecutorName, Operator, PoolName, TaskId, Timestamp};

/// When a task may run, as a function of its upstream states (Airflow's 13 rules).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum TriggerRule {
    #[default]
    AllSuccess,
    AllFailed,
    AllDone,
    AllDoneMinOneSuccess,
    AllDoneSetupSuccess,
    AllSkipped,
    OneSuccess,
    OneFailed,
    OneDone,
    NoneFailed,
    NoneFailedMinOneSuccess,
    NoneSkipped,
    Always,
}

impl TriggerRule {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::AllSuccess,
        Self::AllFailed,
        Self::AllDone,
        Self::AllDoneMinOneSuccess,
        Self::AllDoneSetupSuccess,
        Self::AllSkipped,
        Self::OneSuccess,
        Self::OneFailed,
        Self::OneDone,
        Self::NoneFailed,
        Self::NoneFailedMinOneSuccess,
        Self::NoneSkipped,
        Self::Always,
    ];

    /// As Airflow spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllSuccess => "all_success",
            Self::AllFailed => "all_failed",
            Self::AllDone => "all_done",
            Self::AllDoneMinOneSuccess => "all_done_min_one_success",
            Self::AllDoneSetupSuccess => "all_done_setup_success",
            Self::AllSkipped => "all_skipped",
            Self::OneSuccess => "one_success",
            Self::OneFailed => "one_failed",
            Self::OneDone => "one_done",
            Self::NoneFailed => "none_failed",
            Self::NoneFailedMinOneSuccess => "none_failed_min_one_success",
            Self::NoneSkipped => "none_skipped",
            Self::Always => "always",
        }
    }
}

/// How a task's priority follows from its place in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightRule {
    /// Own weight plus that of all descendants.
    #[default]
    Downstream,
    /// Own weight plus that of all ancestors.
    Upstream,
    /// Own weight.
    Absolute,
}

/// How often and how soon a failed try is followed by another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Tries after the first.
    pub retries: u32,
    /// The wait after a try's end (Airflow's default: 300 s).
    pub delay: SignedDuration,
    /// Backoff base; `0.0` means none, `true` in a file means `2.0`.
    pub exponential_backoff: f64,
    /// The longest wait under backoff; 24 h if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delay: Option<SignedDuration>,
}

/// Amounts a container asks for. Kubernetes quantities, or plain numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Resources {
    /// By name: `cpu`, `memory`, `gpu`, `ephemeral_storage`, or an engine's own name.
    #[serde(flatten)]
    pub by_name: BTreeMap<String, String>,
}

/// One task. All of `default_args` and all defaults are already applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name.
    pub task_id: TaskId,
    /// What it does.
    #[serde(flatten)]
    pub operator: Operator,
    /// The tasks it waits for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub upstream: BTreeSet<TaskId>,
    /// When it may run.
    pub trigger_rule: TriggerRule,
    /// A template; when false, the task is skipped instead of run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Retries.
    pub retry: RetryPolicy,
    /// How long one attempt may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_timeout: Option<SignedDuration>,
    /// Between SIGTERM and SIGKILL.
    pub termination_grace: SignedDuration,
    /// Waits for the same task of the previous run.
    #[serde(default)]
    pub depends_on_past: bool,
    /// Waits for the direct downstreams of the same task of the previous run too.
    #[serde(default)]
    pub wait_for_downstream: bool,
    /// `depends_on_past` passes where the task never ran before.
    #[serde(default)]
    pub ignore_first_depends_on_past: bool,
    /// The pool it takes slots from.
    pub pool: PoolName,
    /// How many.
    pub pool_slots: u32,
    /// Its own weight.
    pub priority_weight: i64,
    /// How the weights of others add to it.
    pub weight_rule: WeightRule,
    /// At most so many of this task at once over all runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_active_tis_per_dag: Option<u32>,
    /// At most so many of this task at once in one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_active_tis_per_dagrun: Option<u32>,
    /// Not in runs before this logical date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Timestamp>,
    /// Not in runs after this logical date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Timestamp>,
    /// The executor; the DAG's, then the configuration's, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<ExecutorName>,
    /// A container image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// For containers.
    #[serde(default)]
    pub resources: Resources,
    /// Environment variables; values are templated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Working directory, relative to the DAG file's folder; templated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The system user the process runs as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_user: Option<String>,
    /// Whether the last line of output becomes the XCom `return_value`.
    pub do_xcom_push: bool,
    /// An exit with one of these codes means skipped.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub skip_on_exit_code: BTreeSet<i32>,
    /// May be launched again after its place was lost, even without retries.
    #[serde(default)]
    pub relaunch: bool,
    /// How often, for one try.
    pub max_relaunches: u32,
    /// Airflow's owner.
    pub owner: String,
    /// Markdown for the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_md: Option<String>,
    /// A setup task (Airflow 2.7).
    #[serde(default)]
    pub is_setup: bool,
    /// A teardown task.
    #[serde(default)]
    pub is_teardown: bool,
    /// A failed teardown fails its run.
    #[serde(default)]
    pub on_failure_fail_dagrun: bool,
    /// The task groups it is in, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<String>,
}

impl Task {
    /// A task with Airflow's defaults (and no retries).
    pub fn new(task_id: TaskId, operator: Operator) -> Self {
        Self {
            task_id,
            operator,
            upstream: BTreeSet::new(),
            trigger_rule: TriggerRule::default(),
            when: None,
            retry: RetryPolicy { retries: 0, delay: SignedDuration::from_secs(300), exponential_backoff: 0.0, max_delay: None },
            execution_timeout: None,
            termination_grace: SignedDuration::from_secs(5),
            depends_on_past: false,
            wait_for_downstream: false,
            ignore_first_depends_on_past: false,
            pool: PoolName::default_pool(),
            pool_slots: 1,
            priority_weight: 1,
            weight_rule: WeightRule::default(),
            max_active_tis_per_dag: None,
            max_active_tis_per_dagrun: None,
            start_date: None,
            end_date: None,
            executor: None,
            image: None,
            resources: Resources::default(),
            env: BTreeMap::new(),
            cwd: None,
            run_as_user: None,
            do_xcom_push: true,
            skip_on_exit_code: BTreeSet::new(),
            relaunch: false,
            max_relaunches: 3,
            owner: "airflow".to_owned(),
            doc_md: None,
            is_setup: false,
            is_teardown: false,
            on_failure_fail_dagrun: false,
            group: Vec::new(),
        }
    }
}

//! What a task does.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{DagId, TaskId};

/// What a task does. Texts marked *templated* are Jinja, rendered anew for each attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operator", rename_all = "snake_case")]
pub enum Operator {
    /// Nothing; succeeds inside the scheduler.
    Empty,
    /// A script for `bash -c`, templated so that expressions are data.
    Bash {
        /// The script.
        command: String,
    },
    /// A program and its arguments, each templated; no shell.
    Cmd {
        /// At least one.
        argv: Vec<String>,
    },
    /// Python code.
    Python(PythonCall),
    /// Chooses which direct downstream tasks follow.
    Branch {
        /// How the choice is made.
        by: Chooser,
    },
    /// Skips what is downstream if its value is false.
    ShortCircuit {
        /// How the value is made.
        by: Chooser,
        /// `true`: all descendants are skipped; `false`: direct downstreams, then trigger rules.
        ignore_downstream_trigger_rules: bool,
    },
    /// One HTTP request.
    Http(HttpRequest),
    /// Triggers another DAG.
    TriggerDagRun(TriggerDagRun),
    /// Waits for a condition, poke by poke.
    Sensor(Sensor),
}

impl Operator {
    /// Airflow's class name for what this is, as its API shows it.
    pub fn airflow_name(&self) -> &'static str {
        match self {
            Self::Empty => "EmptyOperator",
            Self::Bash { .. } => "BashOperator",
            Self::Cmd { .. } => "CmdOperator",
            Self::Python(_) => "PythonOperator",
            Self::Branch { .. } => "BranchPythonOperator",
            Self::ShortCircuit { .. } => "ShortCircuitOperator",
            Self::Http(_) => "HttpOperator",
            Self::TriggerDagRun(_) => "TriggerDagRunOperator",
            Self::Sensor(s) => match s.condition {
                Condition::File { .. } => "FileSensor",
                Condition::Time { .. } => "DateTimeSensor",
                Condition::Http(_) => "HttpSensor",
                Condition::ExternalTask(_) => "ExternalTaskSensor",
            },
        }
    }
}

/// How a branch or short-circuit makes its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chooser {
    /// A bash script: a branch reads task ids from its last line; a short-circuit goes on iff it exits with 0.
    Bash(String),
    /// Python: its return value.
    Python(PythonCall),
    /// A Jinja expression: its value.
    Expression(String),
}

/// Which Python code runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PythonCode {
    /// `module:function`.
    Function(String),
    /// A file, relative to the DAG file's folder.
    File(String),
    /// Code in the DAG file; not templated.
    Inline(String),
}

/// A call of Python code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PythonCall {
    /// What is called.
    pub code: PythonCode,
    /// Keyword arguments; strings inside are templated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, Value>,
    /// The interpreter; the configuration's (`python3`) if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
}

/// One HTTP request; texts are templated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// Where to.
    pub url: String,
    /// `GET`, `POST`, ...
    pub method: String,
    /// Header names and values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A JSON body (sent as `application/json`) or, for a string, the body itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Which statuses are a success; any below 400 if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_status: Vec<u16>,
    /// How long to wait for the answer.
    pub timeout: SignedDuration,
}

/// Triggers a run of another DAG; texts are templated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerDagRun {
    /// Which DAG (templated, so not yet a [`DagId`]).
    pub dag_id: String,
    /// The run's id; derived from the time if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The run's logical date; now if absent (Airflow).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logical_date: Option<String>,
    /// The run's conf.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conf: BTreeMap<String, Value>,
    /// Wait, deferred, until the run has ended; fails unless it succeeds.
    #[serde(default)]
    pub wait_for_completion: bool,
    /// An existing run of that id is cleared and runs again instead of failing the task.
    #[serde(default)]
    pub reset_dag_run: bool,
    /// An existing run of that id skips the task instead of failing it.
    #[serde(default)]
    pub skip_when_already_exists: bool,
}

/// A sensor: a condition and how it is poked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    /// What is waited for.
    pub condition: Condition,
    /// Time between the end of one poke and the next (Airflow's default: 60 s).
    pub poke_interval: SignedDuration,
    /// How long a try waits in all, from its first poke (Airflow's default: 7 days).
    pub timeout: SignedDuration,
    /// At the timeout: skipped instead of failed.
    #[serde(default)]
    pub soft_fail: bool,
}

/// What a sensor waits for; texts are templated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// A file (or glob) exists.
    File {
        /// Relative to the DAG file's folder, or absolute.
        path: String,
    },
    /// A point in time has come.
    Time {
        /// RFC 3339.
        target: String,
    },
    /// A request is answered as expected.
    Http(HttpRequest),
    /// A task (or a whole run) of another DAG has succeeded.
    ExternalTask(ExternalTask),
}

/// What an external-task sensor waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExternalTask {
    /// The other DAG.
    pub dag_id: DagId,
    /// The other task; the whole run if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The other run's logical date is this run's minus this (Airflow's `execution_delta`).
    #[serde(default)]
    pub execution_delta: SignedDuration,
}

//! Tasks, as a DAG's file has them.

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Map, Value, json};
use updraft_model::{Chooser, Condition, Dag, Operator, Task, TaskId, Timestamp, WeightRule};
use utoipa::ToSchema;

/// A duration in Airflow's serialised form.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct TimeDelta {
    #[serde(rename = "__type")]
    kind: &'static str,
    days: i64,
    seconds: i64,
    microseconds: i32,
}

impl From<SignedDuration> for TimeDelta {
    fn from(duration: SignedDuration) -> Self {
        let seconds = duration.as_secs();
        Self { kind: "TimeDelta", days: seconds / 86_400, seconds: seconds % 86_400, microseconds: duration.subsec_micros() }
    }
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)]
pub struct TaskResponse {
    task_id: Option<String>,
    task_display_name: Option<String>,
    owner: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    start_date: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    end_date: Option<Timestamp>,
    trigger_rule: Option<&'static str>,
    depends_on_past: bool,
    wait_for_downstream: bool,
    retries: Option<u32>,
    queue: Option<&'static str>,
    pool: Option<String>,
    pool_slots: Option<u32>,
    execution_timeout: Option<TimeDelta>,
    retry_delay: Option<TimeDelta>,
    retry_exponential_backoff: f64,
    priority_weight: Option<i64>,
    weight_rule: Option<&'static str>,
    ui_color: Option<&'static str>,
    ui_fgcolor: Option<&'static str>,
    template_fields: Option<Vec<&'static str>>,
    downstream_task_ids: Option<Vec<String>>,
    doc_md: Option<String>,
    operator_name: Option<&'static str>,
    #[schema(value_type = Option<Object>)]
    params: Option<Map<String, Value>>,
    #[schema(value_type = Option<Object>)]
    class_ref: Option<Value>,
    is_mapped: Option<bool>,
    extra_links: Vec<String>,
    /// An extension of Updraft: the tasks it waits for.
    upstream_task_ids: Vec<String>,
    /// An extension of Updraft: the task groups it is in, outermost first.
    task_group: Vec<String>,
    /// An extension of Updraft: the executor it names.
    executor: Option<String>,
}

impl TaskResponse {
    /// A task of `dag`. `downstream`: the tasks that wait for it.
    pub fn new(dag: &Dag, task: &Task, downstream: &[&TaskId]) -> Self {
        Self {
            task_id: Some(task.task_id.to_string()),
            task_display_name: Some(task.task_id.to_string()),
            owner: Some(task.owner.clone()),
            // Tasks inherit the DAG's dates: the later start, the earlier end.
            start_date: task.start_date.into_iter().chain(dag.start_date).max(),
            end_date: task.end_date.into_iter().chain(dag.end_date).min(),
            trigger_rule: Some(task.trigger_rule.as_str()),
            depends_on_past: task.depends_on_past,
            wait_for_downstream: task.wait_for_downstream,
            retries: Some(task.retry.retries),
            queue: Some("default"),
            pool: Some(task.pool.to_string()),
            pool_slots: Some(task.pool_slots),
            execution_timeout: task.execution_timeout.map(TimeDelta::from),
            retry_delay: Some(task.retry.delay.into()),
            retry_exponential_backoff: task.retry.exponential_backoff,
            priority_weight: Some(task.priority_weight),
            weight_rule: Some(weight_rule(task.weight_rule)),
            ui_color: Some(color(&task.operator)),
            ui_fgcolor: Some("#000"),
            template_fields: Some(template_fields(&task.operator)),
            downstream_task_ids: Some(downstream.iter().map(ToString::to_string).collect()),
            doc_md: task.doc_md.clone(),
            operator_name: Some(task.operator.airflow_name()),
            params: Some(Map::new()),
            class_ref: Some(json!({ "module_path": "updraft", "class_name": task.operator.airflow_name() })),
            is_mapped: Some(false),
            extra_links: Vec::new(),
            upstream_task_ids: task.upstream.iter().map(ToString::to_string).collect(),
            task_group: task.group.clone(),
            executor: task.executor.as_ref().or(dag.executor.as_ref()).map(ToString::to_string),
        }
    }
}

fn weight_rule(rule: WeightRule) -> &'static str {
    match rule {
        WeightRule::Downstream => "downstream",
        WeightRule::Upstream => "upstream",
        WeightRule::Absolute => "absolute",
    }
}

/// A calm colour per sort of operator, for pages that draw graphs.
fn color(operator: &Operator) -> &'static str {
    match operator {
        Operator::Empty => "#e8f7e4",
        Operator::Bash { .. } | Operator::Cmd { .. } => "#f0ede4",
        Operator::Python(_) => "#ffefeb",
        Operator::Branch { .. } | Operator::ShortCircuit { .. } => "#e8f0ff",
        Operator::Http(_) => "#f4e8ff",
        Operator::TriggerDagRun(_) => "#ffefeb",
        Operator::Sensor(_) => "#e6f1f2",
    }
}

/// Airflow's names. What they became is in a task instance's `rendered_fields` (`engine/prepare.rs`).
fn template_fields(operator: &Operator) -> Vec<&'static str> {
    match operator {
        Operator::Empty => vec![],
        Operator::Bash { .. } => vec!["bash_command", "env", "cwd"],
        Operator::Cmd { .. } => vec!["cmd", "env", "cwd"],
        Operator::Python(_) => vec!["op_kwargs", "env"],
        Operator::Branch { by } | Operator::ShortCircuit { by, .. } => match by {
            Chooser::Bash(_) => vec!["bash_command", "env", "cwd"],
            Chooser::Python(_) => vec!["op_kwargs", "env"],
            Chooser::Expression(_) => vec![],
        },
        Operator::Http(_) => vec!["endpoint", "headers", "data"],
        Operator::TriggerDagRun(_) => vec!["trigger_dag_id", "trigger_run_id", "logical_date", "conf"],
        Operator::Sensor(sensor) => match sensor.condition {
            Condition::File { .. } => vec!["filepath"],
            Condition::Http(_) => vec!["endpoint", "headers", "data"],
            Condition::Time { .. } => vec!["target_time"],
            Condition::ExternalTask(_) => vec![],
        },
    }
}

/// The tasks of a DAG.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskCollectionResponse)]
#[allow(missing_docs)]
pub struct TaskCollection {
    pub tasks: Vec<TaskResponse>,
    pub total_entries: i64,
}

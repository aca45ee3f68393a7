//! `dag_run`, `dag` and `task`: views of the context.

use std::{collections::BTreeSet, sync::Arc};

use minijinja::{Value, value::Object};

use super::{Session, from_json, moment};

/// `dag_run`.
#[derive(Debug)]
pub(super) struct DagRun(pub Arc<Session>);

impl Object for DagRun {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let context = &self.0.context;
        Some(match key.as_str()? {
            "run_id" => Value::from(&context.run_id),
            "dag_id" => Value::from(&context.dag_id),
            "run_type" => Value::from(&context.run_type),
            "conf" => from_json(&context.conf),
            "logical_date" => moment(context.logical_date),
            "run_after" => moment(Some(context.run_after)),
            "start_date" => moment(context.start_date),
            "queued_at" => moment(context.queued_at),
            "data_interval_start" => moment(context.data_interval.map(|i| i.start)),
            "data_interval_end" => moment(context.data_interval.map(|i| i.end)),
            _ => return None,
        })
    }
}

/// `dag`.
#[derive(Debug)]
pub(super) struct DagObject(pub Arc<Session>);

impl Object for DagObject {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let (context, dag) = (&self.0.context, &self.0.context.dag);
        Some(match key.as_str()? {
            "dag_id" => Value::from(&context.dag_id),
            "description" => Value::from(dag.description.clone()),
            "tags" => list(&dag.tags),
            "max_active_runs" => Value::from(dag.max_active_runs),
            "max_active_tasks" => Value::from(dag.max_active_tasks),
            "catchup" => Value::from(dag.catchup),
            "start_date" => moment(dag.start_date),
            "end_date" => moment(dag.end_date),
            "timezone" => Value::from(&context.timezone),
            "owner" => Value::from(&context.owner),
            _ => return None,
        })
    }

    /// Airflow prints `<DAG: id>`.
    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<DAG: {}>", self.0.context.dag_id)
    }
}

/// `task`.
#[derive(Debug)]
pub(super) struct TaskObject(pub Arc<Session>);

impl Object for TaskObject {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let (context, task) = (&self.0.context, &self.0.context.task);
        Some(match key.as_str()? {
            "task_id" => Value::from(&context.task_id),
            "dag_id" => Value::from(&context.dag_id),
            "owner" => Value::from(&context.owner),
            "operator" | "task_type" => Value::from(&task.operator),
            "pool" => Value::from(&task.pool),
            "priority_weight" => Value::from(task.priority_weight),
            "trigger_rule" => Value::from(&task.trigger_rule),
            "retries" => Value::from(context.max_tries),
            "upstream_task_ids" => list(&task.upstream_task_ids),
            "downstream_task_ids" => list(&task.downstream_task_ids),
            _ => return None,
        })
    }

    /// Airflow prints `<Task(BashOperator): id>`.
    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<Task({}): {}>", self.0.context.task.operator, self.0.context.task_id)
    }
}

fn list(texts: &BTreeSet<String>) -> Value {
    texts.iter().map(Value::from).collect()
}

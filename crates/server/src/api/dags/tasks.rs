//! `GET /api/v2/dags/{dag_id}/tasks`

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde_json::Value;
use updraft_model::{Dag, Task, TaskId};

use crate::{
    app::App,
    error::ApiError,
    extract::{FromQuery, Path, Query, QueryReader},
    lookup,
    shape::{TaskCollection, TaskResponse},
};

/// In which order.
pub struct ListTasks {
    order_by: String,
}

impl FromQuery for ListTasks {
    fn from_query(q: &mut QueryReader) -> Self {
        Self { order_by: q.text("order_by").unwrap_or_else(|| "task_id".to_owned()) }
    }
}

/// The tasks of a DAG's latest version.
#[utoipa::path(get, path = "/api/v2/dags/{dag_id}/tasks", tag = "Task", operation_id = "get_tasks", params(Query<ListTasks>),
    responses((status = 200, body = TaskCollection)))]
pub async fn get_tasks(
    State(app): State<Arc<App>>,
    Path(dag_id): Path<String>,
    Query(list): Query<ListTasks>,
) -> Result<Json<TaskCollection>, ApiError> {
    let dag = lookup::dag(&app, &dag_id).await?.version.dag;
    let tasks = sorted(responses(&dag, |_| true), &list.order_by)?;
    let total_entries = i64::try_from(tasks.len()).unwrap_or(i64::MAX);
    Ok(Json(TaskCollection { tasks, total_entries }))
}

/// The tasks that `wanted` picks, by id.
pub fn responses(dag: &Dag, wanted: impl Fn(&Task) -> bool) -> Vec<TaskResponse> {
    let mut downstream: BTreeMap<&TaskId, Vec<&TaskId>> = BTreeMap::new();
    for task in dag.tasks.values() {
        for upstream in &task.upstream {
            downstream.entry(upstream).or_default().push(&task.task_id);
        }
    }
    let none = Vec::new();
    let response = |task| TaskResponse::new(dag, task, downstream.get(&task.task_id).unwrap_or(&none));
    dag.tasks.values().filter(|task| wanted(task)).map(response).collect()
}

/// Airflow sorts by any attribute of a task that can be compared.
fn sorted(tasks: Vec<TaskResponse>, order_by: &str) -> Result<Vec<TaskResponse>, ApiError> {
    let name = order_by.trim_start_matches('-');
    let unknown = || ApiError::BadRequest(format!("Ordering with '{name}' is disallowed or the attribute does not exist on the model"));
    let mut keyed = Vec::with_capacity(tasks.len());
    for task in tasks {
        let key = serde_json::to_value(&task).ok().and_then(|value| value.get(name).cloned()).ok_or_else(unknown)?;
        keyed.push((key, task));
    }
    keyed.sort_by(|(a, _), (b, _)| compare(a, b));
    if order_by.starts_with('-') {
        keyed.reverse();
    }
    Ok(keyed.into_iter().map(|(_, task)| task).collect())
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

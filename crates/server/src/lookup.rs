//! Finds what paths name, or answers 404 in Airflow's words. A text that can't be an id names
//! nothing, so it is not found rather than invalid.

use updraft_model::{MapIndex, RunRow, TaskId, TaskInstanceKey};
use updraft_store::{Cursor, DagView, Page, TaskInstanceFilter, TaskInstanceView};

use crate::{app::App, error::ApiError};

/// Stands for all in the places where Airflow allows it.
pub const ALL: &str = "~";

/// The DAG of that name, stale or not.
pub async fn dag(app: &App, dag_id: &str) -> Result<DagView, ApiError> {
    let found = match dag_id.parse() {
        Ok(id) => app.reader.dag(&id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| ApiError::not_found(format!("The DAG with dag_id: `{dag_id}` was not found")))
}

/// The run of that name.
pub async fn run(app: &App, dag_id: &str, run_id: &str) -> Result<RunRow, ApiError> {
    let found = match (dag_id.parse(), run_id.parse()) {
        (Ok(dag), Ok(run)) => app.reader.run(&dag, &run).await?,
        _ => None,
    };
    found.ok_or_else(|| ApiError::not_found(format!("The DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found")))
}

/// The names in a task instance's path.
#[derive(Debug, Clone, Copy)]
pub struct TaskInstancePath<'a> {
    pub dag_id: &'a str,
    pub run_id: &'a str,
    pub task_id: &'a str,
    /// The copy; the one of a task that is not mapped if absent.
    pub map_index: Option<i32>,
}

impl TaskInstancePath<'_> {
    fn not_found(&self) -> ApiError {
        let Self { dag_id, run_id, task_id, map_index } = self;
        let names = format!("dag_id: `{dag_id}`, run_id: `{run_id}`");
        ApiError::not_found(match map_index {
            None => format!("The Task Instance with {names} and task_id: `{task_id}` was not found"),
            Some(index) => format!("The Task Instance with {names}, task_id: `{task_id}` and map_index: `{index}` was not found"),
        })
    }

    /// The task instance there.
    pub async fn find(&self, app: &App) -> Result<TaskInstanceView, ApiError> {
        let run = run(app, self.dag_id, self.run_id).await.map_err(|error| match error {
            ApiError::NotFound(_) => self.not_found(),
            other => other,
        })?;
        let task_id: TaskId = self.task_id.parse().map_err(|_| self.not_found())?;
        let map_index = self.map_index.map_or(MapIndex::UNMAPPED, MapIndex);
        let key = TaskInstanceKey { run: run.key, task_id: task_id.clone(), map_index };
        match app.reader.task_instance(&key).await? {
            Some(view) => Ok(view),
            None if self.map_index.is_none() && is_mapped(app, &run, task_id).await? => {
                Err(ApiError::not_found("Task instance is mapped, add the map_index value to the URL"))
            }
            None => Err(self.not_found()),
        }
    }
}

async fn is_mapped(app: &App, run: &RunRow, task_id: TaskId) -> Result<bool, ApiError> {
    let filter = TaskInstanceFilter {
        dag_ids: Some(vec![run.dag_id.clone()]),
        run_ids: Some(vec![run.run_id.clone()]),
        task_ids: Some(vec![task_id]),
        ..TaskInstanceFilter::default()
    };
    let one = Page { limit: 1, cursor: Some(Cursor::First), ..Page::default() };
    Ok(!app.reader.task_instances(filter, one).await?.items.is_empty())
}

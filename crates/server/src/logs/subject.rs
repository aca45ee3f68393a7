//! Whose log it is, whether more will be written to it, and why there is none.

use updraft_model::{AttemptLabels, TaskInstanceKey};
use updraft_store::TaskInstanceView;

use super::{Line, LogFile};
use crate::{app::App, error::ApiError, lookup::TaskInstancePath, shape::is_try_over};

/// One try, as far as its log is concerned.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its file.
    pub file: LogFile,
    /// Whether nothing more is written to it.
    pub is_over: bool,
    /// Whose.
    pub key: TaskInstanceKey,
    try_number: u32,
    missing: String,
}

impl Subject {
    /// The try of that number; 404 if there is none (yet).
    pub async fn find(app: &App, path: TaskInstancePath<'_>, try_number: u32) -> Result<Self, ApiError> {
        let view = path.find(app).await?;
        if try_number == 0 || try_number > view.row.try_number {
            let TaskInstancePath { dag_id, run_id, task_id, .. } = path;
            let names = format!("dag_id: `{dag_id}`, run_id: `{run_id}` and task_id: `{task_id}`");
            return Err(ApiError::not_found(format!("The Task Instance with {names} has no try {try_number}")));
        }
        Ok(Self::new(app, &view, try_number))
    }

    fn new(app: &App, view: &TaskInstanceView, try_number: u32) -> Self {
        let row = &view.row;
        let labels = AttemptLabels { try_number, ..row.labels() };
        let is_over = is_over(view, try_number);
        Self {
            file: LogFile::new(&app.config.logs_dir, &labels),
            is_over,
            key: row.key(),
            try_number,
            missing: why_missing(app, view, is_over),
        }
    }

    /// Whether it is over by now; a task instance that is gone is.
    pub async fn is_over_now(&self, app: &App) -> Result<bool, ApiError> {
        Ok(app.reader.task_instance(&self.key).await?.is_none_or(|view| is_over(&view, self.try_number)))
    }

    /// A line to show where there is no file.
    pub fn missing(&self) -> Line {
        Line::bare(self.missing.clone())
    }
}

fn is_over(view: &TaskInstanceView, try_number: u32) -> bool {
    view.row.try_number > try_number || is_try_over(view.row.state)
}

fn why_missing(app: &App, view: &TaskInstanceView, is_over: bool) -> String {
    match (&view.row.node, &app.config.node) {
        (Some(node), here) if here.as_ref() != Some(node) => format!("The log is on node {node}, which is not the one that answers"),
        _ if is_over => "There is no log: the try ended without writing one, or the log was deleted".to_owned(),
        _ => "There is no log yet: the try has not started".to_owned(),
    }
}

//! Rows to answers, with what must be read beside them: versions and reasons.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use updraft_model::{RunKey, RunRow, TaskInstanceKey, TaskInstanceRow};
use updraft_store::{Cursor, DagView, ImportErrorFilter, Page, TaskInstanceFilter, TaskInstanceView};

use crate::{
    app::App,
    error::ApiError,
    shape::{DagResponse, DagRunResponse, TaskInstanceHistory, TaskInstanceResponse, WaitingView},
    waiting,
};

/// Import errors looked at to mark DAGs; there is at most one per file.
const MAX_IMPORT_ERRORS: u32 = 10_000;
/// Task instances read at once where an answer names many.
const CHUNK: u32 = 1_000;

/// The files that have an import error.
pub async fn files_with_errors(app: &App) -> Result<HashSet<String>, ApiError> {
    let page = Page { limit: MAX_IMPORT_ERRORS, ..Page::default() };
    Ok(app.reader.import_errors(ImportErrorFilter::default(), page).await?.items.into_iter().map(|(_, row)| row.file).collect())
}

/// DAGs.
pub async fn dags(app: &App, views: &[DagView]) -> Result<Vec<DagResponse>, ApiError> {
    if views.is_empty() {
        return Ok(Vec::new());
    }
    let broken = files_with_errors(app).await?;
    Ok(views.iter().map(|view| DagResponse::new(view, broken.contains(&view.row.file))).collect())
}

/// Runs.
pub async fn runs(app: &App, rows: &[RunRow]) -> Result<Vec<DagRunResponse>, ApiError> {
    let reasons = waiting::runs(app, rows).await?;
    let mut responses = Vec::with_capacity(rows.len());
    for (row, reason) in rows.iter().zip(reasons) {
        let version = app.version(row.version).await?;
        responses.push(DagRunResponse::new(row, &version, reason.map(WaitingView::from)));
    }
    Ok(responses)
}

/// One run.
pub async fn run(app: &App, row: &RunRow) -> Result<DagRunResponse, ApiError> {
    let only = runs(app, std::slice::from_ref(row)).await?.pop();
    only.ok_or_else(|| ApiError::Internal("a run was not rendered".into()))
}

/// Task instances.
pub async fn task_instances(app: &App, views: &[TaskInstanceView]) -> Result<Vec<TaskInstanceResponse>, ApiError> {
    let waiting_for = waiting::task_instances(app, views).await?;
    let reasons = waiting::reasons(app, views).await?;
    let mut responses = Vec::with_capacity(views.len());
    for (view, (waiting_for, reason)) in views.iter().zip(waiting_for.into_iter().zip(reasons)) {
        let version = app.version(view.row.version).await?;
        responses.push(TaskInstanceResponse::new(view, &version, waiting_for, reason));
    }
    Ok(responses)
}

/// One task instance, with what its templates became.
pub async fn task_instance(app: &App, view: &TaskInstanceView) -> Result<TaskInstanceResponse, ApiError> {
    let only = task_instances(app, std::slice::from_ref(view)).await?.pop();
    let mut only = only.ok_or_else(|| ApiError::Internal("a task instance was not rendered".into()))?;
    if let Some(attempt) = view.row.attempt {
        let log = updraft_logs::log_file(&app.config.logs_dir, &view.row.labels());
        let segments = tokio::task::spawn_blocking(move || updraft_logs::read_segments(&log)).await;
        // All the rest is true without them. The last one is the newest; an attempt may have been started again.
        match segments.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(segments) => {
                let own = segments.into_iter().rev().find(|segment| segment.attempt == attempt);
                only.rendered_fields = own.map(|segment| segment.rendered_fields).unwrap_or_default();
            }
            Err(error) => tracing::warn!(%attempt, %error, "what an attempt's templates became can't be read"),
        }
    }
    Ok(only)
}

/// Tries.
pub async fn tries(app: &App, rows: &[TaskInstanceRow]) -> Result<Vec<TaskInstanceHistory>, ApiError> {
    let mut responses = Vec::with_capacity(rows.len());
    for row in rows {
        let version = app.version(row.version).await?;
        responses.push(TaskInstanceHistory::new(row, &version));
    }
    Ok(responses)
}

/// The task instances an answer of the scheduler names, run by run.
pub async fn views_of(app: &App, keys: &[TaskInstanceKey]) -> Result<Vec<TaskInstanceView>, ApiError> {
    let mut by_run: BTreeMap<RunKey, BTreeSet<_>> = BTreeMap::new();
    for key in keys {
        by_run.entry(key.run).or_default().insert((key.task_id.clone(), key.map_index));
    }
    let mut views = Vec::with_capacity(keys.len());
    for (key, wanted) in by_run {
        let Some(run) = app.reader.run_by_key(key).await? else { continue };
        let tasks: BTreeSet<_> = wanted.iter().map(|(task, _)| task.clone()).collect();
        let filter = TaskInstanceFilter {
            dag_ids: Some(vec![run.dag_id]),
            run_ids: Some(vec![run.run_id]),
            task_ids: Some(tasks.into_iter().collect()),
            ..TaskInstanceFilter::default()
        };
        let mut next = Some(Cursor::First);
        while next.is_some() {
            let page = Page { limit: CHUNK, cursor: next, ..Page::default() };
            let found = app.reader.task_instances(filter.clone(), page).await?;
            views.extend(found.items.into_iter().filter(|view| wanted.contains(&(view.row.task_id.clone(), view.row.map_index))));
            next = found.next;
        }
    }
    Ok(views)
}

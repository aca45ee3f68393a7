//! The one value that a text column can't hold on every database: the character NUL.

use updraft_model::{AttemptRow, Batch, ImportErrorRow, PoolRow, RunRow, TaskInstanceRow, Upsert};

use crate::CommitError;

/// [`CommitError::Poisoned`] if a plain text of `batch` holds a NUL character. PostgreSQL refuses it
/// and SQLite cuts the text there, so all stores ask here first, and say which row it is. (Ids can't
/// hold one, and JSON writes it as an escape.)
pub fn check_text(batch: &Batch) -> Result<(), CommitError> {
    let Batch {
        versions, import_errors, pools, new_runs, runs, new_task_instances, task_instances, archived_tries, attempts, xcoms, ..
    } = batch;
    for new in versions {
        check([new.source.as_stored()], || format!("the source of DAG {}", new.version.dag.dag_id))?;
    }
    for error in import_errors {
        if let Upsert::Set(ImportErrorRow { file, stack_trace, .. }) = error {
            check([file, stack_trace], || format!("the import error of {file:?}"))?;
        }
    }
    for pool in pools {
        if let Upsert::Set(PoolRow { name, description, .. }) = pool {
            check(description, || format!("pool {name}"))?;
        }
    }
    for run in new_runs.iter().chain(runs.iter().map(|update| &update.row)) {
        let RunRow { dag_id, run_id, triggering_user, note, end_reason, .. } = run;
        check([triggering_user, note, end_reason].into_iter().flatten(), || format!("run {run_id} of DAG {dag_id}"))?;
    }
    for row in new_task_instances.iter().chain(task_instances.iter().map(|update| &update.row)).chain(archived_tries) {
        let TaskInstanceRow { run, task_id, operator, reason, note, .. } = row;
        check([reason, note].into_iter().flatten().map(String::as_str).chain([&**operator]), || {
            format!("task instance {task_id} of run {run}")
        })?;
    }
    for AttemptRow { id, key, outcome, waiting, .. } in attempts {
        check([outcome, waiting].into_iter().flatten(), || format!("attempt {id} of task {} of run {}", key.task_id, key.run))?;
    }
    for xcom in xcoms {
        check([&xcom.key], || format!("an XCom's key of task {} of run {}", xcom.owner.task_id, xcom.owner.run))?;
    }
    Ok(())
}

fn check<'a, T: AsRef<str> + ?Sized + 'a>(
    texts: impl IntoIterator<Item = &'a T>,
    whose: impl FnOnce() -> String,
) -> Result<(), CommitError> {
    match texts.into_iter().any(|text| text.as_ref().contains('\0')) {
        true => Err(CommitError::Poisoned(format!("a text of {} contains a NUL character", whose()))),
        false => Ok(()),
    }
}

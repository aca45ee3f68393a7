//! A scheduler without judgement: it does what is asked, so that the API's side can be tested.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use updraft_model::{
    Answer, AnsweredRequest, Batch, PendingRequest, RejectionKind, Request, RunId, RunKey, RunState, Selection, TaskInstanceKey, TaskState,
    Term, Update, Upsert,
};
use updraft_store::{EngineStore, Page, Reader, TaskInstanceFilter};
use updraft_store_sqlite::SqliteStore;

use crate::fixture;

/// Starts it; it ends with the test's runtime.
pub fn start(store: Arc<SqliteStore>, term: Term) {
    tokio::spawn(async move {
        let mut hints = store.hints();
        loop {
            for pending in store.pending_requests(10).await.unwrap() {
                let batch = handle(&store, pending).await;
                store.commit(term, Arc::new(batch)).await.unwrap();
            }
            let _ = tokio::time::timeout(Duration::from_millis(50), hints.next()).await;
        }
    });
}

async fn handle(store: &SqliteStore, pending: PendingRequest) -> Batch {
    let mut batch = Batch::default();
    let answer = carry_out(store, pending.request, &mut batch).await;
    batch.answers.push(AnsweredRequest { id: pending.id, answer });
    batch
}

async fn carry_out(store: &SqliteStore, request: Request, batch: &mut Batch) -> Answer {
    match request {
        Request::TriggerRun(trigger) => {
            let run_id = trigger.run_id.unwrap_or_else(|| RunId::new("manual__new").unwrap());
            if store.run(&trigger.dag_id, &run_id).await.unwrap().is_some() {
                return Answer::rejected(RejectionKind::Conflict, format!("run {run_id} exists already"));
            }
            let latest = store.dag(&trigger.dag_id).await.unwrap().unwrap().row.latest;
            let mut run = fixture::run(100, trigger.dag_id.as_str(), run_id.as_str(), latest, RunState::Queued);
            run.conf = trigger.conf;
            run.logical_date = trigger.logical_date;
            run.data_interval = trigger.data_interval.or(trigger.logical_date.map(|at| updraft_model::DataInterval { start: at, end: at }));
            run.note = trigger.note;
            run.triggered_by = trigger.triggered_by;
            batch.new_runs.push(run);
            Answer::Run { run: RunKey(100) }
        }
        Request::SetPaused { dag_id, is_paused } => {
            let row = store.dag(&dag_id).await.unwrap().unwrap().row;
            batch.dags.push(updraft_model::DagRow { is_paused, ..row });
            Answer::Done
        }
        Request::DeleteDag { dag_id } => {
            batch.deleted_dags.push(dag_id);
            Answer::Done
        }
        Request::SetRunState { dag_id, run_id, state } => {
            let row = store.run(&dag_id, &run_id).await.unwrap().unwrap();
            let run = row.key;
            batch.runs.push(Update { from: row.state, row: updraft_model::RunRow { state, ..row } });
            Answer::Run { run }
        }
        Request::DeleteRun { dag_id, run_id } => {
            batch.deleted_runs.push(store.run(&dag_id, &run_id).await.unwrap().unwrap().key);
            Answer::Done
        }
        Request::Clear(clear) => set_state(store, clear.selection, TaskState::NoStatus, batch).await,
        Request::SetTaskState(set) => set_state(store, set.selection, set.state, batch).await,
        Request::SetPool(row) => {
            batch.pools.push(Upsert::Set(row));
            Answer::Done
        }
        Request::DeletePool { name } => {
            batch.pools.push(Upsert::Delete(name));
            Answer::Done
        }
        other => Answer::rejected(RejectionKind::Invalid, format!("not in these tests: {other:?}")),
    }
}

async fn set_state(store: &SqliteStore, selection: Selection, state: TaskState, batch: &mut Batch) -> Answer {
    let filter = TaskInstanceFilter {
        dag_ids: Some(vec![selection.dag_id]),
        run_ids: Some(vec![selection.run_id]),
        ..TaskInstanceFilter::default()
    };
    let all = store.task_instances(filter, Page { limit: 100, ..Page::default() }).await.unwrap().items;
    let wanted = |id| selection.tasks.is_empty() || selection.tasks.iter().any(|(task, _)| *task == id);
    let chosen: Vec<_> = all.into_iter().map(|view| view.row).filter(|row| wanted(row.task_id.clone())).collect();
    let keys: Vec<TaskInstanceKey> = chosen.iter().map(|row| row.key()).collect();
    if !selection.dry_run {
        let changed = chosen.into_iter().map(|row| Update { from: row.state, row: updraft_model::TaskInstanceRow { state, ..row } });
        batch.task_instances.extend(changed);
    }
    Answer::TaskInstances { keys }
}

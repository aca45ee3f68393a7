//! The tables, and how a batch is written to them: in the order of its fields, each step checked.

use updraft_model::{
    Answer, AnsweredRequest, AttemptId, AttemptRow, Batch, DagId, DagRow, FeedChange, ImportErrorRow, MapIndex, NewVersion, PendingRequest,
    PoolName, PoolRow, RequestId, RunId, RunKey, RunRow, RunState, TaskId, TaskInstanceId, TaskInstanceKey, TaskInstanceRow, TaskState,
    Term, Timestamp, Update, Upsert, VersionId, XComRow,
};

use super::table::Table;
use crate::CommitError;

/// Part of a run. `None` sorts before all parts and is never stored: it is where the run begins.
pub(super) type InRun<K> = (RunKey, Option<K>);
/// The key of a task instance inside its run.
pub(super) type Instance = (TaskId, MapIndex);

/// A request with what became of it.
#[derive(Debug, Clone)]
pub(super) struct Inboxed {
    pub(super) pending: PendingRequest,
    pub(super) submitted_at: Timestamp,
    pub(super) answer: Option<Answer>,
    pub(super) withdrawn: bool,
    /// Its effects are written in part.
    pub(super) taken: bool,
}

impl Inboxed {
    pub(super) fn is_pending(&self) -> bool {
        self.answer.is_none() && !self.withdrawn
    }
}

/// A row of the feed.
#[derive(Debug, Clone)]
pub(super) struct FeedRow {
    pub(super) term: Term,
    pub(super) at: Timestamp,
    pub(super) changes: Vec<FeedChange>,
}

/// All that a commit can change.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) dags: Table<DagId, DagRow>,
    pub(super) versions: Table<VersionId, NewVersion>,
    pub(super) import_errors: Table<String, ImportErrorRow>,
    pub(super) pools: Table<PoolName, PoolRow>,
    pub(super) runs: Table<RunKey, RunRow>,
    /// Unique: a run's name.
    pub(super) run_ids: Table<(DagId, RunId), RunKey>,
    /// Unique: a run's logical date.
    pub(super) logical_dates: Table<(DagId, Timestamp), RunKey>,
    pub(super) task_instances: Table<InRun<Instance>, TaskInstanceRow>,
    /// Unique: a task instance's UUID.
    pub(super) task_instance_ids: Table<TaskInstanceId, TaskInstanceKey>,
    pub(super) tries: Table<InRun<(TaskId, MapIndex, u32)>, TaskInstanceRow>,
    pub(super) attempts: Table<AttemptId, AttemptRow>,
    pub(super) xcoms: Table<InRun<(TaskId, MapIndex, String)>, XComRow>,
    pub(super) requests: Table<RequestId, Inboxed>,
    pub(super) feed: Table<i64, FeedRow>,
    /// The highest key that a deleted run had, or a later one.
    pub(super) last_run: Table<(), RunKey>,
}

/// Does the same to every table: a new one can't be forgotten, since the pattern names them all.
macro_rules! each_table {
    ($tables:expr, $method:ident) => {{
        let Tables {
            dags,
            versions,
            import_errors,
            pools,
            runs,
            run_ids,
            logical_dates,
            task_instances,
            task_instance_ids,
            tries,
            attempts,
            xcoms,
            requests,
            feed,
            last_run,
        } = $tables;
        each_table!(@call $method dags versions import_errors pools runs run_ids logical_dates task_instances
            task_instance_ids tries attempts xcoms requests feed last_run);
    }};
    (@call $method:ident $($table:ident)*) => { $($table.$method();)* };
}

impl Tables {
    /// Makes all changes since the last call final.
    pub(super) fn keep(&mut self) {
        each_table!(self, keep);
    }

    /// Takes all changes since [`Tables::keep`] back.
    pub(super) fn undo(&mut self) {
        each_table!(self, undo);
    }

    /// Writes `batch`. After an error the tables are to be [undone](Tables::undo).
    pub(super) fn write(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let Batch {
            deleted_runs,
            deleted_dags,
            last_run,
            versions,
            dags,
            import_errors,
            pools,
            new_runs,
            runs,
            new_task_instances,
            task_instances,
            archived_tries,
            attempts,
            deleted_xcoms,
            xcoms,
            answers,
            taken_requests,
        } = batch;
        deleted_runs.iter().for_each(|run| self.delete_run(*run));
        deleted_dags.iter().for_each(|dag| self.delete_dag(dag));
        last_run.iter().for_each(|run| self.last_run.set((), *run));
        for new in versions {
            // A version never changes once stored.
            if !self.versions.contains(&new.version.id) {
                self.versions.set(new.version.id, new.clone());
            }
        }
        dags.iter().for_each(|dag| self.dags.set(dag.dag_id.clone(), dag.clone()));
        for change in import_errors {
            match change {
                Upsert::Set(row) => self.import_errors.set(row.file.clone(), row.clone()),
                Upsert::Delete(file) => self.import_errors.remove(file),
            }
        }
        for change in pools {
            match change {
                Upsert::Set(row) => self.pools.set(row.name.clone(), row.clone()),
                Upsert::Delete(name) => self.pools.remove(name),
            }
        }
        self.insert_runs(new_runs)?;
        runs.iter().try_for_each(|update| self.update_run(update))?;
        new_task_instances.iter().try_for_each(|row| self.insert_task_instance(row))?;
        task_instances.iter().try_for_each(|update| self.update_task_instance(update))?;
        for row in archived_tries {
            let key = (row.run, Some((row.task_id.clone(), row.map_index, row.try_number)));
            self.tries.set(key, self.named(row)?);
        }
        for row in attempts {
            self.demand_run(row.key.run)?;
            self.attempts.set(row.id, row.clone());
        }
        deleted_xcoms.iter().for_each(|key| self.delete_xcoms(key));
        for row in xcoms {
            let TaskInstanceKey { run, task_id, map_index } = &row.owner;
            self.demand_run(*run)?;
            self.xcoms.set((*run, Some((task_id.clone(), *map_index, row.key.clone()))), row.clone());
        }
        answers.iter().try_for_each(|answered| self.answer(answered))?;
        taken_requests.iter().try_for_each(|id| self.take(*id))
    }

    pub(super) fn delete_run(&mut self, run: RunKey) {
        let Some(row) = self.runs.get(&run).cloned() else { return };
        self.runs.remove(&run);
        self.run_ids.remove(&(row.dag_id.clone(), row.run_id));
        if let Some(date) = row.logical_date {
            self.logical_dates.remove(&(row.dag_id, date));
        }
        let instances: Vec<_> = of_run(&self.task_instances, run).map(|(key, row)| (key.clone(), row.id)).collect();
        for (key, id) in instances {
            self.task_instances.remove(&key);
            self.task_instance_ids.remove(&id);
        }
        let tries: Vec<_> = of_run(&self.tries, run).map(|(key, _)| key.clone()).collect();
        tries.iter().for_each(|key| self.tries.remove(key));
        let xcoms: Vec<_> = of_run(&self.xcoms, run).map(|(key, _)| key.clone()).collect();
        xcoms.iter().for_each(|key| self.xcoms.remove(key));
        self.attempts.remove_where(|_, row| row.key.run == run);
    }

    fn delete_dag(&mut self, dag_id: &DagId) {
        let runs: Vec<RunKey> = self.runs.values().filter(|run| run.dag_id == *dag_id).map(|run| run.key).collect();
        runs.into_iter().for_each(|run| self.delete_run(run));
        self.versions.remove_where(|_, new| new.version.dag.dag_id == *dag_id);
        self.dags.remove(dag_id);
    }

    fn insert_runs(&mut self, rows: &[RunRow]) -> Result<(), CommitError> {
        let mut refused = Vec::new();
        for row in rows {
            let name = (row.dag_id.clone(), row.run_id.clone());
            let date = row.logical_date.map(|date| (row.dag_id.clone(), date));
            let taken = self.runs.contains(&row.key)
                || self.run_ids.contains(&name)
                || date.as_ref().is_some_and(|date| self.logical_dates.contains(date));
            if taken {
                refused.push(row.key);
                continue;
            }
            self.runs.set(row.key, row.clone());
            self.run_ids.set(name, row.key);
            if let Some(date) = date {
                self.logical_dates.set(date, row.key);
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(CommitError::Refused { runs: refused }) }
    }

    fn update_run(&mut self, update: &Update<RunState, RunRow>) -> Result<(), CommitError> {
        let row = &update.row;
        let old = self.runs.get(&row.key).filter(|old| old.state == update.from);
        let old = old.ok_or_else(|| stale_run(row, update.from, self.runs.get(&row.key).map(|old| old.state)))?;
        let RunRow { dag_id, run_id, logical_date, note, .. } = old.clone();
        let row = RunRow { dag_id, run_id, logical_date, note, ..row.clone() };
        self.runs.set(row.key, row);
        Ok(())
    }

    fn insert_task_instance(&mut self, row: &TaskInstanceRow) -> Result<(), CommitError> {
        let named = self.named(row)?;
        let key = (row.run, Some((row.task_id.clone(), row.map_index)));
        if self.task_instances.contains(&key) || self.task_instance_ids.contains(&row.id) {
            return Err(CommitError::Stale(format!("task instance {} of run {} exists already", row.task_id, row.run)));
        }
        self.task_instance_ids.set(row.id, row.key());
        self.task_instances.set(key, named);
        Ok(())
    }

    fn update_task_instance(&mut self, update: &Update<TaskState, TaskInstanceRow>) -> Result<(), CommitError> {
        let row = &update.row;
        let key = (row.run, Some((row.task_id.clone(), row.map_index)));
        let found = self.task_instances.get(&key);
        let old = found.filter(|old| old.state == update.from);
        let old = old.ok_or_else(|| stale_task_instance(row, update.from, found.map(|old| old.state)))?;
        let (old_id, note) = (old.id, old.note.clone());
        if old_id != row.id {
            if self.task_instance_ids.contains(&row.id) {
                return Err(CommitError::Stale(format!("task instance id {} is in use already", row.id)));
            }
            self.task_instance_ids.remove(&old_id);
            self.task_instance_ids.set(row.id, row.key());
        }
        let row = TaskInstanceRow { note, ..self.named(row)? };
        self.task_instances.set(key, row);
        Ok(())
    }

    fn delete_xcoms(&mut self, key: &TaskInstanceKey) {
        let from = (key.run, Some((key.task_id.clone(), key.map_index, String::new())));
        let own = |found: &InRun<(TaskId, MapIndex, String)>| {
            found.0 == key.run && found.1.as_ref().is_some_and(|(task, map, _)| *task == key.task_id && *map == key.map_index)
        };
        let keys: Vec<_> = self.xcoms.range(from..).map(|(found, _)| found.clone()).take_while(own).collect();
        keys.iter().for_each(|key| self.xcoms.remove(key));
    }

    fn answer(&mut self, answered: &AnsweredRequest) -> Result<(), CommitError> {
        let AnsweredRequest { id, answer } = answered;
        let done = Inboxed { answer: Some(answer.clone()), ..self.open_request(*id)? };
        self.requests.set(*id, done);
        Ok(())
    }

    fn take(&mut self, id: RequestId) -> Result<(), CommitError> {
        let taken = Inboxed { taken: true, ..self.open_request(id)? };
        self.requests.set(id, taken);
        Ok(())
    }

    fn open_request(&self, id: RequestId) -> Result<Inboxed, CommitError> {
        let open = self.requests.get(&id).filter(|inboxed| inboxed.is_pending());
        open.cloned().ok_or_else(|| CommitError::Stale(format!("request {} is answered, withdrawn or unknown", id.0)))
    }

    fn demand_run(&self, run: RunKey) -> Result<&RunRow, CommitError> {
        self.runs.get(&run).ok_or_else(|| CommitError::Stale(format!("run {run} does not exist")))
    }

    /// `row` with the names that its run has: databases do not keep them twice.
    fn named(&self, row: &TaskInstanceRow) -> Result<TaskInstanceRow, CommitError> {
        let RunRow { dag_id, run_id, .. } = self.demand_run(row.run)?;
        Ok(TaskInstanceRow { dag_id: dag_id.clone(), run_id: run_id.clone(), ..row.clone() })
    }
}

/// The rows of `table` that belong to `run`, in order.
pub(super) fn of_run<K: Ord + Clone, V>(table: &Table<InRun<K>, V>, run: RunKey) -> impl Iterator<Item = (&InRun<K>, &V)> {
    table.range((run, None)..).take_while(move |(key, _)| key.0 == run)
}

fn stale_run(row: &RunRow, from: RunState, found: Option<RunState>) -> CommitError {
    let found = found.map_or("missing", RunState::as_str);
    CommitError::Stale(format!("run {} of DAG {} should be {} but is {found}", row.run_id, row.dag_id, from.as_str()))
}

fn stale_task_instance(row: &TaskInstanceRow, from: TaskState, found: Option<TaskState>) -> CommitError {
    let found = found.map_or("missing", TaskState::as_str);
    let TaskInstanceRow { run, task_id, map_index, .. } = row;
    CommitError::Stale(format!("task instance {task_id} ({}) of run {run} should be {} but is {found}", map_index.0, from.as_str()))
}

//! One plan on its way into the store; and if the database does not take a value in it, the search
//! for that value, in which nothing is written.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use updraft_model::{Answer, Batch, DagId, RejectionKind, RunKey, TaskInstanceKey, Term};
use updraft_scheduler::{Plan, RefusedDag};

use crate::Effect;

#[derive(Debug)]
pub(crate) struct Commit {
    /// Its batch has been taken out; the rest is carried out when that is written.
    pub plan: Plan,
    /// What is to be written.
    pub batch: Arc<Batch>,
    pub retry_at: Option<Duration>,
    /// When it was first sent.
    pub sent_at: Duration,
    failures: u32,
    search: Option<Search>,
}

/// What came of the last step of the search.
pub(crate) enum Found {
    /// It goes on.
    NotYet,
    /// There is no value in it that could be to blame for these words.
    Nothing(String),
    /// What this task wrote is to blame for these words.
    TaskInstance(TaskInstanceKey, String),
    /// This new version of a DAG is.
    Dag(RefusedDag),
    /// This new run is. The batch goes on without it.
    NewRun(RunKey),
    /// Something else is, in these words. The batch goes on without it.
    Other(String),
}

impl Commit {
    pub fn new(mut plan: Plan, sent_at: Duration) -> Self {
        let batch = Arc::new(std::mem::take(&mut plan.batch));
        Self { plan, batch, retry_at: None, sent_at, failures: 0, search: None }
    }

    /// The commit, or the next probe of a search.
    pub fn effect(&self, term: Term) -> Effect {
        match &self.search {
            None => Effect::Commit { term, batch: self.batch.clone() },
            Some(search) => Effect::Probe { term, batch: Arc::new(prefix(&self.batch, &search.units[..search.middle()])) },
        }
    }

    /// How long to wait before the same is sent again: 0.1 s, doubling up to 2 s.
    pub fn backoff(&mut self) -> Duration {
        self.failures += 1;
        Duration::from_millis(100 << self.failures.min(5)).min(Duration::from_secs(2)) / 2
    }

    /// Leaves out new runs that exist already.
    pub fn refuse(&mut self, runs: &[RunKey]) {
        self.edit(|plan| plan.refuse(runs));
    }

    fn edit(&mut self, change: impl FnOnce(&mut Plan)) {
        self.plan.batch = self.batch.as_ref().clone();
        change(&mut self.plan);
        self.batch = Arc::new(std::mem::take(&mut self.plan.batch));
    }

    /// The commit, or a probe (`None`: one that found nothing to blame), was refused because of a value.
    /// `known`: who was to blame before, and has failed for it.
    pub fn refused(&mut self, error: Option<String>, known: &BTreeSet<TaskInstanceKey>) -> Found {
        let search = self.search.get_or_insert_with(|| Search::new(&self.batch));
        search.learn(error);
        if search.bad - search.good > 1 {
            return Found::NotYet;
        }
        let error = std::mem::take(&mut search.error);
        let unit = search.units.get(search.good).cloned();
        self.search = None;
        if let Some(Unit::Dag(id)) = &unit
            && let Some(new) = self.batch.versions.iter().find(|new| new.version.dag.dag_id == *id)
        {
            return Found::Dag(RefusedDag { dag_id: id.clone(), hash: new.version.hash.clone(), source: new.source.clone(), error });
        }
        match unit {
            None => Found::Nothing(error),
            // One of a run that is not there yet goes with its run.
            Some(Unit::TaskInstance(key)) if self.batch.new_runs.iter().any(|run| run.key == key.run) => self.without_run(key.run, &error),
            Some(Unit::TaskInstance(key)) if !known.contains(&key) => Found::TaskInstance(key, error),
            Some(Unit::NewRun(run)) => self.without_run(run, &error),
            Some(unit) => {
                self.edit(|plan| leave_out(plan, &unit));
                Found::Other(format!("{unit:?} is left out of a commit, since the database does not take it: {error}"))
            }
        }
    }

    fn without_run(&mut self, run: RunKey, error: &str) -> Found {
        self.edit(|plan| {
            for answered in plan.batch.answers.iter_mut().filter(|a| a.answer == Answer::Run { run }) {
                let detail = format!("the database does not take this run: {error}");
                answered.answer = Answer::rejected(RejectionKind::Invalid, detail);
            }
            plan.refuse(&[run]);
        });
        Found::NewRun(run)
    }
}

/// A search by halves: each probe tells whether the value is in the first rows, or after them.
#[derive(Debug)]
struct Search {
    units: Vec<Unit>,
    /// So many are taken.
    good: usize,
    /// So many are refused.
    bad: usize,
    /// With these words.
    error: String,
}

impl Search {
    fn new(batch: &Batch) -> Self {
        let units = units(batch);
        Self { good: 0, bad: 2 * units.len(), units, error: String::new() }
    }

    /// How many units the next probe has.
    fn middle(&self) -> usize {
        self.good + (self.bad - self.good) / 2
    }

    fn learn(&mut self, error: Option<String>) {
        // The first refusal is the commit's own, of all units.
        let asked = self.middle();
        match error {
            Some(error) => (self.bad, self.error) = (asked, error),
            None => self.good = asked,
        }
    }
}

/// What is written, or left out, together.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unit {
    /// A DAG with its version.
    Dag(DagId),
    ImportError(String),
    Pool(updraft_model::PoolName),
    NewRun(RunKey),
    /// All rows of a task instance.
    TaskInstance(TaskInstanceKey),
    Run(RunKey),
    Answer(updraft_model::RequestId),
}

/// The units of a batch in the order in which they are written. Deletions are not among them: a key
/// is all they have.
fn units(batch: &Batch) -> Vec<Unit> {
    let of_versions = batch.versions.iter().map(|new| &new.version.dag.dag_id);
    let dags: BTreeSet<DagId> = of_versions.chain(batch.dags.iter().map(|row| &row.dag_id)).cloned().collect();
    let errors = batch.import_errors.iter().map(|error| Unit::ImportError(file_of(error).to_owned()));
    let pools = batch.pools.iter().map(|pool| Unit::Pool(name_of(pool).clone()));
    (dags.into_iter().map(Unit::Dag))
        .chain(errors)
        .chain(pools)
        .chain(batch.new_runs.iter().map(|run| Unit::NewRun(run.key)))
        .chain(keys(batch).into_iter().map(Unit::TaskInstance))
        .chain(batch.runs.iter().map(|update| Unit::Run(update.row.key)))
        .chain(batch.answers.iter().map(|answered| Unit::Answer(answered.id)))
        .collect()
}

/// The part of a batch that these units are: the first ones, so that what they refer to is there.
fn prefix(batch: &Batch, units: &[Unit]) -> Batch {
    let Batch { deleted_runs, deleted_dags, last_run, .. } = batch;
    let (deleted_runs, deleted_dags) = (deleted_runs.clone(), deleted_dags.clone());
    let mut part = Batch { deleted_runs, deleted_dags, last_run: *last_run, ..Batch::default() };
    let mut wanted = BTreeSet::new();
    for unit in units {
        match unit {
            Unit::Dag(id) => {
                part.versions.extend(batch.versions.iter().filter(|new| new.version.dag.dag_id == *id).cloned());
                part.dags.extend(batch.dags.iter().filter(|row| row.dag_id == *id).cloned());
            }
            Unit::ImportError(file) => part.import_errors.extend(batch.import_errors.iter().filter(|e| file_of(e) == file).cloned()),
            Unit::Pool(name) => part.pools.extend(batch.pools.iter().filter(|p| name_of(p) == name).cloned()),
            Unit::NewRun(key) => part.new_runs.extend(batch.new_runs.iter().filter(|run| run.key == *key).cloned()),
            Unit::TaskInstance(key) => {
                wanted.insert(key);
            }
            Unit::Run(key) => part.runs.extend(batch.runs.iter().filter(|update| update.row.key == *key).cloned()),
            Unit::Answer(id) => part.answers.extend(batch.answers.iter().filter(|answered| answered.id == *id).cloned()),
        }
    }
    let keep = |key: &TaskInstanceKey| wanted.contains(key);
    Batch {
        new_task_instances: batch.new_task_instances.iter().filter(|r| keep(&r.key())).cloned().collect(),
        task_instances: batch.task_instances.iter().filter(|u| keep(&u.row.key())).cloned().collect(),
        archived_tries: batch.archived_tries.iter().filter(|r| keep(&r.key())).cloned().collect(),
        attempts: batch.attempts.iter().filter(|a| keep(&a.key)).cloned().collect(),
        deleted_xcoms: batch.deleted_xcoms.iter().filter(|k| keep(k)).cloned().collect(),
        xcoms: batch.xcoms.iter().filter(|x| keep(&x.owner)).cloned().collect(),
        ..part
    }
}

fn leave_out(plan: &mut Plan, unit: &Unit) {
    let batch = &mut plan.batch;
    match unit {
        // Its version is stored already.
        Unit::Dag(id) => batch.dags.retain(|row| row.dag_id != *id),
        Unit::ImportError(file) => batch.import_errors.retain(|error| file_of(error) != file),
        Unit::Pool(name) => batch.pools.retain(|pool| name_of(pool) != name),
        Unit::Run(key) => batch.runs.retain(|update| update.row.key != *key),
        // Who asked must hear something, or would ask for ever.
        Unit::Answer(id) => {
            let unspeakable = Answer::rejected(RejectionKind::Invalid, "the database does not take the answer to this request");
            batch.answers.retain(|answered| answered.id != *id || answered.answer != unspeakable);
            for answered in batch.answers.iter_mut().filter(|answered| answered.id == *id) {
                answered.answer = unspeakable.clone();
            }
        }
        // It has failed for that already, and is refused all the same.
        Unit::TaskInstance(key) => {
            batch.new_task_instances.retain(|row| row.key() != *key);
            batch.task_instances.retain(|update| update.row.key() != *key);
            batch.archived_tries.retain(|row| row.key() != *key);
            batch.attempts.retain(|row| row.key != *key);
            batch.deleted_xcoms.retain(|owner| owner != key);
            batch.xcoms.retain(|row| row.owner != *key);
            plan.launches.retain(|launch| launch.key != *key);
        }
        // That is told to the scheduler.
        Unit::NewRun(_) => {}
    }
}

fn file_of(error: &updraft_model::Upsert<updraft_model::ImportErrorRow, String>) -> &str {
    match error {
        updraft_model::Upsert::Set(row) => &row.file,
        updraft_model::Upsert::Delete(file) => file,
    }
}

fn name_of(pool: &updraft_model::Upsert<updraft_model::PoolRow, updraft_model::PoolName>) -> &updraft_model::PoolName {
    match pool {
        updraft_model::Upsert::Set(row) => &row.name,
        updraft_model::Upsert::Delete(name) => name,
    }
}

/// The task instances a batch is about.
fn keys(batch: &Batch) -> BTreeSet<TaskInstanceKey> {
    let Batch { new_task_instances, task_instances, archived_tries, attempts, deleted_xcoms, xcoms, .. } = batch;
    let rows = new_task_instances.iter().chain(task_instances.iter().map(|u| &u.row)).chain(archived_tries);
    let mut keys: BTreeSet<TaskInstanceKey> = rows.map(|row| row.key()).collect();
    keys.extend(attempts.iter().map(|a| a.key.clone()));
    keys.extend(deleted_xcoms.iter().cloned());
    keys.extend(xcoms.iter().map(|x| x.owner.clone()));
    keys
}

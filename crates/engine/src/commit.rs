//! One plan on its way into the store: as one batch, or, if the database does not take a value in
//! it, in parts, until the part that is to blame is found.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use updraft_model::{Batch, RunKey, TaskInstanceKey, Term};
use updraft_scheduler::{Input, Plan};

use crate::Effect;

#[derive(Debug)]
pub(crate) struct Commit {
    /// Its batch has been taken out; the rest is carried out when all parts are written.
    pub plan: Plan,
    /// The part that is under way.
    pub sent: Arc<Batch>,
    rest: VecDeque<Batch>,
    pub retry_at: Option<Duration>,
    failures: u32,
    dropped: Option<String>,
}

impl Commit {
    pub fn new(mut plan: Plan) -> Self {
        let sent = Arc::new(std::mem::take(&mut plan.batch));
        Self { plan, sent, rest: VecDeque::new(), retry_at: None, failures: 0, dropped: None }
    }

    pub fn effect(&self, term: Term) -> Effect {
        Effect::Commit { term, batch: self.sent.clone() }
    }

    /// Takes the next part that is not empty. `false`: all is written.
    pub fn next_part(&mut self) -> bool {
        while let Some(part) = self.rest.pop_front() {
            if !part.is_empty() {
                self.sent = Arc::new(part);
                return true;
            }
        }
        false
    }

    /// How long to wait before the same part is sent again: 0.1 s, doubling up to 2 s.
    pub fn backoff(&mut self) -> Duration {
        self.failures += 1;
        Duration::from_millis(100 << self.failures.min(5)).min(Duration::from_secs(2)) / 2
    }

    /// Leaves out new runs that exist already.
    pub fn refuse(&mut self, runs: &[RunKey]) {
        self.plan.batch = self.sent.as_ref().clone();
        self.plan.refuse(runs);
        self.sent = Arc::new(std::mem::take(&mut self.plan.batch));
        for part in &mut self.rest {
            self.plan.batch = std::mem::take(part);
            self.plan.refuse(runs);
            *part = std::mem::take(&mut self.plan.batch);
        }
    }

    /// The part under way can't be written. It is split in two; one that can't be split is left out:
    /// a task instance, which the scheduler hears of, or something that is only reported.
    pub fn split(&mut self, error: &str) -> Option<Input> {
        let part = self.sent.as_ref().clone();
        self.sent = Arc::new(Batch::default());
        if let Some((first, second)) = halves(&part) {
            self.rest.push_front(second);
            self.sent = Arc::new(first);
            return None;
        }
        let key = keys(&part).into_iter().next();
        let Some(key) = key else {
            self.dropped = Some(format!("left out of a commit, since the database refused it ({error}): {part:?}"));
            return None;
        };
        self.plan.launches.retain(|launch| launch.key != key);
        let stored = part.task_instances.iter().find(|u| u.row.key() == key).map(|u| u.from);
        Some(Input::Poisoned { key, stored, error: error.to_owned() })
    }

    pub fn take_dropped(&mut self) -> Option<String> {
        self.dropped.take()
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

/// Two batches that, one after the other, are the same as this one; the order of writing is kept:
/// what instances belong to, then instances, then what follows from them.
fn halves(batch: &Batch) -> Option<(Batch, Batch)> {
    let mut head = Batch {
        new_task_instances: Vec::new(),
        task_instances: Vec::new(),
        archived_tries: Vec::new(),
        attempts: Vec::new(),
        deleted_xcoms: Vec::new(),
        xcoms: Vec::new(),
        runs: Vec::new(),
        answers: Vec::new(),
        ..batch.clone()
    };
    let tail = Batch { runs: batch.runs.clone(), answers: batch.answers.clone(), ..Batch::default() };
    let keys: Vec<TaskInstanceKey> = keys(batch).into_iter().collect();
    let middle = only(batch, |_| true);
    match (head.is_empty(), keys.is_empty(), tail.is_empty()) {
        (false, true, true) if head.new_runs.len() > 1 => {
            let second = head.new_runs.split_off(head.new_runs.len() / 2);
            Some((head, Batch { new_runs: second, ..Batch::default() }))
        }
        (false, true, true) | (true, true, _) => None,
        (false, _, _) => Some((head, Batch { runs: tail.runs, answers: tail.answers, ..middle })),
        (true, false, false) => Some((middle, tail)),
        (true, false, true) if keys.len() < 2 => None,
        (true, false, true) => {
            let border = &keys[keys.len() / 2];
            Some((only(batch, |key| key < border), only(batch, |key| key >= border)))
        }
    }
}

/// The part of a batch that is about these task instances.
fn only(batch: &Batch, keep: impl Fn(&TaskInstanceKey) -> bool) -> Batch {
    Batch {
        new_task_instances: batch.new_task_instances.iter().filter(|r| keep(&r.key())).cloned().collect(),
        task_instances: batch.task_instances.iter().filter(|u| keep(&u.row.key())).cloned().collect(),
        archived_tries: batch.archived_tries.iter().filter(|r| keep(&r.key())).cloned().collect(),
        attempts: batch.attempts.iter().filter(|a| keep(&a.key)).cloned().collect(),
        deleted_xcoms: batch.deleted_xcoms.iter().filter(|k| keep(k)).cloned().collect(),
        xcoms: batch.xcoms.iter().filter(|x| keep(&x.owner)).cloned().collect(),
        ..Batch::default()
    }
}

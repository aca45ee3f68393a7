//! What the scheduler wants done.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use updraft_model::{Answer, AttemptId, Batch, ExecutorName, KillReason, Launch, Question, RejectionKind, RunKey, Timestamp};

/// An attempt to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    /// Which.
    pub attempt: AttemptId,
    /// Where it runs.
    pub executor: ExecutorName,
    /// Why.
    pub why: KillReason,
    /// Between SIGTERM and SIGKILL.
    pub grace: SignedDuration,
}

/// Why the scheduler wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum WakeReason {
    ScheduledRun,
    RunAfter,
    RunTimeout,
    RetryOrPoke,
}

/// What is to be done: first `batch` is committed, all or none; only then the rest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// What is written.
    pub batch: Batch,
    /// What is launched.
    pub launches: Vec<Launch>,
    /// What is ended.
    pub kills: Vec<Kill>,
    /// What an executor may forget, since its end is in the store now.
    pub releases: Vec<(ExecutorName, AttemptId)>,
    /// What must be known to go on.
    pub asks: Vec<Question>,
    /// When to call again at the latest, and why.
    pub wake_at: Option<(Timestamp, WakeReason)>,
    /// There is more to do: call again with [`crate::Input::Tick`] once this is committed.
    pub more: bool,
    /// Moves that the state machines forbid: bugs, or an executor that contradicts itself. The
    /// instance in question was left as it was.
    pub problems: Vec<String>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.launches.is_empty() && self.kills.is_empty() && self.releases.is_empty() && self.asks.is_empty()
    }

    /// The plan without these new runs, which the store has refused because they exist already.
    /// Who asked for them hears so.
    pub fn refuse(&mut self, runs: &[RunKey]) {
        let runs: BTreeSet<RunKey> = runs.iter().copied().collect();
        let Batch {
            new_runs,
            runs: updates,
            new_task_instances,
            task_instances,
            archived_tries,
            attempts,
            deleted_xcoms,
            xcoms,
            answers,
            ..
        } = &mut self.batch;
        for answered in answers {
            if let Answer::Run { run } = &answered.answer
                && let Some(row) = new_runs.iter().find(|r| r.key == *run && runs.contains(run))
            {
                let date = row.logical_date.map_or(String::new(), |d| format!(" or logical date {d}"));
                let detail = format!("DagRun with dag_id \"{}\" and run_id \"{}\"{date} already exists", row.dag_id, row.run_id);
                answered.answer = Answer::rejected(RejectionKind::Conflict, detail);
            }
        }
        new_runs.retain(|r| !runs.contains(&r.key));
        updates.retain(|u| !runs.contains(&u.row.key));
        new_task_instances.retain(|t| !runs.contains(&t.run));
        task_instances.retain(|u| !runs.contains(&u.row.run));
        archived_tries.retain(|t| !runs.contains(&t.run));
        attempts.retain(|a| !runs.contains(&a.key.run));
        deleted_xcoms.retain(|k| !runs.contains(&k.run));
        xcoms.retain(|x| !runs.contains(&x.owner.run));
        self.launches.retain(|l| !runs.contains(&l.key.run));
    }
}

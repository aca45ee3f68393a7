//! What must be true after every step, and in the end.

use std::collections::{BTreeMap, BTreeSet};

use updraft_model::*;
use updraft_timetable::{Restriction, Timetable};

use crate::place::{Place, Stage};

/// What the checks remember of the story.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    started: BTreeSet<AttemptId>,
    /// Attempts that ran, by what they were of.
    alive: BTreeMap<TaskInstanceKey, AttemptId>,
    /// How each attempt really ended.
    ended: BTreeMap<AttemptId, HowEnded>,
    tries: BTreeMap<TaskInstanceKey, u32>,
}

impl Checks {
    /// The place starts an attempt's program: once, decided durably, and alone of its task instance.
    pub fn starts(&mut self, attempt: AttemptId, rows: &[AttemptRow], parallelism: usize, place: &Place) -> Result<(), String> {
        if !self.started.insert(attempt) {
            return Err(format!("attempt {attempt} starts a second time"));
        }
        let row = rows.iter().find(|r| r.id == attempt);
        let Some(row) = row else {
            // Its run was deleted while it was on its way.
            return Ok(());
        };
        if let Some(other) = self.alive.insert(row.key.clone(), attempt) {
            return Err(format!("attempt {attempt} of {:?} starts while {other} is alive", row.key));
        }
        let running = place.attempts.values().filter(|a| matches!(a.stage, Stage::Running(_))).count();
        if running > parallelism {
            return Err(format!("{running} attempts run, but only {parallelism} may"));
        }
        Ok(())
    }

    pub fn ends(&mut self, attempt: AttemptId, how: HowEnded) {
        self.alive.retain(|_, alive| *alive != attempt);
        self.ended.insert(attempt, how);
    }

    /// A commit has been made: what it wrote, against what was there before.
    pub fn committed(&mut self, batch: &Batch, instances: &[TaskInstanceRow], dags: &BTreeMap<VersionId, Dag>) -> Result<(), String> {
        for run in &batch.deleted_runs {
            self.tries.retain(|key, _| key.run != *run);
        }
        let written = batch.task_instances.iter().map(|u| &u.row).chain(&batch.new_task_instances);
        for row in written {
            let before = self.tries.insert(row.key(), row.try_number).unwrap_or(0);
            if row.try_number < before {
                return Err(format!("{:?} goes back from try {before} to {}", row.key(), row.try_number));
            }
            if row.try_number > row.max_tries + 1 && row.max_tries > 0 {
                return Err(format!("{:?} is in try {} of {}", row.key(), row.try_number, row.max_tries + 1));
            }
        }
        // What a person asked for may change upstreams in the same commit.
        if !batch.answers.is_empty() {
            return Ok(());
        }
        for update in &batch.task_instances {
            let row = &update.row;
            if update.from == TaskState::NoStatus && matches!(row.state, TaskState::Scheduled | TaskState::Queued) {
                rule_holds(row, instances, dags)?;
            }
        }
        Ok(())
    }

    /// When all is healed and quiet.
    pub fn end(&self, runs: &[RunRow], instances: &[TaskInstanceRow], attempts: &[AttemptRow], place: &Place) -> Result<(), String> {
        if let Some((id, _)) = place.alive().next() {
            return Err(format!("attempt {id} is still alive"));
        }
        if let Some(row) = attempts.iter().find(|a| a.ended_at.is_none()) {
            return Err(format!("the store does not know the end of attempt {} of {:?}", row.id, row.key));
        }
        let states: BTreeMap<RunKey, RunState> = runs.iter().map(|r| (r.key, r.state)).collect();
        for row in instances {
            if !states.contains_key(&row.run) {
                return Err(format!("{:?} has no run", row.key()));
            }
            let by_person = row.reason.as_deref() == Some("marked by a person");
            let ran = row.attempt.and_then(|a| self.ended.get(&a));
            if row.state == TaskState::Success && !by_person && ran.is_some_and(|how| *how != HowEnded::Exited { code: 0 }) {
                return Err(format!("{:?} is success, but its attempt ended as {ran:?}", row.key()));
            }
            let open = !row.state.is_finished();
            let deadlocked = runs.iter().any(|r| r.key == row.run && r.end_reason.as_deref() == Some("deadlock"));
            if open && !deadlocked {
                return Err(format!("{:?} is {} in a run that ended", row.key(), row.state.as_str()));
            }
        }
        let mut names = BTreeSet::new();
        for run in runs {
            if !names.insert((run.dag_id.clone(), run.run_id.clone())) {
                return Err(format!("two runs are {}/{}", run.dag_id, run.run_id));
            }
            if run.logical_date.is_some_and(|date| !names.insert((run.dag_id.clone(), date_name(date)))) {
                return Err(format!("two runs of {} have one logical date", run.dag_id));
            }
        }
        Ok(())
    }

    /// With catchup, every slot of the timetable has its run.
    pub fn no_slot_is_lost(&self, dag: &Dag, runs: &[RunRow], deleted: bool, now: Timestamp) -> Result<(), String> {
        if !dag.catchup || deleted {
            return Ok(());
        }
        let Ok(timetable) = Timetable::new(&dag.schedule) else { return Err("a schedule that is none".to_owned()) };
        let restriction = Restriction::of(dag);
        let mut last = None;
        while let Some(next) = timetable.next(last, &restriction, now).filter(|n| n.run_after <= now) {
            last = Some(next.data_interval);
            if !runs.iter().any(|r| r.dag_id == dag.dag_id && r.logical_date == Some(next.logical_date)) {
                return Err(format!("{} has no run for {}", dag.dag_id, next.logical_date));
            }
        }
        Ok(())
    }
}

fn date_name(date: Timestamp) -> RunId {
    // A name no run can have been given, since dates have no such prefix.
    RunId::new(format!("date~{}", date.micros())).unwrap_or_else(|_| unreachable!("digits are allowed"))
}

/// The trigger rule of an instance that was just let through, from the states in the store, by a
/// plain reading of the rules that shares nothing with the scheduler's.
fn rule_holds(row: &TaskInstanceRow, instances: &[TaskInstanceRow], dags: &BTreeMap<VersionId, Dag>) -> Result<(), String> {
    use TaskState::{Failed, Removed, Skipped, Success, UpstreamFailed};
    let Some(task) = dags.get(&row.version).and_then(|d| d.tasks.get(&row.task_id)) else { return Ok(()) };
    let state = |id: &TaskId| instances.iter().find(|i| i.run == row.run && i.task_id == *id).map(|i| i.state);
    let up: Vec<Option<TaskState>> = task.upstream.iter().map(state).collect();
    let all = |ok: &[TaskState]| up.iter().all(|s| s.is_some_and(|s| ok.contains(&s)));
    let any = |ok: &[TaskState]| up.iter().any(|s| s.is_some_and(|s| ok.contains(&s)));
    let done = up.iter().all(|s| s.is_some_and(TaskState::is_finished));
    let holds = up.is_empty()
        || match task.trigger_rule {
            TriggerRule::AllSuccess => all(&[Success, Removed]),
            TriggerRule::AllFailed => all(&[Failed, UpstreamFailed, Removed]),
            TriggerRule::AllDone | TriggerRule::AllDoneSetupSuccess => done,
            TriggerRule::AllDoneMinOneSuccess => done && any(&[Success]),
            TriggerRule::AllSkipped => all(&[Skipped, Removed]),
            TriggerRule::OneSuccess => any(&[Success]),
            TriggerRule::OneFailed => any(&[Failed, UpstreamFailed]),
            TriggerRule::OneDone => any(&[Success, Failed]),
            TriggerRule::NoneFailed => all(&[Success, Skipped, Removed]),
            TriggerRule::NoneFailedMinOneSuccess => all(&[Success, Skipped, Removed]) && any(&[Success, Removed]),
            TriggerRule::NoneSkipped => done && !any(&[Skipped]),
            TriggerRule::Always => true,
        };
    if holds { Ok(()) } else { Err(format!("{:?} may run, but {} does not hold: {up:?}", row.key(), task.trigger_rule.as_str())) }
}

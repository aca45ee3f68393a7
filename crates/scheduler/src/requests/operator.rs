//! A task triggers a run (`trigger_dag_run`): like a request, it waits until the store has said
//! whether there is such a run.

use std::collections::BTreeSet;

use serde_json::Value;
use updraft_model::{
    AttemptId, AwaitedRun, DagId, Question, RunId, RunKey, RunType, TaskEvent, Timestamp, TriggerRun, TriggeredBy, Verdict,
};

use super::{Asker, Facts, No, Wanted};
use crate::{
    create::{NewRunSpec, run_id},
    end::{IfExists, InlineEnd},
    graph::Node,
    run::Run,
    scheduler::{Cx, Scheduler},
};

/// What a task wants: a run of this id and date.
#[derive(Debug, Clone)]
pub(crate) struct PendingTrigger {
    pub attempt: AttemptId,
    trigger: TriggerRun,
    run_id: RunId,
    date: Timestamp,
    wait: bool,
    if_exists: IfExists,
}

/// The run that a task has triggered.
enum Made {
    New,
    /// It was there.
    Cleared(RunKey),
}

impl PendingTrigger {
    fn awaited(&self) -> AwaitedRun {
        AwaitedRun { dag_id: self.trigger.dag_id.clone(), run_id: self.run_id.clone() }
    }

    fn exists(&self) -> String {
        format!("run {} of DAG {} already exists", self.run_id, self.trigger.dag_id)
    }

    fn date_is_taken(&self) -> String {
        format!("a run of DAG {} with logical date {} already exists", self.trigger.dag_id, self.date)
    }
}

fn failed(error: String) -> InlineEnd {
    InlineEnd::Failed { error, retry: true }
}

impl Scheduler {
    /// A task triggers a run. Its attempt ends, or its instance is deferred, when that has been done.
    pub(crate) fn trigger_for_task(
        &mut self,
        cx: &mut Cx<'_>,
        attempt: AttemptId,
        trigger: TriggerRun,
        wait: bool,
        if_exists: IfExists,
    ) -> Result<(), InlineEnd> {
        // Heard twice: the first one is being worked on.
        let is_reset = self.resets.iter().any(|(pending, _)| pending.attempt == attempt);
        if is_reset || self.waiting.contains_key(&Asker::Trigger(attempt)) {
            return Ok(());
        }
        let Some(entry) = self.dags.get(&trigger.dag_id).filter(|d| !d.row.is_stale) else {
            return Err(failed(format!("DAG \"{}\" does not exist", trigger.dag_id)));
        };
        // Airflow: the logical date is now unless the task says otherwise, and the run is named after it,
        // like a manual one.
        let now = trigger.run_after.unwrap_or(cx.now);
        let date = trigger.logical_date.unwrap_or_else(|| self.free_date(&trigger.dag_id, entry.last_triggered, now));
        let run_id = trigger.run_id.clone().or_else(|| run_id(RunType::Manual, date));
        let run_id = run_id.ok_or_else(|| failed("the run id could not be made".to_owned()))?;
        if trigger.logical_date.is_none()
            && let Some(entry) = self.dags.get_mut(&trigger.dag_id)
        {
            entry.last_triggered = Some(date);
        }
        self.work_off(cx, Wanted::Trigger(PendingTrigger { attempt, trigger, run_id, date, wait, if_exists }), Facts::new());
        Ok(())
    }

    /// The first date from `now` on that no active run of the DAG has, nor one that a task has been
    /// given before: two tasks may trigger in the same microsecond.
    fn free_date(&self, dag_id: &DagId, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let after = |date: Timestamp| Timestamp::from_micros(date.micros() + 1);
        let mut date = last.map_or(now, |last| now.max(after(last)));
        while self.run_dates.contains_key(&(dag_id.clone(), date)) {
            date = after(date);
        }
        date
    }

    /// Does what a task wants, or says what must be known first.
    pub(super) fn trigger_by_task(&mut self, cx: &mut Cx<'_>, pending: &PendingTrigger, facts: &Facts) -> Result<(), BTreeSet<Question>> {
        let attempt = pending.attempt;
        let Some(live) = self.attempts.get(&attempt) else { return Ok(()) };
        let (from, executor) = ((live.run, live.node), live.row.executor.clone());
        if live.killing.is_some() {
            self.attempt_ended(cx, attempt, executor, crate::end::never_started(cx.now));
            return Ok(());
        }
        match self.run_for_task(cx, pending, from, facts)? {
            Err(end) => self.inline_ended(cx, attempt, end),
            Ok(Made::New) => {
                self.triggered(cx, pending, from);
                // Written together with the run: a crash between them would trigger another one.
                self.urgent.push(from);
            }
            // Not before the run is written: a crash would leave it half cleared with nobody to go on.
            Ok(Made::Cleared(run)) => self.resets.push((pending.clone(), run)),
        }
        Ok(())
    }

    /// Goes on with the tasks whose run is cleared in the store too. Called when all plans before are committed.
    pub(crate) fn finish_resets(&mut self, cx: &mut Cx<'_>) {
        let Self { resets, runs, .. } = self;
        let is_written = |key: &RunKey| runs.get(key).is_none_or(Run::is_written);
        let written: Vec<PendingTrigger> = resets.extract_if(.., |(_, key)| is_written(key)).map(|(pending, _)| pending).collect();
        for pending in written {
            let Some(live) = self.attempts.get(&pending.attempt) else { continue };
            let from = (live.run, live.node);
            self.triggered(cx, &pending, from);
            if pending.wait {
                self.catch_up(cx, &pending);
            }
        }
    }

    /// The cleared run may have ended before its task came to wait for it.
    fn catch_up(&mut self, cx: &mut Cx<'_>, pending: &PendingTrigger) {
        let awaited = pending.awaited();
        match self.run_names.get(&(awaited.dag_id.clone(), awaited.run_id.clone())).and_then(|key| self.runs.get(key)) {
            Some(run) => {
                let state = run.row.state;
                self.awaited_run_ended(cx, &awaited, Some(state));
            }
            None => {
                let AwaitedRun { dag_id, run_id } = awaited;
                self.ask(Question::RunState { dag_id, run_id });
            }
        }
    }

    fn triggered(&mut self, cx: &mut Cx<'_>, pending: &PendingTrigger, from: (RunKey, Node)) {
        if pending.wait {
            self.defer(cx, pending, from);
        } else {
            self.inline_ended(cx, pending.attempt, InlineEnd::Success(Some(Value::String(pending.run_id.to_string()))));
        }
    }

    /// Makes the run, or clears the one there is.
    fn run_for_task(
        &mut self,
        cx: &mut Cx<'_>,
        pending: &PendingTrigger,
        from: (RunKey, Node),
        facts: &Facts,
    ) -> Result<Result<Made, InlineEnd>, BTreeSet<Question>> {
        let PendingTrigger { trigger, run_id, date, if_exists, .. } = pending;
        let dag_id = &trigger.dag_id;
        let by_name = match if_exists {
            IfExists::Reset => Question::Run { dag_id: dag_id.clone(), run_id: run_id.clone() },
            IfExists::Fail | IfExists::Skip => Question::RunState { dag_id: dag_id.clone(), run_id: run_id.clone() },
        };
        let by_date = Question::External { dag_id: dag_id.clone(), task_id: None, logical_date: *date };
        let name_is_active = self.run_names.contains_key(&(dag_id.clone(), run_id.clone()));
        let date_is_active = self.run_dates.contains_key(&(dag_id.clone(), *date));
        let unknown = |question: &Question, is_active: bool| !is_active && !facts.contains_key(question);
        let missing = [(&by_name, name_is_active), (&by_date, date_is_active)].into_iter().filter(|(q, active)| unknown(q, *active));
        let missing: BTreeSet<Question> = missing.map(|(question, _)| question.clone()).collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let is_there = |question| matches!(facts.get(question), Some(Verdict::Run(Some(_)) | Verdict::RunState(Some(_))));
        Ok(match (name_is_active || is_there(&by_name), date_is_active || is_there(&by_date), if_exists) {
            (true, _, IfExists::Fail) => Err(failed(pending.exists())),
            (true, _, IfExists::Skip) => Err(InlineEnd::Skipped(pending.exists())),
            (true, _, IfExists::Reset) => match self.find_run(cx, dag_id, run_id, facts) {
                Ok(key) => {
                    self.clear_run(cx, key);
                    Ok(Made::Cleared(key))
                }
                Err(No::Needs(missing)) => return Err(missing),
                Err(No::Rejected(answer)) => Err(failed(format!("run {run_id} of DAG {dag_id} can't be cleared: {answer:?}"))),
            },
            (false, true, IfExists::Skip) => Err(InlineEnd::Skipped(pending.date_is_taken())),
            (false, true, IfExists::Fail | IfExists::Reset) => Err(failed(pending.date_is_taken())),
            (false, false, _) => self.make_run(cx, pending, from),
        })
    }

    fn make_run(&mut self, cx: &mut Cx<'_>, pending: &PendingTrigger, from: (RunKey, Node)) -> Result<Made, InlineEnd> {
        let PendingTrigger { trigger, run_id, date, .. } = pending;
        let gone = || failed(format!("DAG \"{}\" does not exist any more", trigger.dag_id));
        let dag = &self.dags.get(&trigger.dag_id).ok_or_else(gone)?.version.dag;
        // As when a person triggers a run.
        updraft_params::check_run(&dag.params, &trigger.conf).map_err(failed)?;
        let spec = NewRunSpec {
            run_id: run_id.clone(),
            run_type: RunType::OperatorTriggered,
            logical_date: Some(*date),
            data_interval: self.interval_of(&trigger.dag_id, Some(*date), trigger.data_interval),
            run_after: trigger.run_after.unwrap_or(cx.now),
            conf: trigger.conf.clone(),
            triggered_by: TriggeredBy::Operator,
            triggering_user: None,
            note: trigger.note.clone(),
        };
        let made = self.create_run(cx, &trigger.dag_id, spec).and_then(|key| self.runs.get_mut(&key));
        made.ok_or_else(gone)?.triggered_by = Some(from);
        Ok(Made::New)
    }

    /// The task waits for the run's end, without an attempt.
    fn defer(&mut self, cx: &mut Cx<'_>, pending: &PendingTrigger, (key, node): (RunKey, Node)) {
        let now = cx.now;
        let Some(executor) = self.attempts.get(&pending.attempt).map(|live| live.row.executor.clone()) else { return };
        let words = format!("triggered {}", pending.run_id);
        if self.close_attempt(pending.attempt, &executor, Some(now), now, words, None).is_none() {
            return;
        }
        let awaited = pending.awaited();
        self.awaiting.entry(awaited.clone()).or_default().insert((key, node));
        self.move_instance(key, node, TaskEvent::Defer, |instance| {
            instance.row.start_date.get_or_insert(now);
            instance.row.first_start.get_or_insert(now);
            instance.row.awaits = Some(awaited);
        });
    }
}

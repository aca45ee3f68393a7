//! Attempts between the decision to launch and the executor's word: rendered, fenced by the lease,
//! sent, tried again; and those that shall end, until they have.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use updraft_executor::LaunchError;
use updraft_model::{AttemptId, Exit, HowEnded, Launch, Question, Term, Verdict, Workload};
use updraft_scheduler::{INLINE, InlineEnd, Input, Kill, Scheduler, never_started};

use crate::{
    Effect, Now,
    prepare::{Preparation, Prepared, prepare},
    workload::Runtime,
};

/// Where an attempt is on its way to the executor.
#[derive(Debug)]
enum Stage {
    /// To be rendered.
    New(Preparation),
    /// Waits for these facts.
    Asking(Preparation, BTreeSet<Question>),
    /// Rendered; sent as soon as the lease is fresh enough and, after a failure, not before a time.
    Rendered { workload: Box<Workload>, not_before: Duration, failures: u32 },
    /// Sent; no answer yet.
    Sent { workload: Box<Workload>, failures: u32 },
    /// Inline: its end was given to the scheduler.
    WithScheduler,
}

#[derive(Debug)]
struct OnTheWay {
    launch: Launch,
    stage: Stage,
}

#[derive(Debug)]
struct Killing {
    kill: Kill,
    /// When it is told (again).
    next: Duration,
}

/// A place that has no room is asked again after this time at the latest.
const MOST_WAIT: Duration = Duration::from_secs(5);

/// An end that does not come is asked for again after this time.
const TELL_AGAIN: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Launches {
    on_the_way: BTreeMap<AttemptId, OnTheWay>,
    /// Not rendered yet, or with new facts.
    fresh: BTreeSet<AttemptId>,
    /// Rendered ones, to find them without looking at all.
    rendered: BTreeSet<AttemptId>,
    /// The executor has them.
    accepted: BTreeSet<AttemptId>,
    killing: BTreeMap<AttemptId, Killing>,
    /// Who waits for the answer to a question.
    asking: BTreeMap<Question, BTreeSet<AttemptId>>,
    /// Who asks what is being asked already, but was asked before a commit that they follow from: the answer
    /// may be older than what they wait for. It is asked again for them.
    asking_next: BTreeMap<Question, BTreeSet<AttemptId>>,
    doubtful: bool,
    begun: BTreeMap<AttemptId, u64>,
}

impl Launches {
    /// Starts an attempt on its way, after so many rounds of asking executors.
    pub fn begin(&mut self, launch: Launch, round: u64) {
        // Decided twice, since it was found absent twice before the first decision was committed.
        if self.on_the_way.contains_key(&launch.attempt) {
            return;
        }
        self.begun.insert(launch.attempt, round);
        self.fresh.insert(launch.attempt);
        self.on_the_way.insert(launch.attempt, OnTheWay { launch, stage: Stage::New(Preparation::default()) });
    }

    /// The round of asking after which an attempt was last sent on its way here.
    pub fn begun_in(&self, attempt: AttemptId) -> Option<u64> {
        self.begun.get(&attempt).copied()
    }

    pub fn is_under_way(&self, attempt: AttemptId) -> bool {
        self.on_the_way.contains_key(&attempt)
    }

    pub fn waits_for_scheduler(&self, attempt: AttemptId) -> bool {
        matches!(self.on_the_way.get(&attempt), Some(OnTheWay { stage: Stage::WithScheduler, .. }))
    }

    pub fn accepted(&mut self, attempt: AttemptId) {
        self.on_the_way.remove(&attempt);
        self.rendered.remove(&attempt);
        self.accepted.insert(attempt);
    }

    pub fn was_accepted(&self, attempt: AttemptId) -> bool {
        self.accepted.contains(&attempt)
    }

    /// Whether a launch ended in doubt since the last call: the executor must be asked soon.
    pub fn take_doubtful(&mut self) -> bool {
        std::mem::take(&mut self.doubtful)
    }

    /// It is over.
    pub fn forget(&mut self, attempt: AttemptId) {
        self.on_the_way.remove(&attempt);
        self.fresh.remove(&attempt);
        self.rendered.remove(&attempt);
        self.accepted.remove(&attempt);
        self.killing.remove(&attempt);
        self.begun.remove(&attempt);
    }

    /// Renders all that can be. Returns the questions that must be answered for the others.
    pub fn prepare(
        &mut self,
        now: Now,
        scheduler: &Scheduler,
        runtime: &Runtime,
        is_outdated: impl Fn(&Question) -> bool,
        inputs: &mut Vec<Input>,
    ) -> Vec<Question> {
        let mut questions = Vec::new();
        for attempt in std::mem::take(&mut self.fresh) {
            let Some(OnTheWay { stage, .. }) = self.on_the_way.get_mut(&attempt) else { continue };
            let (Stage::New(preparation) | Stage::Asking(preparation, _)) = stage else { continue };
            let Some(context) = scheduler.attempt_context(attempt) else {
                self.forget(attempt);
                continue;
            };
            let mut preparation = std::mem::take(preparation);
            match prepare(&context, &mut preparation, runtime, now.wall) {
                Prepared::Launch(workload) => {
                    *stage = Stage::Rendered { workload, not_before: Duration::ZERO, failures: 0 };
                    self.rendered.insert(attempt);
                }
                Prepared::Inline(end) => {
                    *stage = Stage::WithScheduler;
                    inputs.push(Input::InlineEnded { attempt, end });
                }
                Prepared::Needs(missing) => {
                    for question in &missing {
                        let asking = if is_outdated(question) { &mut self.asking_next } else { &mut self.asking };
                        asking.entry(question.clone()).or_default().insert(attempt);
                    }
                    *stage = Stage::Asking(preparation, missing.iter().cloned().collect());
                    questions.extend(missing);
                }
            }
        }
        questions
    }

    /// Whether it is to be asked again.
    pub fn answered(&mut self, question: &Question, verdict: &Verdict) -> bool {
        for attempt in self.asking.remove(question).unwrap_or_default() {
            if let Some(OnTheWay { stage: Stage::Asking(preparation, missing), .. }) = self.on_the_way.get_mut(&attempt)
                && missing.remove(question)
            {
                preparation.answer(question.clone(), verdict.clone());
                if missing.is_empty() {
                    self.fresh.insert(attempt);
                }
            }
        }
        match self.asking_next.remove_entry(question) {
            Some((question, attempts)) => {
                self.asking.insert(question, attempts);
                true
            }
            None => false,
        }
    }

    /// The store can't answer, ever: what needs the answer fails.
    pub fn unanswerable(&mut self, question: &Question, error: &str, inputs: &mut Vec<Input>) {
        let asking = [self.asking.remove(question), self.asking_next.remove(question)];
        for attempt in asking.into_iter().flatten().flatten() {
            if let Some(OnTheWay { stage, .. }) = self.on_the_way.get_mut(&attempt)
                && matches!(stage, Stage::Asking(_, missing) if missing.contains(question))
            {
                *stage = Stage::WithScheduler;
                inputs.push(Input::InlineEnded { attempt, end: InlineEnd::Failed { error: error.to_owned(), retry: true } });
            }
        }
    }

    /// Sends what is rendered, unless the lease is too old for that, and tells again who should end.
    pub fn advance(&mut self, now: Now, term: Term, fence: Duration, out: &mut Vec<Effect>) {
        if now.boot < fence {
            let due = |id: &AttemptId| matches!(self.on_the_way.get(id), Some(OnTheWay { stage: Stage::Rendered { not_before, .. }, .. }) if now.boot >= *not_before);
            let ready: Vec<AttemptId> = self.rendered.iter().copied().filter(due).collect();
            for attempt in ready {
                self.rendered.remove(&attempt);
                let Some(OnTheWay { launch, stage }) = self.on_the_way.get_mut(&attempt) else { continue };
                if let Stage::Rendered { workload, failures, .. } = stage {
                    let executor = launch.executor.clone();
                    out.push(Effect::Launch { term, executor, workload: workload.clone(), not_after: fence });
                    *stage = Stage::Sent { workload: workload.clone(), failures: *failures };
                }
            }
        }
        for (attempt, killing) in &mut self.killing {
            if now.boot >= killing.next && !self.on_the_way.contains_key(attempt) {
                killing.next = now.boot + TELL_AGAIN;
                let Kill { attempt, executor, grace, .. } = &killing.kill;
                out.push(Effect::Terminate { executor: executor.clone(), attempt: *attempt, grace: *grace });
            }
        }
    }

    /// When [`Launches::advance`] has something to do by the passing of time alone. Past `fence` it
    /// sends nothing, until a renewal of the lease moves the fence.
    pub fn wake_at(&self, now: Now, fence: Duration) -> Option<Duration> {
        let rendered = self.rendered.iter().filter_map(|id| match &self.on_the_way.get(id)?.stage {
            Stage::Rendered { not_before, .. } => Some(*not_before),
            _ => None,
        });
        let killing = self.killing.values().filter(|k| !self.on_the_way.contains_key(&k.kill.attempt)).map(|k| k.next);
        rendered.filter(|at| now.boot.max(*at) < fence).chain(killing).min()
    }

    pub fn launched(
        &mut self,
        now: Now,
        attempt: AttemptId,
        result: Result<(), LaunchError>,
        inputs: &mut Vec<Input>,
        out: &mut Vec<Effect>,
    ) {
        let Some(OnTheWay { launch, stage }) = self.on_the_way.remove(&attempt) else { return };
        let Stage::Sent { workload, failures } = stage else {
            self.on_the_way.insert(attempt, OnTheWay { launch, stage });
            return;
        };
        match result {
            Ok(()) => {
                self.accepted.insert(attempt);
            }
            Err(LaunchError::Rejected(error)) => {
                let how = HowEnded::CouldNotStart { error };
                inputs.push(Input::Ended { attempt, executor: launch.executor, exit: Box::new(Exit { how, ..never_started(now.wall) }) });
            }
            Err(LaunchError::Unavailable(reason)) => {
                if self.killing.remove(&attempt).is_some() {
                    inputs.push(Input::Ended { attempt, executor: launch.executor, exit: Box::new(never_started(now.wall)) });
                    return;
                }
                inputs.push(Input::Waiting { attempt, reason: Some(reason) });
                let wait = Duration::from_millis(250 << failures.min(5)).min(MOST_WAIT);
                let stage = Stage::Rendered { workload, not_before: now.boot + wait, failures: failures + 1 };
                self.on_the_way.insert(attempt, OnTheWay { launch, stage });
                self.rendered.insert(attempt);
                return;
            }
            Err(LaunchError::Indeterminate(reason)) => {
                inputs.push(Input::Waiting { attempt, reason: Some(reason) });
                self.doubtful = true;
            }
        }
        if let Some(killing) = self.killing.get_mut(&attempt) {
            killing.next = now.boot + TELL_AGAIN;
            let Kill { executor, grace, .. } = &killing.kill;
            out.push(Effect::Terminate { executor: executor.clone(), attempt, grace: *grace });
        }
    }

    /// An attempt shall end: one that was not sent is over at once.
    pub fn kill(&mut self, now: Now, kill: Kill, inputs: &mut Vec<Input>, out: &mut Vec<Effect>) {
        let attempt = kill.attempt;
        match self.on_the_way.get(&attempt).map(|o| &o.stage) {
            Some(Stage::New(_) | Stage::Asking(..) | Stage::Rendered { .. }) => {
                self.forget(attempt);
                inputs.push(Input::Ended { attempt, executor: kill.executor, exit: Box::new(never_started(now.wall)) });
            }
            // The scheduler knows what to do with an inline end that comes too late.
            Some(Stage::WithScheduler) => {}
            Some(Stage::Sent { .. }) => {
                self.killing.insert(attempt, Killing { kill, next: now.boot + TELL_AGAIN });
            }
            None if kill.executor.as_str() == INLINE => inputs.push(Input::Absent { attempt }),
            None => {
                out.push(Effect::Terminate { executor: kill.executor.clone(), attempt, grace: kill.grace });
                self.killing.insert(attempt, Killing { kill, next: now.boot + TELL_AGAIN });
            }
        }
    }

    pub fn terminated(&mut self, now: Now, attempt: AttemptId, told: bool) {
        if let Some(killing) = self.killing.get_mut(&attempt).filter(|_| !told) {
            killing.next = now.boot + Duration::from_secs(1);
        }
    }
}

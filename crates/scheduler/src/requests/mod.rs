//! Requests from outside: each is worked off in one step, or waits until the facts it needs are there.
//!
//! `attempt` either answers or says which questions must be answered first. It changes nothing in the
//! second case, so it can simply be called again with more facts.

mod clear;
mod mark;
mod operator;
mod select;
mod trigger;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use updraft_model::{
    Answer, AnsweredRequest, AttemptId, AwaitedRun, DagId, Exit, HowEnded, NodeId, PendingRequest, PoolName, PoolRow, Question,
    RejectionKind, Request, RequestId, RunId, RunKey, RunState, Upsert, Verdict,
};

use crate::{
    gates::GateName,
    scheduler::{Cx, Scheduler},
};

pub(crate) use mark::end_as_marked;
pub(crate) use operator::PendingTrigger;

/// What someone wants, and can't be done before facts are known.
#[derive(Debug)]
pub(crate) enum Wanted {
    Request(PendingRequest),
    Trigger(PendingTrigger),
}

/// Who wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asker {
    Request(RequestId),
    Trigger(AttemptId),
}

impl Wanted {
    fn asker(&self) -> Asker {
        match self {
            Self::Request(request) => Asker::Request(request.id),
            Self::Trigger(trigger) => Asker::Trigger(trigger.attempt),
        }
    }
}

/// Someone who waits for facts.
#[derive(Debug)]
pub(crate) struct Waiting {
    wanted: Wanted,
    missing: BTreeSet<Question>,
    facts: Facts,
}

/// An answer that goes into the store with what it says was done.
#[derive(Debug)]
pub(crate) struct Done {
    pub answered: AnsweredRequest,
    /// The runs that were changed for it.
    pub runs: BTreeSet<RunKey>,
    /// A part of it has been written, with the word that it can't be withdrawn.
    pub taken: bool,
}

/// What a request has learnt so far.
pub(crate) type Facts = BTreeMap<Question, Verdict>;

/// Why a request is not done.
pub(crate) enum No {
    /// Facts are missing.
    Needs(BTreeSet<Question>),
    /// It is refused.
    Rejected(Answer),
}

impl No {
    pub fn needs(question: Question) -> Self {
        Self::Needs(BTreeSet::from([question]))
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::Rejected(Answer::rejected(RejectionKind::NotFound, detail))
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::Rejected(Answer::rejected(RejectionKind::Conflict, detail))
    }

    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::Rejected(Answer::rejected(RejectionKind::Invalid, detail))
    }
}

impl Scheduler {
    pub(crate) fn request(&mut self, cx: &mut Cx<'_>, request: PendingRequest) {
        self.work_off(cx, Wanted::Request(request), Facts::new());
    }

    fn work_off(&mut self, cx: &mut Cx<'_>, wanted: Wanted, facts: Facts) {
        let done = match &wanted {
            Wanted::Request(request) => self.answer(cx, request, &facts),
            Wanted::Trigger(trigger) => self.trigger_by_task(cx, trigger, &facts),
        };
        if let Err(missing) = done {
            let asker = wanted.asker();
            for question in &missing {
                self.ask(question.clone()).insert(asker);
            }
            self.waiting.insert(asker, Waiting { wanted, missing, facts });
        }
    }

    fn answer(&mut self, cx: &mut Cx<'_>, request: &PendingRequest, facts: &Facts) -> Result<(), BTreeSet<Question>> {
        self.changed_runs.clear();
        let answer = match self.attempt(cx, request, facts) {
            Ok(answer) | Err(No::Rejected(answer)) => answer,
            Err(No::Needs(missing)) => return Err(missing),
        };
        let runs = std::mem::take(&mut self.changed_runs);
        self.answers.push(Done { answered: AnsweredRequest { id: request.id, answer }, runs, taken: false });
        Ok(())
    }

    /// A fact for those who asked for it.
    pub(crate) fn fact_for(&mut self, cx: &mut Cx<'_>, askers: BTreeSet<Asker>, question: &Question, verdict: &Verdict) {
        for asker in askers {
            let Some(waiting) = self.waiting.get_mut(&asker) else { continue };
            waiting.missing.remove(question);
            waiting.facts.insert(question.clone(), verdict.clone());
            if waiting.missing.is_empty()
                && let Some(Waiting { wanted, facts, .. }) = self.waiting.remove(&asker)
            {
                self.work_off(cx, wanted, facts);
            }
        }
    }

    fn attempt(&mut self, cx: &mut Cx<'_>, request: &PendingRequest, facts: &Facts) -> Result<Answer, No> {
        match &request.request {
            Request::TriggerRun(trigger) => self.trigger(cx, trigger, request.user.clone()),
            Request::SetPaused { dag_id, is_paused } => {
                self.known_dag(dag_id)?;
                self.set_paused(dag_id, *is_paused);
                Ok(Answer::Done)
            }
            Request::DeleteDag { dag_id } => self.delete_dag(cx, dag_id),
            Request::SetRunState { dag_id, run_id, state } => self.set_run_state(cx, dag_id, run_id, *state, facts),
            Request::DeleteRun { dag_id, run_id } => self.delete_run(cx, dag_id, run_id, facts),
            Request::Clear(clear) => self.clear(cx, clear, facts),
            Request::SetTaskState(mark) => self.set_task_state(cx, mark, facts),
            Request::SetPool(pool) => self.set_pool(pool),
            Request::DeletePool { name } => self.delete_pool(name),
            Request::ForgetNode { node, silent_for } => self.forget_node(cx, node, *silent_for),
            Request::AttemptEnded { attempt, exit } => {
                let live = self.attempts.get(attempt).map(|live| (live.row.executor.clone(), live.row.node == self.config.node));
                // What this node said before it led: now it is asked itself, and may have launched it.
                let outdated = matches!(exit.how, HowEnded::PlaceLost { started: false, .. });
                if let Some((executor, is_here)) = live
                    && !(is_here && outdated)
                {
                    self.attempt_ended(cx, *attempt, executor, exit.as_ref().clone());
                }
                Ok(Answer::Done)
            }
        }
    }

    fn known_dag(&self, dag_id: &DagId) -> Result<(), No> {
        if self.dags.contains_key(dag_id) {
            return Ok(());
        }
        let why = self.refused_dags.get(dag_id).map(|refused| format!(": {}", refused.reason())).unwrap_or_default();
        Err(No::not_found(format!("The Dag with ID: `{dag_id}` was not found{why}")))
    }

    fn delete_dag(&mut self, cx: &mut Cx<'_>, dag_id: &DagId) -> Result<Answer, No> {
        if !self.shelved.contains_key(dag_id) {
            self.known_dag(dag_id)?;
        }
        if self.is_at_work(dag_id) {
            return Err(No::conflict(format!("Task instances of dag with id: '{dag_id}' are still running")));
        }
        let runs: Vec<RunKey> = self.runs.values().filter(|r| r.row.dag_id == *dag_id).map(|r| r.row.key).collect();
        runs.into_iter().for_each(|key| self.forget_run(key));
        let awaited: Vec<AwaitedRun> = self.awaiting.keys().filter(|awaited| awaited.dag_id == *dag_id).cloned().collect();
        awaited.iter().for_each(|run| self.awaited_run_ended(cx, run, None));
        self.dags.remove(dag_id);
        self.shelved.remove(dag_id);
        self.dirty_dags.remove(dag_id);
        self.touched_dags.remove(dag_id);
        for state in self.files.values_mut() {
            state.dags.remove(dag_id);
        }
        self.batch().deleted_dags.push(dag_id.clone());
        Ok(Answer::Done)
    }

    fn delete_run(&mut self, cx: &mut Cx<'_>, dag_id: &DagId, run_id: &RunId, facts: &Facts) -> Result<Answer, No> {
        let key = self.find_run(cx, dag_id, run_id, facts)?;
        if let Some(run) = self.runs.get(&key) {
            // Airflow deletes runs that are queued, success or failed.
            if run.row.state == RunState::Running {
                return Err(No::conflict(format!(
                    "The DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` cannot be deleted in running state"
                )));
            }
            if run.live_attempts > 0 {
                return Err(No::conflict(format!("Task instances of run `{run_id}` are still being ended; try again in a moment")));
            }
        }
        self.forget_run(key);
        self.awaited_run_ended(cx, &AwaitedRun { dag_id: dag_id.clone(), run_id: run_id.clone() }, None);
        self.deleted_runs.insert(key);
        self.lose_previous(key);
        self.batch().deleted_runs.push(key);
        Ok(Answer::Done)
    }

    fn set_pool(&mut self, pool: &PoolRow) -> Result<Answer, No> {
        if pool.slots < -1 {
            return Err(No::invalid(format!("pool {} can't have {} slots: use -1 for no limit", pool.name, pool.slots)));
        }
        if pool.description.as_ref().is_some_and(|text| text.contains('\0')) {
            return Err(No::invalid(format!("the description of pool {} contains a NUL character", pool.name)));
        }
        self.install_pool(pool.clone());
        self.batch().pools.push(Upsert::Set(pool.clone()));
        Ok(Answer::Done)
    }

    /// Takes a pool into memory.
    pub(crate) fn install_pool(&mut self, pool: PoolRow) {
        let gate = GateName::Pool(pool.name.clone());
        self.count_deferred(&pool.name, pool.include_deferred);
        self.gates.set_limit(gate, (pool.slots >= 0).then_some(i64::from(pool.slots)));
        self.pools.insert(pool.name.clone(), pool);
    }

    /// Whether deferred instances take slots of a pool may change: of one that does not exist they take none.
    fn count_deferred(&mut self, pool: &PoolName, include_deferred: bool) {
        if self.pools.get(pool).is_some_and(|pool| pool.include_deferred) != include_deferred {
            let deferred = self.deferred_slots(pool);
            self.gates.account(&GateName::Pool(pool.clone()), if include_deferred { deferred } else { -deferred });
        }
    }

    fn deferred_slots(&self, pool: &PoolName) -> i64 {
        let deferred = |i: &&crate::run::Instance| i.row.state == updraft_model::TaskState::Deferred && i.row.pool == *pool;
        self.runs.values().flat_map(|r| r.iter().map(|(_, i)| i)).filter(deferred).map(|i| i64::from(i.row.pool_slots)).sum()
    }

    fn delete_pool(&mut self, name: &PoolName) -> Result<Answer, No> {
        if *name == PoolName::default_pool() {
            return Err(No::invalid("Default Pool can't be deleted"));
        }
        if !self.pools.contains_key(name) {
            return Err(No::not_found(format!("The Pool with name: `{name}` was not found")));
        }
        self.count_deferred(name, false);
        self.pools.remove(name);
        self.gates.set_limit(GateName::Pool(name.clone()), Some(0));
        self.batch().pools.push(Upsert::Delete(name.clone()));
        Ok(Answer::Done)
    }

    /// What ran on a node that is gone is lost.
    fn forget_node(&mut self, cx: &mut Cx<'_>, node: &NodeId, silent_for: Option<SignedDuration>) -> Result<Answer, No> {
        // It came back and leads before this was read: what it launches is not what was meant.
        if self.config.node.as_ref() == Some(node) {
            return Err(No::conflict(format!("node {node} is there: it leads")));
        }
        let why = match silent_for {
            Some(silent_for) => format!("node {node} was not heard of for {silent_for:#} (node_lost_after), and was forgotten"),
            None => format!("node {node} was forgotten"),
        };
        let lost: Vec<_> = self
            .attempts
            .values()
            .filter(|live| live.row.node.as_ref() == Some(node))
            .map(|live| (live.row.id, live.row.executor.clone(), live.row.started_at))
            .collect();
        for (attempt, executor, started_at) in lost {
            let how = HowEnded::PlaceLost { started: true, why: why.clone() };
            let exit = Exit { how, started_at, ended_at: cx.now, outputs: BTreeMap::new(), last_line: None, pid: None };
            self.attempt_ended(cx, attempt, executor, exit);
        }
        Ok(Answer::Done)
    }

    /// The key of a run; one that is not active comes into memory from the facts.
    pub(crate) fn find_run(&mut self, cx: &mut Cx<'_>, dag_id: &DagId, run_id: &RunId, facts: &Facts) -> Result<RunKey, No> {
        if let Some(key) = self.run_names.get(&(dag_id.clone(), run_id.clone())) {
            return Ok(*key);
        }
        let question = Question::Run { dag_id: dag_id.clone(), run_id: run_id.clone() };
        match facts.get(&question) {
            None => Err(No::needs(question)),
            Some(Verdict::Run(Some(stored))) => self
                .adopt_run(cx, stored.as_ref().clone())
                .map_err(|problem| No::conflict(format!("run {run_id} can't be read: {problem}"))),
            Some(_) => Err(No::not_found(format!("The DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found"))),
        }
    }
}

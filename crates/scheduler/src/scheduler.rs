//! The scheduler's state, and the order in which an input is worked off.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use updraft_model::{
    AttemptHandle, AttemptId, AttemptLabels, AwaitedRun, Batch, DagId, ExecutorName, Exit, Mint, PendingRequest, Question, RunId, RunKey,
    TaskInstanceKey, Timestamp, Verdict,
};

use crate::{
    Kill, Plan, WakeReason,
    dags::{DagEntry, FileChange, FileState, RefusedDag, Shelved},
    end::InlineEnd,
    gates::{GateName, Gates},
    graph::Node,
    requests::{Asker, Done, PendingTrigger, Waiting},
    run::{LiveAttempt, Run, Timer, Timers},
    settle::{Turns, most_rows_with_others},
};

/// What the scheduler must be told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The executors and how many attempts each may have alive at once.
    pub executors: BTreeMap<ExecutorName, u32>,
    /// The executor of tasks and DAGs that name none.
    pub default_executor: ExecutorName,
    /// Whether a new DAG starts paused (Airflow's option; Updraft's default is `false`).
    pub dags_are_paused_at_creation: bool,
    /// This daemon's node, where what it launches runs.
    pub node: Option<updraft_model::NodeId>,
    /// How many rows a plan may have at most, about.
    pub plan_rows: usize,
}

/// The executor of what the engine does by itself: expressions, waiting for a time, triggering.
pub const INLINE: &str = "inline";

/// What the scheduler hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Time has passed, or there was more to do.
    Tick,
    /// DAG files were read, or are gone.
    Files(Vec<FileChange>),
    /// Someone asks for something. Each request is given once, and again after a restart.
    Request(PendingRequest),
    /// An attempt's program runs.
    Started {
        /// Which.
        attempt: AttemptId,
        /// Since when.
        at: Timestamp,
        /// Its process id.
        pid: Option<u32>,
    },
    /// An attempt is over.
    Ended {
        /// Which.
        attempt: AttemptId,
        /// Who says so; told to forget it once that is durable.
        executor: ExecutorName,
        /// How.
        exit: Box<Exit>,
    },
    /// An attempt the engine carried out by itself is over.
    InlineEnded {
        /// Which.
        attempt: AttemptId,
        /// How.
        end: InlineEnd,
    },
    /// What an executor says about an attempt that does not run yet.
    Waiting {
        /// Which.
        attempt: AttemptId,
        /// In its words.
        reason: Option<String>,
    },
    /// An attempt was proven never to have been created: it is launched (again).
    Absent {
        /// Which.
        attempt: AttemptId,
    },
    /// A fact that was asked for.
    Fact {
        /// What was asked.
        question: Question,
        /// What is true.
        verdict: Verdict,
    },
    /// The store refused these new runs of the last plan: they exist already.
    Refused {
        /// Which.
        runs: Vec<RunKey>,
    },
    /// The store does not take this version of a DAG: told before any file is.
    DagRefused(RefusedDag),
    /// The store does not take a task instance's rows; the task fails with this error.
    Poisoned {
        /// Whose.
        key: TaskInstanceKey,
        /// The database's words.
        error: String,
    },
}

/// What every step needs from outside.
pub(crate) struct Cx<'a> {
    pub now: Timestamp,
    pub mint: &'a mut dyn Mint,
}

/// All that the one who decides holds in memory.
#[derive(Debug)]
pub struct Scheduler {
    pub(crate) config: Config,
    /// How many rows a plan may have while attempts are alive.
    pub(crate) rows_with_others: usize,
    pub(crate) dags: BTreeMap<DagId, DagEntry>,
    /// Those in the store that can't be read: what their files say follows on them.
    pub(crate) shelved: BTreeMap<DagId, Shelved>,
    pub(crate) files: BTreeMap<String, FileState>,
    /// What is not taken from their files, since the store does not take it.
    pub(crate) refused_dags: BTreeMap<DagId, RefusedDag>,
    pub(crate) runs: BTreeMap<RunKey, Run>,
    pub(crate) run_names: BTreeMap<(DagId, RunId), RunKey>,
    pub(crate) run_dates: BTreeMap<(DagId, Timestamp), RunKey>,
    pub(crate) attempts: BTreeMap<AttemptId, LiveAttempt>,
    pub(crate) gates: Gates,
    pub(crate) pools: BTreeMap<updraft_model::PoolName, updraft_model::PoolRow>,
    pub(crate) timers: Timers,
    /// Deferred instances by the run they wait for.
    pub(crate) awaiting: BTreeMap<AwaitedRun, BTreeSet<(RunKey, Node)>>,
    /// Those who wait for facts.
    pub(crate) waiting: BTreeMap<Asker, Waiting>,
    /// Questions under way, and who asks them (nobody where the answer is for all).
    pub(crate) asked: BTreeMap<Question, BTreeSet<Asker>>,
    /// Those of them whose answer may not know what was made since: they are asked again.
    pub(crate) outdated: BTreeSet<Question>,
    pub(crate) last_run_key: i64,
    /// The states of runs that left memory while the store was asked about a run before another.
    pub(crate) just_left: BTreeMap<RunKey, Arc<BTreeMap<updraft_model::TaskId, Vec<updraft_model::TaskState>>>>,
    /// Runs deleted in this term; their keys are never used again.
    pub(crate) deleted_runs: BTreeSet<RunKey>,

    /// To be evaluated.
    pub(crate) turns: Turns,
    pub(crate) dirty_runs: BTreeSet<RunKey>,
    pub(crate) dirty_dags: BTreeSet<DagId>,

    /// To be written: runs with something to write in order, and small tables at once.
    pub(crate) touched_runs: VecDeque<RunKey>,
    pub(crate) fresh_runs: BTreeSet<RunKey>,
    pub(crate) new_runs: Vec<RunKey>,
    pub(crate) touched_dags: BTreeSet<DagId>,
    pub(crate) outgoing: Plan,
    /// Triggers that have cleared a run, which is not all written yet.
    pub(crate) resets: Vec<(PendingTrigger, RunKey)>,
    /// Instances whose rows go with the next plan, however full it is.
    pub(crate) urgent: Vec<(RunKey, Node)>,
    pub(crate) answers: Vec<Done>,
    /// What the request in hand has changed.
    pub(crate) changed_runs: BTreeSet<RunKey>,
    pub(crate) releases: Vec<(ExecutorName, AttemptId)>,
}

impl Scheduler {
    /// A scheduler that knows nothing yet; see [`Scheduler::restore`].
    pub fn new(config: Config) -> Self {
        let mut gates = Gates::default();
        for (executor, parallelism) in &config.executors {
            gates.set_limit(GateName::Executor(executor.clone()), Some(i64::from(*parallelism)));
        }
        if let Ok(inline) = ExecutorName::new(INLINE) {
            gates.set_limit(GateName::Executor(inline), None);
        }
        Self {
            rows_with_others: most_rows_with_others(&config),
            config,
            dags: BTreeMap::new(),
            shelved: BTreeMap::new(),
            files: BTreeMap::new(),
            refused_dags: BTreeMap::new(),
            runs: BTreeMap::new(),
            run_names: BTreeMap::new(),
            run_dates: BTreeMap::new(),
            attempts: BTreeMap::new(),
            gates,
            pools: BTreeMap::new(),
            timers: Timers::default(),
            awaiting: BTreeMap::new(),
            waiting: BTreeMap::new(),
            asked: BTreeMap::new(),
            outdated: BTreeSet::new(),
            last_run_key: 0,
            just_left: BTreeMap::new(),
            deleted_runs: BTreeSet::new(),
            turns: Turns::default(),
            dirty_runs: BTreeSet::new(),
            dirty_dags: BTreeSet::new(),
            touched_runs: VecDeque::new(),
            fresh_runs: BTreeSet::new(),
            new_runs: Vec::new(),
            touched_dags: BTreeSet::new(),
            outgoing: Plan::default(),
            resets: Vec::new(),
            urgent: Vec::new(),
            answers: Vec::new(),
            changed_runs: BTreeSet::new(),
            releases: Vec::new(),
        }
    }

    /// Takes in what happened and says what is to be done about it.
    pub fn handle(&mut self, now: Timestamp, inputs: impl IntoIterator<Item = Input>, mint: &mut dyn Mint) -> Plan {
        let mut cx = Cx { now, mint };
        self.finish_resets(&mut cx);
        for input in inputs {
            self.take_in(&mut cx, input);
        }
        self.settle(&mut cx);
        let mut plan = self.flush();
        plan.more |= !self.is_settled() || !self.resets.is_empty();
        plan.wake_at = self.timers.next().map(|(at, timer)| {
            let why = match timer {
                Timer::Dag(_) => WakeReason::ScheduledRun,
                Timer::Run(_) => WakeReason::RunAfter,
                Timer::RunTimeout(_) => WakeReason::RunTimeout,
                Timer::Instance(..) => WakeReason::RetryOrPoke,
            };
            (*at, why)
        });
        plan
    }

    fn take_in(&mut self, cx: &mut Cx<'_>, input: Input) {
        match input {
            Input::Tick => {}
            Input::Files(changes) => self.files_changed(cx, changes),
            Input::Request(request) => self.request(cx, request),
            Input::Started { attempt, at, pid } => self.attempt_started(attempt, at, pid),
            Input::Ended { attempt, executor, exit } => self.attempt_ended(cx, attempt, executor, *exit),
            Input::InlineEnded { attempt, end } => self.inline_ended(cx, attempt, end),
            Input::Waiting { attempt, reason } => self.attempt_waits(attempt, reason),
            Input::Absent { attempt } => self.attempt_absent(cx, attempt),
            Input::Fact { question, verdict } => self.fact(cx, question, verdict),
            Input::Refused { runs } => runs.into_iter().for_each(|run| self.refused(cx, run)),
            Input::DagRefused(refused) => {
                self.refused_dags.insert(refused.dag_id.clone(), refused);
            }
            Input::Poisoned { key, error } => self.poisoned(cx, &key, &error),
        }
    }

    pub(crate) fn timer_due(&mut self, timer: Timer) {
        match timer {
            Timer::Dag(dag) => {
                self.dirty_dags.insert(dag);
            }
            Timer::Run(run) => {
                if let Some(dag) = self.runs.get(&run).map(|r| r.row.dag_id.clone()) {
                    self.dirty_dags.insert(dag);
                    self.mark_all_dirty(run);
                }
            }
            Timer::RunTimeout(run) => {
                self.dirty_runs.insert(run);
            }
            Timer::Instance(run, node) => self.mark_dirty(run, node),
        }
    }

    /// Asks for a fact, once. Who wants to hear it alone puts itself into the result.
    pub(crate) fn ask(&mut self, question: Question) -> &mut BTreeSet<Asker> {
        let Self { asked, outgoing, .. } = self;
        asked.entry(question).or_insert_with_key(|question| {
            outgoing.asks.push(question.clone());
            BTreeSet::new()
        })
    }

    fn fact(&mut self, cx: &mut Cx<'_>, question: Question, verdict: Verdict) {
        let Some(askers) = self.asked.remove(&question) else { return };
        if self.outdated.remove(&question) {
            // Whoever wants to know goes on waiting. So many failed in a row is true whatever came since.
            if let (Question::NewestRuns { dag_id, .. }, Verdict::NewestRuns(states)) = (&question, &verdict) {
                self.streak_known(dag_id, states);
            }
            self.ask(question).extend(askers);
            return;
        }
        match (&question, &verdict) {
            (Question::PreviousRun { dag_id, before, .. }, Verdict::PreviousRun(previous)) => {
                self.previous_known(dag_id, *before, previous.as_ref());
            }
            // Of one that is in memory more is known than the store had to say.
            (Question::RunState { dag_id, run_id }, Verdict::RunState(state))
                if !self.run_names.contains_key(&(dag_id.clone(), run_id.clone())) =>
            {
                let awaited = AwaitedRun { dag_id: dag_id.clone(), run_id: run_id.clone() };
                self.awaited_run_ended(cx, &awaited, *state);
            }
            (Question::NewestRuns { dag_id, .. }, Verdict::NewestRuns(states)) => self.streak_known(dag_id, states),
            _ => {}
        }
        self.fact_for(cx, askers, &question, &verdict);
    }

    pub(crate) fn problem(&mut self, problem: impl std::fmt::Display) {
        self.outgoing.problems.push(problem.to_string());
    }

    pub(crate) fn kill(&mut self, kill: Kill) {
        self.outgoing.kills.push(kill);
    }

    pub(crate) fn batch(&mut self) -> &mut Batch {
        &mut self.outgoing.batch
    }

    /// How many attempts may be alive.
    pub fn live_attempts(&self) -> usize {
        self.attempts.len()
    }

    /// How many runs are held in memory.
    pub fn active_runs(&self) -> usize {
        self.runs.len()
    }

    /// The task and the run of a live attempt, to render it.
    pub fn attempt_context(&self, attempt: AttemptId) -> Option<AttemptContext<'_>> {
        let live = self.attempts.get(&attempt)?;
        let run = self.runs.get(&live.run)?;
        let instance = run.instance(live.node)?;
        let entry = self.dags.get(&run.row.dag_id);
        let downstream = &run.graph.nodes[live.node as usize].downstream;
        Some(AttemptContext {
            run: &run.row,
            instance: &instance.row,
            task: run.graph.task(live.node),
            dag: run.graph.version_of(live.node).or(entry.map(|d| &d.version)),
            file: entry.map_or("", |d| &d.row.file),
            downstream: downstream.iter().map(|n| &run.graph.task(*n).task_id).collect(),
        })
    }

    /// Whether an attempt may be alive.
    pub fn is_live(&self, attempt: AttemptId) -> bool {
        self.attempts.contains_key(&attempt)
    }

    /// Since when the program of an attempt that may be alive is known to run.
    pub fn started_at(&self, attempt: AttemptId) -> Option<Timestamp> {
        self.attempts.get(&attempt)?.row.started_at
    }

    /// All attempts that may be alive, by executor, and whether their program was seen running.
    pub fn live(&self) -> impl Iterator<Item = (&updraft_model::AttemptRow, AttemptHandle)> {
        self.attempts.values().filter_map(|live| {
            let run = self.runs.get(&live.run)?;
            let labels = AttemptLabels { try_number: live.row.try_number, ..run.instance(live.node)?.row.labels() };
            Some((&live.row, AttemptHandle { attempt: live.row.id, labels, node: live.row.node.clone() }))
        })
    }

    /// The files that DAGs, or import errors, come from.
    pub fn known_files(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    /// The limits that are exceeded: none, unless there is a bug or a limit was lowered. And those of which
    /// more or less is in use than the instances say: none, unless there is a bug.
    pub fn violations(&self) -> Vec<String> {
        let mut violations = self.gates.violations();
        violations.extend(self.miscounts());
        violations
    }
}

/// What an attempt is rendered from.
#[derive(Debug, Clone)]
pub struct AttemptContext<'a> {
    /// Its run.
    pub run: &'a updraft_model::RunRow,
    /// Its task instance.
    pub instance: &'a updraft_model::TaskInstanceRow,
    /// Its task.
    pub task: &'a Arc<updraft_model::Task>,
    /// The version its task is from, whatever its DAG's file says by now.
    pub dag: Option<&'a Arc<updraft_model::DagVersion>>,
    /// Its DAG's file, below the bundle; empty if the DAG was deleted.
    pub file: &'a str,
    /// Its direct downstream tasks.
    pub downstream: Vec<&'a updraft_model::TaskId>,
}

//! Attempts: queued, seen running, over. What an end means for the task instance is decided here.

use std::collections::BTreeMap;

use serde_json::Value;
use updraft_model::{
    AttemptId, AttemptRow, Chooser, ExecutorName, Exit, HowEnded, KillReason, Operator, Sensor, SkipDecision, Task, TaskEvent,
    TaskInstanceKey, TaskState, Timestamp, TriggerRun, XComRow,
};

use crate::{
    gates::GateName,
    graph::{Direction, Graph, Node},
    retry,
    run::LiveAttempt,
    scheduler::{Cx, Scheduler},
};

/// The exit code by which one of our own sensor programs says "not yet" (`EX_TEMPFAIL` of `sysexits.h`).
pub const NOT_YET: i32 = 75;

/// The XCom that holds a task's result (Airflow's `XCOM_RETURN_KEY`).
pub const RETURN_VALUE: &str = "return_value";

/// How an attempt ended that the engine carried out by itself, or did not even launch.
#[derive(Debug, Clone, PartialEq)]
pub enum InlineEnd {
    /// It succeeded with this value.
    Success(Option<Value>),
    /// Its `when` is false, or it has nothing to do.
    Skipped(String),
    /// It failed; `retry` says whether another try makes sense.
    Failed {
        /// Why.
        error: String,
        /// Whether `retries` apply.
        retry: bool,
    },
    /// A poke that says not yet.
    NotYet,
    /// It asks for a run.
    Trigger {
        /// Which.
        trigger: Box<TriggerRun>,
        /// Wait until the run has ended.
        wait: bool,
        /// What to do if the run exists.
        if_exists: IfExists,
    },
}

/// What a `trigger_dag_run` does if its run exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfExists {
    /// The task fails.
    Fail,
    /// The task is skipped.
    Skip,
    /// The run is cleared and runs again.
    Reset,
}

/// What an end means.
enum Outcome {
    Success(BTreeMap<String, Value>),
    Skipped(String),
    Failed {
        error: String,
        retry: bool,
    },
    /// And what it said, if it is known.
    NotYet(Option<String>),
    Relaunch {
        started: bool,
        why: String,
    },
}

impl Scheduler {
    /// A scheduled instance has its slots: its attempt is launched once this is committed.
    pub(crate) fn queue(&mut self, cx: &mut Cx<'_>, key: updraft_model::RunKey, node: Node, executor: ExecutorName) {
        let now = cx.now;
        let attempt = AttemptId(cx.mint.uuid());
        let queued = self.move_instance(key, node, TaskEvent::Queue, |instance| instance.row.queued_at = Some(now));
        if queued {
            self.begin_attempt(key, node, attempt, executor, now);
        }
    }

    fn begin_attempt(&mut self, key: updraft_model::RunKey, node: Node, attempt: AttemptId, executor: ExecutorName, now: Timestamp) {
        let place = self.config.node.clone();
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.live_attempts += 1;
        let Some(instance) = run.instance_mut(node) else { return };
        // The XComs of the last attempt live until the next one starts, each poke included (Airflow).
        let ran_before = instance.row.attempt.is_some();
        instance.row.attempt = Some(attempt);
        instance.row.executor = Some(executor.clone());
        instance.row.pid = None;
        instance.row.node = place.clone();
        let row = AttemptRow {
            id: attempt,
            key: instance.row.key(),
            try_number: instance.row.try_number,
            executor: executor.clone(),
            node: place.clone(),
            queued_at: now,
            started_at: None,
            ended_at: None,
            outcome: None,
            exit_code: None,
            waiting: None,
        };
        let live = LiveAttempt { run: key, node, row: row.clone(), killing: None };
        let writes = instance.writes();
        writes.launch = Some(live.launch());
        writes.delete_xcoms = ran_before;
        writes.xcoms.clear();
        writes.attempts.insert(attempt, row);
        self.gates.account(&GateName::Executor(executor), 1);
        self.attempts.insert(attempt, live);
        self.touch(key, node);
    }

    pub(crate) fn attempt_started(&mut self, attempt: AttemptId, at: Timestamp, pid: Option<u32>) {
        let Some(live) = self.attempts.get_mut(&attempt) else { return };
        if live.row.started_at.is_some() {
            return;
        }
        live.row.started_at = Some(at);
        live.row.waiting = None;
        let (key, node, row) = (live.run, live.node, live.row.clone());
        let Some(instance) = self.runs.get_mut(&key).and_then(|r| r.instance_mut(node)) else { return };
        instance.writes().attempts.insert(attempt, row);
        if instance.row.attempt == Some(attempt) && instance.row.state == TaskState::Queued {
            self.move_instance(key, node, TaskEvent::Start, |instance| {
                instance.row.start_date = Some(at);
                instance.row.first_start.get_or_insert(at);
                instance.row.pid = pid;
            });
        } else {
            self.touch(key, node);
        }
    }

    pub(crate) fn attempt_waits(&mut self, attempt: AttemptId, reason: Option<String>) {
        let Some(live) = self.attempts.get_mut(&attempt) else { return };
        let reason = reason.map(without_nul);
        if live.row.waiting == reason {
            return;
        }
        live.row.waiting = reason;
        let (key, node, row) = (live.run, live.node, live.row.clone());
        if let Some(instance) = self.runs.get_mut(&key).and_then(|r| r.instance_mut(node)) {
            instance.writes().attempts.insert(attempt, row);
            self.touch(key, node);
        }
    }

    /// The attempt was never created: it is launched as it is, or, if it shall end, it is over.
    pub(crate) fn attempt_absent(&mut self, cx: &mut Cx<'_>, attempt: AttemptId) {
        let Some(live) = self.attempts.get(&attempt) else { return };
        if live.killing.is_some() {
            let executor = live.row.executor.clone();
            self.attempt_ended(cx, attempt, executor, never_started(cx.now));
        } else {
            let launch = live.launch();
            self.outgoing.launches.push(launch);
        }
    }

    pub(crate) fn attempt_ended(&mut self, cx: &mut Cx<'_>, attempt: AttemptId, executor: ExecutorName, mut exit: Exit) {
        if let Some(key) = exit.outputs.keys().find(|key| key.contains('\0')) {
            exit.how = HowEnded::BadOutput { error: format!("output {key:?}: its name contains a NUL character") };
            exit.outputs.clear();
        }
        let words = describe(&exit);
        let code = if let HowEnded::Exited { code } = exit.how { Some(code) } else { None };
        let Some((key, node, killing)) = self.close_attempt(attempt, &executor, exit.started_at, exit.ended_at, words, code) else {
            return;
        };
        let Some(run) = self.runs.get_mut(&key) else { return };
        let task = run.graph.task(node).clone();
        let Some(instance) = run.instance_mut(node) else { return };
        if let Some(at) = exit.started_at {
            instance.row.start_date = Some(at);
            instance.row.first_start.get_or_insert(at);
        }
        if exit.pid.is_some() {
            instance.row.pid = exit.pid;
        }
        let relaunches = instance.row.relaunches;
        let ended_at = exit.ended_at;
        let outcome = if killing.is_some() { None } else { Some(outcome(&task, exit, relaunches)) };
        self.attempt_over(cx, key, node, outcome, code, ended_at);
    }

    pub(crate) fn inline_ended(&mut self, cx: &mut Cx<'_>, attempt: AttemptId, end: InlineEnd) {
        let Some(live) = self.attempts.get(&attempt) else { return };
        let (executor, killed) = (live.row.executor.clone(), live.killing.is_some());
        let (key, node) = (live.run, live.node);
        let outcome = match end {
            InlineEnd::Success(value) => Outcome::Success(value.map(|v| (RETURN_VALUE.to_owned(), v)).into_iter().collect()),
            InlineEnd::Skipped(reason) => Outcome::Skipped(reason),
            InlineEnd::Failed { error, retry } => Outcome::Failed { error, retry },
            InlineEnd::NotYet => Outcome::NotYet(None),
            InlineEnd::Trigger { .. } if killed => Outcome::Skipped(String::new()),
            InlineEnd::Trigger { trigger, wait, if_exists } => {
                // It goes on when the store has answered.
                if let Err(end) = self.trigger_for_task(cx, attempt, *trigger, wait, if_exists) {
                    self.inline_ended(cx, attempt, end);
                }
                return;
            }
        };
        let words = match &outcome {
            Outcome::Success(_) => "done".to_owned(),
            Outcome::Skipped(reason) => format!("skipped: {reason}"),
            Outcome::Failed { error, .. } => format!("failed: {error}"),
            Outcome::NotYet(_) => "not yet".to_owned(),
            Outcome::Relaunch { why, .. } => why.clone(),
        };
        let now = cx.now;
        let Some((_, _, killing)) = self.close_attempt(attempt, &executor, Some(now), now, words, None) else { return };
        if let Some(instance) = self.runs.get_mut(&key).and_then(|r| r.instance_mut(node)) {
            instance.row.start_date.get_or_insert(now);
            instance.row.first_start.get_or_insert(now);
        }
        self.attempt_over(cx, key, node, killing.is_none().then_some(outcome), None, now);
    }

    /// Takes an attempt off the list of live ones, and has its end written and then released.
    /// Nothing if it is not on the list: its end came twice, or nobody knows it.
    pub(crate) fn close_attempt(
        &mut self,
        attempt: AttemptId,
        executor: &ExecutorName,
        started_at: Option<Timestamp>,
        ended_at: Timestamp,
        words: String,
        exit_code: Option<i32>,
    ) -> Option<(updraft_model::RunKey, Node, Option<KillReason>)> {
        let Some(live) = self.attempts.remove(&attempt) else {
            // Not before everything up to here is written: its first end may still be on the way.
            self.releases.push((executor.clone(), attempt));
            return None;
        };
        let LiveAttempt { run: key, node, mut row, killing } = live;
        self.gates.account(&GateName::Executor(row.executor.clone()), -1);
        row.started_at = started_at.or(row.started_at);
        row.ended_at = Some(ended_at);
        row.outcome = Some(without_nul(words));
        row.exit_code = exit_code;
        row.waiting = None;
        let run = self.runs.get_mut(&key)?;
        run.live_attempts = run.live_attempts.saturating_sub(1);
        let instance = run.instance_mut(node)?;
        let current = instance.row.attempt == Some(attempt);
        let release = (row.executor.clone(), attempt);
        let writes = instance.writes();
        writes.attempts.insert(attempt, row);
        writes.releases.push(release);
        self.touch(key, node);
        self.mark_dirty(key, node);
        self.dirty_runs.insert(key);
        // An attempt that is not the current one goes to the history only.
        current.then_some((key, node, killing))
    }

    /// The instance's current attempt is over. `outcome` is absent if it was killed on purpose.
    fn attempt_over(
        &mut self,
        cx: &mut Cx<'_>,
        key: updraft_model::RunKey,
        node: Node,
        outcome: Option<Outcome>,
        code: Option<i32>,
        ended_at: Timestamp,
    ) {
        let Some(instance) = self.runs.get_mut(&key).and_then(|r| r.instance_mut(node)) else { return };
        let state = instance.row.state;
        if state == TaskState::Restarting {
            self.restart(cx, key, node);
            return;
        }
        let (Some(outcome), TaskState::Queued | TaskState::Running) = (outcome, state) else { return };
        // When it ended, not when that was heard: no daemon may have been there to hear it.
        instance.row.end_date = Some(instance.row.start_date.map_or(ended_at, |start| ended_at.max(start)));
        instance.row.exit_code = code;
        match outcome {
            Outcome::Success(xcoms) => self.succeed(cx, key, node, xcoms),
            Outcome::Skipped(reason) => {
                self.move_instance(key, node, TaskEvent::Skip, |instance| instance.row.reason = Some(reason));
            }
            Outcome::Failed { error, retry } => self.fail(cx, key, node, error, retry),
            Outcome::NotYet(said) => self.not_yet(cx, key, node, said),
            Outcome::Relaunch { started, why } => self.relaunch(cx, key, node, started, why),
        }
    }

    fn succeed(&mut self, cx: &mut Cx<'_>, key: updraft_model::RunKey, node: Node, xcoms: BTreeMap<String, Value>) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let graph = run.graph.clone();
        let task = graph.task(node);
        let decision = match decision(&graph, node, &xcoms) {
            Ok(decision) => decision,
            Err(error) => {
                self.fail(cx, key, node, error, true);
                return;
            }
        };
        let now = cx.now;
        if let Some(instance) = run.instance_mut(node) {
            let owner = instance.row.key();
            let rows = xcoms.into_iter().filter(|(k, _)| k != RETURN_VALUE || task.do_xcom_push);
            let rows: Vec<XComRow> = rows.map(|(k, value)| XComRow { owner: owner.clone(), key: k, value, timestamp: now }).collect();
            instance.writes().xcoms.extend(rows);
            instance.row.decision = decision.clone();
        }
        self.move_instance(key, node, TaskEvent::Succeed, |instance| {
            instance.row.end_date.get_or_insert(now);
            instance.row.awaits = None;
            instance.row.reason = None;
        });
        for skipped in decision.into_iter().flat_map(|d| d.0).filter_map(|id| graph.node(&id)) {
            let state = self.runs.get(&key).and_then(|r| r.instance(skipped)).map(|i| i.row.state);
            if state.is_some_and(|s| s.is_schedulable() || s == TaskState::Scheduled) {
                self.skip(cx, key, skipped, Some(format!("skipped by {}", task.task_id)));
            }
        }
    }

    /// A try failed: another follows if the task has one left, else that is final.
    pub(crate) fn fail(&mut self, cx: &mut Cx<'_>, key: updraft_model::RunKey, node: Node, error: String, retry: bool) {
        let error = without_nul(error);
        let Some(run) = self.runs.get_mut(&key) else { return };
        let (task, date) = (run.graph.task(node).clone(), run.row.logical_date);
        let Some(instance) = run.instance_mut(node) else { return };
        let now = cx.now;
        let ended = *instance.row.end_date.get_or_insert(now);
        instance.row.awaits = None;
        // Airflow: `max_tries > 0 and try_number <= max_tries`.
        if retry && instance.row.max_tries > 0 && instance.row.try_number <= instance.row.max_tries {
            let mut over = instance.row.clone();
            over.state = TaskState::Failed;
            over.reason = Some(error.clone());
            let at = ended.saturating_add(retry::delay(&task.retry, &over, date));
            instance.writes().archived.push(over);
            self.move_instance(key, node, TaskEvent::Retry, |instance| {
                instance.row.next_at = Some(at);
                instance.row.first_start = None;
                instance.row.reason = Some(error);
            });
            return;
        }
        self.move_instance(key, node, TaskEvent::Fail, |instance| {
            instance.row.next_at = None;
            instance.row.reason = Some(error);
        });
        self.fail_fast(cx, key);
    }

    /// A final failure in a `fail_fast` DAG ends the run's other tasks (Airflow's `_stop_remaining_tasks`).
    fn fail_fast(&mut self, cx: &mut Cx<'_>, key: updraft_model::RunKey) {
        let Some(run) = self.runs.get(&key) else { return };
        if !self.dags.get(&run.row.dag_id).is_some_and(|d| d.version.dag.fail_fast) {
            return;
        }
        let now = cx.now;
        let open: Vec<(Node, TaskState)> = run
            .iter()
            .filter(|(node, i)| !i.row.state.is_finished() && !run.graph.task(*node).is_teardown)
            .map(|(node, i)| (node, i.row.state))
            .collect();
        for (node, state) in open {
            self.kill_attempt(key, node, KillReason::FailFast);
            let event = if state == TaskState::Running { TaskEvent::MarkFailed } else { TaskEvent::MarkSkipped };
            self.move_instance(key, node, event, |instance| {
                crate::evaluate::end_now(instance, now);
                instance.row.reason = Some("another task failed in a fail_fast DAG".to_owned());
            });
        }
    }

    /// A poke said not yet: the next one follows, unless the try has waited too long.
    fn not_yet(&mut self, cx: &mut Cx<'_>, key: updraft_model::RunKey, node: Node, said: Option<String>) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let task = run.graph.task(node).clone();
        let Operator::Sensor(Sensor { poke_interval, timeout, soft_fail, .. }) = &task.operator else {
            self.fail(cx, key, node, format!("exit code {NOT_YET}"), true);
            return;
        };
        let Some(instance) = run.instance_mut(node) else { return };
        let now = cx.now;
        let since = instance.row.first_start.unwrap_or(now);
        if now.since(since) < *timeout {
            let at = now.saturating_add(*poke_interval);
            self.move_instance(key, node, TaskEvent::Reschedule, |instance| {
                instance.row.next_at = Some(at);
                instance.row.first_start.get_or_insert(since);
                instance.row.reason = said;
            });
        } else if *soft_fail {
            self.skip(cx, key, node, Some(format!("sensor timed out after {timeout:#} (soft_fail)")));
        } else {
            // Not retried, as in Airflow (`AirflowSensorTimeout`).
            let said = said.map(|said| format!("; {said}")).unwrap_or_default();
            self.fail(cx, key, node, format!("sensor timed out after {timeout:#}{said}"), false);
        }
    }

    /// The place was lost and the same try is launched again, as a new attempt.
    fn relaunch(&mut self, cx: &mut Cx<'_>, key: updraft_model::RunKey, node: Node, started: bool, why: String) {
        let Some(executor) = self.executor_of(key, node) else { return };
        let now = cx.now;
        let attempt = AttemptId(cx.mint.uuid());
        let relaunched = self.move_instance(key, node, TaskEvent::Relaunch, |instance| {
            instance.row.relaunches += u32::from(started);
            instance.row.queued_at = Some(now);
            instance.row.end_date = None;
            instance.row.reason = Some(format!("launched again: {why}"));
        });
        if relaunched {
            self.begin_attempt(key, node, attempt, executor, now);
        }
    }

    /// The killed attempt of a cleared instance is over: its next try can be decided.
    pub(crate) fn restart(&mut self, cx: &mut Cx<'_>, key: updraft_model::RunKey, node: Node) {
        let now = cx.now;
        let Some(run) = self.runs.get_mut(&key) else { return };
        let retries = run.graph.task(node).retry.retries;
        let Some(instance) = run.instance_mut(node) else { return };
        let mut over = instance.row.clone();
        over.state = TaskState::Failed;
        over.end_date.get_or_insert(now);
        over.reason = Some("cleared while it ran".to_owned());
        instance.writes().archived.push(over);
        self.move_instance(key, node, TaskEvent::Killed, |instance| instance.reset_for_next_try(retries));
    }

    /// The database does not take what a task wrote: the task fails, the loop goes on. Its attempt is
    /// being ended, so that what it tells at its end is not written.
    pub(crate) fn poisoned(&mut self, cx: &mut Cx<'_>, key: &TaskInstanceKey, error: &str) {
        let Some(node) = self.runs.get(&key.run).and_then(|run| run.graph.node(&key.task_id)) else { return };
        let now = cx.now;
        self.kill_attempt(key.run, node, KillReason::Marked);
        self.move_instance(key.run, node, TaskEvent::MarkFailed, |instance| {
            crate::evaluate::end_now(instance, now);
            instance.row.reason = Some(without_nul(format!("the database does not accept what the task wrote: {error}")));
        });
    }
}

impl crate::run::Instance {
    /// The fields of an instance that was cleared: as new, but it remembers its tries.
    pub(crate) fn reset_for_next_try(&mut self, retries: u32) {
        let row = &mut self.row;
        row.max_tries = row.try_number + retries;
        row.start_date = None;
        row.end_date = None;
        row.first_start = None;
        row.next_at = None;
        row.awaits = None;
        row.decision = None;
        row.exit_code = None;
        row.reason = None;
        row.pid = None;
    }
}

/// Words as a text column takes them: PostgreSQL's has no NUL.
pub(crate) fn without_nul(words: String) -> String {
    if words.contains('\0') { words.replace('\0', "\u{fffd}") } else { words }
}

/// The end of an attempt that was never created.
pub fn never_started(now: Timestamp) -> Exit {
    Exit { how: HowEnded::Terminated, started_at: None, ended_at: now, outputs: BTreeMap::new(), last_line: None, pid: None }
}

fn outcome(task: &Task, exit: Exit, relaunches: u32) -> Outcome {
    let failed = |error: String| Outcome::Failed { error, retry: true };
    match exit.how {
        HowEnded::Exited { code } if task.skip_on_exit_code.contains(&code) && code != 0 => Outcome::Skipped(format!("exit code {code}")),
        HowEnded::Exited { code: NOT_YET } if matches!(task.operator, Operator::Sensor(_)) => Outcome::NotYet(said(exit.last_line)),
        // What they print is a log, and the last line of it says why they failed.
        HowEnded::Exited { code: 0 } if matches!(task.operator, Operator::Sensor(_) | Operator::Http(_)) => Outcome::Success(exit.outputs),
        HowEnded::Exited { code } if matches!(task.operator, Operator::Sensor(_) | Operator::Http(_)) => {
            failed(said(exit.last_line).unwrap_or_else(|| format!("exit code {code}")))
        }
        HowEnded::Exited { code } if matches!(task.operator, Operator::ShortCircuit { by: Chooser::Bash(_), .. }) => {
            Outcome::Success(BTreeMap::from([(RETURN_VALUE.to_owned(), Value::Bool(code == 0))]))
        }
        HowEnded::Exited { code: 0 } => Outcome::Success(outputs(exit.outputs, exit.last_line)),
        HowEnded::Exited { code } => failed(format!("exit code {code}")),
        HowEnded::Signaled { signal } => failed(format!("killed by signal {signal}")),
        HowEnded::TimedOut => failed(match task.execution_timeout {
            Some(timeout) => format!("execution_timeout: not done after {timeout:#}"),
            None => "execution_timeout".to_owned(),
        }),
        HowEnded::Terminated => failed("terminated".to_owned()),
        HowEnded::CouldNotStart { error } => failed(format!("could not start: {error}")),
        HowEnded::BadOutput { error } => failed(error),
        HowEnded::PlaceLost { started: false, why } => Outcome::Relaunch { started: false, why },
        HowEnded::PlaceLost { started: true, why } => {
            let allowed = task.retry.retries > 0 || task.relaunch;
            if allowed && relaunches < task.max_relaunches {
                Outcome::Relaunch { started: true, why }
            } else {
                failed(format!("place lost: {why}"))
            }
        }
    }
}

/// The last line of a program of ours, if it printed any: so much of it as a reason needs.
fn said(last_line: Option<String>) -> Option<String> {
    let short = |line: &str| without_nul(line.strip_prefix("updraft: ").unwrap_or(line).chars().take(1_000).collect());
    last_line.as_deref().map(short).filter(|line| !line.is_empty())
}

fn outputs(mut outputs: BTreeMap<String, Value>, last_line: Option<String>) -> BTreeMap<String, Value> {
    if let Some(line) = last_line {
        outputs.entry(RETURN_VALUE.to_owned()).or_insert(Value::String(line));
    }
    outputs
}

/// How an attempt ended, in words for the history.
fn describe(exit: &Exit) -> String {
    match &exit.how {
        HowEnded::Exited { code } => format!("exited {code}"),
        HowEnded::Signaled { signal } => format!("killed by signal {signal}"),
        HowEnded::TimedOut => "timed out".to_owned(),
        HowEnded::Terminated => "terminated".to_owned(),
        HowEnded::CouldNotStart { error } => format!("could not start: {error}"),
        HowEnded::PlaceLost { why, .. } => format!("place lost: {why}"),
        HowEnded::BadOutput { error } => error.clone(),
    }
}

/// What a branch or short-circuit that succeeded decided.
fn decision(graph: &Graph, node: Node, xcoms: &BTreeMap<String, Value>) -> Result<Option<SkipDecision>, String> {
    let value = xcoms.get(RETURN_VALUE).unwrap_or(&Value::Null);
    let this = &graph.nodes[node as usize];
    let skipped: Vec<Node> = match &this.task.operator {
        Operator::Branch { .. } => {
            let mut chosen = Vec::new();
            for id in chosen_ids(value)? {
                let task = updraft_model::TaskId::new(&id).ok().and_then(|id| graph.node(&id));
                chosen.push(task.ok_or_else(|| format!("branch chose \"{id}\", which is no task of this DAG"))?);
            }
            // A direct downstream that is also below a chosen one is a join, and survives.
            let below = graph.reachable(chosen.iter().copied(), Direction::Downstream);
            this.downstream.iter().copied().filter(|d| !chosen.contains(d) && below.binary_search(d).is_err()).collect()
        }
        Operator::ShortCircuit { .. } if truthy(value) => Vec::new(),
        Operator::ShortCircuit { ignore_downstream_trigger_rules: true, .. } => {
            let all = graph.reachable([node], Direction::Downstream);
            all.into_iter().filter(|n| !graph.task(*n).is_teardown).collect()
        }
        Operator::ShortCircuit { .. } => this.downstream.clone(),
        _ => return Ok(None),
    };
    Ok(Some(SkipDecision(skipped.into_iter().map(|n| graph.task(n).task_id.clone()).collect())))
}

/// The task ids a branch's value names: a list, or a text of ids separated by commas or blanks; none for null.
fn chosen_ids(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(list @ Value::Array(_)) => chosen_ids(&list),
            _ => Ok(text.split([',', ' ', '\t']).filter(|id| !id.is_empty()).map(str::to_owned).collect()),
        },
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| format!("branch chose {item}, which is no task id")))
            .collect(),
        other => Err(format!("a branch must name task ids, but its value is {other}")),
    }
}

/// Python's truth of a value.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64().is_none_or(|n| n != 0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::Object(o) => !o.is_empty(),
    }
}

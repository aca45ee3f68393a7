//! The reasons, as pure functions. The order of the checks is the order in which the scheduler
//! would stop: the run, then the task's own wait, then its upstreams, then the gates.

use std::collections::BTreeMap;

use updraft_model::{ExecutorName, RunRow, RunState, Task, TaskId, TaskInstanceRow, TaskState, Timestamp, TriggerRule, WaitingFor};
use updraft_store::PoolView;

use super::past::{Past, of_past};
use crate::config::ExecutorUse;

/// How many upstream tasks are named; the rest is a number.
pub(super) const NAMED_UPSTREAMS: usize = 10;

/// What is known of a run that may be waiting.
#[derive(Debug, Clone, Copy)]
pub struct RunFacts<'a> {
    /// The run.
    pub run: &'a RunRow,
    /// Whether its DAG is paused.
    pub is_paused: bool,
    /// Whether any scheduler holds the lease.
    pub has_scheduler: bool,
    /// How many runs of its DAG are running.
    pub running: i64,
    /// `max_active_runs` of the DAG's latest version.
    pub max_active_runs: u32,
}

/// What is known of a task instance that may be waiting.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The task instance.
    pub row: &'a TaskInstanceRow,
    /// Its run.
    pub run: RunFacts<'a>,
    /// Its task; absent if the version no longer has it.
    pub task: Option<&'a Task>,
    /// The states of its upstream tasks: of a mapped task, the least finished one.
    pub upstream: &'a BTreeMap<TaskId, TaskState>,
    /// What its past is, if it asks for that and there is one.
    pub past: Option<&'a Past>,
    /// Its pool, if there is one of that name.
    pub pool: Option<&'a PoolView>,
    /// How many task instances of its run hold a slot, and `max_active_tasks`.
    pub active_in_run: (i64, u32),
    /// How many of its task are active over all runs, where that is limited.
    pub active_of_task: Option<i64>,
    /// How many of its task are active in its run, where that is limited.
    pub active_of_task_in_run: Option<i64>,
    /// Its executor, where this server knows it.
    pub executor: Option<&'a ExecutorUse>,
    /// The executor it names, if this server knows that there is none of that name.
    pub missing_executor: Option<&'a ExecutorName>,
    /// What the executor says of an attempt that does not run yet.
    pub executor_says: Option<&'a str>,
    /// Whether the end of its last attempt is not known yet.
    pub has_open_attempt: bool,
}

/// Why a queued run has not started; `None` for any other run.
pub fn explain_run(now: Timestamp, facts: &RunFacts<'_>) -> Option<WaitingFor> {
    let RunFacts { run, is_paused, has_scheduler, running, max_active_runs } = *facts;
    if run.state != RunState::Queued {
        return None;
    }
    Some(if !has_scheduler {
        WaitingFor::NoScheduler
    } else if is_paused {
        WaitingFor::DagPaused
    } else if run.run_after > now {
        WaitingFor::RunAfter { at: run.run_after }
    } else if running >= i64::from(max_active_runs) {
        WaitingFor::MaxActiveRuns { limit: max_active_runs }
    } else {
        WaitingFor::Scheduler
    })
}

/// Why a task instance does not run; `None` if it runs, has ended, or never will run.
pub fn explain(now: Timestamp, facts: &Facts<'_>) -> Option<WaitingFor> {
    let row = facts.row;
    let is_done = row.state == TaskState::Running || row.state.is_finished();
    if is_done || facts.run.run.state.is_finished() {
        return None;
    }
    if !facts.run.has_scheduler {
        return Some(WaitingFor::NoScheduler);
    }
    Some(match row.state {
        TaskState::Restarting => WaitingFor::Killing,
        // It was marked while it ran, and then cleared.
        TaskState::NoStatus if facts.has_open_attempt => WaitingFor::Killing,
        TaskState::Queued => starting(facts),
        TaskState::Deferred | TaskState::AwaitingInput => match &row.awaits {
            Some(run) => WaitingFor::TriggeredRun { run: run.clone() },
            None => row.next_at.map_or(WaitingFor::Scheduler, |at| WaitingFor::Poke { at }),
        },
        TaskState::UpForRetry if row.next_at.is_some_and(|at| at > now) => WaitingFor::Retry { at: row.next_at.unwrap_or(now) },
        TaskState::UpForReschedule if row.next_at.is_some_and(|at| at > now) => WaitingFor::Poke { at: row.next_at.unwrap_or(now) },
        TaskState::NoStatus | TaskState::UpForRetry | TaskState::UpForReschedule => {
            of_run(now, facts).or_else(|| of_dependencies(facts)).unwrap_or(WaitingFor::Scheduler)
        }
        TaskState::Scheduled => of_run(now, facts).or_else(|| of_gates(facts)).unwrap_or(WaitingFor::Scheduler),
        TaskState::Running
        | TaskState::Success
        | TaskState::Failed
        | TaskState::Skipped
        | TaskState::UpstreamFailed
        | TaskState::Removed => return None,
    })
}

fn starting(facts: &Facts<'_>) -> WaitingFor {
    match &facts.row.executor {
        Some(executor) => WaitingFor::Starting { executor: executor.clone(), detail: facts.executor_says.map(str::to_owned) },
        None => WaitingFor::Scheduler,
    }
}

fn of_run(now: Timestamp, facts: &Facts<'_>) -> Option<WaitingFor> {
    let run = facts.run.run;
    if let Some(reason) = explain_run(now, &facts.run) {
        return Some(reason);
    }
    if facts.run.is_paused {
        return Some(WaitingFor::DagPaused);
    }
    // Airflow: a run with a logical date in the future becomes running, but nothing of it starts.
    run.logical_date.filter(|at| *at > now).map(|at| WaitingFor::RunAfter { at })
}

fn of_dependencies(facts: &Facts<'_>) -> Option<WaitingFor> {
    let task = facts.task?;
    let pending: Vec<_> = facts.upstream.iter().filter(|(_, state)| !state.is_finished()).map(|(id, state)| (id.clone(), *state)).collect();
    if task.trigger_rule != TriggerRule::Always && !pending.is_empty() {
        let more = pending.len().saturating_sub(NAMED_UPSTREAMS);
        let pending = pending.into_iter().take(NAMED_UPSTREAMS).collect();
        return Some(WaitingFor::Upstream { rule: task.trigger_rule, pending, more });
    }
    of_past(task, facts.past?)
}

fn of_gates(facts: &Facts<'_>) -> Option<WaitingFor> {
    if let Some(executor) = facts.missing_executor {
        return Some(WaitingFor::ExecutorMissing { executor: executor.clone() });
    }
    of_pool(facts).or_else(|| of_limits(facts)).or_else(|| {
        let executor = facts.executor?;
        let limit = executor.limit.filter(|limit| executor.running >= u64::from(*limit))?;
        Some(WaitingFor::ExecutorFull { executor: executor.name.parse().ok()?, limit })
    })
}

fn of_pool(facts: &Facts<'_>) -> Option<WaitingFor> {
    let (pool, wants) = (facts.row.pool.clone(), facts.row.pool_slots);
    let Some(view) = facts.pool else { return Some(WaitingFor::PoolMissing { pool }) };
    if view.row.slots < 0 {
        return None;
    }
    let slots = i64::from(view.row.slots);
    let used = view.running + view.queued + if view.row.include_deferred { view.deferred } else { 0 };
    if i64::from(wants) > slots {
        Some(WaitingFor::PoolTooSmall { pool, slots, wants })
    } else if used + i64::from(wants) > slots {
        Some(WaitingFor::PoolFull { pool, used, slots, wants })
    } else {
        None
    }
}

fn of_limits(facts: &Facts<'_>) -> Option<WaitingFor> {
    let task = facts.task?;
    let reached = |count: Option<i64>, limit: Option<u32>| limit.filter(|limit| count.is_some_and(|count| count >= i64::from(*limit)));
    let (active, max_active_tasks) = facts.active_in_run;
    if active >= i64::from(max_active_tasks) {
        return Some(WaitingFor::MaxActiveTasks { limit: max_active_tasks });
    }
    if let Some(limit) = reached(facts.active_of_task, task.max_active_tis_per_dag) {
        return Some(WaitingFor::MaxActiveTisPerDag { limit });
    }
    reached(facts.active_of_task_in_run, task.max_active_tis_per_dagrun).map(|limit| WaitingFor::MaxActiveTisPerDagRun { limit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use updraft_model::{AwaitedRun, DagId, Operator, PoolName, PoolRow, RunKey, RunType, TaskInstanceId, TriggeredBy, VersionId};
    use uuid::Uuid;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    const NOW: i64 = 1_000;

    struct Scene {
        run: RunRow,
        row: TaskInstanceRow,
        task: Task,
        upstream: BTreeMap<TaskId, TaskState>,
        pool: Option<PoolView>,
        is_paused: bool,
        has_scheduler: bool,
        running: i64,
        active: i64,
        active_of_task: Option<i64>,
        executor: Option<ExecutorUse>,
        missing_executor: Option<ExecutorName>,
        past: Option<Past>,
        has_open_attempt: bool,
    }

    impl Scene {
        /// A task instance with nothing in its way.
        fn new(state: TaskState) -> Self {
            let (dag_id, task_id) = (DagId::new("d").unwrap(), TaskId::new("t").unwrap());
            let version = VersionId(Uuid::nil());
            let run = RunRow {
                key: RunKey(1),
                dag_id,
                run_id: "r".parse().unwrap(),
                run_type: RunType::Manual,
                state: RunState::Running,
                version,
                logical_date: None,
                data_interval: None,
                run_after: at(0),
                queued_at: None,
                start_date: Some(at(1)),
                end_date: None,
                conf: serde_json::json!({}),
                triggered_by: TriggeredBy::RestApi,
                triggering_user: None,
                note: None,
                end_reason: None,
            };
            let task = Task::new(task_id, Operator::Empty);
            let row = TaskInstanceRow {
                state,
                try_number: 1,
                max_tries: 1,
                executor: Some("local".parse().unwrap()),
                ..TaskInstanceRow::new(&run, &task, TaskInstanceId(Uuid::nil()))
            };
            let pool = PoolRow { name: PoolName::default_pool(), slots: 4, description: None, include_deferred: false };
            Self {
                run,
                row,
                task,
                upstream: BTreeMap::new(),
                pool: Some(PoolView { row: pool, running: 0, queued: 0, scheduled: 1, deferred: 0 }),
                is_paused: false,
                has_scheduler: true,
                running: 1,
                active: 0,
                active_of_task: None,
                executor: None,
                missing_executor: None,
                past: None,
                has_open_attempt: false,
            }
        }

        fn reason(&self) -> String {
            let run = RunFacts {
                run: &self.run,
                is_paused: self.is_paused,
                has_scheduler: self.has_scheduler,
                running: self.running,
                max_active_runs: 16,
            };
            let facts = Facts {
                row: &self.row,
                run,
                task: Some(&self.task),
                upstream: &self.upstream,
                past: self.past.as_ref(),
                pool: self.pool.as_ref(),
                active_in_run: (self.active, 16),
                active_of_task: self.active_of_task,
                active_of_task_in_run: None,
                executor: self.executor.as_ref(),
                missing_executor: self.missing_executor.as_ref(),
                executor_says: Some("0/3 nodes have a GPU"),
                has_open_attempt: self.has_open_attempt,
            };
            explain(at(NOW), &facts).map_or("-".to_owned(), |reason| reason.to_string())
        }

        fn with(state: TaskState, change: impl FnOnce(&mut Self)) -> String {
            let mut scene = Self::new(state);
            change(&mut scene);
            scene.reason()
        }
    }

    #[test]
    fn what_runs_or_has_ended_waits_for_nothing() {
        for state in TaskState::ALL {
            let waits = Scene::new(state).reason() != "-";
            assert_eq!(waits, state != TaskState::Running && !state.is_finished(), "{state:?}");
            assert_eq!(Scene::with(state, |s| s.run.state = RunState::Failed), "-", "{state:?} in a failed run");
        }
    }

    #[test]
    fn the_run_comes_first() {
        use TaskState::{NoStatus, Scheduled};
        assert_eq!(Scene::with(Scheduled, |s| s.has_scheduler = false), "no scheduler is running");
        assert_eq!(Scene::with(NoStatus, |s| s.is_paused = true), "the DAG is paused");
        assert_eq!(Scene::with(NoStatus, |s| s.run.logical_date = Some(at(NOW + 1))), "the run starts at 1970-01-01T00:16:41Z");
        let queued = |change: fn(&mut Scene)| {
            Scene::with(NoStatus, |s| {
                s.run.state = RunState::Queued;
                change(s);
            })
        };
        assert_eq!(queued(|s| s.running = 16), "max_active_runs reached (16)");
        assert_eq!(queued(|s| s.run.run_after = at(2_000)), "the run starts at 1970-01-01T00:33:20Z");
        assert_eq!(queued(|_| ()), "ready; the scheduler will queue it");
    }

    #[test]
    fn upstreams_are_named_up_to_a_limit() {
        let scene = |rule| {
            Scene::with(TaskState::NoStatus, |s| {
                s.task.trigger_rule = rule;
                let names = (0..12).map(|i| TaskId::new(format!("u{i:02}")).unwrap());
                s.upstream = names.map(|id| (id, TaskState::Running)).collect();
                s.upstream.insert(TaskId::new("done").unwrap(), TaskState::Success);
            })
        };
        let text = scene(TriggerRule::AllSuccess);
        assert!(
            text.starts_with("waits for upstream u00 (running), u01 (running)") && text.ends_with("and 2 more [all_success]"),
            "{text}"
        );
        assert_eq!(scene(TriggerRule::Always), "ready; the scheduler will queue it");
    }

    #[test]
    fn the_previous_run() {
        let scene = |states: &[(&str, TaskState)], change: fn(&mut Scene)| {
            Scene::with(TaskState::NoStatus, |s| {
                s.task.depends_on_past = true;
                let id = |id: &str| TaskId::new(id).unwrap();
                let states = states.iter().map(|(task, state)| (id(task), vec![*state])).collect();
                s.past = Some(Past { run_id: "before".parse().unwrap(), downstream: vec![id("down")], states });
                change(s);
            })
        };
        use TaskState::{Failed, Running, Skipped, Success};
        let ready = "ready; the scheduler will queue it";
        assert_eq!(scene(&[("t", Failed)], |_| ()), "waits for the previous run before: t (failed) [depends_on_past]");
        assert_eq!(
            scene(&[("t", Skipped), ("down", Running)], |_| ()),
            "waits for the previous run before: down (running) [wait_for_downstream]"
        );
        assert_eq!(scene(&[], |_| ()), "waits for the previous run before: t (not part of it) [depends_on_past]");
        assert_eq!(scene(&[], |s| s.task.ignore_first_depends_on_past = true), ready);
        assert_eq!(scene(&[("t", Success), ("down", Success)], |_| ()), ready);
        assert_eq!(scene(&[], |s| s.past = None), ready, "the first run has no past");
    }

    #[test]
    fn delays_and_other_runs() {
        use TaskState::{Deferred, NoStatus, Queued, Restarting, UpForReschedule, UpForRetry};
        let later = |s: &mut Scene| s.row.next_at = Some(at(NOW + 20));
        assert_eq!(Scene::with(UpForRetry, later), "retry at 1970-01-01T00:17:00Z");
        assert_eq!(Scene::with(UpForReschedule, later), "next poke at 1970-01-01T00:17:00Z");
        assert_eq!(Scene::with(UpForRetry, |s| s.row.next_at = Some(at(NOW))), "ready; the scheduler will queue it");
        let awaits = AwaitedRun { dag_id: "other".parse().unwrap(), run_id: "x".parse().unwrap() };
        assert_eq!(Scene::with(Deferred, |s| s.row.awaits = Some(awaits)), "waits for run x of DAG other");
        assert_eq!(Scene::new(Restarting).reason(), "its running attempt is being ended");
        assert_eq!(Scene::with(NoStatus, |s| s.has_open_attempt = true), "its running attempt is being ended");
        assert_eq!(Scene::new(Queued).reason(), "executor local: 0/3 nodes have a GPU");
    }

    #[test]
    fn gates() {
        use TaskState::Scheduled;
        let pool = |change: fn(&mut PoolView)| Scene::with(Scheduled, |s| change(s.pool.as_mut().unwrap()));
        assert_eq!(Scene::with(Scheduled, |s| s.pool = None), "pool default_pool does not exist");
        assert_eq!(pool(|p| p.running = 4), "pool default_pool is full (4/4)");
        assert_eq!(pool(|p| p.deferred = 4), "ready; the scheduler will queue it");
        assert_eq!(pool(|p| (p.deferred, p.row.include_deferred) = (4, true)), "pool default_pool is full (4/4)");
        assert_eq!(pool(|p| (p.running, p.row.slots) = (99, -1)), "ready; the scheduler will queue it");
        assert!(Scene::with(Scheduled, |s| s.row.pool_slots = 5).starts_with("wants 5 slots of pool default_pool, which has only 4"));
        assert_eq!(Scene::with(Scheduled, |s| s.active = 16), "max_active_tasks of the run reached (16)");
        let per_dag = |s: &mut Scene| (s.task.max_active_tis_per_dag, s.active_of_task) = (Some(2), Some(2));
        assert_eq!(Scene::with(Scheduled, per_dag), "max_active_tis_per_dag reached (2)");
        let missing = |s: &mut Scene| s.missing_executor = Some("gpu".parse().unwrap());
        assert_eq!(Scene::with(Scheduled, missing), "executor gpu is not configured");
        let full = ExecutorUse { name: "local".into(), running: 32, limit: Some(32) };
        assert_eq!(Scene::with(Scheduled, |s| s.executor = Some(full)), "executor local is full (32/32)");
    }
}

use crate::harness::*;
use jiff::SignedDuration;
use updraft_model::*;
use updraft_scheduler::Input;

#[test]
fn a_chain_runs_one_after_the_other_and_the_run_succeeds() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"])]));
    let run = w.trigger();
    assert_eq!(w.states(run), "a=queued b=no_status");
    w.ok(run, "a");
    assert_eq!(w.states(run), "a=success b=queued");
    w.ok(run, "b");
    assert_eq!((w.states(run).as_str(), w.run_state(run)), ("a=success b=success", "success"));
    assert_eq!(w.scheduler.active_runs(), 0, "a finished run leaves memory");
}

#[test]
fn ten_thousand_empty_tasks_in_a_chain_are_a_few_commits() {
    let ids: Vec<String> = (0..10_000).map(|i| format!("t{i:05}")).collect();
    let tasks = (0..10_000).map(|i| if i == 0 { empty(&ids[0], &[]) } else { empty(&ids[i], &[&ids[i - 1]]) });
    let mut w = World::new(dag(tasks));
    let before = w.plans;
    let run = w.trigger();
    assert_eq!(w.run_state(run), "success");
    assert!(w.plans - before <= 20, "{} commits", w.plans - before);
}

/// Each plan is a commit that others wait for, so all runs have a part in each.
#[test]
fn a_large_run_keeps_no_other_waiting() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"])]));
    let mut large = dag((0..20_000).map(|i| empty(&format!("t{i:05}"), &[])));
    large.dag_id = DagId::new("large").unwrap();
    w.give([Input::Files(vec![file(large)])]);
    let run = w.trigger();
    let ended =
        Input::Ended { attempt: w.attempt(run, "a"), executor: "local".parse().unwrap(), exit: exit(HowEnded::Exited { code: 0 }, w.now) };
    let trigger = Request::TriggerRun(trigger_of("large", "r"));
    let (mut next, mut more) = w.step_with_facts(vec![Input::Request(PendingRequest { id: RequestId(100), user: None, request: trigger })]);
    while !next.is_empty() {
        (next, more) = w.step_with_facts(next);
    }
    assert!(more, "the large run takes more than one plan");
    let (_, more) = w.step([ended]);
    assert_eq!((more, w.state(run, "b")), (true, TaskState::Queued), "in the plan that hears of its upstream's end");
}

#[test]
fn a_failed_leaf_fails_the_run_and_a_failed_inner_task_does_not() {
    let mut cleanup = bash("z", &["a"]);
    cleanup.trigger_rule = TriggerRule::AllDone;
    let mut w = World::new(dag([bash("a", &[]), cleanup]));
    let run = w.trigger();
    w.fail(run, "a");
    w.ok(run, "z");
    assert_eq!(w.run_state(run), "success");
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"])]));
    let run = w.trigger();
    w.fail(run, "a");
    assert_eq!((w.states(run).as_str(), w.run_state(run)), ("a=failed b=upstream_failed", "failed"));
}

#[test]
fn a_retry_waits_for_its_delay_and_counts_tries() {
    let mut a = bash("a", &[]);
    a.retry = RetryPolicy { retries: 1, delay: SignedDuration::from_secs(60), exponential_backoff: 0.0, max_delay: None };
    let mut w = World::new(dag([a]));
    let run = w.trigger();
    w.fail(run, "a");
    assert_eq!(w.state(run, "a"), TaskState::UpForRetry);
    assert_eq!(w.wake_at.unwrap().0, at("2026-01-10T10:01:00Z"));
    w.pass(SignedDuration::from_secs(59));
    assert_eq!(w.state(run, "a"), TaskState::UpForRetry);
    w.pass(SignedDuration::from_secs(1));
    assert_eq!((w.state(run, "a"), w.row(run, "a").try_number), (TaskState::Queued, 2));
    w.fail(run, "a");
    assert_eq!((w.state(run, "a"), w.run_state(run)), (TaskState::Failed, "failed"));
    assert_eq!(w.archived.iter().map(|t| t.try_number).collect::<Vec<_>>(), [1]);
}

#[test]
fn an_end_that_comes_twice_changes_nothing_and_is_released_again() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"])]));
    let run = w.trigger();
    let first = w.attempt(run, "a");
    w.ok(run, "a");
    w.end_attempt(first, HowEnded::Exited { code: 1 });
    assert_eq!(w.states(run), "a=success b=queued");
}

#[test]
fn a_lost_place_is_launched_again_only_where_allowed() {
    let lost = || HowEnded::PlaceLost { started: true, why: "node gone".into() };
    let mut w = World::new(dag([bash("a", &[])]));
    let run = w.trigger();
    w.end(run, "a", lost());
    assert_eq!(w.row(run, "a").reason.as_deref(), Some("place lost: node gone"));
    assert_eq!(w.run_state(run), "failed");

    let mut a = bash("a", &[]);
    a.relaunch = true;
    let mut w = World::new(dag([a]));
    let run = w.trigger();
    let mut seen = vec![w.attempt(run, "a")];
    for _ in 0..3 {
        w.end(run, "a", lost());
        assert_eq!((w.state(run, "a"), w.row(run, "a").try_number), (TaskState::Queued, 1));
        assert!(!seen.contains(&w.attempt(run, "a")));
        seen.push(w.attempt(run, "a"));
    }
    w.end(run, "a", lost());
    assert_eq!(w.run_state(run), "failed");
}

#[test]
fn one_lost_before_it_started_is_launched_again_without_counting() {
    let mut w = World::new(dag([bash("a", &[])]));
    let run = w.trigger();
    for _ in 0..10 {
        w.end(run, "a", HowEnded::PlaceLost { started: false, why: "no directory".into() });
    }
    assert_eq!((w.state(run, "a"), w.row(run, "a").try_number, w.row(run, "a").relaunches), (TaskState::Queued, 1, 0));
}

#[test]
fn an_exit_code_means_skipped_where_the_task_says_so() {
    let mut a = bash("a", &[]);
    a.skip_on_exit_code.insert(99);
    let mut w = World::new(dag([a, bash("b", &["a"])]));
    let run = w.trigger();
    w.end(run, "a", HowEnded::Exited { code: 99 });
    assert_eq!((w.states(run).as_str(), w.run_state(run)), ("a=skipped b=skipped", "success"));
}

#[test]
fn fail_fast_stops_everything_else() {
    let mut d = dag([bash("a", &[]), bash("b", &[]), bash("c", &["b"])]);
    d.fail_fast = true;
    let mut w = World::new(d);
    let run = w.trigger();
    let b = w.attempt(run, "b");
    w.give([updraft_scheduler::Input::Started { attempt: b, at: w.now, pid: Some(1) }]);
    w.fail(run, "a");
    assert_eq!(w.states(run), "a=failed b=failed c=skipped");
    assert_eq!(w.kills.iter().map(|k| (k.attempt, k.why)).collect::<Vec<_>>(), [(b, KillReason::FailFast)]);
    assert_eq!(w.run_state(run), "failed");
    assert_eq!(w.scheduler.active_runs(), 1, "an attempt of it is still alive");
    w.end_attempt(b, HowEnded::Terminated);
    assert_eq!((w.states(run).as_str(), w.scheduler.active_runs()), ("a=failed b=failed c=skipped", 0));
}

#[test]
fn an_instance_that_was_never_created_deadlocks_what_waits_for_it() {
    let mut late = bash("a", &[]);
    late.start_date = Some(at("2026-02-01T00:00:00Z"));
    let mut w = World::new(dag([late, bash("b", &["a"])]));
    let run = w.trigger_at(Some(at("2026-01-09T00:00:00Z")));
    assert_eq!((w.states(run).as_str(), w.run_state(run)), ("b=no_status", "failed"));
    assert_eq!(w.finished_runs[&run].end_reason.as_deref(), Some("deadlock"));
}

#[test]
fn what_the_database_does_not_take_fails_its_task_only() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &[])]));
    let run = w.trigger();
    let key = w.key(run, "a");
    w.give([updraft_scheduler::Input::Poisoned { key, error: "invalid byte".into() }]);
    assert_eq!(w.states(run), "a=failed b=queued");
}

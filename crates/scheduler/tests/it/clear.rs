use crate::harness::*;
use updraft_model::*;
use updraft_scheduler::*;

#[test]
fn clearing_a_finished_run_runs_its_failed_tasks_again() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"])]));
    let run = w.trigger();
    w.fail(run, "a");
    assert_eq!(w.run_state(run), "failed");
    let selection = w.selection(run, &["a"]);
    let answer = w.clear(Selection { downstream: true, ..selection });
    assert_eq!(answer, Answer::TaskInstances { keys: vec![w.key(run, "a"), w.key(run, "b")] });
    assert_eq!((w.states(run).as_str(), w.row(run, "a").try_number), ("a=queued b=no_status", 2));
    w.ok(run, "a");
    w.ok(run, "b");
    assert_eq!(w.run_state(run), "success");
    assert_eq!(w.archived.len(), 1);
}

#[test]
fn clearing_a_running_task_kills_it_first() {
    let mut w = World::new(dag([bash("a", &[])]));
    let run = w.trigger();
    let first = w.attempt(run, "a");
    let selection = w.selection(run, &["a"]);
    w.clear(selection);
    assert_eq!((w.state(run, "a"), w.kills.len()), (TaskState::Restarting, 1));
    w.restart();
    assert_eq!((w.state(run, "a"), w.kills.len()), (TaskState::Restarting, 2), "a new leader kills it again");
    w.end_attempt(first, HowEnded::Exited { code: 0 });
    assert_eq!((w.state(run, "a"), w.row(run, "a").try_number), (TaskState::Queued, 2));
    assert_ne!(w.attempt(run, "a"), first);
}

#[test]
fn one_marked_and_then_cleared_waits_for_its_old_attempt() {
    let mut w = World::new(dag([bash("a", &[]), bash("z", &[])]));
    let run = w.trigger();
    let first = w.attempt(run, "a");
    let selection = w.selection(run, &["a"]);
    w.request(Request::SetTaskState(SetTaskState { selection: selection.clone(), state: TaskState::Failed }));
    assert_eq!(w.state(run, "a"), TaskState::Failed);
    w.clear(selection);
    assert_eq!(w.state(run, "a"), TaskState::NoStatus);
    w.end_attempt(first, HowEnded::Terminated);
    assert_eq!(w.state(run, "a"), TaskState::Queued);
}

#[test]
fn cleared_tasks_move_to_the_latest_version_and_new_tasks_join() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"]), bash("gone", &["a"])]));
    let run = w.trigger();
    w.fail(run, "a");
    let fixed = dag([bash("a", &[]), bash("b", &["a", "new"]), bash("new", &["a"])]);
    w.give([Input::Files(vec![file(fixed)])]);
    let selection = w.selection(run, &[]);
    w.clear(selection);
    assert_eq!(w.states(run), "a=queued b=no_status gone=removed new=no_status");
    w.restart();
    w.ok(run, "a");
    assert_eq!(w.states(run), "a=success b=no_status gone=removed new=queued");
    w.ok(run, "new");
    w.ok(run, "b");
    assert_eq!(w.run_state(run), "success");
}

#[test]
fn marking_success_lets_what_failed_below_run() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"])]));
    let run = w.trigger();
    w.fail(run, "a");
    let selection = w.selection(run, &["a"]);
    w.request(Request::SetTaskState(SetTaskState { selection, state: TaskState::Success }));
    assert_eq!((w.states(run).as_str(), w.run_state(run)), ("a=success b=queued", "running"));
}

#[test]
fn marking_the_last_failed_leaf_decides_the_run_again() {
    let mut w = World::new(dag([bash("a", &[])]));
    let run = w.trigger();
    w.fail(run, "a");
    let selection = w.selection(run, &["a"]);
    w.request(Request::SetTaskState(SetTaskState { selection, state: TaskState::Success }));
    assert_eq!(w.run_state(run), "success");
}

#[test]
fn past_and_future_reach_the_neighbouring_runs() {
    let mut w = World::new(dag([bash("a", &[])]));
    let runs: Vec<RunKey> = (1..=3).map(|day| w.trigger_at(Some(at(&format!("2026-01-0{day}T00:00:00Z"))))).collect();
    for run in &runs {
        w.ok(*run, "a");
    }
    let selection = Selection { past: true, ..w.selection(runs[1], &["a"]) };
    let Answer::TaskInstances { keys } = w.clear(selection.clone()) else { panic!() };
    assert_eq!(keys.len(), 2);
    assert_eq!((w.run_state(runs[0]), w.run_state(runs[1]), w.run_state(runs[2])), ("running", "running", "success"));
}

#[test]
fn a_dry_run_changes_nothing_and_the_run_leaves_memory() {
    let mut w = World::new(dag([bash("a", &[])]));
    let run = w.trigger();
    w.ok(run, "a");
    let selection = Selection { dry_run: true, ..w.selection(run, &["a"]) };
    assert_eq!(w.clear(selection), Answer::TaskInstances { keys: vec![w.key(run, "a")] });
    assert_eq!((w.run_state(run), w.scheduler.active_runs()), ("success", 0));
}

#[test]
fn cancelling_a_run_kills_and_skips() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"])]));
    let run = w.trigger();
    let row = w.finished_runs[&run].clone();
    w.request(Request::SetRunState { dag_id: row.dag_id.clone(), run_id: row.run_id.clone(), state: RunState::Failed });
    assert_eq!((w.states(run).as_str(), w.run_state(run)), ("a=failed b=skipped", "failed"));
    let delete = Request::DeleteRun { dag_id: row.dag_id, run_id: row.run_id };
    assert!(matches!(w.request(delete), Answer::Rejected { kind: RejectionKind::Conflict, .. }));
}

#[test]
fn what_does_not_exist_is_not_found() {
    let mut w = World::new(dag([bash("a", &[])]));
    let run = w.trigger();
    let selection = w.selection(run, &["nope"]);
    assert!(matches!(w.clear(selection), Answer::Rejected { kind: RejectionKind::NotFound, .. }));
    let dag_id = DagId::new("nope").unwrap();
    assert!(matches!(w.request(Request::DeleteDag { dag_id }), Answer::Rejected { kind: RejectionKind::NotFound, .. }));
}

/// `make` sets up, `work` works, `other` needs no setup, `drop` tears down.
fn with_setup() -> World {
    let mut make = bash("make", &[]);
    make.is_setup = true;
    let mut drop = bash("drop", &["make", "work"]);
    drop.is_teardown = true;
    drop.trigger_rule = TriggerRule::AllDoneSetupSuccess;
    World::new(dag([make, bash("work", &["make"]), bash("other", &[]), drop]))
}

#[test]
fn a_cleared_task_brings_its_setup_and_teardown_along() {
    let mut w = with_setup();
    let run = w.trigger();
    for id in ["make", "other", "work", "drop"] {
        w.ok(run, id);
    }
    assert_eq!(w.run_state(run), "success");
    let selection = w.selection(run, &["work"]);
    w.clear(selection);
    assert_eq!(w.states(run), "drop=no_status make=queued other=success work=no_status");
    // A teardown alone needs nothing.
    for id in ["make", "work", "drop"] {
        w.ok(run, id);
    }
    let selection = w.selection(run, &["drop"]);
    w.clear(selection);
    assert_eq!(w.states(run), "drop=queued make=success other=success work=success");
}

#[test]
fn a_marked_run_ends_when_its_teardowns_have_run() {
    for (state, end) in [(RunState::Failed, "failed"), (RunState::Success, "success")] {
        let mut w = with_setup();
        let run = w.trigger();
        w.ok(run, "make");
        let (dag_id, run_id) = (w.finished_runs[&run].dag_id.clone(), w.finished_runs[&run].run_id.clone());
        w.request(Request::SetRunState { dag_id, run_id, state });
        assert_eq!((w.run_state(run), w.state(run, "drop")), ("running", TaskState::Queued));
        w.restart();
        // The killed ones are heard of, and change nothing.
        w.end(run, "work", HowEnded::Terminated);
        w.end(run, "other", HowEnded::Terminated);
        w.ok(run, "drop");
        assert_eq!((w.run_state(run), w.state(run, "drop")), (end, TaskState::Success));
    }
}

#[test]
fn what_needs_several_commits_is_taken_with_the_first() {
    let ids = ["a", "b", "c", "d", "e", "f"];
    let mut w = World::new(dag(ids.map(|id| bash(id, &[]))));
    let run = w.trigger();
    assert_eq!(w.taken, [], "one that fits in one commit is only answered");
    w.plan_rows = 2;
    w.restart();
    for id in ids {
        w.fail(run, id);
    }
    let selection = w.selection(run, &[]);
    let clear = Clear { selection, only_failed: false, only_running: false, reset_dag_runs: true, run_on_latest_version: true };
    let id = RequestId(99);
    let pending = PendingRequest { id, user: None, request: Request::Clear(clear) };
    let (asks, _) = w.step([Input::Request(pending.clone())]);
    let facts: Vec<Input> = asks.into_iter().map(|question| Input::Fact { verdict: w.verdict(&question), question }).collect();
    assert_eq!(w.taken, [], "nothing has happened yet");
    w.step(facts);
    assert_eq!((w.taken.as_slice(), w.answers.get(&id)), ([id].as_slice(), None));
    // A crash now: the next leader hears of it again, and goes on.
    w.restart();
    w.give([Input::Request(pending)]);
    assert_eq!(w.taken, [id, id], "once by each leader");
    assert!(matches!(&w.answers[&id], Answer::TaskInstances { keys } if keys.len() == ids.len()));
}

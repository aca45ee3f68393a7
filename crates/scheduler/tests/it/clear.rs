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

use crate::harness::*;
use jiff::SignedDuration;
use serde_json::json;
use updraft_model::*;
use updraft_scheduler::*;

fn branch(id: &str) -> Task {
    Task { operator: Operator::Branch { by: Chooser::Expression("x".into()) }, ..bash(id, &[]) }
}

fn inline(w: &mut World, run: RunKey, id: &str, end: InlineEnd) {
    let attempt = w.attempt(run, id);
    w.give([Input::InlineEnded { attempt, end }]);
}

#[test]
fn a_branch_skips_what_it_did_not_choose_but_not_the_join() {
    let mut join = bash("join", &["a", "b"]);
    join.trigger_rule = TriggerRule::NoneFailedMinOneSuccess;
    let mut w = World::new(dag([branch("br"), bash("a", &["br"]), bash("b", &["br"]), join]));
    let run = w.trigger();
    inline(&mut w, run, "br", InlineEnd::Success(Some(json!("a"))));
    assert_eq!(w.states(run), "a=queued b=skipped br=success join=no_status");
    w.ok(run, "a");
    w.ok(run, "join");
    assert_eq!(w.run_state(run), "success");
}

#[test]
fn a_skipped_child_cleared_alone_is_skipped_again() {
    let mut w = World::new(dag([branch("br"), bash("a", &["br"]), bash("b", &["br"])]));
    let run = w.trigger();
    inline(&mut w, run, "br", InlineEnd::Success(Some(json!(["a"]))));
    w.ok(run, "a");
    let selection = w.selection(run, &["b"]);
    w.clear(selection);
    assert_eq!((w.states(run).as_str(), w.run_state(run)), ("a=success b=skipped br=success", "success"));
}

#[test]
fn a_branch_that_chooses_nothing_known_fails() {
    let mut w = World::new(dag([branch("br"), bash("a", &["br"])]));
    let run = w.trigger();
    inline(&mut w, run, "br", InlineEnd::Success(Some(json!("typo"))));
    assert_eq!(w.states(run), "a=upstream_failed br=failed");
    assert_eq!(w.row(run, "br").reason.as_deref(), Some("branch chose \"typo\", which is no task of this DAG"));
}

#[test]
fn a_short_circuit_skips_all_below_joins_included() {
    let circuit = Task {
        operator: Operator::ShortCircuit { by: Chooser::Expression("x".into()), ignore_downstream_trigger_rules: true },
        ..bash("sc", &[])
    };
    let mut join = bash("join", &["a", "live"]);
    join.trigger_rule = TriggerRule::AllDone;
    let mut w = World::new(dag([circuit, bash("a", &["sc"]), bash("live", &[]), join]));
    let run = w.trigger();
    inline(&mut w, run, "sc", InlineEnd::Success(Some(json!(false))));
    assert_eq!(w.states(run), "a=skipped join=skipped live=queued sc=success");
}

#[test]
fn a_sensor_pokes_without_a_slot_and_times_out_without_retry() {
    let condition = Condition::File { path: "/x".into() };
    let sensor =
        Sensor { condition, poke_interval: SignedDuration::from_secs(30), timeout: SignedDuration::from_secs(60), soft_fail: false };
    let mut s = Task { operator: Operator::Sensor(sensor), ..bash("s", &[]) };
    s.retry.retries = 5;
    let mut w = World::new(dag([s]));
    let run = w.trigger();
    for _ in 0..2 {
        w.end(run, "s", HowEnded::Exited { code: NOT_YET });
        assert_eq!((w.state(run, "s"), w.row(run, "s").try_number), (TaskState::UpForReschedule, 1));
        w.pass(SignedDuration::from_secs(30));
        assert_eq!(w.state(run, "s"), TaskState::Queued);
    }
    w.end(run, "s", HowEnded::Exited { code: NOT_YET });
    assert_eq!((w.state(run, "s"), w.row(run, "s").try_number), (TaskState::Failed, 1));
    assert_eq!(w.attempts.len(), 3);
}

fn trigger_task(wait: bool) -> Task {
    let trigger = updraft_model::TriggerDagRun {
        dag_id: "other".into(),
        run_id: None,
        logical_date: None,
        conf: Default::default(),
        wait_for_completion: wait,
        reset_dag_run: false,
        skip_when_already_exists: false,
    };
    Task { operator: Operator::TriggerDagRun(trigger), ..bash("t", &[]) }
}

fn with_other(wait: bool) -> World {
    let mut w = World::new(dag([trigger_task(wait)]));
    let mut other = dag([bash("o", &[])]);
    other.dag_id = DagId::new("other").unwrap();
    w.give([Input::Files(vec![file(other)])]);
    w
}

fn trigger_end(w: &World, wait: bool) -> InlineEnd {
    let trigger = TriggerRun {
        dag_id: DagId::new("other").unwrap(),
        run_id: Some(RunId::new("mine").unwrap()),
        logical_date: Some(w.now),
        data_interval: None,
        run_after: None,
        conf: json!({"k": 1}),
        note: None,
        triggered_by: TriggeredBy::Operator,
    };
    InlineEnd::Trigger { trigger: Box::new(trigger), wait, if_exists: IfExists::Fail }
}

#[test]
fn triggering_a_run_and_waiting_for_it_holds_no_slot() {
    let mut w = with_other(true);
    let run = w.trigger();
    let end = trigger_end(&w, true);
    inline(&mut w, run, "t", end);
    assert_eq!(w.state(run, "t"), TaskState::Deferred);
    let other = *w.finished_runs.iter().find(|(_, r)| r.run_id.as_str() == "mine").unwrap().0;
    assert_eq!(w.finished_runs[&other].run_type, RunType::OperatorTriggered);
    w.restart();
    w.ok(other, "o");
    assert_eq!((w.state(run, "t"), w.run_state(run)), (TaskState::Success, "success"));
}

#[test]
fn a_waiting_trigger_fails_with_its_run_and_an_existing_run_is_a_failure() {
    let mut w = with_other(true);
    let run = w.trigger();
    let end = trigger_end(&w, true);
    inline(&mut w, run, "t", end.clone());
    let other = *w.finished_runs.iter().find(|(_, r)| r.run_id.as_str() == "mine").unwrap().0;
    w.fail(other, "o");
    assert_eq!(w.run_state(run), "failed");
    let again = w.trigger();
    inline(&mut w, again, "t", end);
    assert_eq!(w.row(again, "t").reason.as_deref(), Some("run mine of DAG other already exists"));
}

#[test]
fn two_tasks_trigger_the_same_dag_in_the_same_instant() {
    let mut second = trigger_task(false);
    second.task_id = task_id("u");
    let mut w = World::new(dag([trigger_task(false), second]));
    let mut other = dag([bash("o", &[])]);
    other.dag_id = DagId::new("other").unwrap();
    w.give([Input::Files(vec![file(other)])]);
    let run = w.trigger();
    let ends = ["t", "u"].map(|id| {
        let InlineEnd::Trigger { mut trigger, wait, if_exists } = trigger_end(&w, false) else { unreachable!() };
        (trigger.run_id, trigger.logical_date) = (None, None);
        Input::InlineEnded { attempt: w.attempt(run, id), end: InlineEnd::Trigger { trigger, wait, if_exists } }
    });
    w.give(ends);
    assert_eq!((w.states(run).as_str(), w.finished_runs.len()), ("t=success u=success", 3));
}

#[test]
fn a_task_can_not_trigger_a_run_whose_params_do_not_hold() {
    let mut w = World::new(dag([trigger_task(false)]));
    let mut other = dag([bash("o", &[])]);
    other.dag_id = DagId::new("other").unwrap();
    let schema = json!({"type": "integer", "maximum": 10});
    other.params.insert("k".into(), Param { default: Some(json!(1)), description: None, schema });
    w.give([Input::Files(vec![file(other)])]);
    for (value, state, reason) in [
        (json!(99), TaskState::Failed, Some("Invalid input for param k: 99 is greater than the maximum of 10")),
        (json!("ten"), TaskState::Failed, Some("Invalid input for param k: \"ten\" is not of type \"integer\"")),
        (json!(10), TaskState::Success, None),
    ] {
        let run = w.trigger();
        let InlineEnd::Trigger { mut trigger, wait, if_exists } = trigger_end(&w, false) else { unreachable!() };
        trigger.conf = json!({"k": value});
        inline(&mut w, run, "t", InlineEnd::Trigger { trigger, wait, if_exists });
        assert_eq!((w.state(run, "t"), w.row(run, "t").reason.as_deref()), (state, reason));
        let made = w.finished_runs.values().any(|run| run.run_id.as_str() == "mine");
        assert_eq!(made, state == TaskState::Success);
    }
}

fn with_reset(w: &World, wait: bool) -> InlineEnd {
    let InlineEnd::Trigger { trigger, .. } = trigger_end(w, wait) else { unreachable!() };
    InlineEnd::Trigger { trigger, wait, if_exists: IfExists::Reset }
}

#[test]
fn a_reset_clears_the_run_though_it_has_left_memory() {
    for wait in [false, true] {
        let mut w = with_other(wait);
        let first = w.trigger();
        let end = trigger_end(&w, false);
        inline(&mut w, first, "t", end);
        let other = *w.finished_runs.iter().find(|(_, r)| r.run_id.as_str() == "mine").unwrap().0;
        w.ok(other, "o");
        assert_eq!((w.run_state(other), w.scheduler.active_runs()), ("success", 0));
        let again = w.trigger();
        let end = with_reset(&w, wait);
        inline(&mut w, again, "t", end);
        assert_eq!((w.run_state(other), w.state(other, "o")), ("running", TaskState::Queued));
        assert_eq!(w.state(again, "t"), if wait { TaskState::Deferred } else { TaskState::Success });
        w.ok(other, "o");
        assert_eq!((w.row(other, "o").try_number, w.run_state(again)), (2, "success"));
    }
}

#[test]
fn a_task_whose_runs_logical_date_is_taken_fails() {
    let mut w = with_other(false);
    let first = w.trigger();
    let end = trigger_end(&w, false);
    inline(&mut w, first, "t", end.clone());
    let other = *w.finished_runs.iter().find(|(_, r)| r.run_id.as_str() == "mine").unwrap().0;
    let renamed = || {
        let InlineEnd::Trigger { mut trigger, wait, if_exists } = end.clone() else { unreachable!() };
        trigger.run_id = Some(RunId::new("another").unwrap());
        InlineEnd::Trigger { trigger, wait, if_exists }
    };
    // While that run is active, and when it has left memory.
    for over in [false, true] {
        if over {
            w.ok(other, "o");
        }
        let run = w.trigger();
        inline(&mut w, run, "t", renamed());
        assert_eq!(w.state(run, "t"), TaskState::Failed);
        assert_eq!(w.row(run, "t").reason.as_deref(), Some("a run of DAG other with logical date 2026-01-10T10:00:00Z already exists"));
    }
}

#[test]
fn a_triggered_run_is_written_together_with_the_task_that_triggered_it() {
    let mut w = with_other(false);
    let (busy, run) = (w.trigger(), w.trigger());
    let end = trigger_end(&w, false);
    let (attempt, key) = (w.attempt(run, "t"), w.key(run, "t"));
    // Another run has more to write than fits into a plan.
    w.plan_rows = 1;
    w.restart();
    let other_end = Input::Waiting { attempt: w.attempt(busy, "t"), reason: Some("busy".into()) };
    let mut inputs = vec![other_end, Input::InlineEnded { attempt, end }];
    loop {
        let plan = w.scheduler.handle(w.now, inputs.drain(..), &mut w.mint);
        let has_run = plan.batch.new_runs.iter().any(|r| r.run_id.as_str() == "mine");
        let has_end = plan.batch.task_instances.iter().any(|u| u.row.key() == key && u.row.state == TaskState::Success);
        assert_eq!(has_run, has_end);
        if has_run {
            return;
        }
        inputs = plan.asks.iter().map(|q| Input::Fact { question: q.clone(), verdict: Verdict::RunState(None) }).collect();
        assert!(!inputs.is_empty() || plan.more);
    }
}

#[test]
fn who_waits_for_a_run_that_is_deleted_fails() {
    let (other, delete_run): (DagId, fn(&World) -> Request) = (DagId::new("other").unwrap(), |w| {
        let run = w.finished_runs.values().find(|run| run.dag_id.as_str() == "other").unwrap();
        Request::DeleteRun { dag_id: run.dag_id.clone(), run_id: run.run_id.clone() }
    });
    let delete_dag: fn(&World) -> Request = |_| Request::DeleteDag { dag_id: DagId::new("other").unwrap() };
    for delete in [delete_run, delete_dag] {
        let mut w = with_other(true);
        // Its runs stay queued, so that they may be deleted.
        w.request(Request::SetPaused { dag_id: other.clone(), is_paused: true });
        let run = w.trigger();
        let end = trigger_end(&w, true);
        inline(&mut w, run, "t", end);
        assert_eq!(w.state(run, "t"), TaskState::Deferred);
        let request = delete(&w);
        assert_eq!(w.request(request), Answer::Done);
        assert_eq!(w.state(run, "t"), TaskState::Failed);
        assert!(w.row(run, "t").reason.as_ref().unwrap().contains("does not exist"));
    }
}

#[test]
fn a_pool_that_is_made_again_knows_who_is_in_it() {
    let name = PoolName::new("p").unwrap();
    let pool = PoolRow { name: name.clone(), slots: 1, description: None, include_deferred: true };
    let mut w = World::new(dag([
        Task { pool: name.clone(), priority_weight: 9, ..trigger_task(true) },
        Task { pool: name.clone(), ..bash("b", &[]) },
    ]));
    let mut other = dag([bash("o", &[])]);
    other.dag_id = DagId::new("other").unwrap();
    w.give([Input::Files(vec![file(other)])]);
    w.request(Request::SetPool(pool.clone()));
    let run = w.trigger();
    let end = trigger_end(&w, true);
    inline(&mut w, run, "t", end);
    assert_eq!(w.states(run), "b=scheduled t=deferred");
    // It has the only slot, goes with the pool, and has it again when there is one of that name again.
    assert_eq!(w.request(Request::DeletePool { name: name.clone() }), Answer::Done);
    w.request(Request::SetPool(pool.clone()));
    assert_eq!(w.states(run), "b=scheduled t=deferred");
    // Or it ends while there is none.
    assert_eq!(w.request(Request::DeletePool { name }), Answer::Done);
    let selection = w.selection(run, &["t"]);
    w.request(Request::SetTaskState(SetTaskState { selection, state: TaskState::Success }));
    w.request(Request::SetPool(pool));
    assert_eq!(w.states(run), "b=queued t=success");
}

#[test]
fn our_own_programs_say_why_they_failed_in_their_last_line() {
    let (url, method, timeout) = ("http://x/".into(), "GET".into(), SignedDuration::from_secs(1));
    let request = HttpRequest { url, method, headers: Default::default(), body: None, expected_status: Vec::new(), timeout };
    let http = Task { operator: Operator::Http(request), ..bash("h", &[]) };
    let mut w = World::new(dag([http, bash("b", &[])]));
    let run = w.trigger();
    for (id, reason) in [("h", "404 was expected"), ("b", "exit code 1")] {
        let attempt = w.attempt(run, id);
        let mut exit = exit(HowEnded::Exited { code: 1 }, w.now);
        exit.last_line = Some("updraft: 404 was expected".into());
        w.give([Input::Ended { attempt, executor: w.attempts[&attempt].executor.clone(), exit }]);
        assert_eq!(w.row(run, id).reason.as_deref(), Some(reason));
    }
}

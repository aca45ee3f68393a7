use crate::harness::*;
use updraft_model::*;
use updraft_scheduler::*;

#[test]
fn a_restart_launches_nothing_twice() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"])]));
    let run = w.trigger();
    w.restart();
    assert_eq!(w.launches.len(), 1);
    w.ok(run, "a");
    w.restart();
    assert_eq!((w.states(run).as_str(), w.launches.len()), ("a=success b=queued", 2));
}

#[test]
fn an_attempt_proven_absent_is_launched_as_it_is() {
    let mut w = World::new(dag([bash("a", &[])]));
    let run = w.trigger();
    w.restart();
    let attempt = w.attempt(run, "a");
    w.give([Input::Absent { attempt }]);
    assert_eq!(w.launches.iter().map(|l| l.attempt).collect::<Vec<_>>(), [attempt, attempt]);
}

#[test]
fn instances_that_were_not_written_yet_are_made_again() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"]), bash("c", &["b"])]));
    let run = w.trigger();
    let lost = w.key(run, "b");
    w.instances.remove(&lost);
    w.restart();
    w.ok(run, "a");
    w.ok(run, "b");
    w.ok(run, "c");
    assert_eq!(w.run_state(run), "success");
}

#[test]
fn a_refused_run_is_forgotten_and_its_caller_told() {
    let mut w = World::new(dag([bash("a", &[])]));
    let request = |id: i64| {
        Input::Request(PendingRequest {
            id: RequestId(id),
            user: None,
            request: Request::TriggerRun(TriggerRun {
                dag_id: DagId::new("d").unwrap(),
                run_id: Some(RunId::new("same").unwrap()),
                logical_date: None,
                data_interval: None,
                run_after: None,
                conf: serde_json::json!({}),
                note: None,
                triggered_by: TriggeredBy::Cli,
            }),
        })
    };
    let mut plan = w.scheduler.handle(w.now, [request(1)], &mut w.mint);
    let refused: Vec<RunKey> = plan.batch.new_runs.iter().map(|r| r.key).collect();
    plan.refuse(&refused);
    assert_eq!((plan.batch.len(), plan.launches.len()), (1, 0));
    assert!(matches!(plan.batch.answers[0].answer, Answer::Rejected { kind: RejectionKind::Conflict, .. }));
    w.give([Input::Refused { runs: refused }]);
    assert_eq!((w.scheduler.active_runs(), w.scheduler.live_attempts()), (0, 0));
}

#[test]
fn what_ran_on_a_forgotten_node_is_launched_again_where_that_is_allowed() {
    let mut once = bash("once", &[]);
    once.retry.retries = 0;
    let mut again = bash("again", &[]);
    again.relaunch = true;
    let mut w = World::new(dag([once, again]));
    w.node = Some(NodeId::new("gone").unwrap());
    w.restart();
    let run = w.trigger();
    for id in ["once", "again"] {
        let attempt = w.attempt(run, id);
        w.give([Input::Started { attempt, at: w.now, pid: None }]);
    }
    let lost = w.attempt(run, "again");
    // A standby with a home of its own takes over.
    w.node = Some(NodeId::new("here").unwrap());
    w.restart();
    w.request(Request::ForgetNode { node: NodeId::new("gone").unwrap(), silent_for: None });
    assert_eq!(
        (w.state(run, "once"), w.row(run, "once").reason.as_deref()),
        (TaskState::Failed, Some("place lost: node gone was forgotten"))
    );
    assert_eq!((w.state(run, "again"), w.row(run, "again").try_number), (TaskState::Queued, 1));
    let attempt = w.attempt(run, "again");
    assert_ne!(attempt, lost);
    assert_eq!(w.attempts[&attempt].node.as_ref().map(|n| n.as_str()), Some("here"));
}

#[test]
fn a_node_that_was_silent_for_too_long_is_forgotten_with_that_reason() {
    let mut w = World::new(dag([bash("once", &[]), bash("again", &[])].map(|mut task| {
        task.retry.retries = 0;
        task.relaunch = task.task_id.as_str() == "again";
        task
    })));
    w.node = Some(NodeId::new("gone").unwrap());
    w.restart();
    let run = w.trigger();
    let lost = ["once", "again"].map(|id| w.attempt(run, id));
    for attempt in lost {
        w.give([Input::Started { attempt, at: w.now, pid: None }]);
    }
    w.node = Some(NodeId::new("here").unwrap());
    w.restart();
    let silent_for = Some(jiff::SignedDuration::from_secs(303));
    w.request(Request::ForgetNode { node: NodeId::new("gone").unwrap(), silent_for });
    let reason = "node gone was not heard of for 5m 3s (node_lost_after), and was forgotten";
    assert_eq!(w.row(run, "once").reason.as_deref(), Some(&*format!("place lost: {reason}")));
    let next = w.attempt(run, "again");
    assert_eq!(w.state(run, "again"), TaskState::Queued);
    // The node comes back and tells how its supervisors ended them: history, which has their end already.
    let before = (w.row(run, "once").clone(), w.row(run, "again").clone(), w.attempts[&lost[0]].clone(), w.attempts[&lost[1]].clone());
    for attempt in lost {
        let how = HowEnded::PlaceLost { started: true, why: "no daemon for 5m".to_owned() };
        let exit = Exit { how, started_at: None, ended_at: w.now, outputs: Default::default(), last_line: None, pid: None };
        w.request(Request::AttemptEnded { attempt, exit: Box::new(exit) });
    }
    let after = (w.row(run, "once").clone(), w.row(run, "again").clone(), w.attempts[&lost[0]].clone(), w.attempts[&lost[1]].clone());
    assert_eq!(before, after);
    assert_eq!(w.attempt(run, "again"), next);
}

#[test]
fn the_node_that_leads_is_not_forgotten() {
    let mut w = World::new(dag([bash("a", &[])]));
    w.node = Some(NodeId::new("back").unwrap());
    w.restart();
    let run = w.trigger();
    let attempt = w.attempt(run, "a");
    w.give([Input::Started { attempt, at: w.now, pid: None }]);
    w.request(Request::ForgetNode { node: NodeId::new("back").unwrap(), silent_for: None });
    assert_eq!((w.state(run, "a"), w.attempt(run, "a")), (TaskState::Running, attempt));
}

#[test]
fn a_stored_dag_that_can_not_be_read_goes_on_from_its_last_version() {
    let mut w = World::new(dag([bash("a", &[])]));
    let run = w.trigger();
    w.request(Request::SetPaused { dag_id: DagId::new("d").unwrap(), is_paused: true });
    // As if another release had written it, which knows more zones.
    let mut stored = w.loaded.clone();
    stored.versions[0].dag.schedule =
        Schedule::Cron { expressions: vec!["0 6 * * *".into()], timezone: "Moon/Tranquility".into(), data_interval: false };
    stored.runs = vec![RunRow { state: RunState::Queued, start_date: None, ..w.finished_runs[&run].clone() }];
    let (mut scheduler, plan) = Scheduler::restore(config(), stored, w.now, &mut w.mint);
    assert_eq!(plan.problems.len(), 1, "{:?}", plan.problems);
    let plan = scheduler.handle(w.now, [Input::Files(vec![file(dag([bash("a", &[]), bash("b", &[])]))])], &mut w.mint);
    assert_eq!(plan.batch.versions.iter().map(|new| new.version.number).collect::<Vec<_>>(), [2]);
    assert!(plan.batch.dags[0].is_paused);
    // Its runs are its runs again.
    let request = Request::SetPaused { dag_id: DagId::new("d").unwrap(), is_paused: false };
    let plan = scheduler.handle(w.now, [Input::Request(PendingRequest { id: RequestId(99), user: None, request })], &mut w.mint);
    assert_eq!(plan.batch.runs.iter().map(|update| update.row.state).collect::<Vec<_>>(), [RunState::Running]);
}

#[test]
fn a_run_keeps_the_params_of_its_own_version() {
    let param = |name: &str| {
        let mut d = dag([bash("a", &[]), bash("b", &["a"])]);
        d.params.insert(name.into(), Param { default: Some("x".into()), description: None, schema: serde_json::json!({}) });
        d
    };
    let mut w = World::new(param("day"));
    let run = w.trigger();
    w.give([Input::Files(vec![file(param("date"))])]);
    w.ok(run, "a");
    let names = |w: &World| {
        let dag = w.scheduler.attempt_context(w.attempt(run, "b")).unwrap().dag.unwrap().dag.clone();
        dag.params.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(names(&w), ["day"]);
    w.restart();
    assert_eq!(names(&w), ["day"]);
    // What is cleared moves on, and takes its params along.
    w.ok(run, "b");
    w.clear(w.selection(run, &["b"]));
    assert_eq!(names(&w), ["date"]);
}

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
    w.request(Request::ForgetNode { node: NodeId::new("gone").unwrap() });
    assert_eq!(
        (w.state(run, "once"), w.row(run, "once").reason.as_deref()),
        (TaskState::Failed, Some("place lost: node gone was forgotten"))
    );
    assert_eq!((w.state(run, "again"), w.row(run, "again").try_number), (TaskState::Queued, 1));
    let attempt = w.attempt(run, "again");
    assert_ne!(attempt, lost);
    assert_eq!(w.attempts[&attempt].node.as_ref().map(|n| n.as_str()), Some("here"));
}

use crate::harness::*;
use jiff::SignedDuration;
use updraft_model::*;
use updraft_scheduler::*;

fn hourly(catchup: bool) -> Dag {
    let mut d = dag([bash("a", &[])]);
    d.schedule = Schedule::Cron { expressions: vec!["0 * * * *".into()], timezone: "UTC".into(), data_interval: false };
    d.start_date = Some(at("2026-01-10T06:00:00Z"));
    d.catchup = catchup;
    d
}

fn ids(w: &World) -> Vec<String> {
    w.finished_runs.values().map(|r| format!("{} {}", r.run_id, r.state.as_str())).collect()
}

#[test]
fn catchup_makes_up_for_every_slot_but_no_more_than_may_be_active() {
    let mut d = hourly(true);
    d.max_active_runs = 2;
    let mut w = World::new(d);
    assert_eq!(ids(&w), ["scheduled__2026-01-10T06:00:00+00:00 running", "scheduled__2026-01-10T07:00:00+00:00 running"]);
    w.ok(RunKey(1), "a");
    assert_eq!(ids(&w).len(), 3);
}

#[test]
fn without_catchup_only_the_newest_slot_runs() {
    let mut w = World::new(hourly(false));
    assert_eq!(ids(&w), ["scheduled__2026-01-10T10:00:00+00:00 running"]);
    assert_eq!(w.wake_at, Some((at("2026-01-10T11:00:00Z"), WakeReason::ScheduledRun)));
    w.pass(SignedDuration::from_hours(1));
    assert_eq!(ids(&w).len(), 2);
}

#[test]
fn a_paused_dag_starts_nothing_and_goes_on_when_it_is_unpaused() {
    let mut w = World::new(dag([bash("a", &[]), bash("b", &["a"]), empty("c", &["a"])]));
    let run = w.trigger();
    let dag_id = DagId::new("d").unwrap();
    w.request(Request::SetPaused { dag_id: dag_id.clone(), is_paused: true });
    w.ok(run, "a");
    assert_eq!(w.states(run), "a=success b=no_status c=no_status");
    let queued = w.trigger();
    assert_eq!(w.run_state(queued), "queued");
    w.restart();
    w.request(Request::SetPaused { dag_id, is_paused: false });
    assert_eq!(w.states(run), "a=success b=queued c=success");
    assert_eq!(w.run_state(queued), "running");
}

#[test]
fn queued_runs_start_in_the_order_of_run_after() {
    let mut d = dag([bash("a", &[])]);
    d.max_active_runs = 1;
    let mut w = World::new(d);
    let (first, second) = (w.trigger(), w.trigger());
    assert_eq!((w.run_state(first), w.run_state(second)), ("running", "queued"));
    w.ok(first, "a");
    assert_eq!(w.run_state(second), "running");
}

#[test]
fn a_run_that_takes_too_long_fails_and_its_tasks_are_skipped() {
    let mut d = dag([bash("a", &[]), bash("b", &["a"])]);
    d.dagrun_timeout = Some(SignedDuration::from_secs(60));
    let mut w = World::new(d);
    let run = w.trigger();
    w.restart();
    w.pass(SignedDuration::from_secs(60));
    assert_eq!((w.states(run).as_str(), w.run_state(run)), ("a=skipped b=skipped", "failed"));
    assert_eq!(w.finished_runs[&run].end_reason.as_deref(), Some("dagrun_timeout"));
    assert_eq!(w.kills.len(), 1);
}

#[test]
fn depends_on_past_waits_for_the_run_before_also_after_it_left_memory() {
    let mut d = hourly(true);
    let mut a = bash("a", &[]);
    a.depends_on_past = true;
    d.tasks.insert(task_id("a"), a);
    let mut w = World::new(d);
    assert_eq!((w.state(RunKey(1), "a"), w.state(RunKey(2), "a")), (TaskState::Queued, TaskState::NoStatus));
    w.ok(RunKey(1), "a");
    assert_eq!(w.state(RunKey(2), "a"), TaskState::Queued);
    w.fail(RunKey(2), "a");
    assert_eq!(w.state(RunKey(3), "a"), TaskState::NoStatus);
    w.restart();
    assert_eq!(w.state(RunKey(3), "a"), TaskState::NoStatus);
    let selection = w.selection(RunKey(2), &["a"]);
    w.clear(selection);
    assert_eq!(w.state(RunKey(2), "a"), TaskState::Queued);
    w.ok(RunKey(2), "a");
    assert_eq!(w.state(RunKey(3), "a"), TaskState::Queued);
}

#[test]
fn so_many_failed_runs_in_a_row_pause_the_dag() {
    let mut d = dag([bash("a", &[])]);
    d.max_consecutive_failed_dag_runs = 2;
    let mut w = World::new(d);
    for failures in 1..=2 {
        let run = w.trigger();
        w.fail(run, "a");
        assert_eq!(w.loaded.dags[0].is_paused, failures == 2);
        w.pass(SignedDuration::from_secs(1));
    }
}

#[test]
fn continuous_runs_follow_each_other() {
    let mut d = dag([empty("a", &[])]);
    d.schedule = Schedule::Continuous;
    d.start_date = Some(at("2026-01-01T00:00:00Z"));
    d.max_active_runs = 1;
    let mut w = World::new(d);
    let before = ids(&w).len();
    assert!(before >= 1);
    w.pass(SignedDuration::from_millis(1));
    assert!(ids(&w).len() > before && ids(&w).len() <= before + 2);
}

#[test]
fn a_removed_file_lets_its_runs_finish_and_starts_no_new_ones() {
    let mut w = World::new(hourly(false));
    w.give([Input::Files(vec![FileChange { file: "d.yaml".into(), content: None }])]);
    assert!(w.loaded.dags[0].is_stale);
    w.ok(RunKey(1), "a");
    assert_eq!(w.run_state(RunKey(1)), "success");
    w.pass(SignedDuration::from_hours(2));
    assert_eq!(ids(&w).len(), 1);
}

#[test]
fn a_dag_id_in_two_files_stays_with_the_first() {
    let mut w = World::new(dag([bash("a", &[])]));
    let mut second = file(dag([bash("other", &[])]));
    second.file = "z.yaml".into();
    w.give([Input::Files(vec![second])]);
    assert_eq!(w.loaded.dags[0].file, "d.yaml");
    assert_eq!(w.loaded.versions.len(), 1);
}

#[test]
fn a_run_that_ends_while_the_store_is_asked_about_it_is_known_by_its_end() {
    let mut d = hourly(true);
    let mut a = empty("a", &[]);
    a.depends_on_past = true;
    d.tasks.insert(task_id("a"), a);
    let w = World::with_slow_answers(d);
    assert!(ids(&w).iter().all(|id| id.ends_with("success")), "{:?}", ids(&w));
}

#[test]
fn a_run_that_comes_between_while_the_store_is_asked_is_the_past() {
    let mut task = bash("a", &[]);
    task.depends_on_past = true;
    let mut w = World::new(dag([task]));
    let trigger = |day: i64| {
        let request = Request::TriggerRun(TriggerRun {
            dag_id: DagId::new("d").unwrap(),
            run_id: None,
            logical_date: Some(at(&format!("2026-01-0{day}T00:00:00Z"))),
            data_interval: None,
            run_after: Some(at(&format!("2026-01-0{day}T00:00:00Z"))),
            conf: serde_json::json!({}),
            note: None,
            triggered_by: TriggeredBy::RestApi,
        });
        Input::Request(PendingRequest { id: RequestId(day), user: None, request })
    };
    let (asks, _) = w.step([trigger(3)]);
    let [question] = &asks[..] else { panic!("{asks:?}") };
    let nothing = w.verdict(question);
    assert_eq!(nothing, Verdict::PreviousRun(None));
    w.give([trigger(2)]);
    // The answer is as old as its question.
    w.give([Input::Fact { question: question.clone(), verdict: nothing }]);
    let (third, second) = (RunKey(1), RunKey(2));
    assert_eq!((w.state(second, "a"), w.state(third, "a")), (TaskState::Queued, TaskState::NoStatus));
    w.ok(second, "a");
    assert_eq!(w.state(third, "a"), TaskState::Queued);
}

#[test]
fn deleting_the_failed_run_before_lets_the_next_one_go_on() {
    let mut task = bash("a", &[]);
    task.depends_on_past = true;
    let mut w = World::new(dag([task]));
    let days: Vec<RunKey> = (1..=3).map(|day| w.trigger_at(Some(at(&format!("2026-01-0{day}T00:00:00Z"))))).collect();
    w.ok(days[0], "a");
    w.fail(days[1], "a");
    assert_eq!((w.run_state(days[1]), w.state(days[2], "a")), ("failed", TaskState::NoStatus));
    let (dag_id, run_id) = (w.finished_runs[&days[1]].dag_id.clone(), w.finished_runs[&days[1]].run_id.clone());
    w.request(Request::DeleteRun { dag_id, run_id });
    assert_eq!(w.state(days[2], "a"), TaskState::Queued);
}

#[test]
fn a_dag_that_another_file_has_is_an_error_that_says_where() {
    let mut w = World::new(dag([empty("a", &[])]));
    let again = ReadDag::new(dag([empty("b", &[])])).at(Place { line: 3, text: "dag_id: d".into() });
    let content = FileContent { source: std::sync::Arc::default(), dags: vec![again], error: None };
    let change = FileChange { file: "copy.yaml".into(), content: Some(content) };
    let plan = w.scheduler.handle(w.now, [Input::Files(vec![change])], &mut w.mint);
    let [Upsert::Set(error)] = &plan.batch.import_errors[..] else { panic!("{:?}", plan.batch.import_errors) };
    let expected = "copy.yaml:3:1: DAG \"d\" is already defined in d.yaml\n  3 | dag_id: d\n  help: give one of them another `dag_id`";
    assert_eq!(error.stack_trace, expected);
    assert_eq!((&error.diagnostics[0]["line"], plan.batch.versions.len()), (&serde_json::json!(3), 0));
}

#[test]
fn what_tasks_wrote_is_committed_some_megabytes_at_a_time() {
    let names: Vec<String> = (0..16).map(|i| format!("t{i:02}")).collect();
    let mut w = World::new(dag(names.iter().map(|id| bash(id, &[]))));
    let run = w.trigger();
    let ends = names.iter().map(|id| {
        let attempt = w.attempt(run, id);
        let mut exit = exit(HowEnded::Exited { code: 0 }, w.now);
        exit.outputs.insert("large".into(), "x".repeat(1 << 20).into());
        Input::Ended { attempt, executor: w.attempts[&attempt].executor.clone(), exit }
    });
    let mut inputs: Vec<Input> = ends.collect();
    let mut plans = Vec::new();
    loop {
        let plan = w.scheduler.handle(w.now, inputs.drain(..), &mut w.mint);
        plans.push((plan.batch.xcoms.len(), plan.batch.runs.len()));
        if !plan.more {
            break;
        }
    }
    // The run's own end comes with the last of it.
    assert_eq!(plans, [(4, 0), (4, 0), (4, 0), (4, 1), (0, 0)]);
}

//! The engine's questions.
#![allow(missing_docs, clippy::unwrap_used)]

use serde_json::json;
use updraft_model::{
    Batch, DataInterval, MapIndex, PreviousRun, PreviousSuccess, Question, RunKey, RunRow, RunState, RunType, StoredRun, TaskInstanceRow,
    TaskState, Verdict,
};

use super::{
    Subject,
    samples::{dag, dag_id, dags, run, run_id, task_id, task_instance, time, version, version_id, xcom},
};

/// Runs 1 to 4 of `d`: a success, a manual failure, a running one, a dateless one; and one of `e`.
fn history() -> Vec<RunRow> {
    let scheduled = |key, state| RunRow { run_type: RunType::Scheduled, state, ..run("d", key) };
    vec![
        RunRow { start_date: Some(time(1)), end_date: Some(time(2)), ..scheduled(1, RunState::Success) },
        RunRow { state: RunState::Failed, ..run("d", 2) },
        scheduled(3, RunState::Running),
        RunRow { logical_date: None, data_interval: None, state: RunState::Success, ..run("d", 4) },
        RunRow { state: RunState::Success, ..run("e", 5) },
    ]
}

pub async fn all_questions_about_runs(subject: Subject) {
    let term = subject.lead("a").await;
    let runs = history();
    let mapped = |index, state| TaskInstanceRow {
        map_index: MapIndex(index),
        state,
        id: updraft_model::TaskInstanceId(super::samples::uuid(9, i64::from(index))),
        ..task_instance(&runs[0], "b")
    };
    let rows = [
        TaskInstanceRow { version: version_id("d", 2), ..task_instance(&runs[0], "a") },
        mapped(0, TaskState::Failed),
        mapped(1, TaskState::Success),
    ];
    let stale = updraft_model::DagRow { is_stale: true, ..dag("e") };
    let batch = Batch {
        versions: vec![version("d", 1), version("d", 2), version("d", 3), version("e", 1)],
        dags: vec![dag("d"), stale],
        new_runs: runs.clone(),
        new_task_instances: rows.to_vec(),
        ..Batch::default()
    };
    subject.commit(term, batch).await;
    let ask = async |question| subject.engine.ask(question).await.unwrap();

    let mut versions = vec![version("d", 1), version("d", 2)].into_iter().map(|new| new.version.as_ref().clone()).collect::<Vec<_>>();
    versions.sort_by_key(|version| version.id);
    let stored = StoredRun { run: runs[0].clone(), task_instances: rows.to_vec(), versions };
    let by_name = |name: &str| Question::Run { dag_id: dag_id("d"), run_id: run_id(name) };
    assert_eq!(ask(by_name("manual__1")).await, Verdict::Run(Some(Box::new(stored))));
    assert_eq!(ask(by_name("manual__5")).await, Verdict::Run(None), "that is a run of e");

    let previous = |hours: i64, include_manual| Question::PreviousRun { dag_id: dag_id("d"), before: time(hours * 3600), include_manual };
    let states = vec![
        (task_id("a"), MapIndex::UNMAPPED, TaskState::NoStatus),
        (task_id("b"), MapIndex(0), TaskState::Failed),
        (task_id("b"), MapIndex(1), TaskState::Success),
    ];
    let first = PreviousRun { run: RunKey(1), run_id: runs[0].run_id.clone(), states };
    assert_eq!(ask(previous(3, false)).await, Verdict::PreviousRun(Some(first)));
    let second = PreviousRun { run: RunKey(2), run_id: runs[1].run_id.clone(), states: vec![] };
    assert_eq!(ask(previous(3, true)).await, Verdict::PreviousRun(Some(second)));
    assert_eq!(ask(previous(1, true)).await, Verdict::PreviousRun(None));

    let neighbours = |past| Question::Neighbours { dag_id: dag_id("d"), of: time(2 * 3600), past };
    assert_eq!(ask(neighbours(true)).await, Verdict::Neighbours(vec![run_id("manual__1")]));
    assert_eq!(ask(neighbours(false)).await, Verdict::Neighbours(vec![run_id("manual__3")]));

    let newest = |limit| Question::NewestRuns { dag_id: dag_id("d"), limit };
    assert_eq!(ask(newest(2)).await, Verdict::NewestRuns(vec![RunState::Success, RunState::Running]));
    assert_eq!(ask(newest(9)).await, Verdict::NewestRuns(vec![RunState::Success, RunState::Running, RunState::Failed, RunState::Success]));

    let external = |task: Option<&str>, hours: i64| Question::External {
        dag_id: dag_id("d"),
        task_id: task.map(task_id),
        logical_date: time(hours * 3600),
    };
    assert_eq!(ask(external(None, 2)).await, Verdict::RunState(Some(RunState::Failed)));
    assert_eq!(ask(external(None, 4)).await, Verdict::RunState(None));
    assert_eq!(ask(external(Some("b"), 1)).await, Verdict::TaskState(Some(TaskState::Failed)));
    assert_eq!(ask(external(Some("b"), 2)).await, Verdict::TaskState(None));

    let state = |name: &str| Question::RunState { dag_id: dag_id("d"), run_id: run_id(name) };
    assert_eq!(ask(state("manual__3")).await, Verdict::RunState(Some(RunState::Running)));
    assert_eq!(ask(state("nothing")).await, Verdict::RunState(None));

    let success = |hours: i64| Question::PreviousSuccess { dag_id: dag_id("d"), before: time(hours * 3600) };
    let found = PreviousSuccess {
        run_id: run_id("manual__1"),
        data_interval: Some(DataInterval { start: time(3600), end: time(3660) }),
        start_date: Some(time(1)),
        end_date: Some(time(2)),
    };
    assert_eq!(ask(success(9)).await, Verdict::PreviousSuccess(Some(found)));
    assert_eq!(ask(success(1)).await, Verdict::PreviousSuccess(None));

    for (name, exists) in [("d", true), ("e", false), ("f", false)] {
        assert_eq!(ask(Question::DagExists { dag_id: dag_id(name) }).await, Verdict::DagExists(exists), "{name}");
    }
}

pub async fn all_questions_about_values(subject: Subject) {
    let term = subject.lead("a").await;
    let first = run("d", 1);
    let key = |task: &str, index| updraft_model::TaskInstanceKey { run: first.key, task_id: task_id(task), map_index: MapIndex(index) };
    let xcoms = vec![xcom(key("m", 10), "k", json!("ten")), xcom(key("m", 2), "k", json!("two")), xcom(key("m", 2), "other", json!(0))];
    subject.commit(term, Batch { new_runs: vec![first.clone(), run("d", 2), run("e", 3)], xcoms, ..dags(&["d", "e"]) }).await;
    let value = async |index: Option<i32>, key: &str| {
        let (map_index, key) = (index.map(MapIndex), key.to_owned());
        let by_key = Question::XCom { run: RunKey(1), task_id: task_id("m"), map_index, key: key.clone() };
        let (dag_id, run_id) = (dag_id("d"), first.run_id.clone());
        let by_name = Question::XComOfRun { dag_id, run_id, task_id: task_id("m"), map_index, key, include_prior_dates: false };
        let value = subject.engine.ask(by_key).await.unwrap();
        assert_eq!(subject.engine.ask(by_name).await.unwrap(), value);
        value
    };
    assert_eq!(value(Some(10), "k").await, Verdict::XCom(Some(json!("ten"))));
    assert_eq!(value(Some(3), "k").await, Verdict::XCom(None));
    assert_eq!(value(None, "k").await, Verdict::XCom(Some(json!(["two", "ten"]))));
    assert_eq!(value(None, "none").await, Verdict::XCom(None));
    for (dag, run) in [("d", "manual__2"), ("e", first.run_id.as_str()), ("f", first.run_id.as_str())] {
        let (dag_id, run_id, map_index) = (dag_id(dag), run_id(run), Some(MapIndex(2)));
        let key = "k".to_owned();
        let question = Question::XComOfRun { dag_id, run_id, task_id: task_id("m"), map_index, key, include_prior_dates: false };
        assert_eq!(subject.engine.ask(question).await.unwrap(), Verdict::XCom(None), "{dag} {run}");
    }
    assert_eq!(subject.engine.ask(Question::Variable { key: "v".into() }).await.unwrap(), Verdict::Variable(None));
}

pub async fn xcoms_of_earlier_runs(subject: Subject) {
    let term = subject.lead("a").await;
    let dateless = |key, hours: i64| RunRow { logical_date: None, data_interval: None, run_after: time(hours * 3600), ..run("d", key) };
    // By date: 1, 5 (no logical date), 2, 4 (one in the past), 6 (no logical date, at that of 4), 3.
    let runs = [
        run("d", 1),
        RunRow { logical_date: Some(time(3 * 3600)), ..run("d", 2) },
        RunRow { logical_date: Some(time(9 * 3600)), ..run("d", 3) },
        RunRow { logical_date: Some(time(5 * 3600)), run_after: time(20 * 3600), ..run("d", 4) },
        dateless(5, 2),
        dateless(6, 5),
        run("e", 7),
    ];
    let of = |run: &RunRow, task: &str, index| updraft_model::TaskInstanceKey {
        run: run.key,
        task_id: task_id(task),
        map_index: MapIndex(index),
    };
    let xcoms = vec![
        xcom(of(&runs[0], "a", -1), "k", json!("of 1")),
        xcom(of(&runs[2], "a", -1), "k", json!("of 3")),
        xcom(of(&runs[4], "a", -1), "k", json!("of 5")),
        xcom(of(&runs[3], "b", -1), "k", json!("of 4")),
        xcom(of(&runs[5], "b", -1), "k", json!("of 6")),
        xcom(of(&runs[0], "m", 1), "k", json!("one")),
        xcom(of(&runs[0], "m", 0), "k", json!("zero")),
        xcom(of(&runs[1], "m", 0), "k", json!("newer zero")),
    ];
    subject.commit(term, Batch { new_runs: runs.to_vec(), xcoms, ..dags(&["d", "e"]) }).await;
    let newest = async |dag: &str, run: &str, task: &str, index: Option<i32>, key: &str| {
        let (dag_id, run_id, task_id, map_index) = (dag_id(dag), run_id(run), task_id(task), index.map(MapIndex));
        let question = Question::XComOfRun { dag_id, run_id, task_id, map_index, key: key.to_owned(), include_prior_dates: true };
        match subject.engine.ask(question).await.unwrap() {
            Verdict::XCom(found) => found,
            other => panic!("{other:?}"),
        }
    };
    let mut found = Vec::new();
    for (run, task) in [(1, "a"), (5, "a"), (2, "a"), (4, "a"), (6, "a"), (3, "a"), (2, "b"), (4, "b"), (3, "b")] {
        found.push((run, task, newest("d", &format!("manual__{run}"), task, Some(-1), "k").await));
    }
    let expected = [
        (1, "a", Some(json!("of 1"))),
        (5, "a", Some(json!("of 5"))),
        (2, "a", Some(json!("of 5"))),
        (4, "a", Some(json!("of 5"))),
        (6, "a", Some(json!("of 5"))),
        (3, "a", Some(json!("of 3"))),
        (2, "b", None),
        // Of two at the same date the one made later; each counts for the other.
        (4, "b", Some(json!("of 6"))),
        (3, "b", Some(json!("of 6"))),
    ];
    assert_eq!(found, expected);
    assert_eq!(newest("d", "manual__3", "m", Some(1), "k").await, Some(json!("one")));
    assert_eq!(newest("d", "manual__3", "m", Some(0), "k").await, Some(json!("newer zero")));
    assert_eq!(newest("d", "manual__3", "m", None, "k").await, Some(json!(["newer zero"])), "the copies of one run");
    assert_eq!(newest("d", "manual__1", "m", None, "k").await, Some(json!(["zero", "one"])));
    assert_eq!(newest("d", "manual__3", "a", Some(-1), "other").await, None);
    assert_eq!(newest("e", "manual__7", "a", Some(-1), "k").await, None, "of another DAG");
    assert_eq!(newest("e", "manual__3", "a", Some(-1), "k").await, None, "no such run, so no date");
}

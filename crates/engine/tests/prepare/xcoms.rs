use serde_json::json;
use updraft_model::{DagId, MapIndex, Question, RunId, RunKey, TaskId, Verdict};

use crate::fixture::Case;

fn own(task: &str) -> Question {
    let (task_id, map_index) = (TaskId::new(task).unwrap(), Some(MapIndex::UNMAPPED));
    Question::XCom { run: RunKey(1), task_id, map_index, key: "return_value".into() }
}

fn of(dag: &str, run: &str, task: &str) -> Question {
    let (dag_id, run_id) = (DagId::new(dag).unwrap(), RunId::new(run).unwrap());
    let (task_id, map_index) = (TaskId::new(task).unwrap(), Some(MapIndex::UNMAPPED));
    Question::XComOfRun { dag_id, run_id, task_id, map_index, key: "return_value".into(), include_prior_dates: false }
}

fn up_to(dag: &str, run: &str, task: &str) -> Question {
    match of(dag, run, task) {
        Question::XComOfRun { dag_id, run_id, task_id, map_index, key, .. } => {
            Question::XComOfRun { dag_id, run_id, task_id, map_index, key, include_prior_dates: true }
        }
        other => other,
    }
}

fn rendered(template: &str, question: Question) -> String {
    let mut case = Case::bash("true");
    case.task.env.insert("GOT".into(), template.to_owned());
    case.store.insert(question, Verdict::XCom(Some(json!("value"))));
    case.workload().env["GOT"].clone()
}

#[test]
fn values_come_from_the_run_that_is_named() {
    assert_eq!(rendered("{{ ti.xcom_pull('a') }}", own("a")), "value");
    assert_eq!(rendered("{{ ti.xcom_pull('a', run_id='r', dag_id='d') }}", own("a")), "value");
    assert_eq!(rendered("{{ ti.xcom_pull('a', run_id='other') }}", of("d", "other", "a")), "value");
    assert_eq!(rendered("{{ ti.xcom_pull('a', dag_id='e') }}", of("e", "r", "a")), "value");
    assert_eq!(rendered("{{ ti.xcom_pull('a', dag_id='e', run_id='other') }}", of("e", "other", "a")), "value");
}

#[test]
fn values_of_earlier_runs_are_asked_for_by_name() {
    assert_eq!(rendered("{{ ti.xcom_pull('a', include_prior_dates=True) }}", up_to("d", "r", "a")), "value");
    assert_eq!(rendered("{{ ti.xcom_pull('a', 'e', 'return_value', true) }}", up_to("e", "r", "a")), "value");
    assert_eq!(rendered("{{ ti.xcom_pull('a', run_id='other', include_prior_dates=true) }}", up_to("d", "other", "a")), "value");
    assert_eq!(rendered("{{ ti.xcom_pull('a', include_prior_dates=false) }}", own("a")), "value");
}

#[test]
fn two_ways_to_say_the_same_are_asked_once() {
    assert_eq!(rendered("{{ ti.xcom_pull() }} {{ ti.xcom_pull('t', run_id='r') }}", own("t")), "value value");
}

#[test]
fn a_name_that_can_not_be_one_fails_the_task() {
    let case = Case::bash("echo {{ ti.xcom_pull('a', dag_id='no such id') }}");
    assert!(case.failure().starts_with("xcom_pull: "), "{}", case.failure());
}

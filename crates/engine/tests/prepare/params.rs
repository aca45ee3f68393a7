use serde_json::{Value, json};
use updraft_engine::Prepared;
use updraft_model::{Operator, Param};
use updraft_scheduler::InlineEnd;

use crate::fixture::Case;

fn with_times(mut case: Case, default: Option<Value>) -> Case {
    let schema = json!({"type": "integer", "maximum": 10});
    case.dag.params.insert("times".into(), Param { default, description: None, schema });
    case
}

#[test]
fn a_task_whose_runs_params_do_not_hold_fails() {
    let times = |conf: Value| with_times(Case::bash("echo {{ params.times }}"), Some(json!(1))).conf(conf);
    assert_eq!(times(json!({"times": 99})).failure(), "Invalid input for param times: 99 is greater than the maximum of 10");
    assert!(times(json!({"times": 10})).workload().env.values().any(|value| value == "10"));
    assert!(times(Value::Null).workload().env.values().any(|value| value == "1"));
    let required = with_times(Case::bash("true"), None);
    assert_eq!(required.failure(), "Invalid input for param times: No value passed and Param has no default value");
}

#[test]
fn a_task_that_starts_nothing_checks_nothing() {
    let case = with_times(Case::new(Operator::Empty), None);
    assert!(matches!(case.prepare(), Prepared::Inline(InlineEnd::Success(None))));
}

use jiff::SignedDuration;
use serde_json::json;
use updraft_engine::Prepared;
use updraft_model::{HttpRequest, Operator, PythonCall, PythonCode};
use updraft_scheduler::InlineEnd;

use crate::fixture::Case;

#[test]
fn secret_variables_are_masked_and_reach_the_task_as_they_are() {
    let conn = r#"{"host": "example.org", "password": "s3cr3t-2"}"#;
    let case = Case::bash("echo {{ var.value.db_password }} {{ var.json.conn.password }} {{ var.value.place }}")
        .variable("db_password", "s3cr3t-1")
        .variable("conn", conn)
        .variable("place", "harbour");
    let workload = case.workload();
    assert_eq!(workload.masks, ["s3cr3t-1", "s3cr3t-2"]);
    for given in ["s3cr3t-1", "s3cr3t-2"] {
        assert!(workload.env.values().any(|value| value == given), "{given}");
    }
}

#[test]
fn params_and_environment_with_secret_names_are_masked() {
    let mut case = Case::bash("true").conf(json!({"api_key": "from-conf", "day": "2026-01-31", "more": {"token": "deeper"}}));
    case.task.env.insert("DB_PASSWORD".into(), "from-{{ 'env' }}".into());
    case.task.env.insert("DB_HOST".into(), "example.org".into());
    assert_eq!(case.workload().masks, ["deeper", "from-conf", "from-env"]);
}

#[test]
fn headers_bodies_and_arguments_with_secret_names_are_masked() {
    let request = HttpRequest {
        url: "https://example.org".into(),
        method: "POST".into(),
        headers: [("Authorization".to_owned(), "Bearer abcdef".to_owned())].into(),
        body: Some(json!({"client_secret": "in the body", "n": 1})),
        expected_status: vec![],
        timeout: SignedDuration::from_secs(1),
    };
    assert_eq!(Case::new(Operator::Http(request)).workload().masks, ["Bearer abcdef", "in the body"]);
    let args = [("password".to_owned(), json!("argument")), ("n".to_owned(), json!(1))].into();
    let call = PythonCall { code: PythonCode::Function("m:f".into()), args, interpreter: None };
    assert_eq!(Case::new(Operator::Python(call)).workload().masks, ["argument"]);
}

#[test]
fn the_reason_of_an_end_shows_no_secrets() {
    let mut skipped = Case::bash("true").variable("word_token", "s3cr3t");
    skipped.task.when = Some("{{ var.value.word_token == 'x' and 's3cr3t' }}".into());
    let command = "echo {{ macros.datetime.strptime(var.value.word_token, '%Y') }}";
    let failed = Case::bash(command).variable("word_token", "s3cr3t").failure();
    assert!(failed.contains("***") && !failed.contains("s3cr3t"), "{failed}");
    let Prepared::Inline(InlineEnd::Skipped(why)) = skipped.prepare() else { panic!("it is not skipped") };
    assert!(why.contains("***") && !why.contains("s3cr3t"), "{why}");
}

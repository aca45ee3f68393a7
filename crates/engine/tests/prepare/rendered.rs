use serde_json::{Value, json};
use updraft_model::{Operator, PythonCall, PythonCode};

use crate::fixture::Case;

fn fields(case: &Case) -> Value {
    Value::Object(case.workload().rendered_fields)
}

#[test]
fn a_script_is_shown_with_its_values_in_place() {
    let mut case =
        Case::bash("load --day \"{{ ds }}\" {{ params.words | sh_split }} {{ '-v' | raw }} {{ 'x y' }}").conf(json!({"words": "a b"}));
    case.task.env.insert("DAY".into(), "{{ ds_nodash }}".into());
    case.task.cwd = Some("in/{{ ds }}".into());
    let expected = json!({
        "bash_command": "load --day \"2026-01-31\" a b -v x y",
        "env": {"DAY": "20260131"},
        "cwd": "in/2026-01-31",
    });
    assert_eq!(fields(&case), expected);
}

#[test]
fn fields_show_no_secrets() {
    let command = "login {{ var.value.db_password }} --user me";
    let mut case = Case::bash(command).variable("db_password", "s3cr3t");
    // Hidden by its name, though it is too short to be masked in a log.
    case.task.env.insert("DB_PASSWORD".into(), "abc".into());
    assert_eq!(fields(&case), json!({"bash_command": "login *** --user me", "env": {"DB_PASSWORD": "***"}}));
}

#[test]
fn commands_and_arguments_are_shown_and_long_ones_shortened() {
    let argv = vec!["echo".to_owned(), "{{ ds }}".to_owned()];
    assert_eq!(fields(&Case::new(Operator::Cmd { argv })), json!({"cmd": ["echo", "2026-01-31"]}));
    let args = [("text".to_owned(), json!("x".repeat(5000)))].into();
    let call = PythonCall { code: PythonCode::Function("m:f".into()), args, interpreter: None };
    let shown = fields(&Case::new(Operator::Python(call)));
    let text = shown["op_kwargs"].as_str().unwrap();
    assert!(text.starts_with("{\"text\":\"xxx") && text.ends_with("xxx... (the first 4096 of 5011 characters)"), "{text}");
}

//! `dags test`, `tasks test` and `tasks render`: what they say of tasks that did not simply succeed.

use serde_json::Value;

use crate::place::Place;

/// What each task of a `dags test` ended as, and why.
fn reasons(place: &Place, file: &str) -> String {
    let run = place.json(&["dags", "test", file, "-o", "json"]);
    let tasks = run["task_instances"].as_array().unwrap_or_else(|| panic!("{run}"));
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut shown: Vec<String> = tasks
        .iter()
        .map(|task| format!("{} {} {}: {}", text(&task["task_id"]), text(&task["state"]), task["exit_code"], text(&task["reason"])))
        .collect();
    shown.sort();
    shown.join("\n")
}

#[test]
fn a_test_says_why_tasks_did_not_run() {
    let place = Place::new(&[(
        "d.yaml",
        "\
tasks:
  good: {bash: 'true'}
  bad: {bash: 'exit 3'}
  gone: {bash: 'exit 99'}
  after_bad: {bash: 'true', upstream: [good, bad]}
  after_that: {bash: 'true', upstream: [after_bad]}
  after_gone: {bash: 'true', upstream: [good, gone]}
  wants_failure: {bash: 'true', upstream: [good, gone], trigger_rule: all_failed}
  one_failed: {bash: 'true', upstream: [good], trigger_rule: one_failed}
  anyway: {bash: 'true', upstream: [good, bad], trigger_rule: all_done}
  unwanted: {bash: 'true', when: '{{ false }}'}
  sensor: {sensor: {file: /nowhere/at/all, timeout: 10ms, poke_interval: 10ms}}
",
    )]);
    insta::assert_snapshot!(reasons(&place, "d.yaml"), @"
    after_bad upstream_failed null: trigger rule all_success: upstream bad failed
    after_gone skipped null: trigger rule all_success: upstream gone skipped
    after_that upstream_failed null: trigger rule all_success: upstream after_bad upstream_failed
    anyway success 0: null
    bad failed 3: exit code 3
    gone skipped 99: exit code 99
    good success 0: null
    one_failed skipped null: trigger rule one_failed: upstream good success
    sensor failed null: sensor timed out after 10ms; no file /nowhere/at/all yet
    unwanted skipped null: when: {{ false }} is false
    wants_failure skipped null: trigger rule all_failed: upstream gone skipped, good success
    ");
}

#[test]
fn a_test_says_when_a_task_is_tried_again() {
    let place = Place::new(&[("d.yaml", "tasks: {a: {bash: 'exit 3', retries: 1, retry_delay: 1s}}\n")]);
    let story = place.story(&["dags", "test", "d.yaml"]);
    assert!(story.contains("[a] -> up_for_retry: exit code 3; retry at 20"), "{story}");
    assert!(story.contains("failed"), "{story}");
}

#[test]
fn a_test_says_that_it_does_what_another_executor_would() {
    let place =
        Place::new(&[("d.yaml", "executor: celery\ntasks: {a: {bash: 'true'}, b: {bash: 'true', executor: local}, c: {empty: }}\n")]);
    let story = place.story(&["dags", "test", "d.yaml"]);
    let said: Vec<&str> = story.lines().filter(|line| line.starts_with("warning:")).collect();
    assert_eq!(said, ["warning: task a is for the executor celery; this test runs it on this machine"], "{story}");
    assert!(!place.story(&["tasks", "test", "d.yaml", "b"]).contains("warning:"));
}

#[test]
fn a_date_stands_where_airflow_has_it() {
    let place = Place::new(&[("d.yaml", "tasks: {a: {bash: 'echo it is {{ ds }}'}}\n")]);
    for args in [["dags", "test", "d.yaml", "2026-01-31"].as_slice(), &["tasks", "test", "d.yaml", "a", "2026-01-31"]] {
        let story = place.story(args);
        assert!(story.contains("[a] it is 2026-01-31"), "{story}");
    }
    let story = place.story(&["tasks", "render", "d.yaml", "a", "2026-01-31"]);
    assert!(story.contains("UPDRAFT_VALUE_1=2026-01-31"), "{story}");
    for wrong in [["dags", "test", "d.yaml", "a"].as_slice(), &["dags", "test", "d.yaml", "2026-01-31", "-l", "2026-01-31"]] {
        assert_eq!(place.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn what_would_be_skipped_is_rendered_all_the_same() {
    let place = Place::new(&[(
        "d.yaml",
        "tasks:\n  a: {bash: 'echo {{ run_id }}', when: '{{ params.go }}', env: {A: '{{ ds }}'}}\n  b: {branch: \"{{ 'a' }}\"}\nparams: {go: {default: false}}\n",
    )]);
    insta::assert_snapshot!(place.story(&["tasks", "render", "d.yaml", "a", "2026-01-31"]), @r#"
    # ----------------------------------------------------------
    # property: bash
    # ----------------------------------------------------------
    echo "${UPDRAFT_VALUE_1}"

    # ----------------------------------------------------------
    # property: env
    # ----------------------------------------------------------
    A=2026-01-31
    UPDRAFT_VALUE_1=manual__2026-01-31T00:00:00+00:00

    # ----------------------------------------------------------
    # property: cwd
    # ----------------------------------------------------------
    ~

    It would not run, but be skipped: when: {{ params.go }} is false
    --- stderr
    --- exit code 0
    "#);
    let shown = place.json(&["tasks", "render", "d.yaml", "a", "2026-01-31", "-o", "json"]);
    assert_eq!((&shown["env"]["A"], &shown["ends_as"]), (&"2026-01-31".into(), &"skipped".into()), "{shown}");
    insta::assert_snapshot!(place.story(&["tasks", "render", "d.yaml", "b"]), @"
    ends_as      | success
    return_value | a
    --- stderr
    --- exit code 0
    ");
}

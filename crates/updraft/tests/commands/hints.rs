//! What is said to somebody who writes something else than what is there.

use crate::{daemon::Daemon, place::Place};

#[test]
fn airflows_commands_say_what_to_write() {
    let place = Place::new(&[]);
    insta::assert_snapshot!(place.story(&["dags", "list-runs", "-d", "sales"]), @"
    --- stderr
    updraft: there is no command `dags list-runs`, which Airflow has
      hint: `updraft runs list DAG`
    --- exit code 2
    ");
    insta::assert_snapshot!(place.story(&["connections", "list"]), @"
    --- stderr
    updraft: there is no command `connections`, which Airflow has
      hint: connections are not there yet; keep what tasks need in variables (`updraft variables`) or in their environment
    --- exit code 2
    ");
    assert_eq!(place.run(&["--help"]).status.code(), Some(0));
}

#[test]
fn names_that_nothing_could_be_found_by_are_refused() {
    let place = Place::new(&[("v.json", r#"{"": 1, "a": 2}"#), ("p.json", r#"{"": {"slots": 1}}"#)]);
    assert!(place.run(&["db", "migrate"]).status.success());
    insta::assert_snapshot!(place.story(&["variables", "set", "", "x"]), @"
    --- stderr
    error: invalid value '' for '<KEY>': it must not be empty

    For more information, try '--help'.
    --- exit code 2
    ");
    insta::assert_snapshot!(place.story(&["pools", "set", "", "3"]), @"
    --- stderr
    error: invalid value '' for '<NAME>': it must not be empty

    For more information, try '--help'.
    --- exit code 2
    ");
    insta::assert_snapshot!(place.story(&["variables", "import", "v.json"]), @"
    --- stderr
    updraft: nothing was imported: v.json has a variable with an empty key
    --- exit code 1
    ");
    insta::assert_snapshot!(place.story(&["pools", "import", "p.json"]), @"
    --- stderr
    updraft: p.json: a pool has an empty name
    --- exit code 1
    ");
    assert_eq!(place.json(&["variables", "list", "-o", "json"]), serde_json::json!([]));
}

#[test]
fn a_daemon_knows_what_was_meant() {
    let place = Place::new(&[("dags/params.yaml", "tasks: {greet: {bash: 'exit 1', retries: 1, retry_delay: 1h}}\n")]);
    let daemon = Daemon::start(&place);
    assert!((0..300).any(|_| !daemon.json(&["dags", "list"]).as_array().unwrap().is_empty()));
    insta::assert_snapshot!(daemon.story(&["dags", "trigger", "parms"]), @"
    --- stderr
    updraft: The DAG with dag_id: `parms` was not found
      hint: did you mean params? `updraft dags list` shows all
    --- exit code 1
    ");
    assert!(daemon.run(&["dags", "trigger", "params", "--run-id", "one"]).status.success());
    // Airflow has the run last.
    insta::assert_snapshot!(daemon.story(&["tasks", "state", "params", "greet", "one"]), @"
    --- stderr
    updraft: run greet does not exist, but run one with a task greet does
      hint: the run comes first: `updraft tasks state params one greet`
    --- exit code 1
    ");
    insta::assert_snapshot!(daemon.story(&["tasks", "log", "params", "greet", "one"]), @"
    --- stderr
    updraft: run greet does not exist, but run one with a task greet does
      hint: the run comes first: `updraft tasks log params one greet`
    --- exit code 1
    ");
    insta::assert_snapshot!(daemon.story(&["tasks", "state", "params", "greet", "two"]), @"
    --- stderr
    updraft: The Task Instance with dag_id: `params`, run_id: `greet` and task_id: `two` was not found
      hint: `updraft runs show DAG RUN` shows them
    --- exit code 1
    ");
    let shown = || String::from_utf8(daemon.run(&["runs", "show", "params", "one"]).stdout).unwrap();
    let shown = (0..300).map(|_| shown()).find(|shown| shown.contains("up_for_retry")).expect("a task that waits for its retry");
    assert!(shown.contains("exit code 1; retry at 20"), "{shown}");
    for (command, says) in [
        (["db", "check"].as_slice(), "`updraft doctor` looks at one that runs"),
        (&["db", "migrate"], "when it starts"),
        (&["db", "clean", "--before", "1d"], "deletes old runs by itself"),
    ] {
        let story = place.story(command);
        assert!(story.contains("is in use by process") && story.contains(says) && story.ends_with("exit code 1"), "{story}");
    }
}

//! DAG files come, change, break and go while a daemon runs.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::daemon::{PASSWORD, Site, wait_for};

#[test]
fn a_dag_is_dropped_in_triggered_and_its_log_read() {
    let site = Site::new();
    let daemon = site.start();
    site.write_dag(
        "hello.yaml",
        "tasks:\n  greet:\n    bash: echo hello from {{ dag.dag_id }}\n  after: {bash: 'true', upstream: [greet]}\n",
    );
    daemon.wait_for_dag("hello");
    let run = daemon.trigger("hello");
    assert_eq!(daemon.end_of("hello", &run), "success");
    let (_, tasks) = daemon.get(&format!("dags/hello/dagRuns/{run}/taskInstances"));
    let states: Vec<_> = tasks["task_instances"].as_array().unwrap().iter().map(|t| (&t["task_id"], &t["state"])).collect();
    assert_eq!(states.len(), 2);
    assert!(states.iter().all(|(_, state)| *state == "success"), "{states:?}");
    let (status, log) = daemon.get(&format!("dags/hello/dagRuns/{run}/taskInstances/greet/logs/1"));
    assert_eq!(status, 200);
    assert!(log.to_string().contains("hello from hello"), "{log}");
}

#[test]
fn files_that_come_and_change_are_seen_within_a_second() {
    let site = Site::new();
    let daemon = site.start();
    let fastest = (0..5).map(|number| {
        let dag_id = format!("new_{number}");
        let begin = Instant::now();
        site.write_dag(&format!("{dag_id}.yaml"), "tasks: {a: {bash: 'true'}}\n");
        daemon.wait_for_dag(&dag_id);
        begin.elapsed()
    });
    // The fastest of some: other programs on the machine may hold up any of them.
    let fastest = fastest.min().unwrap();
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");

    let begin = Instant::now();
    site.write_dag("new_0.yaml", "description: changed\ntasks: {a: {bash: 'true'}}\n");
    wait_for("the change", || (daemon.get("dags/new_0").1["description"] == "changed").then_some(()));
    assert!(begin.elapsed() < Duration::from_secs(5), "seen by the regular look, not by a notification: {:?}", begin.elapsed());
}

#[test]
fn a_broken_file_is_one_import_error_and_the_other_dags_go_on() {
    let site = Site::new();
    site.write_dag("good.yaml", "tasks: {a: {bash: 'true'}}\n");
    let daemon = site.start();
    daemon.wait_for_dag("good");
    site.write_dag("broken.yaml", "tasks:\n  a: {bsh: 'true'}\n");
    let errors = || daemon.get("importErrors").1["import_errors"].as_array().cloned().unwrap_or_default();
    let error = wait_for("the import error", || errors().pop());
    assert_eq!(error["filename"], "broken.yaml");
    let text = error["stack_trace"].as_str().unwrap();
    assert!(text.contains("broken.yaml:2") && text.contains("bsh") && text.contains("bash"), "{text}");
    let said = daemon.wait_to_say("a DAG file is broken");
    assert!(said.contains("WARN") && said.contains("broken.yaml") && said.contains("line 2, column 7: unknown key `bsh`"), "{said}");
    let mut command = site.command(&["dags", "list-import-errors", "--url", &daemon.address]);
    let listed = String::from_utf8(command.env("UPDRAFT_PASSWORD", PASSWORD).output().unwrap().stdout).unwrap();
    assert!(listed.starts_with("broken.yaml (at 20") && listed.contains("unknown key `bsh` in task `a`"), "{listed}");
    site.write_dag("broken.yaml", "tasks:\n  a: {bash: 'true'}\n");
    daemon.wait_for_dag("broken");
    let said = daemon.wait_to_say("a DAG file is well again");
    assert!(said.contains("INFO") && said.contains("broken.yaml"), "{said}");
    wait_for("the error to go", || errors().is_empty().then_some(()));
}

#[test]
fn a_swapped_or_empty_folder_removes_no_dag_and_a_missing_file_does() {
    let site = Site::new();
    site.write_dag("a.yaml", "tasks: {a: {bash: 'true'}}\n");
    site.write_dag("b.yaml", "tasks: {a: {bash: 'true'}}\n");
    let daemon = site.start();
    daemon.wait_for_dag("b");
    let is_listed = |dag_id: &str| {
        let (_, dags) = daemon.get("dags");
        dags["dags"].as_array().unwrap().iter().any(|dag| dag["dag_id"] == dag_id)
    };
    // A moment without the folder, then another one in its place.
    fs::rename(site.path("dags"), site.path("away")).unwrap();
    fs::create_dir(site.path("next")).unwrap();
    fs::write(site.path("next/a.yaml"), "description: swapped\ntasks: {a: {bash: 'true'}}\n").unwrap();
    fs::write(site.path("next/b.yaml"), "tasks: {a: {bash: 'true'}}\n").unwrap();
    fs::rename(site.path("next"), site.path("dags")).unwrap();
    wait_for("the swap", || (daemon.get("dags/a").1["description"] == "swapped").then_some(()));
    assert!(is_listed("a") && is_listed("b"));

    let begin = Instant::now();
    fs::remove_file(site.path("dags/b.yaml")).unwrap();
    wait_for("b to go", || (!is_listed("b")).then_some(()));
    let took = begin.elapsed();
    assert!(took > Duration::from_secs(4), "after one look only: {took:?}");
    assert!(took < Duration::from_secs(20), "by the regular look only: {took:?}");
    assert!(is_listed("a"));
}

#[test]
fn what_is_no_dag_file_is_said_and_holds_nothing_up() {
    let site = Site::new();
    site.write_dag("good.yaml", "tasks: {a: {bash: 'true'}}\n");
    nix::unistd::mkfifo(&site.path("dags/pipe.yaml"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let daemon = site.start();
    daemon.wait_for_dag("good");
    site.write_dag("old.py", "from airflow import DAG\n");
    let said = daemon.wait_to_say("imports airflow");
    assert!(said.contains("old.py"), "{said}");
    site.write_dag("second.yaml", "# of the same name\nschedule: null\ndag_id: good\ntasks: {a: {bash: 'true'}}\n");
    let said = daemon.wait_to_say("a DAG is in several files");
    assert!(said.contains("good.yaml, second.yaml"), "{said}");
    let errors = wait_for("two import errors", || {
        let errors = daemon.get("importErrors?order_by=filename").1["import_errors"].as_array().cloned().unwrap_or_default();
        (errors.len() == 2).then_some(errors)
    });
    assert_eq!((&errors[0]["filename"], &errors[1]["filename"]), (&"pipe.yaml".into(), &"second.yaml".into()));
    let text = errors[0]["stack_trace"].as_str().unwrap();
    assert!(text.contains("is not a regular file"), "{text}");
    let second = &errors[1]["diagnostics"][0];
    assert_eq!(second["line"], 3, "where its dag_id is: {second}");
}

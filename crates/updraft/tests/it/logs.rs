//! Logs: read over another node, gone with their run, and ending with why a try failed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::daemon::{Daemon, Site, wait_for};

/// Prints a line, waits for a file, prints another.
fn write_talking_dag(site: &Site) {
    let go = site.path("go");
    let text = format!(
        "tasks:\n  talk:\n    bash: |\n      echo one\n      while [ ! -e {} ]; do sleep 0.05; done\n      echo two\n",
        go.display()
    );
    site.write_dag("talking.yaml", &text);
}

fn log_path(dag_id: &str, run: &str, task: &str, number: u32) -> String {
    format!("dags/{dag_id}/dagRuns/{run}/taskInstances/{task}/logs/{number}")
}

/// The lines that the log has now.
fn log_of(daemon: &Daemon, path: &str) -> Vec<String> {
    let (status, log) = daemon.get(path);
    // Its task instance is made a moment after its run.
    if status == 404 {
        return Vec::new();
    }
    assert_eq!(status, 200, "{log}");
    log["content"].as_array().unwrap().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
}

fn wait_for_log(daemon: &Daemon, path: &str, expected: &[&str]) {
    wait_for(&format!("the log {expected:?}"), || (log_of(daemon, path) == expected).then_some(()));
}

/// A daemon without API.
struct Bare(Child);

impl Bare {
    fn start(mut command: Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_log_is_read_over_another_node_until_its_own_is_gone() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(updraft_testing::postgres()) else { return };
    let site = Site::new();
    let start = |home| Daemon::start(site.command_in(home, &["--database-url", &database.url, "standalone"]));
    write_talking_dag(&site);
    let first = start("one");
    first.wait_for_dag("talking");
    let run = first.trigger("talking");
    let path = log_path("talking", &run, "talk", 1);
    wait_for_log(&first, &path, &["one"]);

    let second = start("two");
    wait_for_log(&second, &path, &["one"]);
    let mut events = BufReader::new(second.open(&format!("{path}/stream"))).lines().map(Result::unwrap);
    assert!(events.by_ref().any(|line| line.contains("\"event\":\"one\"")));
    fs::write(site.path("go"), "").unwrap();
    assert!(events.by_ref().any(|line| line.contains("\"event\":\"two\"")));
    assert!(events.any(|line| line == "event: end"));
    assert_eq!(second.end_of("talking", &run), "success");
    assert_eq!(log_of(&second, &path), ["one", "two"]);

    let node = fs::read_to_string(site.path("one/node-id")).unwrap();
    let address = first.address.clone();
    first.kill();
    let log = log_of(&second, &path);
    let begin = format!(
        "[updraft] a part of this log is missing here: it is on node {}, which does not answer at {address} (Connection refused",
        node.trim()
    );
    assert!(log.len() == 1 && log[0].starts_with(&begin) && log[0].contains("; last seen 20"), "{log:?}");
    let _first = start("one");
    wait_for_log(&second, &path, &["one", "two"]);
}

#[test]
fn a_scheduler_without_api_shows_its_logs_over_an_api_server() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(updraft_testing::postgres()) else { return };
    let site = Site::new();
    let command = |home, role| site.command_in(home, &["--database-url", &database.url, role]);
    site.write_dag("quick.yaml", "tasks: {say: {bash: echo hello}}\n");
    let api = Daemon::start(command("two", "api-server"));
    let _scheduler = Bare::start(command("one", "scheduler"));
    api.wait_for_dag("quick");
    let run = api.trigger("quick");
    assert_eq!(api.end_of("quick", &run), "success");
    assert_eq!(log_of(&api, &log_path("quick", &run, "say", 1)), ["hello"]);
}

fn wait_to_go(path: &Path) {
    wait_for(&format!("{} to go", path.display()), || (!path.exists()).then_some(()));
}

#[test]
fn logs_go_with_their_run_and_a_run_of_the_same_name_has_its_own() {
    let site = Site::new();
    site.write_dag("said.yaml", "tasks: {say: {bash: 'echo {{ dag_run.conf.word }}'}}\n");
    let daemon = site.start();
    daemon.wait_for_dag("said");
    let run = |name: &str, word: &str| {
        let body = json!({"dag_run_id": name, "logical_date": null, "conf": {"word": word}});
        let (status, answer) = daemon.post("dags/said/dagRuns", &body);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(daemon.end_of("said", name), "success");
    };
    let folder = |name: &str| site.path(&format!("home/logs/dag_id=said/run_id={name}"));
    run("a", "first");
    run("b", "other");
    assert!(folder("a").exists() && folder("b").exists());
    assert_eq!(daemon.delete("dags/said/dagRuns/a"), 204);
    // At once: the log of the one before may still be there.
    run("a", "second");
    assert_eq!(log_of(&daemon, &log_path("said", "a", "say", 1)), ["second"]);
    assert_eq!(daemon.delete("dags/said/dagRuns/b"), 204);
    wait_to_go(&folder("b"));
    assert_eq!(log_of(&daemon, &log_path("said", "a", "say", 1)), ["second"], "only what is deleted goes");
    assert_eq!(daemon.delete("dags/said/dagRuns/a"), 204);
    // Killed before or after the removal: the next daemon goes on with it.
    daemon.kill();
    let _daemon = site.start();
    wait_to_go(&site.path("home/logs/dag_id=said"));
    assert!(site.path("home/logs").exists());
}

#[test]
fn logs_go_with_their_dag() {
    let site = Site::new();
    for name in ["quick", "other"] {
        site.write_dag(&format!("{name}.yaml"), "tasks: {say: {bash: echo hello}}\n");
    }
    let daemon = site.start();
    for name in ["quick", "other"] {
        daemon.wait_for_dag(name);
        let run = daemon.trigger(name);
        assert_eq!(daemon.end_of(name, &run), "success");
    }
    assert_eq!(daemon.delete("dags/quick"), 200);
    wait_to_go(&site.path("home/logs/dag_id=quick"));
    assert!(site.path("home/logs/dag_id=other").exists());
}

/// Ended runs `old` and `new`, and a moment after the end of the one and before the other.
fn old_and_new(daemon: &Daemon) -> String {
    daemon.wait_for_dag("quick");
    for name in ["old", "new"] {
        let (status, answer) = daemon.post("dags/quick/dagRuns", &json!({"dag_run_id": name, "logical_date": null}));
        assert_eq!(status, 200, "{answer}");
        assert_eq!(daemon.end_of("quick", name), "success");
    }
    let (_, run) = daemon.get("dags/quick/dagRuns/new");
    run["start_date"].as_str().unwrap().to_owned()
}

fn clean(mut command: Command) {
    let output = command.output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).starts_with("1 runs "), "{output:?}");
}

#[test]
fn logs_that_are_elsewhere_go_with_runs_deleted_while_no_daemon_was_there() {
    let site = Site::new();
    site.write_dag("quick.yaml", "tasks: {say: {bash: echo hello}}\n");
    let command = |args: &[&str]| {
        let mut command = site.command(args);
        command.env("UPDRAFT_BASE_LOG_FOLDER", site.path("elsewhere"));
        command
    };
    let daemon = Daemon::start(command(&["standalone"]));
    let before = old_and_new(&daemon);
    daemon.kill();
    let folder = |name: &str| site.path(&format!("elsewhere/dag_id=quick/run_id={name}"));
    assert!(folder("old").exists() && folder("new").exists() && !site.path("home/logs/dag_id=quick").exists());
    clean(command(&["db", "clean", "--before", &before]));
    let daemon = Daemon::start(command(&["standalone"]));
    wait_to_go(&folder("old"));
    assert_eq!(log_of(&daemon, &log_path("quick", "new", "say", 1)), ["hello"]);
}

#[test]
fn runs_and_their_logs_go_when_they_are_older_than_the_retention() {
    let site = Site::new();
    site.write_dag("quick.yaml", "tasks: {say: {bash: echo hello}}\n");
    site.write_dag("slow.yaml", "tasks: {wait: {bash: exec sleep 600}}\n");
    let mut command = site.command(&["standalone"]);
    command.env("UPDRAFT_RETENTION", "2s");
    let daemon = Daemon::start(command);
    for name in ["quick", "slow"] {
        daemon.wait_for_dag(name);
    }
    let run = daemon.trigger("quick");
    let active = daemon.trigger("slow");
    assert_eq!(daemon.end_of("quick", &run), "success");
    assert!(site.path(&format!("home/logs/dag_id=quick/run_id={run}")).exists());
    wait_for("the run to go", || (daemon.get(&format!("dags/quick/dagRuns/{run}")).0 == 404).then_some(()));
    wait_to_go(&site.path("home/logs/dag_id=quick"));
    assert_eq!(daemon.get(&format!("dags/slow/dagRuns/{active}")).1["state"], "running");
}

#[test]
fn a_daemon_with_another_database_removes_no_logs() {
    let site = Site::new();
    site.write_dag("quick.yaml", "tasks: {say: {bash: echo hello}}\n");
    let daemon = site.start();
    daemon.wait_for_dag("quick");
    let run = daemon.trigger("quick");
    assert_eq!(daemon.end_of("quick", &run), "success");
    wait_for("the logs to be claimed", || site.path("home/logs/.database").exists().then_some(()));
    daemon.kill();
    let other = Daemon::start(site.command(&["--database-url", "sqlite://other.db", "standalone"]));
    other.wait_to_say("none is removed");
    assert!(site.path(&format!("home/logs/dag_id=quick/run_id={run}/task_id=say/attempt=1.log")).exists());
}

#[test]
fn a_failed_try_says_why_in_its_log() {
    let site = Site::new();
    let text = "tasks:\n  code: {bash: 'echo tried; exit 3'}\n  signal: {bash: 'kill -9 $$'}\n  program: {cmd: [no-such-program-here]}\n  \
                template: {bash: 'echo {{ ti.xcom_pull(task_ids=1) }}{{ 1 / 0 }}'}\n  slow: {bash: 'exec sleep 60', execution_timeout: 1}\n";
    site.write_dag("failing.yaml", text);
    let daemon = site.start();
    daemon.wait_for_dag("failing");
    let run = daemon.trigger("failing");
    assert_eq!(daemon.end_of("failing", &run), "failed");
    for task in ["code", "signal", "program", "template", "slow"] {
        let (_, instance) = daemon.get(&format!("dags/failing/dagRuns/{run}/taskInstances/{task}"));
        let log = log_of(&daemon, &log_path("failing", &run, task, 1));
        let last = log.last().unwrap();
        assert!(last.starts_with("[updraft] the try failed: ") && last.len() > 30, "{task}: {log:?} {instance}");
        let (status, events) = daemon.text(&format!("{}/stream", log_path("failing", &run, task, 1)));
        assert_eq!(status, 200);
        assert!(events.contains(&Value::from(last.as_str()).to_string()) && events.ends_with("event: end\ndata: {}\n\n"), "{events}");
    }
    assert_eq!(log_of(&daemon, &log_path("failing", &run, "code", 1)), ["tried", "[updraft] the try failed: exit code 3"]);
}

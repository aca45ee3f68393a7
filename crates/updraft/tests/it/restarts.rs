//! Daemons end, in good order or not, while tasks run.

use std::fs;

use nix::sys::signal::Signal;

use crate::daemon::{Daemon, Site, text_of, wait_for};

/// A DAG whose first task says that it began, and waits for a file; the second says the end.
fn write_patient_dag(site: &Site) {
    let (journal, go) = (site.path("journal"), site.path("go"));
    let text = format!(
        "tasks:\n  wait:\n    bash: |\n      echo began >> {journal}\n      while [ ! -e {go} ]; do sleep 0.05; done\n      echo ended >> {journal}\n  then:\n    bash: echo then >> {journal}\n    upstream: [wait]\n",
        journal = journal.display(),
        go = go.display()
    );
    site.write_dag("patient.yaml", &text);
}

fn begin(site: &Site) -> (Daemon, String) {
    write_patient_dag(site);
    let daemon = site.start();
    daemon.wait_for_dag("patient");
    let run = daemon.trigger("patient");
    wait_for("the task to begin", || text_of(&site.path("journal")).contains("began").then_some(()));
    (daemon, run)
}

#[test]
fn a_killed_daemon_finds_its_running_task_again_and_nothing_runs_twice() {
    let site = Site::new();
    let (daemon, run) = begin(&site);
    daemon.kill();
    let daemon = site.start();
    fs::write(site.path("go"), "").unwrap();
    assert_eq!(daemon.end_of("patient", &run), "success");
    assert_eq!(text_of(&site.path("journal")), "began\nended\nthen\n");
}

#[test]
fn a_task_that_ends_while_no_daemon_runs_is_not_lost() {
    let site = Site::new();
    let (daemon, run) = begin(&site);
    daemon.kill();
    fs::write(site.path("go"), "").unwrap();
    wait_for("the task to end", || text_of(&site.path("journal")).contains("ended").then_some(()));
    let daemon = site.start();
    assert_eq!(daemon.end_of("patient", &run), "success");
    assert_eq!(text_of(&site.path("journal")), "began\nended\nthen\n");
}

#[test]
fn sigterm_ends_the_daemon_in_good_order_and_leaves_tasks_running() {
    let site = Site::new();
    let (daemon, run) = begin(&site);
    let (status, log) = daemon.end_with(Signal::SIGTERM);
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("running tasks go on"), "{log}");
    fs::write(site.path("go"), "").unwrap();
    let daemon = site.start();
    assert_eq!(daemon.end_of("patient", &run), "success");
    assert_eq!(text_of(&site.path("journal")), "began\nended\nthen\n");
}

/// Two nodes on one PostgreSQL. The leader is killed while its task runs: the other takes over, and
/// hears of the end, which only the first node can see, as soon as a daemon runs there again.
#[test]
fn a_standby_takes_over_and_is_told_what_ended_on_the_other_node() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(updraft_testing::postgres()) else { return };
    let site = Site::new();
    let start = |home| Daemon::start(site.command_in(home, &["--database-url", &database.url, "standalone"]));
    write_patient_dag(&site);
    let first = start("one");
    first.wait_for_dag("patient");
    let second = start("two");
    let run = first.trigger("patient");
    wait_for("the task to begin", || text_of(&site.path("journal")).contains("began").then_some(()));
    first.kill();
    // The new leader answers requests, and does not touch what may still run.
    site.write_dag("other.yaml", "tasks: {a: {bash: 'true'}}\n");
    second.wait_for_dag("other");
    let other = second.trigger("other");
    assert_eq!(second.end_of("other", &other), "success");
    fs::write(site.path("go"), "").unwrap();
    let _first = start("one");
    assert_eq!(second.end_of("patient", &run), "success");
    assert_eq!(text_of(&site.path("journal")), "began\nended\nthen\n");
}

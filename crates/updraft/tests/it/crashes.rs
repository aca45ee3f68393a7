//! What a crash at any moment may not do: proven by what the tasks themselves have written.

use std::{fs, path::Path, thread};

use nix::{sys::signal::Signal, unistd::Pid};

use crate::{
    chains::{counts, each_try_ran_once, pauses, write_chains},
    daemon::{Daemon, Site, text_of, wait_for},
};

#[test]
fn twenty_kills_in_a_run_of_three_hundred_tasks_run_each_try_once() {
    let site = Site::new();
    write_chains(&site, 300);
    let mut daemon = site.start();
    daemon.wait_for_dag("chains");
    let run = daemon.trigger("chains");
    for pause in pauses(20) {
        // Not to wait for anything: a crash has no good moment.
        thread::sleep(pause);
        daemon.kill();
        daemon = site.start();
    }
    assert_eq!(daemon.end_of("chains", &run), "success");
    each_try_ran_once(&site, 300);
}

/// The leader is stopped in the middle of its work, for longer than its lease lives, and then woken:
/// the other has taken over, and the woken one starts nothing.
#[test]
fn a_leader_that_sleeps_past_its_lease_starts_nothing_when_it_wakes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(updraft_testing::postgres()) else { return };
    let site = Site::new();
    let start = |home| Daemon::start(site.command_in(home, &["--database-url", &database.url, "standalone"]));
    write_chains(&site, 90);
    let first = start("one");
    first.wait_for_dag("chains");
    let second = start("two");
    let run = first.trigger("chains");
    wait_for("tasks to start", || (counts(&site, "start").len() > 10).then_some(()));
    let pid = Pid::from_raw(i32::try_from(first.id()).unwrap());
    nix::sys::signal::kill(pid, Signal::SIGSTOP).unwrap();
    // The second one answers a request only when it leads.
    site.write_dag("other.yaml", "tasks: {a: {bash: 'true'}}\n");
    second.wait_for_dag("other");
    let other = second.trigger("other");
    nix::sys::signal::kill(pid, Signal::SIGCONT).unwrap();
    assert_eq!(second.end_of("other", &other), "success");
    assert_eq!(second.end_of("chains", &run), "success");
    each_try_ran_once(&site, 90);
}

/// What runs on a node that no longer leads is ended there, though the one who decides can't reach it.
#[test]
fn what_is_marked_is_ended_on_the_node_where_it_runs() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(updraft_testing::postgres()) else { return };
    let site = Site::new();
    let start = |home| Daemon::start(site.command_in(home, &["--database-url", &database.url, "standalone"]));
    let process = site.path("process");
    site.write_dag("long.yaml", &format!("tasks: {{a: {{bash: \"echo $$ > {}; exec sleep 600\"}}}}\n", process.display()));
    let first = start("one");
    first.wait_for_dag("long");
    let second = start("two");
    let run = first.trigger("long");
    let id = wait_for("the task to start", || text_of(&process).trim().parse::<i32>().ok());
    let pid = Pid::from_raw(i32::try_from(first.id()).unwrap());
    nix::sys::signal::kill(pid, Signal::SIGSTOP).unwrap();
    site.write_dag("other.yaml", "tasks: {a: {bash: 'true'}}\n");
    second.wait_for_dag("other");
    let other = second.trigger("other");
    assert_eq!(second.end_of("other", &other), "success");
    nix::sys::signal::kill(pid, Signal::SIGCONT).unwrap();
    let (status, _) = second.patch(&format!("dags/long/dagRuns/{run}"), &serde_json::json!({"state": "failed"}));
    assert_eq!(status, 200);
    wait_for("the task's process to end", || nix::sys::signal::kill(Pid::from_raw(id), None).is_err().then_some(()));
    // A run that still has an attempt can't be deleted: that this one can be shows that its end was heard of.
    wait_for("its end to be told", || (second.delete(&format!("dags/long/dagRuns/{run}")) == 204).then_some(()));
}

/// Launches that wait in line when their leader is stopped: its node may not say that it never had them, and
/// start them afterwards.
#[test]
fn what_waits_to_be_launched_when_the_leader_is_stopped_runs_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(updraft_testing::postgres()) else { return };
    let site = Site::new();
    let start = |home| Daemon::start(site.command_in(home, &["--database-url", &database.url, "standalone"]));
    let (go, ran) = (site.path("go"), site.path("ran"));
    site.write_dag("early.yaml", &format!("tasks: {{a: {{bash: 'until [ -e {} ]; do sleep 0.05; done'}}}}\n", go.display()));
    let tasks: String = (0..30).map(|i| format!("  t{i}: {{bash: \"echo $UPDRAFT_TASK_ID >> {}\"}}\n", ran.display())).collect();
    site.write_dag("wide.yaml", &format!("max_active_tasks: 30\ntasks:\n{tasks}"));
    let first = start("one");
    first.wait_for_dag("early");
    first.wait_for_dag("wide");
    let second = start("two");
    let early = first.trigger("early");
    let state = |daemon: &Daemon| daemon.get(&format!("dags/early/dagRuns/{early}/taskInstances/a")).1["state"].clone();
    wait_for("the early task to start", || (state(&first) == "running").then_some(()));

    let leader = Pid::from_raw(i32::try_from(first.id()).unwrap());
    let children = text_of(Path::new(&format!("/proc/{leader}/task/{leader}/children")));
    let nursery = Pid::from_raw(children.trim().parse().expect("a daemon has one child"));
    nix::sys::signal::kill(nursery, Signal::SIGSTOP).unwrap();
    let wide = first.trigger("wide");
    let queued = format!("dags/wide/dagRuns/{wide}/taskInstances?state=queued");
    wait_for("the tasks to be queued", || (first.get(&queued).1["total_entries"].as_u64() > Some(20)).then_some(()));
    nix::sys::signal::kill(leader, Signal::SIGSTOP).unwrap();
    site.write_dag("other.yaml", "tasks: {a: {bash: 'true'}}\n");
    second.wait_for_dag("other");
    let other = second.trigger("other");
    assert_eq!(second.end_of("other", &other), "success");
    fs::write(&go, "").unwrap();
    nix::sys::signal::kill(leader, Signal::SIGCONT).unwrap();
    // Its node has told what became of its attempts.
    wait_for("the early task's end to be told", || (state(&second) == "success").then_some(()));
    nix::sys::signal::kill(nursery, Signal::SIGCONT).unwrap();
    assert_eq!(second.end_of("wide", &wide), "success");
    let mut names: Vec<String> = text_of(&ran).lines().map(str::to_owned).collect();
    names.sort();
    let mut expected: Vec<String> = (0..30).map(|i| format!("t{i}")).collect();
    expected.sort();
    assert_eq!(names, expected);
}

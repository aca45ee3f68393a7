//! What a crash at any moment may not do: proven by what the tasks themselves have written.

use std::{collections::BTreeMap, fmt::Write as _, thread, time::Duration};

use nix::{sys::signal::Signal, unistd::Pid};

use crate::daemon::{Daemon, Site, text_of, wait_for};

/// So many tasks in chains, 30 beside each other; each says when it starts and when it ends.
fn write_chains(site: &Site, tasks: usize) {
    let journal = site.path("journal");
    let mut text = "max_active_tasks: 32\ntasks:\n".to_owned();
    for i in 0..tasks {
        let up = i.checked_sub(30).map(|up| format!("    upstream: [t{up:03}]\n")).unwrap_or_default();
        let say = |what: &str| format!("echo \"{what} {{{{ ti.task_id }}}} {{{{ ti.try_number }}}}\" >> {}", journal.display());
        writeln!(text, "  t{i:03}:\n    bash: |\n      {}\n      sleep 0.{}\n      {}\n{up}", say("start"), i % 5 + 1, say("end")).unwrap();
    }
    site.write_dag("chains.yaml", &text);
}

/// How often each line is in the journal that begins with `what`.
fn counts(site: &Site, what: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in text_of(&site.path("journal")).lines().filter_map(|line| line.strip_prefix(what)) {
        *counts.entry(line.trim().to_owned()).or_default() += 1;
    }
    counts
}

fn each_try_ran_once(site: &Site, tasks: usize) {
    for what in ["start", "end"] {
        let counts = counts(site, what);
        let doubled: Vec<_> = counts.iter().filter(|(_, n)| **n != 1).collect();
        assert!(doubled.is_empty(), "{what} more than once: {doubled:?}");
        assert_eq!(counts.len(), tasks, "{what}");
    }
}

/// Pauses that have no pattern, and are the same in each run of the test.
fn pauses(count: usize) -> impl Iterator<Item = Duration> {
    let mut state = 0x9E37_79B9_u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((state >> 33) % 700)
    })
    .take(count)
}

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

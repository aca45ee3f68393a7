//! `node_lost_after`: a node whose daemon is gone is given up, when its tasks are over there.

use std::fs;

use crate::daemon::{Daemon, Site, text_of, wait_for};

/// Says when it starts, and when it is told to end; the second time it succeeds.
const DAG: &str = "\
tasks:
  a:
    relaunch: true
    bash: |
      if test -s HERE; then echo again >> HERE; exit 0; fi
      trap 'echo end >> HERE; exit 1' TERM
      echo start >> HERE
      while :; do sleep 0.1; done
";

/// Takes a minute: no shorter time may be set.
#[test]
fn a_task_ends_without_its_daemon_and_only_then_goes_on_elsewhere() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(updraft_testing::postgres()) else { return };
    let site = Site::new();
    let start = |home| {
        let mut command = site.command_in(home, &["--database-url", &database.url, "standalone"]);
        command.env("UPDRAFT_NODE_LOST_AFTER", "60s");
        Daemon::start(command)
    };
    let here = site.path("here");
    site.write_dag("long.yaml", &DAG.replace("HERE", &here.display().to_string()));
    let first = start("one");
    first.wait_for_dag("long");
    let second = start("two");
    let run = first.trigger("long");
    wait_for("the task to start", || text_of(&here).contains("start").then_some(()));
    // The daemon alone: the task goes on under its supervisor.
    first.kill();
    wait_for("the task to end by itself", || text_of(&here).contains("end").then_some(()));
    second.wait_to_say("the node was not heard of for 1m");
    assert_eq!(second.end_of("long", &run), "success");
    assert_eq!(text_of(&here), "start\nend\nagain\n");
    // What comes back tells of an attempt that has its end: nothing is left of it there, nothing changes.
    let attempts = || fs::read_dir(site.path("one/attempts")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(attempts().filter(|name| !name.starts_with('.')).count(), 1);
    let before = second.get(&format!("dags/long/dagRuns/{run}/taskInstances/a"));
    let _back = start("one");
    wait_for("its folder to be cleared away", || attempts().all(|name| name.starts_with('.')).then_some(()));
    assert_eq!(second.get(&format!("dags/long/dagRuns/{run}/taskInstances/a")), before);
}

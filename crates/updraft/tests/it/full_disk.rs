//! The disk is full, the database can't be written, the daemon's log can't be written: the daemon says
//! so, what runs goes on, and nothing is lost or doubled once it is over.

use std::{fs, process::Command};

use serde_json::json;

use crate::{
    chains::{counts, each_try_ran_once, wait_for_running_tasks_to_end, write_chains},
    daemon::{Daemon, Site, text_of, wait_for},
    disk::{Disk, Immutable},
};

/// Tasks run, and then nothing can be written: what must be true meanwhile.
fn says_so_and_lets_tasks_run(site: &Site, daemon: &Daemon) {
    daemon.wait_for_database_to_be("unhealthy");
    assert_eq!(daemon.metric("updraft_store_trouble"), Some(1.0));
    wait_for_running_tasks_to_end(site);
    // It still answers, and refuses what it can't do.
    assert_eq!(daemon.get("dags/chains").0, 200);
    let (status, refusal) = daemon.post("dags/chains/dagRuns", &json!({"logical_date": null}));
    assert_eq!(status, 503, "{refusal}");
}

/// It is over: the run ends as if nothing had been.
fn goes_on(site: &Site, daemon: &Daemon, run: &str, tasks: usize) {
    assert_eq!(daemon.end_of("chains", run), "success");
    each_try_ran_once(site, tasks);
    daemon.wait_for_good_health();
    assert_eq!(daemon.metric("updraft_store_trouble"), Some(0.0));
    assert_eq!(daemon.get("dags/chains/dagRuns").1["total_entries"], 1, "what was refused did not happen later");
}

fn begin(site: &Site, daemon: &Daemon) -> String {
    daemon.wait_for_dag("chains");
    let run = daemon.trigger("chains");
    wait_for("tasks to run", || (counts(site, "start").len() > 20).then_some(()));
    run
}

/// Database, attempts' folders and logs are on one disk, which is full twice.
#[test]
fn the_disk_is_full_in_a_run() {
    let site = Site::new();
    write_chains(&site, 120);
    let Some(disk) = Disk::start(&site) else { return };
    let run = begin(&site, &disk.daemon);
    disk.fill();
    says_so_and_lets_tasks_run(&site, &disk.daemon);
    disk.daemon.wait_to_say("the store makes trouble");
    disk.free();
    let begun = counts(&site, "start").len();
    wait_for("the run to go on", || (counts(&site, "start").len() > begun).then_some(()));
    disk.fill();
    says_so_and_lets_tasks_run(&site, &disk.daemon);
    disk.free();
    goes_on(&site, &disk.daemon, &run, 120);
}

/// A task that talks and ends while nothing can be written: what it said and how it ended comes later,
/// and what is missing of its log is said there.
#[test]
fn a_task_that_talks_and_ends_on_a_full_disk_loses_nothing_silently() {
    let site = Site::new();
    let (journal, talk, end) = (site.path("journal"), site.path("talk"), site.path("end"));
    let wait = |file: &std::path::Path| format!("while [ ! -e {} ]; do sleep 0.05; done", file.display());
    // A little, which is kept until there is room; or more than is kept.
    let task = |name: &str, lines: u32| {
        format!(
            "  {name}:\n    bash: |\n      echo first words\n      echo began {name} >> {journal}\n      {}\n      seq -f 'line %.0f of {name}' {lines}\n      echo talked {name} >> {journal}\n      {}\n      echo last words\n      echo ended {name} >> {journal}\n",
            wait(&talk),
            wait(&end),
            journal = journal.display()
        )
    };
    site.write_dag("talk.yaml", &format!("tasks:\n{}{}", task("little", 50), task("much", 20_000)));
    let Some(disk) = Disk::start(&site) else { return };
    let daemon = &disk.daemon;
    daemon.wait_for_dag("talk");
    let run = daemon.trigger("talk");
    let both = |word: &str| wait_for(word, || (text_of(&journal).matches(word).count() == 2).then_some(()));
    both("began");
    disk.fill();
    fs::write(&talk, "").unwrap();
    both("talked");
    fs::write(&end, "").unwrap();
    both("ended");
    daemon.wait_for_database_to_be("unhealthy");
    disk.free();
    assert_eq!(daemon.end_of("talk", &run), "success");
    let log_of = |task: &str| {
        let (status, log) = daemon.get(&format!("dags/talk/dagRuns/{run}/taskInstances/{task}/logs/1"));
        assert_eq!(status, 200, "{log}");
        log.to_string()
    };
    let little = log_of("little");
    for line in ["first words", "line 1 of little", "line 50 of little", "last words"] {
        assert_eq!(little.matches(&format!("{line}\"")).count(), 1, "{line}: {little}");
    }
    let much = log_of("much");
    assert!(much.contains("first words") && much.contains("line 1 of much\""), "{}", &much[..500]);
    assert!(much.contains("bytes of output could not be written here: No space left on device"), "{}", &much[much.len() - 500..]);
}

/// The database is elsewhere and takes everything, but no task can begin: each waits, with a reason that
/// people see, and runs once when there is room.
#[test]
fn tasks_wait_for_room_to_begin() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(updraft_testing::postgres()) else { return };
    let site = Site::new();
    let journal = site.path("journal");
    site.write_dag("begin.yaml", &format!("tasks:\n  a: {{bash: 'echo a >> {0}'}}\n  b: {{bash: 'echo b >> {0}'}}\n", journal.display()));
    let Some(disk) = Disk::start_with(&site, &["--database-url", &database.url, "standalone"]) else { return };
    let daemon = &disk.daemon;
    daemon.wait_for_dag("begin");
    disk.fill();
    let run = daemon.trigger("begin");
    wait_for("the reason", || {
        let (_, tasks) = daemon.get(&format!("dags/begin/dagRuns/{run}/taskInstances"));
        (tasks.to_string().matches("No space left on device").count() >= 2).then_some(())
    });
    assert_eq!(daemon.health(), ("healthy".to_owned(), "healthy".to_owned()));
    disk.free();
    assert_eq!(daemon.end_of("begin", &run), "success");
    let mut ran: Vec<String> = text_of(&journal).lines().map(str::to_owned).collect();
    ran.sort();
    assert_eq!(ran, ["a", "b"]);
}

/// The file system goes read-only under the open database, and is mended.
#[test]
fn the_database_is_read_only_in_a_run() {
    let site = Site::new();
    write_chains(&site, 90);
    let daemon = site.start();
    let run = begin(&site, &daemon);
    let files = ["home/updraft.db", "home/updraft.db-wal"].map(|name| site.path(name));
    let Some(read_only) = Immutable::make(files.into()) else { return };
    says_so_and_lets_tasks_run(&site, &daemon);
    daemon.wait_to_say("the store makes trouble");
    drop(read_only);
    goes_on(&site, &daemon, &run, 90);
}

/// No file may grow (`ulimit -f`, and the same errors as of a broken disk), and nobody reads what the
/// daemon says: neither the signal that comes with the one nor the error of the other ends it.
#[test]
fn nothing_can_be_written_and_nobody_listens() {
    let site = Site::new();
    write_chains(&site, 90);
    let mut daemon = site.start();
    let run = begin(&site, &daemon);
    daemon.stop_listening();
    let limit = |bytes: &str| {
        let set = Command::new("prlimit").args(["--pid", &daemon.id().to_string(), &format!("--fsize={bytes}:unlimited")]).status();
        assert!(set.unwrap().success());
    };
    limit("0");
    says_so_and_lets_tasks_run(&site, &daemon);
    limit("unlimited");
    goes_on(&site, &daemon, &run, 90);
}

//! PostgreSQL crashes, and connections to it are lost, in the middle of a run: the daemon says so, what
//! runs goes on, and nothing is lost or doubled. Proved by what the tasks have written.

use std::thread;

use serde_json::Value;
use updraft_testing::{Cut, Database, OwnServer, Proxy};

use crate::{
    chains::{counts, each_try_ran_once, pauses, wait_for_running_tasks_to_end, write_chains},
    daemon::{Daemon, Site, wait_for},
};

/// The session that commits goes by this name.
const LEADER: &str = "updraft-leader";

fn start(site: &Site, url: &str) -> Daemon {
    let daemon = Daemon::start(site.command(&["--database-url", url, "standalone"]));
    daemon.wait_for_dag("chains");
    daemon
}

#[test]
fn postgresql_crashes_three_times_in_a_run() {
    let Some(server) = OwnServer::start() else { return };
    let site = Site::new();
    write_chains(&site, 120);
    let daemon = start(&site, &server.url());
    let run = daemon.trigger("chains");
    for pause in pauses(3) {
        // Not to wait for anything: a crash has no good moment.
        thread::sleep(pause);
        server.crash();
        wait_for_running_tasks_to_end(&site);
        daemon.wait_for_database_to_be("unhealthy");
        server.restart();
        let begun = counts(&site, "start").len();
        wait_for("the run to go on", || (counts(&site, "start").len() > begun || begun == 120).then_some(()));
    }
    assert_eq!(daemon.end_of("chains", &run), "success");
    daemon.wait_for_good_health();
    daemon.wait_to_say("the store makes trouble");
    each_try_ran_once(&site, 120);
}

/// A run in which three of seven commits lose their connection, at this side of the server's work. (Not
/// each second one: the first of a term is often a small one, and the run would hardly move.)
fn commits_are_cut(cut: Cut) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(updraft_testing::postgres()) else { return };
    let site = Site::new();
    write_chains(&site, 90);
    let proxy = Proxy::start(&database.url, LEADER);
    let daemon = start(&site, &proxy.url(&database.url));
    proxy.on_commit(move |number| matches!(number % 7, 2 | 5 | 6).then_some(cut));
    let run = daemon.trigger("chains");
    assert_eq!(daemon.end_of("chains", &run), "success");
    each_try_ran_once(&site, 90);
    assert!(proxy.cuts() > 2, "only {} of {} commits were cut", proxy.cuts(), proxy.commits());
    proxy.on_commit(|_| None);
    sound(&site, &daemon, &database, 90);
}

/// One run, so many tasks of one try each, and a store that `db check` finds sound.
fn sound(site: &Site, daemon: &Daemon, database: &Database, count: usize) {
    let (_, runs) = daemon.get("dags/chains/dagRuns");
    assert_eq!(runs["total_entries"], 1, "{runs}");
    let (_, tasks) = daemon.get("dags/chains/dagRuns/~/taskInstances?limit=100");
    let tries: Vec<&Value> = tasks["task_instances"].as_array().unwrap().iter().map(|task| &task["try_number"]).collect();
    assert_eq!((tries.len(), tries.iter().filter(|number| ***number == 1).count()), (count, count));
    let check = site.command(&["--database-url", &database.url, "db", "check"]).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

#[test]
fn commits_that_happened_but_whose_answers_are_lost() {
    commits_are_cut(Cut::AfterCommit);
}

#[test]
fn commits_whose_connection_is_lost_before_they_reach_the_server() {
    commits_are_cut(Cut::BeforeCommit);
}

/// Half-open: the network swallows everything, and nobody says that the connection is gone.
#[test]
fn a_connection_that_falls_silent_in_a_commit_is_given_up_and_the_run_goes_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(updraft_testing::postgres()) else { return };
    let site = Site::new();
    write_chains(&site, 60);
    let proxy = Proxy::start(&database.url, LEADER);
    let daemon = start(&site, &proxy.url(&database.url));
    let before = proxy.commits();
    proxy.on_commit(move |number| (number == before + 4).then_some(Cut::Silence));
    let run = daemon.trigger("chains");
    wait_for("the silence", || (proxy.cuts() == 1).then_some(()));
    wait_for_running_tasks_to_end(&site);
    let said = daemon.wait_to_say("the store makes trouble");
    assert!(said.contains("did not answer within"), "{said}");
    assert_eq!(daemon.end_of("chains", &run), "success");
    each_try_ran_once(&site, 60);
    sound(&site, &daemon, &database, 60);
}

/// The answer to a trigger is waited for through a restart of the database: the caller hears what is
/// true, and need not try again, which would make a second run.
#[test]
fn a_trigger_is_answered_although_postgresql_restarts_meanwhile() {
    let Some(server) = OwnServer::start() else { return };
    let site = Site::new();
    site.write_dag("chains.yaml", "tasks: {a: {bash: 'true'}}\n");
    let proxy = Proxy::start(&server.url(), LEADER);
    let daemon = start(&site, &proxy.url(&server.url()));
    // No commit that answers it comes through before the crash.
    proxy.on_commit(|_| Some(Cut::BeforeCommit));
    let begin = proxy.cuts();
    let run = thread::scope(|scope| {
        let triggering = scope.spawn(|| daemon.trigger("chains"));
        wait_for("the commit", || (proxy.cuts() > begin).then_some(()));
        server.crash();
        proxy.on_commit(|_| None);
        server.restart();
        triggering.join().unwrap()
    });
    assert_eq!(daemon.end_of("chains", &run), "success");
    assert_eq!(daemon.get("dags/chains/dagRuns").1["total_entries"], 1);
}

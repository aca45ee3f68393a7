//! Lost connections, two leaders, a leader that stops in the middle.
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use jiff::SignedDuration;
use sqlx::{Connection, Executor, PgConnection, Row};
use updraft_model::{Batch, Request, Term};
use updraft_store::{
    Acquired, CommitError, EngineStore, Reader,
    conformance::{Subject, samples},
};
use updraft_store_postgres::{OpenError, PostgresStore};
use updraft_testing::Database;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A database with two daemons.
struct Two {
    first: Arc<PostgresStore>,
    second: Arc<PostgresStore>,
    shell: PgConnection,
    database: Database,
}

async fn two() -> Option<Two> {
    let database = updraft_testing::postgres().await?;
    // At the same time: only one of them migrates.
    let (first, second) = tokio::join!(PostgresStore::connect(&database.url), PostgresStore::connect(&database.url));
    let shell = PgConnection::connect(&database.url).await.unwrap();
    Some(Two { first: first.unwrap(), second: second.unwrap(), shell, database })
}

async fn take(store: &PostgresStore, holder: &str, ttl: SignedDuration) -> Term {
    match store.acquire_lease(holder, None, ttl).await.unwrap() {
        Acquired::Yes(term) => term,
        Acquired::HeldBy(lease) => panic!("held by {lease:?}"),
    }
}

fn dag(name: &str) -> Arc<Batch> {
    Arc::new(samples::dags(&[name]))
}

/// The same, and something that is not done in one statement.
fn step_by_step(batch: Arc<Batch>) -> Arc<Batch> {
    Arc::new(Batch { deleted_dags: vec![samples::dag_id("nobody")], ..batch.as_ref().clone() })
}

async fn dags(store: &PostgresStore) -> Vec<String> {
    store.load(Term(0)).await.unwrap().dags.into_iter().map(|dag| dag.dag_id.to_string()).collect()
}

/// Waits until the leader's session waits for a lock.
async fn until_it_waits(shell: &mut PgConnection, pid: i32) {
    loop {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'";
        let waits: i64 = sqlx::query(waits).bind(pid).fetch_one(&mut *shell).await.unwrap().get(0);
        if waits == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_commit_whose_session_is_ended_writes_nothing_and_can_be_sent_again() {
    let Some(mut two) = two().await else { return };
    let term = take(&two.first, "a", HOUR).await;
    let pid = two.first.leader_backend().await.unwrap().unwrap();
    // A lock in the way stops the commit in its middle.
    two.shell.execute("BEGIN; LOCK TABLE dag IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let first = Arc::clone(&two.first);
    let commit = tokio::spawn(async move { first.commit(term, step_by_step(dag("d"))).await });
    until_it_waits(&mut two.shell, pid).await;
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut two.shell).await.unwrap();
    let outcome = commit.await.unwrap();
    assert!(matches!(outcome, Err(CommitError::NotCommitted(_))), "{outcome:?}");
    two.shell.execute("ROLLBACK").await.unwrap();
    assert_eq!(dags(&two.first).await, [""; 0]);
    assert_eq!(two.first.commit(term, dag("d")).await, Ok(1), "on a new connection");
    let resumed = two.first.leader_backend().await.unwrap().unwrap();
    assert_ne!(resumed, pid);
    assert_eq!(dags(&two.second).await, ["d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_at_once_whose_session_is_ended_is_unknown_and_goes_on_in_the_next_term() {
    let Some(mut two) = two().await else { return };
    let term = take(&two.first, "a", HOUR).await;
    let pid = two.first.leader_backend().await.unwrap().unwrap();
    two.shell.execute("BEGIN; LOCK TABLE dag IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let first = Arc::clone(&two.first);
    let commit = tokio::spawn(async move { first.commit(term, dag("d")).await });
    until_it_waits(&mut two.shell, pid).await;
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut two.shell).await.unwrap();
    // It may have been ended after its commit, for all the leader can know.
    let outcome = commit.await.unwrap();
    assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{outcome:?}");
    two.shell.execute("ROLLBACK").await.unwrap();
    let next = take(&two.first, "a", HOUR).await;
    assert_eq!(dags(&two.first).await, [""; 0]);
    assert_eq!(two.first.commit(next, dag("d")).await, Ok(1));
    assert_eq!(dags(&two.second).await, ["d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_ends_the_session_of_a_leader_that_stopped_in_its_commit() {
    let Some(mut two) = two().await else { return };
    let old = take(&two.first, "a", -HOUR).await;
    let pid = two.first.leader_backend().await.unwrap().unwrap();
    two.shell.execute("BEGIN; LOCK TABLE dag IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let first = Arc::clone(&two.first);
    let stopped = tokio::spawn(async move { first.commit(old, step_by_step(dag("old"))).await });
    until_it_waits(&mut two.shell, pid).await;
    // The lease is locked by the stopped commit, and yet it can be taken.
    let new = take(&two.second, "b", HOUR).await;
    assert!(new > old);
    let outcome = stopped.await.unwrap();
    assert!(matches!(outcome, Err(CommitError::NotCommitted(_))), "{outcome:?}");
    two.shell.execute("ROLLBACK").await.unwrap();
    assert_eq!(two.first.commit(old, dag("old")).await, Err(CommitError::Superseded { term: old }));
    assert_eq!(two.second.commit(new, dag("new")).await, Ok(1));
    assert_eq!(dags(&two.first).await, ["new"]);
    assert!(!two.first.renew_lease(old, HOUR).await.unwrap());
}

/// However long a commit takes, its leader keeps the lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_while_a_commit_is_under_way() {
    let Some(mut two) = two().await else { return };
    let term = take(&two.first, "a", HOUR).await;
    let pid = two.first.leader_backend().await.unwrap().unwrap();
    for (at, batch) in [dag("at-once"), step_by_step(dag("step-by-step"))].into_iter().enumerate() {
        two.shell.execute("BEGIN; LOCK TABLE dag IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let first = Arc::clone(&two.first);
        let commit = tokio::spawn(async move { first.commit(term, batch).await });
        until_it_waits(&mut two.shell, pid).await;
        assert!(two.first.renew_lease(term, HOUR).await.unwrap());
        assert!(matches!(two.second.acquire_lease("b", None, HOUR).await.unwrap(), Acquired::HeldBy(_)));
        assert!(!commit.is_finished());
        two.shell.execute("ROLLBACK").await.unwrap();
        assert_eq!(commit.await.unwrap(), Ok(1 + at as i64));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taker_waits_for_a_commit_that_it_cannot_end() {
    let Some(mut two) = two().await else { return };
    let old = take(&two.first, "a", -HOUR).await;
    // What a commit does first, in a session that is not known as a leader's.
    two.shell.execute("BEGIN; SELECT term FROM scheduler_lease FOR KEY SHARE").await.unwrap();
    let second = Arc::clone(&two.second);
    let taking = tokio::spawn(async move { take(&second, "b", HOUR).await });
    let mut other = PgConnection::connect(&two.database.url).await.unwrap();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%acquire_lease%'";
    while other.fetch_one(waits).await.unwrap().get::<i64, _>(0) == 0 {
        assert!(!taking.is_finished());
    }
    two.shell.execute("COMMIT").await.unwrap();
    assert_eq!(taking.await.unwrap(), Term(old.0 + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_takers_one_leads() {
    let Some(two) = two().await else { return };
    let expired = take(&two.first, "a", -HOUR).await;
    let (b, c) = tokio::join!(two.first.acquire_lease("b", None, HOUR), two.second.acquire_lease("c", None, HOUR));
    let won = [b, c].into_iter().filter(|outcome| matches!(outcome, Ok(Acquired::Yes(_)))).count();
    assert_eq!(won, 1);
    let lease = two.first.lease().await.unwrap().unwrap();
    assert_eq!(lease.term, Term(expired.0 + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_nobody_waits_for_any_more_leaves_the_store_usable() {
    let Some(mut two) = two().await else { return };
    let term = take(&two.first, "a", HOUR).await;
    let pid = two.first.leader_backend().await.unwrap().unwrap();
    two.shell.execute("BEGIN; LOCK TABLE dag IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let first = Arc::clone(&two.first);
    let commit = tokio::spawn(async move { first.commit(term, dag("dropped")).await });
    until_it_waits(&mut two.shell, pid).await;
    commit.abort();
    assert!(commit.await.unwrap_err().is_cancelled());
    two.shell.execute("ROLLBACK").await.unwrap();
    assert!(two.first.commit(term, dag("next")).await.is_ok());
    assert_eq!(dags(&two.second).await, ["next"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_reach_other_processes() {
    let Some(two) = two().await else { return };
    let term = take(&two.first, "a", HOUR).await;
    let (mut requests, mut feed) = (two.first.hints(), two.second.feed_hints());
    let request = Request::SetPaused { dag_id: samples::dag_id("d"), is_paused: true };
    two.second.submit(request, None).await.unwrap();
    assert_eq!(requests.next().await, Some(()));
    two.first.commit(term, dag("d")).await.unwrap();
    assert_eq!(feed.next().await, Some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_and_listeners_survive_the_end_of_all_sessions() {
    let Some(mut two) = two().await else { return };
    let term = take(&two.first, "a", HOUR).await;
    two.first.commit(term, dag("d")).await.unwrap();
    let mut feed = two.second.feed_hints();
    let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    two.shell.execute(all).await.unwrap();
    assert_eq!(dags(&two.second).await, ["d"]);
    // Whatever was said meanwhile may be lost: the listener says so by itself.
    assert_eq!(feed.next().await, Some(()));
    // The leader's session is found dead before anything is at stake, or in a commit at once.
    match two.first.commit(term, dag("e")).await {
        Ok(seq) => assert_eq!(seq, 2),
        Err(CommitError::NotCommitted(_)) => assert_eq!(two.first.commit(term, dag("e")).await, Ok(2)),
        Err(CommitError::Unknown(_)) => {
            let next = take(&two.first, "a", HOUR).await;
            assert_eq!(two.first.commit(next, dag("e")).await, Ok(2));
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    let Some(mut two) = two().await else { return };
    let url = two.database.url.clone();
    two.shell.execute("INSERT INTO schema_migration (version) VALUES (99)").await.unwrap();
    assert!(matches!(PostgresStore::connect(&url).await, Err(OpenError::Newer { found: 99, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_store_has_no_problems() {
    let Some(two) = two().await else { return };
    let subject = Subject::new("postgres", Arc::clone(&two.first), ());
    let term = subject.lead("a").await;
    subject.commit(term, samples::dags(&["d"])).await;
    assert_eq!(two.first.check().await.unwrap(), [""; 0]);
    sqlx::raw_sql("DELETE FROM dag_version").execute(&mut PgConnection::connect(&two.database.url).await.unwrap()).await.unwrap();
    assert_eq!(two.first.check().await.unwrap(), ["a DAG's latest version does not exist: d"]);
}

//! The connection is lost in the middle of a COMMIT: the leader can't know whether it happened, and must
//! find out in a new term. Here the server's side of it is chosen.
#![allow(clippy::unwrap_used)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use updraft_model::Term;
use updraft_store::{CommitError, EngineStore, Reader, conformance::Subject, conformance::samples};
use updraft_store_postgres::PostgresStore;
use updraft_testing::{Cut, Database, Proxy};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// The session that commits goes by this name.
const LEADER: &str = "updraft-leader";

/// A store behind a proxy, and one beside it that sees what is true.
struct Case {
    proxy: Proxy,
    store: Arc<PostgresStore>,
    subject: Subject,
    witness: Arc<PostgresStore>,
    _database: Database,
}

async fn case() -> Option<Case> {
    let database = updraft_testing::postgres().await?;
    let proxy = Proxy::start(&database.url, LEADER);
    let store = PostgresStore::connect(&proxy.url(&database.url)).await.unwrap();
    let witness = PostgresStore::connect(&database.url).await.unwrap();
    Some(Case { proxy, subject: Subject::new("postgres", Arc::clone(&store), ()), store, witness, _database: database })
}

/// The DAGs and the numbers of the feed, which has one for each commit that happened.
async fn truth(store: &PostgresStore) -> (Vec<String>, Vec<i64>) {
    let dags = store.load(Term(0)).await.unwrap().dags.into_iter().map(|dag| dag.dag_id.to_string()).collect();
    (dags, store.feed(0, 100).await.unwrap().into_iter().map(|entry| entry.seq).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_unknown_and_found_in_the_next_term() {
    let Some(case) = case().await else { return };
    let old = case.subject.lead("a").await;
    assert_eq!(case.subject.commit(old, samples::dags(&["before"])).await, 1);
    case.proxy.on_commit(|_| Some(Cut::AfterCommit));
    let outcome = case.subject.try_commit(old, samples::dags(&["lost"])).await;
    assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{outcome:?}");
    case.proxy.on_commit(|_| None);
    assert_eq!(case.proxy.cuts(), 1);
    // The lease was taken through the same session, and can be taken again by the same daemon.
    let new = case.subject.lead("a").await;
    assert_eq!(new, Term(old.0 + 1));
    assert_eq!(truth(&case.store).await, (vec!["before".to_owned(), "lost".to_owned()], vec![1, 2]), "with its receipt");
    assert_eq!(truth(&case.witness).await.1, [1, 2]);
    // Who sends it again in the old term, not knowing, doubles nothing.
    let again = case.subject.try_commit(old, samples::dags(&["lost"])).await;
    assert_eq!(again, Err(CommitError::Superseded { term: old }));
    assert_eq!(case.subject.commit(new, samples::dags(&["after"])).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_reached_the_server_is_unknown_and_not_found() {
    let Some(case) = case().await else { return };
    let old = case.subject.lead("a").await;
    case.proxy.on_commit(|_| Some(Cut::BeforeCommit));
    let outcome = case.subject.try_commit(old, samples::dags(&["lost"])).await;
    assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{outcome:?}");
    case.proxy.on_commit(|_| None);
    // The session of the lost commit is ended by the taker, if the server has not noticed yet.
    let new = case.subject.lead("a").await;
    assert_eq!(new, Term(old.0 + 1));
    assert_eq!(truth(&case.witness).await, (Vec::new(), Vec::new()));
    assert_eq!(case.subject.commit(new, samples::dags(&["lost"])).await, 1);
    assert_eq!(truth(&case.witness).await, (vec!["lost".to_owned()], vec![1]));
}

/// Half-open: the network swallows everything, and nobody says that the connection is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_never_comes_is_given_up_in_time() {
    let Some(case) = case().await else { return };
    let old = case.subject.lead("a").await;
    case.proxy.on_commit(|_| Some(Cut::Silence));
    let begin = Instant::now();
    let outcome = case.subject.try_commit(old, samples::dags(&["lost"])).await;
    assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{outcome:?}");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    case.proxy.on_commit(|_| None);
    let new = case.subject.lead("a").await;
    assert_eq!(truth(&case.witness).await, (vec!["lost".to_owned()], vec![1]));
    assert_eq!(case.subject.commit(new, samples::dags(&["after"])).await, 2);
    assert!(!case.store.renew_lease(old, HOUR).await.unwrap(), "the old term is over");
}

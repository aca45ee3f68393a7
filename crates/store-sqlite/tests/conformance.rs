//! The suites that every store passes.
#![allow(clippy::unwrap_used)]

use updraft_store::conformance::{Subject, bulk, differential};
use updraft_store_sqlite::SqliteStore;

fn subject() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("updraft.db")).unwrap();
    Subject::new("sqlite", store, folder)
}

updraft_store::engine_suite!(async { Some(subject()) });
updraft_store::reader_suite!(async { Some(subject()) });

#[tokio::test(flavor = "multi_thread")]
async fn says_the_same_as_the_store_in_memory() {
    for seed in 0..10 {
        differential::run_all(&[Subject::memory(), subject()], seed, 120).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_statements_are_fast() {
    for (name, took) in bulk::every_statement(&subject()).await {
        // What is quadratic takes minutes here; a slow machine does not.
        assert!(took.as_secs() < 10, "{name} took {took:?}");
    }
}

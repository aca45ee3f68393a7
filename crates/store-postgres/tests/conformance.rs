//! The suites that every store passes.
#![allow(clippy::unwrap_used)]

use updraft_store::conformance::{Subject, bulk, differential};
use updraft_store_postgres::PostgresStore;
use updraft_store_sqlite::SqliteStore;

async fn subject() -> Option<Subject> {
    let database = updraft_testing::postgres().await?;
    let store = PostgresStore::connect(&database.url).await.unwrap();
    Some(Subject::new("postgres", store, database))
}

fn sqlite() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("updraft.db")).unwrap();
    Subject::new("sqlite", store, folder)
}

updraft_store::engine_suite!(subject());
updraft_store::reader_suite!(subject());

#[tokio::test(flavor = "multi_thread")]
async fn says_the_same_as_the_others() {
    for seed in 100..103 {
        let Some(postgres) = subject().await else { return };
        differential::run_all(&[Subject::memory(), sqlite(), postgres], seed, 120).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_statements_are_fast() {
    let Some(postgres) = subject().await else { return };
    for (name, took) in bulk::every_statement(&postgres).await {
        // What is quadratic takes minutes here; a slow machine does not.
        assert!(took.as_secs() < 10, "{name} took {took:?}");
    }
}

//! Who may open a database, and what happens to work that nobody waits for.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use rusqlite::Connection;
use updraft_store::{
    EngineStore, Reader,
    conformance::{Subject, samples},
};
use updraft_store_sqlite::{OpenError, SqliteStore};

#[tokio::test]
async fn a_second_daemon_is_told_who_has_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updraft.db");
    let store = SqliteStore::open(&path).unwrap();
    let Err(OpenError::InUse { owner, .. }) = SqliteStore::open(&path) else { panic!("opened twice") };
    assert!(owner.starts_with(&format!("process {} on ", std::process::id())), "{owner}");
    drop(store);
    SqliteStore::open(&path).unwrap();
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updraft.db");
    let store = SqliteStore::open(&path).unwrap();
    let subject = Subject::new("sqlite", Arc::clone(&store), ());
    let term = subject.lead("a").await;
    subject.commit(term, samples::dags(&["d"])).await;
    drop((subject, store));
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.load(term).await.unwrap().dags, [samples::dag("d")]);
    assert_eq!(store.lease().await.unwrap().map(|lease| lease.term), Some(term), "a crash gives no lease back");
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updraft.db");
    drop(SqliteStore::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::Newer { found: 99, .. })));
}

#[tokio::test]
async fn another_programs_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::Foreign)));
    let tables: i64 = Connection::open(&path).unwrap().query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn a_missing_folder_is_an_error_with_its_path() {
    let error = SqliteStore::open("/nonexistent/folder/updraft.db").err().unwrap().to_string();
    assert!(error.contains("/nonexistent/folder/updraft.db.lock"), "{error}");
}

#[tokio::test]
async fn what_does_not_fit_together_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updraft.db");
    let store = SqliteStore::open(&path).unwrap();
    let subject = Subject::new("sqlite", Arc::clone(&store), ());
    let term = subject.lead("a").await;
    subject.commit(term, samples::dags(&["d"])).await;
    let shell = Connection::open(&path).unwrap();
    shell.execute_batch("PRAGMA foreign_keys = off; DELETE FROM dag_version; INSERT INTO feed VALUES (7, 1, 0, '[]')").unwrap();
    let problems = store.check().await.unwrap().join("\n");
    for part in
        ["a row of dag_source refers to a missing row of dag_version", "latest version does not exist: d", "gap after this number: 1"]
    {
        assert!(problems.contains(part), "{part}: {problems}");
    }
}

#[tokio::test]
async fn a_lock_held_by_a_shell_is_waited_out_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updraft.db");
    let store = SqliteStore::open(&path).unwrap();
    let subject = Subject::new("sqlite", Arc::clone(&store), ());
    let term = subject.lead("a").await;
    let shell = Connection::open(&path).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Longer than the store waits: nothing was written, and the same batch goes through later.
    let outcome = subject.try_commit(term, samples::dags(&["d"])).await;
    assert!(matches!(outcome, Err(updraft_store::CommitError::NotCommitted(_))), "{outcome:?}");
    shell.execute_batch("ROLLBACK").unwrap();
    assert_eq!(subject.commit(term, samples::dags(&["d"])).await, 1);
}

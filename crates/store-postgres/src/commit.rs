//! One commit: all steps between BEGIN and COMMIT, on the leader's connection.

use sqlx::{Executor, PgConnection};
use updraft_model::{Batch, Term};
use updraft_store::CommitError;
use updraft_store_sql::{
    Dialect,
    commit::{Step, insert_feed, lock_lease},
};

use crate::{
    lost::{LEADERS_STATEMENT, ROUND_TRIP, within},
    values::{execute, execute_returning, fetch, is_passing, sqlstate},
};

/// What became of the connection.
pub(crate) enum Connection {
    /// No transaction is open on it.
    Clean,
    /// It is in a state that nobody knows, and must be closed.
    Lost,
}

/// How a transaction ends that could be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    Commit,
    /// It was only to see whether it could.
    Rollback,
}

/// Writes a batch; its number in the feed.
pub(crate) async fn commit(
    connection: &mut PgConnection,
    term: Term,
    batch: &Batch,
    steps: &[Step],
    last: Last,
) -> (Result<i64, CommitError>, Connection) {
    match write(connection, term, batch, steps).await {
        Ok(seq) if last == Last::Rollback => {
            let rolled_back = within(ROUND_TRIP, connection.execute("ROLLBACK")).await;
            (Ok(seq), if rolled_back.is_ok() { Connection::Clean } else { Connection::Lost })
        }
        Ok(seq) => match within(ROUND_TRIP, connection.execute("COMMIT")).await {
            Ok(_) => (Ok(seq), Connection::Clean),
            Err(error) => (Err(outcome_of_commit(&error)), Connection::Lost),
        },
        Err(error) => {
            let connection =
                if within(ROUND_TRIP, connection.execute("ROLLBACK")).await.is_ok() { Connection::Clean } else { Connection::Lost };
            (Err(error), connection)
        }
    }
}

async fn write(connection: &mut PgConnection, term: Term, batch: &Batch, steps: &[Step]) -> Result<i64, CommitError> {
    within(ROUND_TRIP, connection.execute("BEGIN")).await.map_err(|e| refused("begin", &e))?;
    let lock = lock_lease(Dialect::Postgres, term);
    let leads = within(LEADERS_STATEMENT, fetch(connection, &lock)).await.map_err(|e| refused(lock.name(), &e))?;
    if leads.is_empty() {
        return Err(CommitError::Superseded { term });
    }
    for step in steps {
        carry_out(connection, step).await?;
    }
    let feed = within(LEADERS_STATEMENT, fetch(connection, &insert_feed(Dialect::Postgres, term, batch)))
        .await
        .map_err(|e| refused("insert_feed", &e))?;
    let seq = feed.into_iter().next().and_then(|mut row| row.int().ok());
    seq.ok_or_else(|| CommitError::NotCommitted("the feed gave no number".to_owned()))
}

async fn carry_out(connection: &mut PgConnection, step: &Step) -> Result<(), CommitError> {
    let failed = |error: sqlx::Error| refused(&step.name(), &error);
    if step.returns_key() {
        let took = within(LEADERS_STATEMENT, execute_returning(connection, step)).await.map_err(failed)?;
        let missed = step.missing(&took);
        return if missed.is_empty() { Ok(()) } else { Err(step.missed(&missed)) };
    }
    let took = within(LEADERS_STATEMENT, execute(connection, step)).await.map_err(failed)?;
    if step.is_counted() && took != step.rows.len() as u64 { Err(step.missed_some(took)) } else { Ok(()) }
}

/// What an error before COMMIT means: nothing was written.
fn refused(name: &str, error: &sqlx::Error) -> CommitError {
    let text = format!("{name}: {error}");
    match sqlstate(error) {
        _ if is_passing(error) => CommitError::NotCommitted(text),
        // Another row has the key, or the run is gone: the leader believed otherwise.
        Some(code) if code == "23503" || code == "23505" => CommitError::Stale(text),
        _ => CommitError::Poisoned(text),
    }
}

/// What an error of COMMIT itself means. Only a plain refusal says that nothing was written: a
/// session that is ended (class 57) may have been ended after its commit record was on the disk.
fn outcome_of_commit(error: &sqlx::Error) -> CommitError {
    match sqlstate(error) {
        Some(code) if ["23", "25", "40"].iter().any(|class| code.starts_with(class)) => CommitError::NotCommitted(error.to_string()),
        _ => CommitError::Unknown(error.to_string()),
    }
}

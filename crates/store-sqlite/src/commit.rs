//! One commit: all steps between BEGIN IMMEDIATE and COMMIT.

use rusqlite::{CachedStatement, Connection, ErrorCode, Transaction, TransactionBehavior, ffi};
use updraft_model::{Batch, Term};
use updraft_store::CommitError;
use updraft_store_sql::{
    Cell, Dialect,
    commit::{Step, insert_feed, lock_lease},
};

use crate::connection::{Bound, fetch, is_passing};

pub(crate) fn commit(connection: &mut Connection, term: Term, batch: &Batch, steps: &[Step]) -> Result<i64, CommitError> {
    let (transaction, seq) = write(connection, term, batch, steps)?;
    transaction.commit().map_err(|error| match error.sqlite_error_code() {
        // Nothing was written, and the transaction is still there: it is rolled back as it is dropped.
        Some(ErrorCode::DatabaseBusy) => CommitError::NotCommitted(error.to_string()),
        _ => CommitError::Unknown(error.to_string()),
    })?;
    Ok(seq)
}

/// All of a commit but its end: the transaction is rolled back as it is dropped.
pub(crate) fn probe(connection: &mut Connection, term: Term, batch: &Batch, steps: &[Step]) -> Result<(), CommitError> {
    write(connection, term, batch, steps).map(drop)
}

fn write<'c>(connection: &'c mut Connection, term: Term, batch: &Batch, steps: &[Step]) -> Result<(Transaction<'c>, i64), CommitError> {
    let before = |error| refused("begin", error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(before)?;
    let leads = fetch(&transaction, &lock_lease(Dialect::Sqlite, term)).map_err(|e| refused("lock_lease", e))?;
    if leads.is_empty() {
        return Err(CommitError::Superseded { term });
    }
    steps.iter().try_for_each(|step| carry_out(&transaction, step))?;
    let feed = fetch(&transaction, &insert_feed(Dialect::Sqlite, term, batch)).map_err(|e| refused("insert_feed", e))?;
    let seq = feed.into_iter().next().and_then(|mut row| row.int().ok());
    let seq = seq.ok_or_else(|| CommitError::NotCommitted("the feed gave no number".to_owned()))?;
    Ok((transaction, seq))
}

fn carry_out(connection: &Connection, step: &Step) -> Result<(), CommitError> {
    let missed = affected(connection, step).map_err(|error| refused(&step.name(), error))?;
    if step.is_counted() && !missed.is_empty() { Err(step.missed(&missed)) } else { Ok(()) }
}

/// Carries the step out row by row: the rows that took no effect.
fn affected(connection: &Connection, step: &Step) -> rusqlite::Result<Vec<usize>> {
    let mut statement = connection.prepare_cached(&step.text_for_one())?;
    let mut unindexed = step.text_for_one_unindexed().map(|text| connection.prepare_cached(&text)).transpose()?;
    let mut missed = Vec::new();
    for (at, row) in step.rows.iter().enumerate() {
        if let Some(unindexed) = &mut unindexed
            && execute(unindexed, row)? > 0
        {
            continue;
        }
        if execute(&mut statement, row)? == 0 {
            missed.push(at);
        }
    }
    Ok(missed)
}

fn execute(statement: &mut CachedStatement<'_>, row: &[Cell]) -> rusqlite::Result<usize> {
    for (at, cell) in row.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, Bound(cell))?;
    }
    statement.raw_execute()
}

/// What an error before COMMIT means: nothing was written.
fn refused(name: &str, error: rusqlite::Error) -> CommitError {
    let text = format!("{name}: {error}");
    if is_passing(&error) {
        return CommitError::NotCommitted(text);
    }
    match error.sqlite_error().map(|e| e.extended_code) {
        // Another row has the key, or the run is gone: the leader believed otherwise.
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            CommitError::Stale(text)
        }
        Some(_) => CommitError::Poisoned(text),
        None => CommitError::NotCommitted(text),
    }
}

//! A small commit as one statement, which is a transaction by itself: one round trip, where BEGIN, the
//! lease, each table, the feed and COMMIT take one each.
//!
//! This is the short way and knows no details: if the lease or a count of rows is not as it must be, the
//! statement fails on purpose, nothing is written, and the commit goes the long way (`commit.rs`), step
//! by step, which says what is wrong.

use std::{collections::BTreeSet, fmt::Write as _};

use sqlx::{Arguments as _, PgConnection, Row as _, postgres::PgArguments};
use updraft_model::{Batch, Term};
use updraft_store::CommitError;
use updraft_store_sql::{
    Dialect,
    commit::{Action, Step, feed_changes, feed_text, lease_text},
};

use crate::{
    lost::{ROUND_TRIP, within},
    values::{PLANNED_ANEW, add_arrays, sqlstate},
};

/// What came of it.
pub(crate) enum AtOnce {
    /// It is committed, and has this number in the feed.
    Committed(i64),
    /// Nothing was written: the long way says why, or works.
    NotThisWay,
    /// The connection is lost, and nobody knows.
    Lost(CommitError),
}

/// Whether these steps can be one statement. Its parts do not see each other's rows, so no table may come
/// twice; deletions take rows of other tables along; and what is large is better planned by itself.
pub(crate) fn is_possible(steps: &[Step]) -> bool {
    let mut tables = BTreeSet::new();
    steps.iter().all(|step| step.action != Action::Delete && step.rows.len() < PLANNED_ANEW && tables.insert(step.shape.table))
}

/// Writes a batch.
pub(crate) async fn commit(connection: &mut PgConnection, term: Term, batch: &Batch, steps: &[Step]) -> AtOnce {
    let Ok((text, arguments)) = statement(term, batch, steps) else { return AtOnce::NotThisWay };
    // All rows are awaited, and with them the end of the transaction: the first one comes before it.
    let written = within(ROUND_TRIP, sqlx::query_with(&text, arguments).fetch_all(connection)).await;
    match written.and_then(|rows| rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)) {
        Ok(seq) => AtOnce::Committed(seq),
        Err(error) if is_outcome_known(&error) => AtOnce::NotThisWay,
        Err(error) => AtOnce::Lost(CommitError::Unknown(error.to_string())),
    }
}

/// An error that the server answers with ends the statement before its commit; but a session that is ended
/// (57P01 and the like), or has trouble below it, may have been ended after.
fn is_outcome_known(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| !["08", "57P", "58", "XX"].iter().any(|class| code.starts_with(class)))
}

fn statement(term: Term, batch: &Batch, steps: &[Step]) -> Result<(String, PgArguments), sqlx::error::BoxDynError> {
    let mut arguments = PgArguments::default();
    arguments.add(term.0)?;
    arguments.add(feed_changes(batch))?;
    let (lease, entry) = (lease_text(Dialect::Postgres, "$1"), feed_text(Dialect::Postgres, "$1", "$2"));
    let mut text = format!("-- commit_at_once\nWITH lease AS ({lease}), entry AS ({entry})");
    let mut is_right = "EXISTS (SELECT FROM lease)".to_owned();
    for (at, step) in steps.iter().enumerate() {
        let before = arguments.len();
        add_arrays(&mut arguments, step)?;
        // Writing to a String does not fail.
        let _ = write!(text, ", s{at} AS ({}", step.part_for_all(before));
        if step.is_counted() {
            text.push_str(if step.returns_key() { "" } else { " RETURNING 1" });
            let _ = write!(is_right, " AND (SELECT count(*) FROM s{at}) = cardinality(${})", before + 1);
        }
        text.push(')');
    }
    // Divided by a zero that the planner does not see.
    let _ = write!(text, " SELECT CASE WHEN {is_right} THEN seq ELSE seq / (SELECT count(*) FROM lease WHERE term < $1) END FROM entry");
    Ok((text, arguments))
}

//! Brings a database up to date. The number of the last migration is in `user_version`.

use rusqlite::{Connection, TransactionBehavior};

use crate::OpenError;

/// In order; the first is number 1.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../../migrations/sqlite/0002_runs_of_a_dag_in_order.sql"),
    include_str!("../../../migrations/sqlite/0003_taken_requests.sql"),
    include_str!("../../../migrations/sqlite/0004_when_a_node_is_lost.sql"),
];

/// `updr` as a number: says whose file it is.
const APPLICATION_ID: i32 = 0x7570_6472;

pub(crate) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: usize = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(OpenError::Foreign);
    }
    if version > MIGRATIONS.len() {
        return Err(OpenError::Newer { found: version, known: MIGRATIONS.len() });
    }
    for (at, text) in MIGRATIONS.iter().enumerate().skip(version) {
        transaction.execute_batch(text)?;
        transaction.pragma_update(None, "user_version", at + 1)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

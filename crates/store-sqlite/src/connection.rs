//! One connection: its settings, arguments in, rows out, errors in the store's words.

use std::path::Path;

use rusqlite::{
    Connection, ErrorCode, Statement, ToSql,
    types::{ToSqlOutput, Value, ValueRef},
};
use updraft_store::StoreError;
use updraft_store_sql::{Arg, Cell, Query, Row};

/// How long a statement waits for a lock that someone else has (a backup, a shell).
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit is on the disk when it returns: promise 3 rests on this.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // KiB if negative.
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// A cell as an argument: times are integers, UUIDs are text.
pub(crate) struct Bound<'a>(pub(crate) &'a Cell);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let owned = |value: Value| ToSqlOutput::Owned(value);
        Ok(match self.0 {
            Cell::Int(Some(value)) => owned(Value::Integer(*value)),
            Cell::Bool(Some(value)) => owned(Value::Integer(i64::from(*value))),
            Cell::Text(Some(value)) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Cell::Time(Some(value)) => owned(Value::Integer(value.micros())),
            Cell::Uuid(Some(value)) => owned(Value::Text(value.to_string())),
            Cell::Int(None) | Cell::Bool(None) | Cell::Text(None) | Cell::Time(None) | Cell::Uuid(None) => owned(Value::Null),
        })
    }
}

fn json_list(items: impl Iterator<Item = String>) -> Cell {
    Cell::Text(Some(format!("[{}]", items.collect::<Vec<_>>().join(","))))
}

/// A JSON string. (Debug's escapes are not JSON's.)
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn bind(statement: &mut Statement<'_>, args: &[Arg]) -> rusqlite::Result<()> {
    for (at, arg) in args.iter().enumerate() {
        let list;
        let cell = match arg {
            Arg::One(cell) => cell,
            Arg::Texts(items) => {
                list = json_list(items.iter().map(|text| quoted(text)));
                &list
            }
            Arg::Ints(items) => {
                list = json_list(items.iter().map(i64::to_string));
                &list
            }
            Arg::Uuids(items) => {
                list = json_list(items.iter().map(|id| quoted(&id.to_string())));
                &list
            }
        };
        statement.raw_bind_parameter(at + 1, Bound(cell))?;
    }
    Ok(())
}

/// Carries a statement out and reads all it returns.
pub(crate) fn fetch(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(query.text())?;
    bind(&mut statement, query.args())?;
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let cells: rusqlite::Result<Vec<Cell>> = (0..columns).map(|at| row.get_ref(at).map(cell)).collect();
        found.push(Row::from(cells?));
    }
    Ok(found)
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Text(None),
        ValueRef::Integer(value) => Cell::Int(Some(value)),
        ValueRef::Text(bytes) => Cell::Text(Some(String::from_utf8_lossy(bytes).into_owned())),
        // No column is REAL or BLOB (the tables are STRICT): whoever reads this says what it wanted instead.
        ValueRef::Real(value) => Cell::Text(Some(value.to_string())),
        ValueRef::Blob(bytes) => Cell::Text(Some(format!("a blob of {} bytes", bytes.len()))),
    }
}

/// Whether the same statement may work later.
pub(crate) fn is_passing(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::ReadOnly
        )
    )
}

/// The error of the statement `name`.
pub(crate) fn store_error(name: &str, error: rusqlite::Error) -> StoreError {
    match is_passing(&error) {
        true => StoreError::Unavailable(format!("{name}: {error}")),
        false => StoreError::Broken { what: name.to_owned(), why: error.to_string() },
    }
}

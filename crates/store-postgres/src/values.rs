//! Arguments in, rows out, errors in the store's words.

use sqlx::{
    Column as _, Decode, Encode, PgConnection, Postgres, Row as _, Type, TypeInfo as _, ValueRef as _,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgHasArrayType, PgRow, PgTypeInfo, PgValueRef, types::Oid},
};
use updraft_model::Timestamp;
use updraft_store::StoreError;
use updraft_store_sql::{Arg, Cell, Kind, Query, Row, commit::Step};
use uuid::Uuid;

/// `pg_type.oid`, the same in every database.
const TIMESTAMPTZ: Oid = Oid(1184);
const TIMESTAMPTZ_ARRAY: Oid = Oid(1185);
/// From 1970 to 2000, where PostgreSQL's count begins, in microseconds.
const EPOCH: i64 = 946_684_800_000_000;

/// A time as `timestamptz`.
struct Time(Timestamp);

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl PgHasArrayType for Time {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ_ARRAY)
    }
}

impl Encode<'_, Postgres> for Time {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // A time out of PostgreSQL's range is refused by PostgreSQL.
        Encode::<Postgres>::encode_by_ref(&self.0.micros().saturating_sub(EPOCH), buffer)
    }
}

impl Decode<'_, Postgres> for Time {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(Timestamp::from_micros(<i64 as Decode<Postgres>>::decode(value)?.saturating_add(EPOCH))))
    }
}

/// The arguments of `query`.
fn arguments(query: &Query) -> Result<PgArguments, BoxDynError> {
    use sqlx::Arguments as _;
    let mut arguments = PgArguments::default();
    for arg in query.args() {
        match arg {
            Arg::One(Cell::Int(value)) => arguments.add(value)?,
            Arg::One(Cell::Bool(value)) => arguments.add(value)?,
            Arg::One(Cell::Text(value)) => arguments.add(value)?,
            Arg::One(Cell::Time(value)) => arguments.add(value.map(Time))?,
            Arg::One(Cell::Uuid(value)) => arguments.add(value)?,
            Arg::Texts(values) => arguments.add(values)?,
            Arg::Ints(values) => arguments.add(values)?,
            Arg::Uuids(values) => arguments.add(values)?,
        }
    }
    Ok(arguments)
}

/// Adds the rows of `step` as one array a column, and the expected states of an update as one more.
pub(crate) fn add_arrays(arguments: &mut PgArguments, step: &Step) -> Result<(), BoxDynError> {
    use sqlx::Arguments as _;
    let width = step.rows.first().map_or(0, Vec::len);
    for at in 0..width {
        let cells = || step.rows.iter().filter_map(|row| row.get(at));
        // What stands behind the shape's columns is the expected state.
        match step.shape.columns.get(at).map_or(Kind::Text, |column| column.kind) {
            Kind::Int => arguments.add(cells().map(|cell| if let Cell::Int(value) = cell { *value } else { None }).collect::<Vec<_>>())?,
            Kind::Bool => {
                arguments.add(cells().map(|cell| if let Cell::Bool(value) = cell { *value } else { None }).collect::<Vec<_>>())?
            }
            Kind::Text => {
                let texts = cells().map(|cell| if let Cell::Text(value) = cell { value.as_deref() } else { None });
                arguments.add(texts.collect::<Vec<Option<&str>>>())?;
            }
            Kind::Time => {
                let times = cells().map(|cell| if let Cell::Time(value) = cell { value.map(Time) } else { None });
                arguments.add(times.collect::<Vec<Option<Time>>>())?;
            }
            Kind::Uuid => {
                let ids = cells().map(|cell| if let Cell::Uuid(value) = cell { *value } else { None });
                arguments.add(ids.collect::<Vec<Option<Uuid>>>())?;
            }
        }
    }
    Ok(())
}

fn arrays(step: &Step) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    add_arrays(&mut arguments, step).map_err(sqlx::Error::Encode)?;
    Ok(arguments)
}

/// Carries a statement out and reads all it returns.
pub(crate) async fn fetch(connection: &mut PgConnection, query: &Query) -> Result<Vec<Row>, sqlx::Error> {
    let arguments = arguments(query).map_err(sqlx::Error::Encode)?;
    sqlx::query_with(query.text(), arguments).fetch_all(connection).await?.iter().map(row).collect()
}

/// From so many rows on a statement is planned anew each time. A plan that was made while a table was
/// small may walk through the whole table for each row, and is kept until statistics are gathered.
pub(crate) const PLANNED_ANEW: usize = 100;

/// Carries a step out: how many rows took effect.
pub(crate) async fn execute(connection: &mut PgConnection, step: &Step) -> Result<u64, sqlx::Error> {
    let arguments = arrays(step)?;
    let cached = step.rows.len() < PLANNED_ANEW;
    Ok(sqlx::query_with(&step.text_for_all(), arguments).persistent(cached).execute(connection).await?.rows_affected())
}

/// Carries a step out that returns numbers.
pub(crate) async fn execute_returning(connection: &mut PgConnection, step: &Step) -> Result<Vec<i64>, sqlx::Error> {
    let arguments = arrays(step)?;
    sqlx::query_with(&step.text_for_all(), arguments).fetch_all(connection).await?.iter().map(|row| row.try_get(0)).collect()
}

fn row(row: &PgRow) -> Result<Row, sqlx::Error> {
    let cells: Result<Vec<Cell>, sqlx::Error> = (0..row.len()).map(|at| cell(row, at)).collect();
    cells.map(Row::from)
}

fn cell(row: &PgRow, at: usize) -> Result<Cell, sqlx::Error> {
    let value = row.try_get_raw(at)?;
    if value.is_null() {
        return Ok(Cell::Text(None));
    }
    let decoded = match value.type_info().name() {
        "INT2" | "INT4" | "INT8" => <i64 as Decode<Postgres>>::decode(value).map(|value| Cell::Int(Some(value))),
        "BOOL" => <bool as Decode<Postgres>>::decode(value).map(|value| Cell::Bool(Some(value))),
        "TIMESTAMPTZ" => Time::decode(value).map(|value| Cell::Time(Some(value.0))),
        "UUID" => <Uuid as Decode<Postgres>>::decode(value).map(|value| Cell::Uuid(Some(value))),
        "TEXT" | "VARCHAR" | "NAME" => <String as Decode<Postgres>>::decode(value).map(|value| Cell::Text(Some(value))),
        other => Err(format!("no column has the type {other}").into()),
    };
    decoded.map_err(|source| sqlx::Error::ColumnDecode { index: row.column(at).name().to_owned(), source })
}

/// The SQLSTATE, if the server gave one.
pub(crate) fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned())
}

/// Whether the same statement may work later (PostgreSQL's appendix A): the connection is gone,
/// resources are short, a lock or a deadlock is in the way, someone intervened.
pub(crate) fn is_passing(error: &sqlx::Error) -> bool {
    match sqlstate(error) {
        Some(code) => ["08", "25P03", "40", "53", "55P03", "57", "58"].iter().any(|class| code.starts_with(class)),
        None => !matches!(
            error,
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_)
        ),
    }
}

/// The error of the statement `name`.
pub(crate) fn store_error(name: &str, error: sqlx::Error) -> StoreError {
    match is_passing(&error) {
        true => StoreError::Unavailable(format!("{name}: {error}")),
        false => StoreError::Broken { what: name.to_owned(), why: error.to_string() },
    }
}

//! Brings a database up to date. What was applied is in `schema_migration`.

use sqlx::{Connection, PgConnection, Row};

use crate::OpenError;

/// In order; the first is number 1.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../../migrations/postgres/0001_initial.sql"),
    include_str!("../../../migrations/postgres/0002_runs_of_a_dag_in_order.sql"),
    include_str!("../../../migrations/postgres/0003_taken_requests.sql"),
    include_str!("../../../migrations/postgres/0004_when_a_node_is_lost.sql"),
];

/// Of the advisory lock that keeps two daemons from migrating at once: `updraft` in hexadecimal.
const LOCK: i64 = 0x75_7064_7261_6674;

/// PostgreSQL 12, as `server_version_num` counts.
const OLDEST: i32 = 120_000;

pub(crate) async fn migrate(mut connection: PgConnection) -> Result<(), OpenError> {
    let version = sqlx::query("SELECT current_setting('server_version_num')::int, current_setting('server_version')");
    let version = version.fetch_one(&mut connection).await?;
    if version.try_get::<i32, _>(0)? < OLDEST {
        return Err(OpenError::TooOld { found: version.try_get(1)? });
    }
    sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut connection).await?;
    let result = apply(&mut connection).await;
    // Its end frees the lock.
    connection.close().await?;
    result
}

async fn apply(connection: &mut PgConnection) -> Result<(), OpenError> {
    let table = "CREATE TABLE IF NOT EXISTS schema_migration (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())";
    sqlx::raw_sql(table).execute(&mut *connection).await?;
    let found = sqlx::query("SELECT coalesce(max(version), 0) FROM schema_migration").fetch_one(&mut *connection).await?;
    let found = usize::try_from(found.try_get::<i32, _>(0)?).unwrap_or(0);
    if found > MIGRATIONS.len() {
        return Err(OpenError::Newer { found, known: MIGRATIONS.len() });
    }
    for (number, text) in (1_i32..).zip(MIGRATIONS).skip(found) {
        let mut transaction = connection.begin().await?;
        sqlx::raw_sql(text).execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO schema_migration (version) VALUES ($1)").bind(number).execute(&mut *transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}

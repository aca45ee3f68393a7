//! How sessions are made: the pool's, and the leader's with its limits.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::lost::{Losses, ROUND_TRIP, within};

/// By this name a taker knows a leader's session.
pub(crate) const LEADER: &str = "updraft-leader";

const POOL: u32 = 10;

/// Why a database can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL makes no sense.
    #[error("the database URL can't be read: {0}")]
    Url(sqlx::Error),
    /// It can't be reached, or a statement of a migration failed.
    #[error("can't open the database: {0}")]
    Database(#[from] sqlx::Error),
    /// It is too old.
    #[error("PostgreSQL {found} is too old: Updraft needs 12 or newer")]
    TooOld {
        /// Its version.
        found: String,
    },
    /// A newer release has been here.
    #[error("the schema has version {found}, but this release knows only up to {known}: use a newer release of updraft")]
    Newer {
        /// The schema's version.
        found: usize,
        /// The newest this release knows.
        known: usize,
    },
}

/// What sessions are made from.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    Ok(PgConnectOptions::from_str(url).map_err(OpenError::Url)?.application_name("updraft").statement_cache_capacity(256))
}

/// One session.
pub(crate) async fn one(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    within(ROUND_TRIP, options.connect()).await
}

/// The sessions of all but the leader's commits. `losses` says which of them are not trusted any more.
pub(crate) async fn pool(options: &PgConnectOptions, losses: Losses) -> Result<PgPool, sqlx::Error> {
    // A statement that waits for longer than this is better an error that a person sees.
    let options = options.clone().options([("statement_timeout", "60s"), ("lock_timeout", "10s"), ("jit", "off")]);
    PgPoolOptions::new()
        .max_connections(POOL)
        .acquire_timeout(Duration::from_secs(5))
        // A check before each use would double the round trips of every read.
        .test_before_acquire(false)
        .before_acquire(move |_, session| {
            let is_trusted = losses.none_in(session.age);
            Box::pin(async move { Ok(is_trusted) })
        })
        .connect_with(options)
        .await
}

/// The leader's session. It must not outlive its leader's death for long, since it locks the lease;
/// and its statements, driven by arrays, must look rows up one by one: a plan that reads a whole
/// table would be chosen where statistics are missing, and takes minutes in a long history.
pub(crate) async fn leader(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let settings = [
        ("idle_in_transaction_session_timeout", "10s"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
        ("tcp_keepalives_idle", "3"),
        ("tcp_keepalives_interval", "1"),
        ("tcp_keepalives_count", "5"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("jit", "off"),
        ("plan_cache_mode", "force_generic_plan"),
    ];
    one(&options.clone().application_name(LEADER).options(settings)).await
}

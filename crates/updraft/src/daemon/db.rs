//! `updraft db`: migrations, retention and checks by hand.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use jiff::{civil::Date, tz::TimeZone};
use updraft_model::Timestamp;
use updraft_store_sqlite::OpenError;

use super::{retention, store::Store};
use crate::{
    config::{Config, parse_duration},
    output::print,
};

/// Looks after the database.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Creates the database, or brings its schema up to date.
    Migrate,
    /// Deletes finished runs that ended before a time.
    Clean {
        /// A time (2026-01-31T00:00:00Z), a date in UTC (2026-01-31), or an age (90d).
        #[arg(long)]
        before: String,
    },
    /// Looks for damage: broken files, rows that do not fit together.
    Check,
}

/// Carries a command out.
pub fn run(command: DbCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let instead = instead(&command, config.retention.is_some());
    let done = runtime.block_on(async {
        match command {
            DbCommand::Migrate => migrate(config).await,
            DbCommand::Clean { before } => clean(config, &before).await,
            DbCommand::Check => check(config).await,
        }
    });
    done.map_err(|error| match error.downcast_ref() {
        Some(OpenError::InUse { owner, .. }) => {
            anyhow::anyhow!(
                "the database {} is in use by {owner}, and a SQLite database belongs to one process\n  hint: {instead}",
                config.database
            )
        }
        _ => error,
    })
}

/// What to do while a daemon has the database.
fn instead(command: &DbCommand, cleans: bool) -> &'static str {
    match command {
        DbCommand::Migrate => "a daemon brings its schema up to date when it starts: there is nothing to do",
        DbCommand::Clean { .. } if cleans => {
            "a daemon deletes old runs by itself (`updraft config get retention` says after how long); to do it now, stop it first"
        }
        DbCommand::Clean { .. } => "stop the daemon first, or have it delete old runs by itself with the option `retention`",
        DbCommand::Check => "stop the daemon first; `updraft doctor` looks at one that runs",
    }
}

async fn migrate(config: &Config) -> anyhow::Result<ExitCode> {
    if let crate::config::DatabaseUrl::Sqlite(path) = &config.database
        && let Some(folder) = path.parent()
    {
        std::fs::create_dir_all(folder).with_context(|| format!("creating the folder {}", folder.display()))?;
    }
    Store::open(&config.database).await?;
    print(format_args!("The schema of {} is up to date.", config.database))?;
    Ok(ExitCode::SUCCESS)
}

async fn clean(config: &Config, before: &str) -> anyhow::Result<ExitCode> {
    let before = read_time(before, Timestamp::from(jiff::Timestamp::now()))
        .with_context(|| format!("--before \"{before}\": write a time (2026-01-31T00:00:00Z), a date (2026-01-31) or an age (90d)"))?;
    let store = Store::open(&config.database).await?;
    let runs = retention::clean(&*store.engine(), before).await?;
    print(format_args!("{runs} runs that ended before {before} were deleted."))?;
    Ok(ExitCode::SUCCESS)
}

async fn check(config: &Config) -> anyhow::Result<ExitCode> {
    let problems = Store::open(&config.database).await?.check().await?;
    if problems.is_empty() {
        print(format_args!("{} is sound.", config.database))?;
        return Ok(ExitCode::SUCCESS);
    }
    for problem in &problems {
        print(format_args!("{problem}"))?;
    }
    Ok(ExitCode::FAILURE)
}

fn read_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    if let Ok(date) = text.parse::<Date>() {
        return Some(Timestamp::from(date.to_zoned(TimeZone::UTC).ok()?.timestamp()));
    }
    parse_duration(text).map(|age| now.saturating_add(-age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_dates_and_ages_are_read() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let read = |text| read_time(text, now).map(|time| time.to_string());
        assert_eq!(read("2026-01-31T06:00:00+01:00").as_deref(), Some("2026-01-31T05:00:00Z"));
        assert_eq!(read("2026-01-31").as_deref(), Some("2026-01-31T00:00:00Z"));
        assert_eq!(read("1d").as_deref(), Some("2026-02-28T12:00:00Z"));
        assert_eq!(read("yesterday-ish"), None);
    }
}

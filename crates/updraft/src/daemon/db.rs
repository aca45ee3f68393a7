//! `updraft db`: migrations, retention and checks by hand.

use std::process::ExitCode;

use clap::Subcommand;

use crate::config::Config;

/// Looks after the database.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Creates the database, or brings its schema up to date.
    Migrate,
    /// Deletes finished runs that ended before a time.
    Clean {
        /// A time (2026-01-31T00:00:00Z), a date, or an age (90d).
        #[arg(long)]
        before: String,
    },
    /// Looks for damage: broken files, rows that do not fit together.
    Check,
}

/// Carries a command out.
pub fn run(command: DbCommand, config: &Config) -> anyhow::Result<ExitCode> {
    anyhow::bail!("{command:?} on {} is being wired", config.database)
}

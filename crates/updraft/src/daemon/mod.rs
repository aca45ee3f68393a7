//! The daemon: which parts run in which role, and how they start and end.

pub mod db;

use std::process::ExitCode;

use crate::config::Config;

/// What a daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Scheduler, local executor, API and page.
    Standalone,
    /// Scheduler and local executor.
    Scheduler,
    /// API and page.
    ApiServer,
}

/// Runs a daemon until it is told to end. The process must not have any other thread yet.
pub fn run(role: Role, config: Config) -> anyhow::Result<ExitCode> {
    anyhow::bail!("{role:?} at {} is being wired", config.home.display())
}

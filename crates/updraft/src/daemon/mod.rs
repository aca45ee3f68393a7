//! The daemon: which parts run in which role, and how they start and end.
//!
//! This is wiring: what a part does is its crate's business. The order of the start matters and is
//! all in [`run`] and [`lifecycle`]: home locked, nursery forked, and only then threads.

mod admin;
mod api;
pub mod bundle;
pub mod db;
mod home;
mod lifecycle;
mod logging;
mod logs;
mod lost;
mod node;
pub mod random;
mod retention;
mod scheduling;
mod signals;
pub mod store;
mod systemd;

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use updraft_executor_local::start_nursery;

use self::home::{HomeLock, Place};
use crate::config::Config;

/// What a daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Scheduler, local executor, API and page.
    Standalone,
    /// Scheduler and local executor; it answers nobody but other nodes.
    Scheduler,
    /// API and page.
    ApiServer,
}

impl Role {
    /// Whether it has an API.
    pub fn serves(self) -> bool {
        matches!(self, Self::Standalone | Self::ApiServer)
    }

    /// Whether it decides and runs tasks.
    pub fn schedules(self) -> bool {
        matches!(self, Self::Standalone | Self::Scheduler)
    }
}

/// Work that can't be interrupted (a statement of the database) may take so long at the end.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Runs a daemon until it is told to end. The process must not have any other thread yet.
pub fn run(role: Role, config: Config) -> anyhow::Result<ExitCode> {
    if role == Role::ApiServer && config.database.is_sqlite() {
        anyhow::bail!(
            "a SQLite database belongs to one process, so an API server of its own can't use {}\n  hint: run `updraft standalone`, which has the API in it, or give a PostgreSQL database with --database-url",
            config.database
        );
    }
    let place = if role.schedules() {
        let lock = HomeLock::take(&config.home)?;
        let nursery = start_nursery(&config.home, &config.base_log_folder)
            .with_context(|| format!("in the home {} with logs in {}", config.home.display(), config.base_log_folder.display()))?;
        Some(Place { lock, nursery })
    } else {
        None
    };
    // From here on there may be threads.
    logging::start(&config)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(workers()).enable_all().build().context("starting the runtime's threads")?;
    let result = runtime.block_on(lifecycle::live(role, config, place));
    runtime.shutdown_timeout(LAST_WORK);
    result.map(|()| ExitCode::SUCCESS)
}

/// A page about a DAG of 50,000 tasks takes a thread for a third of a second: on a small machine some more than
/// it has cores, so that commits do not wait for pages.
fn workers() -> usize {
    const FEW: usize = 4;
    std::thread::available_parallelism().map_or(FEW, |cores| cores.get().max(FEW))
}

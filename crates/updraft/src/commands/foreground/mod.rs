//! A run in this process: the real engine on a store in memory and the real local executor in a
//! temporary home. Nothing of it is left when it is over.

mod logs;
mod why;
mod world;

use tempfile::TempDir;
use updraft_executor_local::{NurseryHandle, start_nursery};

pub use why::reason;
pub use world::{Plan, World};

/// What must be made before the process has any thread: a temporary home and its nursery.
pub struct Foreground {
    home: TempDir,
    nursery: NurseryHandle,
}

impl Foreground {
    /// Makes the home and forks the nursery.
    pub fn prepare() -> anyhow::Result<Self> {
        let home = tempfile::Builder::new().prefix("updraft-test-").tempdir()?;
        let nursery = start_nursery(home.path(), &home.path().join("logs"))?;
        Ok(Self { home, nursery })
    }
}

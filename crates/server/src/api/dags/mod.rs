//! DAGs and what belongs to them.

pub mod delete;
pub mod details;
pub mod get;
pub mod list;
pub mod patch;
pub mod patch_many;
pub mod recent_runs;
pub mod source;
pub mod stats;
pub mod tags;
pub mod task;
pub mod tasks;
pub mod version;
pub mod versions;

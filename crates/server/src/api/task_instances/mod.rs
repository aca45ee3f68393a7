//! Task instances.

pub mod batch;
pub mod clear;
pub mod dependencies;
pub mod get;
pub mod list;
pub mod patch;
pub mod tries;

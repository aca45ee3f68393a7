//! Runs.

pub mod batch;
pub mod clear;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod trigger;
pub mod wait;

//! Logs of tries.

pub mod get;
pub mod stream;

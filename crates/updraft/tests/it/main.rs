//! The real program: started, used over its API, killed, started again.

// Helpers of tests are tests, which clippy sees only for functions marked as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod crashes;
mod daemon;
mod dags;
mod operator;
mod refusals;
mod restarts;

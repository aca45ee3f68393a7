//! The real program: started, used over its API, killed, started again.

// Helpers of tests are tests, which clippy sees only for functions marked as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod chains;
mod crashes;
mod daemon;
mod dags;
mod disk;
mod facts;
mod full_disk;
mod logs;
mod lost_database;
mod lost_node;
mod operator;
mod refusals;
mod restarts;

//! Helps tests: a private PostgreSQL server, shared by all test processes that run at the same time.
//!
//! Only tests depend on this crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod postgres;

pub use postgres::{Database, postgres};

//! Helps tests: a private PostgreSQL server, shared by all test processes that run at the same time,
//! one that may crash, and a proxy that loses connections.
//!
//! Only tests depend on this crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod postgres;
mod proxy;

pub use postgres::{Database, OwnServer, postgres, skip};
pub use proxy::{Cut, Proxy};

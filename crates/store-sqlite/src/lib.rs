//! The store in one SQLite file: the default, for a single daemon.
//!
//! All writes go through one connection; readers have a few of their own (WAL). The file belongs to
//! one process at a time, which a lock file next to it enforces and names. Statements come from
//! `updraft-store-sql`; what lives here is how they reach SQLite: row by row through prepared
//! statements, since that is twice as fast as handing SQLite all rows as one JSON text.

mod commit;
mod connection;
mod engine;
mod lock;
mod migrate;
mod store;

pub use store::{OpenError, SqliteStore};

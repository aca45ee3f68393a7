//! The store in PostgreSQL (12 or newer): for production, with standbys.
//!
//! The leader's commits go through one connection of their own, whose backend is written into the
//! lease: whoever takes over ends it first. All else goes through a pool. Statements come from
//! `updraft-store-sql`; what lives here is how they reach PostgreSQL, one array a column.

mod at_once;
mod commit;
mod connect;
mod engine;
mod hints;
mod leader;
mod lost;
mod migrate;
mod store;
mod values;

pub use connect::OpenError;
pub use store::PostgresStore;

//! The vocabulary of Updraft: ids, DAGs and tasks, states with their legal transitions, and the
//! values that cross crates (rows, requests, launches, executor events, reasons).
//!
//! Nothing here does I/O, reads a clock or draws a random number. Every other crate depends on
//! this one; it depends on none of them.

mod answer;
mod attempt;
mod batch;
mod dag;
mod facts;
mod id;
mod operator;
mod packed;
mod params;
mod reason;
mod request;
mod rows;
mod schedule;
mod secret;
mod state;
mod task;
mod time;
mod version;

pub use answer::*;
pub use attempt::*;
pub use batch::*;
pub use dag::*;
pub use facts::*;
pub use id::*;
pub use operator::*;
pub use packed::*;
pub use params::*;
pub use reason::*;
pub use request::*;
pub use rows::*;
pub use schedule::*;
pub use secret::*;
pub use state::*;
pub use task::*;
pub use time::*;
pub use version::*;

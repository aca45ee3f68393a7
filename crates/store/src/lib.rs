//! What Updraft needs of a database, as two traits: [`EngineStore`] for the one who decides, and
//! [`Reader`] for those who look (and leave requests). `memory` is a store for tests and the
//! simulation; `conformance` has the suite that every implementation passes.
//!
//! No SQL lives here, and no decision.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod cursor;
mod engine;
mod error;
pub mod memory;
mod read;
mod text;

pub use cursor::*;
pub use engine::*;
pub use error::*;
pub use read::*;
pub use text::check_text;
pub use updraft_model::{Loaded, PreviousRun, PreviousSuccess, Question, StoredRun, Verdict};

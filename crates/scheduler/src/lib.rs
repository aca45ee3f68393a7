//! Every decision Updraft makes, as a state machine without I/O: `handle(now, input) -> plan`.
//!
//! [`Scheduler`] holds the DAGs and the active runs with their task instances. It knows no clock,
//! no randomness, no database and no executor: time and new ids are arguments, what to write and
//! to do is its answer. A plan is carried out only as a whole: first its batch is committed, then
//! its launches, kills and releases are done.
//!
//! It is level-triggered: what changed is marked dirty and looked at again from what is known, so
//! a message that is lost or comes twice does no harm.

mod create;
mod dags;
mod end;
mod evaluate;
mod flush;
mod gates;
mod graph;
mod instances;
mod past;
mod plan;
mod requests;
mod restore;
mod retry;
mod rule;
mod run;
mod runs;
mod scheduler;
mod settle;

pub use dags::{FileChange, FileContent, Place, ReadDag, RefusedDag};
pub use end::{IfExists, InlineEnd, NOT_YET, RETURN_VALUE, never_started};
pub use graph::{CycleError, fail_fast_violation};
pub use plan::{Kill, Plan, WakeReason};
pub use scheduler::{AttemptContext, Config, INLINE, Input, Scheduler};

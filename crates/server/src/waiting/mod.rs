//! Why something does not run. [`explain`] and [`explain_run`] are pure functions of facts;
//! [`task_instances`] and [`runs`] read those facts from the store, for a whole list at once.
//!
//! Nothing is decided here: the scheduler decides, this only tells what it is waiting for.

mod ended;
mod explain;
mod gather;
mod past;

pub use ended::reasons;
pub use explain::{Facts, RunFacts, explain, explain_run};
pub use gather::{runs, task_instances};
pub use past::Past;

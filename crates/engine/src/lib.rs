//! The loop around the scheduler: lease, load, commit, launch, reload.
//!
//! [`Engine`] is a state machine without I/O, like the scheduler inside it: events in, effects out.
//! [`Shell`] is the thin part that carries effects out with tokio; the simulation is another. No
//! decision is made in either shell.

mod commit;
mod commit_times;
mod engine;
mod event;
mod launches;
mod leading;
mod mint;
mod prepare;
mod rendered;
mod shell;
mod trouble;
mod workload;

pub use commit_times::CommitTimes;
pub use engine::{Engine, EngineConfig, Role, Status};
pub use event::{Effect, Event, Now, Report, Rescan};
pub use mint::SeededMint;
pub use prepare::{Preparation, Prepared, prepare};
pub use shell::{Shell, ShellHandle, now};
pub use workload::{HttpSpec, OperatorSpec, Runtime};

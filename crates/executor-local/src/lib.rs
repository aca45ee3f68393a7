//! The local executor: every attempt is a process under its own small supervisor.
//!
//! Three kinds of process, each of which may die at any instant without harm to the others:
//! - the **daemon** ([`LocalExecutor`]) creates an attempt's folder, locks it and hands the lock over;
//! - the **nursery** ([`start_nursery`]), single-threaded, forked before the daemon has threads,
//!   outlives it and forks a supervisor per attempt;
//! - the **supervisor** runs the user's program, writes its log, enforces its timeout, kills what it
//!   leaves behind and writes `exit.json`.
//!
//! What is true is in the attempt's folder: the lock (held means alive), `started` and `exit.json`.
//! Everything that is sent (acknowledgements, hints, signals) only says "look there now".
//! Linux only so far: elsewhere the subreaper, `pidfd` and `/proc` have no equal here yet.

#[cfg(not(target_os = "linux"))]
compile_error!("updraft-executor-local needs Linux: PR_SET_CHILD_SUBREAPER, pidfd_open and /proc are not replaced elsewhere yet");

mod complain;
mod executor;
mod failpoint;
mod hint;
mod home;
mod janitor;
mod nursery;
mod place;
mod presence;
mod processes;
mod reconcile;
mod shared;
mod spares;
mod supervisor;
mod sys;
mod verdict;
mod watch;
mod wire;

pub use executor::{LocalConfig, LocalExecutor};
pub use home::{Home, HomeError};
pub use nursery::{NurseryCommand, NurseryError, NurseryHandle, run_replacement_nursery, start_nursery};
pub use updraft_executor::boot_clock;

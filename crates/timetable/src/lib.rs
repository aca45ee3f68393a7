//! When a DAG runs: turns a [`Schedule`](updraft_model::Schedule) into runs, as Airflow 3 does.
//!
//! Everything here is pure. The crate knows no clock (`now` is an argument), no file system (the
//! time zones are compiled in) and no state (the newest run's data interval is an argument).
//!
//! From the bottom up: `dialect` reads cron as Airflow's users write it, `pattern` and `days` answer
//! "which wall clock times match", `ticks` puts those on the time line of a zone, and the timetables
//! (`trigger`, `interval`, `simple`) turn ticks into runs. They are named after Airflow's modules that
//! define the same behaviour.
//!
//! # Different from Airflow on purpose
//!
//! - An hour-`*` pattern that is restricted to days stays on the wall clock's days.
//! - Of several times in one spring gap (`*/15 2 * * *`) each is moved by the gap; Airflow runs the
//!   first and loses the others, and its interval cron loses the intervals behind the gap.
//! - Asked during a change of the clock, the previous and the next tick are each other's inverse;
//!   Airflow's previous tick can lie in the future, and its interval cron can get stuck where the
//!   clock moves by half an hour.
//! - `10 * 5#2` and the like, where Airflow silently ignores a day field or fails later, is an error,
//!   and so is an expression that never fires.

mod days;
mod dialect;
mod error;
mod interval;
mod pattern;
mod preset;
mod restriction;
mod simple;
mod steps;
mod ticks;
mod timetable;
mod trigger;
mod validate;

pub use error::{CronError, Field, TimetableError};
pub use preset::{Preset, parse_preset};
pub use restriction::Restriction;
pub use timetable::Timetable;
pub use validate::validate;

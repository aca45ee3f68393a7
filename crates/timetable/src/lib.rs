//! When a DAG runs: turns a [`Schedule`](updraft_model::Schedule) into runs, as Airflow 3 does.
//!
//! Everything here is pure. The crate knows no clock (`now` is an argument), no file system (the
//! time zones are compiled in) and no state (the newest run's data interval is an argument).
//!
//! From the bottom up: [`dialect`] reads cron as Airflow's users write it, [`pattern`] answers "which
//! wall clock times match", [`ticks`] puts those on the time line of a zone, and the
//! timetables ([`trigger`], [`interval`], [`simple`]) turn ticks into runs. They are named after
//! Airflow's modules that define the same behaviour.

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

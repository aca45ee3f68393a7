//! When a DAG runs, as its file says it. `timetable` knows what it means.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A DAG's schedule in canonical form: presets such as `@daily` are already spelled as cron.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Schedule {
    /// `null`: only triggered runs.
    Never,
    /// `@once`.
    Once,
    /// `@continuous`: the next run starts when the last has ended.
    Continuous,
    /// One or several cron expressions, in Airflow's dialect as the file has them.
    Cron {
        /// At least one. Several only without `data_interval`.
        expressions: Vec<String>,
        /// IANA name of the zone whose wall clock the expressions are read on.
        timezone: String,
        /// `false`: Airflow 3's trigger timetable (interval of zero length). `true`: Airflow 2's
        /// data-interval timetable (a run after the end of its interval).
        data_interval: bool,
    },
    /// A fixed distance.
    Delta {
        /// The distance; above zero.
        every: SignedDuration,
        /// As in [`Schedule::Cron`].
        data_interval: bool,
    },
}

/// The span of data a run is for; both ends equal for a trigger timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DataInterval {
    /// Inclusive.
    pub start: Timestamp,
    /// Exclusive.
    pub end: Timestamp,
}

/// A run that a timetable asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextRun {
    /// Not started before.
    pub run_after: Timestamp,
    /// The run's logical date.
    pub logical_date: Timestamp,
    /// The run's data interval.
    pub data_interval: DataInterval,
}

//! What can be wrong with a schedule. Every text says what, where and what to do.

use std::{fmt, ops::Range};

/// Why a schedule gives no timetable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    /// An expression does not parse.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// The list of expressions is empty.
    #[error("the schedule lists no cron expression; give at least one, or `null` for a DAG that is only triggered")]
    NoExpression,
    /// An expression matches no date at all.
    #[error("cron \"{expression}\" never fires: no date from 1970 to 2099 matches it; check that the months have the days it names")]
    NeverFires {
        /// The expression as written.
        expression: String,
    },
    /// Several expressions have no common data interval.
    #[error("a data interval needs a single cron expression, not {count}; drop `data_interval` or all but one expression")]
    SeveralWithInterval {
        /// How many there are.
        count: usize,
    },
    /// Not an IANA zone name.
    #[error("there is no time zone \"{timezone}\"; use an IANA name such as Europe/London or UTC")]
    UnknownTimezone {
        /// The rejected name.
        timezone: String,
    },
    /// A fixed distance that does not move time forwards.
    #[error("the schedule's distance must be above zero, not {every}")]
    NotPositive {
        /// The rejected distance.
        every: String,
    },
    /// Airflow refuses this too (`DAG._validate_catchup`).
    #[error("`catchup: true` needs a `start_date`: without one there is no first run to catch up from")]
    CatchupWithoutStart,
    /// Airflow refuses this too (`ContinuousTimetable.active_runs_limit`).
    #[error("`@continuous` runs one at a time: set `max_active_runs: 1` (it is {max_active_runs})")]
    ContinuousInParallel {
        /// What the DAG says.
        max_active_runs: u32,
    },
    /// Airflow refuses this too (`DAG._validate_params`).
    #[error("param `{param}` has no default, so a scheduled run has no value for it; give it one, or set `schedule: null`")]
    RequiredParam {
        /// The param's name.
        param: String,
    },
}

impl TimetableError {
    /// The key of the DAG file that this is about, for a diagnostic to point at.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Cron(_) | Self::NoExpression | Self::NeverFires { .. } | Self::SeveralWithInterval { .. } | Self::NotPositive { .. } => {
                "schedule"
            }
            Self::UnknownTimezone { .. } => "timezone",
            Self::CatchupWithoutStart => "catchup",
            Self::ContinuousInParallel { .. } => "max_active_runs",
            Self::RequiredParam { .. } => "params",
        }
    }
}

/// Why a text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cron \"{expression}\": {why}")]
pub struct CronError {
    /// The expression as written.
    pub expression: String,
    /// The offending part, in bytes of `expression`.
    pub span: Range<usize>,
    /// What is wrong and what to do.
    pub why: String,
}

/// A column of a cron expression, in Airflow's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Field {
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
    Second,
    Year,
}

impl Field {
    /// In the order they are written: the seconds are sixth, as croniter has it.
    pub const ALL: [Self; 7] = [Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek, Self::Second, Self::Year];

    /// The smallest and the largest value, both allowed.
    pub const fn range(self) -> (u16, u16) {
        match self {
            Self::Minute | Self::Second => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 6),
            Self::Year => (1970, 2099),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
            Self::Second => "second",
            Self::Year => "year",
        })
    }
}

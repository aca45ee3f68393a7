//! The timetable of one DAG version.

use jiff::tz::TimeZoneDatabase;
use updraft_model::{DataInterval, NextRun, Schedule, Timestamp};

use crate::{Restriction, TimetableError, interval, simple, steps::Delta, ticks::Ticks, trigger};

/// When a DAG runs. Built once per DAG version; every question to it is then a pure function of its
/// arguments.
///
/// In the answers of [`Timetable::next`], the time of a cron run never depends on `now` beyond which
/// slot is the newest. The distance timetables without catchup and `@continuous` do take `now`
/// itself, as in Airflow, so ask them once per run and keep the answer.
#[derive(Debug, Clone)]
pub struct Timetable(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Never,
    Once,
    Continuous,
    CronTrigger(Vec<Ticks>),
    CronInterval(Ticks),
    DeltaTrigger(Delta),
    DeltaInterval(Delta),
}

impl Timetable {
    /// Reads the expressions and the zone.
    ///
    /// # Errors
    /// A bad expression, one that never fires, an unknown zone, a distance that is not positive, or
    /// several expressions with a data interval.
    pub fn new(schedule: &Schedule) -> Result<Self, TimetableError> {
        Ok(Self(match schedule {
            Schedule::Never => Kind::Never,
            Schedule::Once => Kind::Once,
            Schedule::Continuous => Kind::Continuous,
            Schedule::Cron { expressions, timezone, data_interval } => {
                // The compiled-in zones, not the system's: two nodes must not disagree.
                let zone = TimeZoneDatabase::bundled()
                    .get(timezone)
                    .map_err(|_| TimetableError::UnknownTimezone { timezone: timezone.clone() })?;
                let mut ticks = expressions.iter().map(|e| Ticks::new(e, zone.clone())).collect::<Result<Vec<_>, _>>()?;
                match (data_interval, ticks.len()) {
                    (_, 0) => return Err(TimetableError::NoExpression),
                    (false, _) => Kind::CronTrigger(ticks),
                    (true, 1) => Kind::CronInterval(ticks.remove(0)),
                    (true, count) => return Err(TimetableError::SeveralWithInterval { count }),
                }
            }
            Schedule::Delta { every, data_interval: false } => Kind::DeltaTrigger(Delta::new(*every)?),
            Schedule::Delta { every, data_interval: true } => Kind::DeltaInterval(Delta::new(*every)?),
        }))
    }

    /// The run after the newest automated one (scheduled or backfill), whose data interval is
    /// `last`; the first run if there is none. `None`: no run, as far as can be said at `now`.
    pub fn next(&self, last: Option<DataInterval>, r: &Restriction, now: Timestamp) -> Option<NextRun> {
        match &self.0 {
            Kind::Never => None,
            Kind::Once => simple::once(last, r, now),
            Kind::Continuous => simple::continuous(last, r, now),
            Kind::CronTrigger(crons) => trigger::next_of_several(crons, last, r, now),
            Kind::CronInterval(ticks) => interval::next(ticks, last, r, now),
            Kind::DeltaTrigger(delta) => trigger::next(delta, last, r, now),
            Kind::DeltaInterval(delta) => interval::next(delta, last, r, now),
        }
    }

    /// The runs whose logical dates are in `from..=to`, oldest first, for a backfill. Not for
    /// `@continuous`, which would never advance; it gives none.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = NextRun> + '_ {
        let restriction = Restriction { earliest: Some(from), latest: Some(to), catchup: true };
        let first = match self.0 {
            Kind::Continuous => None,
            _ => self.next(None, &restriction, to),
        };
        std::iter::successors(first, move |run| self.next(Some(run.data_interval), &restriction, to))
    }

    /// The data interval of a manual run at `date`: of zero length for a trigger timetable, the last
    /// complete interval for an interval cron, the distance up to `date` for an interval distance.
    pub fn manual_interval(&self, date: Timestamp) -> DataInterval {
        match &self.0 {
            Kind::CronInterval(ticks) => interval::manual(ticks, date),
            Kind::DeltaInterval(delta) => interval::manual(delta, date),
            Kind::Never | Kind::Once | Kind::Continuous | Kind::CronTrigger(_) | Kind::DeltaTrigger(_) => at(date).data_interval,
        }
    }

    /// Airflow's `timetable_summary`: the expression, `@once`, `1 day, 0:00:00`, `None`.
    pub fn summary(&self) -> String {
        match &self.0 {
            Kind::Never => "None".to_owned(),
            Kind::Once => "@once".to_owned(),
            Kind::Continuous => "@continuous".to_owned(),
            Kind::CronTrigger(crons) => join(crons, |ticks| ticks.pattern().expression.clone()),
            Kind::CronInterval(ticks) => ticks.pattern().expression.clone(),
            Kind::DeltaTrigger(delta) | Kind::DeltaInterval(delta) => delta.summary(),
        }
    }

    /// Airflow's `timetable_description`, in English: `At 06:00`. Empty for a distance. The wording
    /// of a cron expression is not Airflow's to the letter.
    pub fn description(&self) -> String {
        match &self.0 {
            Kind::Never => "Never, external triggers only".to_owned(),
            Kind::Once => "Once, as soon as possible".to_owned(),
            Kind::Continuous => "As frequently as possible, but only one run at a time.".to_owned(),
            Kind::CronTrigger(crons) => join(crons, |ticks| ticks.pattern().description()),
            Kind::CronInterval(ticks) => ticks.pattern().description(),
            Kind::DeltaTrigger(_) | Kind::DeltaInterval(_) => String::new(),
        }
    }

    /// Airflow's `timetable_periodic`: whether it runs at regular times.
    pub fn is_periodic(&self) -> bool {
        !matches!(self.0, Kind::Never | Kind::Once | Kind::Continuous)
    }

    /// Airflow's `timetable_type`: the name of its class for this timetable.
    pub fn type_name(&self) -> &'static str {
        match &self.0 {
            Kind::Never => "NullTimetable",
            Kind::Once => "OnceTimetable",
            Kind::Continuous => "ContinuousTimetable",
            Kind::CronTrigger(crons) if crons.len() > 1 => "MultipleCronTriggerTimetable",
            Kind::CronTrigger(_) => "CronTriggerTimetable",
            Kind::CronInterval(_) => "CronDataIntervalTimetable",
            Kind::DeltaTrigger(_) => "DeltaTriggerTimetable",
            Kind::DeltaInterval(_) => "DeltaDataIntervalTimetable",
        }
    }
}

fn join(crons: &[Ticks], text: impl Fn(&Ticks) -> String) -> String {
    crons.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// A run at `time` with a data interval of zero length.
pub(crate) fn at(time: Timestamp) -> NextRun {
    over(DataInterval { start: time, end: time })
}

/// A run after the end of its data interval.
pub(crate) fn over(data_interval: DataInterval) -> NextRun {
    NextRun { run_after: data_interval.end, logical_date: data_interval.start, data_interval }
}

//! Which wall clock times a cron expression matches. Knows no time zone.
//!
//! Fields are bit sets and a search goes month by month, so an answer takes well under a microsecond
//! for most expressions and some microseconds for a 29 February; a pattern is a few hundred bytes,
//! because there can be ten thousand.

use std::collections::BTreeSet;

use croner::parser::{CronParser, Seconds, Year};
use jiff::{
    SignedDuration,
    civil::{Date, DateTime, Time, date},
};

use crate::{
    days::DayRule,
    dialect,
    error::{Field, TimetableError},
};

/// As far as a search goes, like croniter's. A fifth Monday in February can take 40 years to recur.
const YEARS_BETWEEN_MATCHES: i16 = 50;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written, a preset spelled out.
    pub expression: String,
    /// Whether the hour is `*`, so that the pattern follows elapsed time (Airflow's
    /// `_covers_every_hour`).
    pub every_hour: bool,
    seconds: Bits,
    minutes: Bits,
    hours: Bits,
    days: DayRule,
    months: Bits,
    /// `None`: every year.
    years: Option<BTreeSet<i16>>,
}

impl Pattern {
    /// Reads Airflow's dialect.
    ///
    /// # Errors
    /// The expression does not parse, or no date from 1970 to 2099 matches it.
    pub fn new(text: &str) -> Result<Self, TimetableError> {
        let read = dialect::read(text)?;
        let pattern = Self {
            every_hour: read.hour.is_any(),
            seconds: read.second.values().collect(),
            minutes: read.minute.values().collect(),
            hours: read.hour.values().collect(),
            days: DayRule::new(&read.day_of_month, &read.day_of_week),
            months: read.month.values().collect(),
            years: (!read.year.is_any()).then(|| read.year.values().filter_map(|year| year.try_into().ok()).collect()),
            expression: read.text,
        };
        if pattern.fires() { Ok(pattern) } else { Err(TimetableError::NeverFires { expression: pattern.expression }) }
    }

    /// The first match after `at`.
    pub fn next(&self, at: DateTime) -> Option<DateTime> {
        self.at_or_after(whole_second(at)?.checked_add(SignedDuration::from_secs(1)).ok()?)
    }

    /// The first match at or after `at`.
    pub fn at_or_after(&self, at: DateTime) -> Option<DateTime> {
        let begun = whole_second(at)?;
        let start = if begun == at { at } else { begun.checked_add(SignedDuration::from_secs(1)).ok()? };
        self.search(start, start.year().saturating_add(YEARS_BETWEEN_MATCHES))
    }

    /// The last match before `at`.
    pub fn prev(&self, at: DateTime) -> Option<DateTime> {
        let start = whole_second(at.checked_sub(SignedDuration::from_nanos(1)).ok()?)?;
        if self.matches(start.date())
            && let Some(time) = self.time_until(start.time())
        {
            return Some(start.date().to_datetime(time));
        }
        let last_time = self.time_until(Time::constant(23, 59, 59, 0))?;
        let until = start.year().saturating_sub(YEARS_BETWEEN_MATCHES);
        let (mut month, mut below) = (start.date(), start.day().unsigned_abs());
        while month.year() >= until {
            if let Some(found) = self.days_of(month).highest_below(below) {
                return Some(month.with().day(found.cast_signed()).build().ok()?.to_datetime(last_time));
            }
            (month, below) = (month.first_of_month().yesterday().ok()?, 32);
        }
        None
    }

    /// English, without a full stop: `At 06:00`. In croner's words.
    pub fn description(&self) -> String {
        let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Optional).build();
        let spelled = dialect::read(&self.expression).map(|read| read.spelled_for_croner());
        let text = spelled.ok().and_then(|spelled| parser.parse(&spelled).ok()).map(|cron| cron.describe()).unwrap_or_default();
        let text = text.trim_end_matches('.').replace(", in every ", ", every ");
        match text.strip_prefix("At every ") {
            Some(rest) => format!("Every {rest}"),
            None => text,
        }
    }

    fn fires(&self) -> bool {
        let (first, last) = Field::Year.range();
        let last = last.try_into().unwrap_or(i16::MAX);
        first.try_into().is_ok_and(|first| self.search(date(first, 1, 1).at(0, 0, 0, 0), last).is_some())
    }

    /// The first match at or after `start`, up to the year `until`.
    fn search(&self, start: DateTime, until: i16) -> Option<DateTime> {
        if self.matches(start.date())
            && let Some(time) = self.time_from(start.time())
        {
            return Some(start.date().to_datetime(time));
        }
        let first_time = self.time_from(Time::midnight())?;
        let (mut month, mut from) = (start.date(), start.day().unsigned_abs() + 1);
        while month.year() <= until {
            if let Some(found) = self.days_of(month).lowest_from(from) {
                return Some(month.with().day(found.cast_signed()).build().ok()?.to_datetime(first_time));
            }
            (month, from) = (month.last_of_month().tomorrow().ok()?, 1);
        }
        None
    }

    fn matches(&self, day: Date) -> bool {
        self.days_of(day).contains(day.day().unsigned_abs())
    }

    /// The days that match in the month of `day`.
    fn days_of(&self, day: Date) -> Bits {
        let month_matches = self.months.contains(day.month().unsigned_abs());
        let year_matches = self.years.as_ref().is_none_or(|years| years.contains(&day.year()));
        if month_matches && year_matches { self.days.of_month(day) } else { Bits::default() }
    }

    /// The first matching time of a day, not before `from`.
    fn time_from(&self, from: Time) -> Option<Time> {
        let [hour, minute, second] = [from.hour(), from.minute(), from.second()].map(i8::unsigned_abs);
        if self.hours.contains(hour) {
            if self.minutes.contains(minute)
                && let Some(second) = self.seconds.lowest_from(second)
            {
                return time(hour, minute, second);
            }
            if let Some(minute) = self.minutes.lowest_from(minute + 1) {
                return time(hour, minute, self.seconds.lowest_from(0)?);
            }
        }
        time(self.hours.lowest_from(hour + 1)?, self.minutes.lowest_from(0)?, self.seconds.lowest_from(0)?)
    }

    /// The last matching time of a day, not after `until`.
    fn time_until(&self, until: Time) -> Option<Time> {
        let [hour, minute, second] = [until.hour(), until.minute(), until.second()].map(i8::unsigned_abs);
        if self.hours.contains(hour) {
            if self.minutes.contains(minute)
                && let Some(second) = self.seconds.highest_below(second + 1)
            {
                return time(hour, minute, second);
            }
            if let Some(minute) = self.minutes.highest_below(minute) {
                return time(hour, minute, self.seconds.highest_below(60)?);
            }
        }
        time(self.hours.highest_below(hour)?, self.minutes.highest_below(60)?, self.seconds.highest_below(60)?)
    }
}

fn time(hour: u8, minute: u8, second: u8) -> Option<Time> {
    Time::new(hour.cast_signed(), minute.cast_signed(), second.cast_signed(), 0).ok()
}

fn whole_second(at: DateTime) -> Option<DateTime> {
    at.with().subsec_nanosecond(0).build().ok()
}

/// A set of numbers from 0 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bits(u64);

impl Bits {
    /// Adds `value`.
    pub fn insert(&mut self, value: u8) {
        self.0 |= 1 << (value & 63);
    }

    /// Whether `value` is in it.
    pub fn contains(self, value: u8) -> bool {
        value < 64 && self.0 >> value & 1 == 1
    }

    /// The smallest value that is at least `from`.
    pub fn lowest_from(self, from: u8) -> Option<u8> {
        let rest = self.0.checked_shr(from.into()).unwrap_or(0);
        (rest != 0).then(|| from + rest.trailing_zeros() as u8)
    }

    /// The largest value below `end`.
    pub fn highest_below(self, end: u8) -> Option<u8> {
        let rest = if end >= 64 { self.0 } else { self.0 & ((1 << end) - 1) };
        (rest != 0).then(|| 63 - rest.leading_zeros() as u8)
    }
}

impl FromIterator<u16> for Bits {
    fn from_iter<I: IntoIterator<Item = u16>>(values: I) -> Self {
        let mut bits = Self::default();
        values.into_iter().filter_map(|value| u8::try_from(value).ok()).for_each(|value| bits.insert(value));
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(text: &str) -> String {
        Pattern::new(text).unwrap().description()
    }

    #[test]
    fn descriptions_read_like_airflows() {
        let texts = [
            "0 6 * * *",
            "*/5 * * * *",
            "@hourly",
            "30 21 * * 5",
            "0 0 1 */3 *",
            "0 9 1 * mon",
            "0 9 L * *",
            "0 9 * * L5",
            "* * * * * */10",
        ];
        insta::assert_snapshot!(texts.map(|t| format!("{t:<16} {}", description(t))).join("\n"));
    }

    #[test]
    fn what_never_fires_is_refused() {
        for text in ["0 0 30 2 *", "0 0 31 4,6 *", "0 0 29 2 * 0 2027"] {
            assert_eq!(Pattern::new(text).unwrap_err(), TimetableError::NeverFires { expression: text.to_owned() });
        }
        Pattern::new("0 0 30 2 MON").unwrap();
    }

    #[test]
    fn seconds_that_have_begun() {
        let pattern = Pattern::new("* * * * * *").unwrap();
        let at = date(2026, 1, 1).at(0, 0, 0, 500_000_000);
        assert_eq!(pattern.next(at).unwrap(), date(2026, 1, 1).at(0, 0, 1, 0));
        assert_eq!(pattern.prev(at).unwrap(), date(2026, 1, 1).at(0, 0, 0, 0));
        assert_eq!(pattern.prev(date(2026, 1, 1).at(0, 0, 1, 0)).unwrap(), date(2026, 1, 1).at(0, 0, 0, 0));
        assert_eq!(pattern.at_or_after(date(2026, 1, 1).at(0, 0, 1, 0)).unwrap(), date(2026, 1, 1).at(0, 0, 1, 0));
    }
}

//! Which days of a month a cron expression matches.

use jiff::civil::Date;

use crate::{
    dialect::{FieldSet, Nth},
    pattern::Bits,
};

/// The two day fields together.
#[derive(Debug, Clone)]
pub struct DayRule {
    /// `None`: `*`.
    of_month: Option<OfMonth>,
    /// `None`: `*`.
    of_week: Option<OfWeek>,
}

#[derive(Debug, Clone)]
struct OfMonth {
    days: Bits,
    last: bool,
    nearest: Option<u8>,
}

#[derive(Debug, Clone)]
struct OfWeek {
    days: Bits,
    counted: Vec<(u8, Nth)>,
}

impl DayRule {
    /// Compiles the fields.
    pub fn new(day_of_month: &FieldSet, day_of_week: &FieldSet) -> Self {
        let narrow = |value: u16| u8::try_from(value).ok();
        Self {
            of_month: (!day_of_month.is_any()).then(|| OfMonth {
                days: day_of_month.values().collect(),
                last: day_of_month.has_last(),
                nearest: day_of_month.nearest().and_then(narrow),
            }),
            of_week: (!day_of_week.is_any()).then(|| OfWeek {
                days: day_of_week.values().collect(),
                counted: day_of_week.counted().filter_map(|(day, nth)| Some((narrow(day)?, nth))).collect(),
            }),
        }
    }

    /// The days that match in the month of `day`: of the month OR of the week, if both are given.
    pub fn of_month(&self, day: Date) -> Bits {
        let month = Month { len: day.days_in_month().unsigned_abs(), first: weekday(day.first_of_month()) };
        let mut bits = Bits::default();
        for day in 1..=month.len {
            let matches = match (&self.of_month, &self.of_week) {
                (None, None) => true,
                (Some(of_month), None) => of_month.matches(day, month),
                (None, Some(of_week)) => of_week.matches(day, month),
                (Some(of_month), Some(of_week)) => of_month.matches(day, month) || of_week.matches(day, month),
            };
            if matches {
                bits.insert(day);
            }
        }
        bits
    }
}

impl OfMonth {
    fn matches(&self, day: u8, month: Month) -> bool {
        self.days.contains(day) || (self.last && day == month.len) || self.nearest.is_some_and(|target| day == month.nearest(target))
    }
}

impl OfWeek {
    fn matches(&self, day: u8, month: Month) -> bool {
        let weekday = month.weekday(day);
        self.days.contains(weekday)
            || self.counted.iter().any(|(counted, nth)| {
                *counted == weekday
                    && match nth {
                        Nth::Number(n) => u16::from(day.div_ceil(7)) == *n,
                        Nth::Last => day + 7 > month.len,
                    }
            })
    }
}

/// What a calendar page shows.
#[derive(Debug, Clone, Copy)]
struct Month {
    len: u8,
    /// The weekday of the first; Sunday is 0.
    first: u8,
}

impl Month {
    fn weekday(self, day: u8) -> u8 {
        (self.first + day - 1) % 7
    }

    /// The Monday to Friday nearest to `day` in this month; a day that the month has not got counts as
    /// its last (croniter's `_get_nearest_weekday`).
    fn nearest(self, day: u8) -> u8 {
        let day = day.min(self.len);
        match self.weekday(day) {
            6 if day == 1 => 3,
            6 => day - 1,
            0 if day == self.len => day - 2,
            0 => day + 1,
            _ => day,
        }
    }
}

fn weekday(day: Date) -> u8 {
    day.weekday().to_sunday_zero_offset().unsigned_abs()
}

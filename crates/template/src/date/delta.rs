//! Durations: Python's `timedelta`, and `relativedelta` where months and days follow the calendar.

use std::{cmp::Ordering, fmt, sync::Arc};

use minijinja::{
    Error, State, Value,
    value::{DynObject, Kwargs, Object, ObjectRepr, from_args},
};

use super::invalid;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A duration: calendar months, calendar days and exact microseconds, added in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Delta {
    pub months: i64,
    pub days: i64,
    pub micros: i64,
}

/// Amounts per unit, as keyword arguments: `days=1, hours=2`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Amounts {
    months: i64,
    days: f64,
    micros: f64,
}

impl Amounts {
    /// Reads and consumes the units of `kwargs`; other keywords are an error.
    pub fn from_kwargs(kwargs: &Kwargs) -> Result<Self, Error> {
        let number = |name: &str| kwargs.get::<Option<f64>>(name).map(Option::unwrap_or_default);
        let whole = |name: &str| kwargs.get::<Option<i64>>(name).map(Option::unwrap_or_default);
        let months = whole("years")?.saturating_mul(12).saturating_add(whole("months")?);
        let days = number("weeks")? * 7.0 + number("days")?;
        let seconds = number("hours")? * 3600.0 + number("minutes")? * 60.0 + number("seconds")?;
        let micros = seconds * 1e6 + number("milliseconds")? * 1e3 + number("microseconds")?;
        kwargs.assert_all_used()?;
        Ok(Self { months, days, micros })
    }

    /// Python's `timedelta(days, seconds, microseconds, ...)`: exact time, no calendar.
    pub fn exact(self) -> Result<Delta, Error> {
        if self.months != 0 {
            return Err(invalid("timedelta has no months or years; macros.dateutil.relativedelta.relativedelta has"));
        }
        Ok(Delta { months: 0, days: 0, micros: to_micros(self.days * DAY as f64 + self.micros)? })
    }

    /// Pendulum's `add(months=1, days=1)`: months and whole days follow the calendar of the zone.
    pub fn calendar(self) -> Result<Delta, Error> {
        let days = self.days.trunc();
        Ok(Delta { months: self.months, days: to_whole(days)?, micros: to_micros((self.days - days) * DAY as f64 + self.micros)? })
    }
}

fn to_whole(number: f64) -> Result<i64, Error> {
    // Within this bound every whole f64 is an exact i64.
    if number.abs() < 9e15 { Ok(number as i64) } else { Err(invalid("the duration is too long")) }
}

fn to_micros(number: f64) -> Result<i64, Error> {
    // 9e17 µs are 28,000 years; rounding above 2^53 µs (285 years) is below a millisecond.
    if number.abs() < 9e17 { Ok(number.round() as i64) } else { Err(invalid("the duration is too long")) }
}

impl Delta {
    /// Exactly so many microseconds.
    pub fn from_micros(micros: i64) -> Self {
        Self { micros, ..Self::default() }
    }

    /// The opposite direction.
    pub fn negated(self) -> Self {
        Self { months: -self.months, days: -self.days, micros: -self.micros }
    }

    /// One after the other.
    pub fn plus(self, other: Self) -> Result<Self, Error> {
        let sum = |a: i64, b: i64| a.checked_add(b).ok_or_else(|| invalid("the duration is too long"));
        Ok(Self { months: sum(self.months, other.months)?, days: sum(self.days, other.days)?, micros: sum(self.micros, other.micros)? })
    }

    /// So many times.
    pub fn times(self, factor: f64) -> Result<Self, Error> {
        let months = to_whole(self.months as f64 * factor)?;
        Ok(Self { months, days: to_whole(self.days as f64 * factor)?, micros: to_micros(self.micros as f64 * factor)? })
    }

    /// Microseconds, with days of 24 hours; months have no fixed length and are left out.
    fn total_micros(self) -> i64 {
        self.days.saturating_mul(DAY).saturating_add(self.micros)
    }

    fn attribute(self, name: &str) -> Option<Value> {
        let total = self.total_micros();
        Some(match name {
            "days" => Value::from(total.div_euclid(DAY)),
            "seconds" => Value::from(total.rem_euclid(DAY) / SECOND),
            "microseconds" => Value::from(total.rem_euclid(SECOND)),
            _ => return None,
        })
    }

    fn method(self, name: &str) -> Option<Value> {
        let total = self.total_micros();
        Some(match name {
            "total_seconds" => Value::from(total as f64 / SECOND as f64),
            "total_minutes" => Value::from(total as f64 / (60 * SECOND) as f64),
            "total_hours" => Value::from(total as f64 / (3600 * SECOND) as f64),
            "total_days" => Value::from(total as f64 / DAY as f64),
            "in_seconds" => Value::from(total / SECOND),
            "in_minutes" => Value::from(total / (60 * SECOND)),
            "in_hours" => Value::from(total / (3600 * SECOND)),
            "in_days" => Value::from(total / DAY),
            "in_weeks" => Value::from(total / (7 * DAY)),
            _ => return None,
        })
    }
}

/// As Python writes a `timedelta`: `1 day, 2:03:04.000005`.
impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total_micros();
        let (days, rest) = (total.div_euclid(DAY), total.rem_euclid(DAY));
        if self.months != 0 {
            write!(f, "{} month{}, ", self.months, plural(self.months))?;
        }
        if days != 0 {
            write!(f, "{days} day{}, ", plural(days))?;
        }
        let seconds = rest / SECOND;
        write!(f, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match rest % SECOND {
            0 => Ok(()),
            micros => write!(f, ".{micros:06}"),
        }
    }
}

fn plural(n: i64) -> &'static str {
    if n.abs() == 1 { "" } else { "s" }
}

impl Object for Delta {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.attribute(key.as_str()?)
    }

    fn is_true(self: &Arc<Self>) -> bool {
        **self != Self::default()
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let () = from_args(args)?;
        self.method(method).ok_or_else(|| invalid(format!("a duration has no method \"{method}\"")))
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        Some((self.months, self.total_micros()).cmp(&(other.months, other.total_micros())))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

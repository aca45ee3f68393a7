//! A point in time as a template sees it: pendulum's `DateTime`, a datetime without a zone, or a date.

use std::{cmp::Ordering, fmt, sync::Arc};

use jiff::{
    RoundMode, Span, Unit, Zoned,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use minijinja::{
    Error, State, Value,
    value::{DynObject, Kwargs, Object, ObjectRepr, from_args},
};
use updraft_model::Timestamp;

use super::{Amounts, Delta, invalid, pendulum_format, strftime};

/// A point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moment {
    /// With a zone: what all dates of the context are.
    Aware(Zoned),
    /// Without: what `macros.datetime(2026, 1, 31)` is.
    Naive(DateTime),
    /// What `.date()` gives.
    Day(Date),
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self::Aware(at.jiff().to_zoned(TimeZone::UTC))
    }
}

impl Moment {
    /// Reads ISO 8601: a date, a date with a time, or one with an offset.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if let Ok(at) = jiff::fmt::temporal::DateTimeParser::new().parse_timestamp(text) {
            // The offset as written is kept, as Python does.
            let offset = jiff::fmt::temporal::Pieces::parse(text).ok().and_then(|pieces| pieces.to_numeric_offset());
            return Ok(Self::Aware(at.to_zoned(offset.map_or(TimeZone::UTC, |offset| offset.to_time_zone()))));
        }
        text.parse::<DateTime>().map(Self::Naive).map_err(|e| invalid(format!("\"{text}\" is not a date such as 2026-01-31T06:00:00: {e}")))
    }

    /// The wall clock's reading.
    pub fn civil(&self) -> DateTime {
        match self {
            Self::Aware(zoned) => zoned.datetime(),
            Self::Naive(at) => *at,
            Self::Day(date) => date.to_datetime(Time::midnight()),
        }
    }

    /// The instant; a time without a zone is taken as UTC.
    pub fn instant(&self) -> Result<jiff::Timestamp, Error> {
        match self {
            Self::Aware(zoned) => Ok(zoned.timestamp()),
            _ => TimeZone::UTC.to_timestamp(self.civil()).map_err(|e| invalid(e.to_string())),
        }
    }

    pub fn timestamp_micros(&self) -> Result<i64, Error> {
        Ok(self.instant()?.as_microsecond())
    }

    /// `+01:00`, with `separator` between hours and minutes; empty without a zone.
    pub fn offset(&self, separator: &str) -> Result<String, Error> {
        strftime(self, if separator == ":" { "%:z" } else { "%z" })
    }

    /// `Europe/London`, or the offset if the zone has no name; empty without a zone.
    pub fn zone_name(&self) -> Result<String, Error> {
        match self {
            Self::Aware(zoned) => zoned.time_zone().iana_name().map_or_else(|| self.offset(":"), |name| Ok(name.to_owned())),
            _ => Ok(String::new()),
        }
    }

    pub fn strftime(&self, format: &str) -> Result<String, Error> {
        strftime(self, format)
    }

    /// Python's `isoformat(sep)`.
    pub fn isoformat(&self, separator: &str) -> String {
        let at = self.civil();
        let day = format!("{:04}-{:02}-{:02}", at.year(), at.month(), at.day());
        if matches!(self, Self::Day(_)) {
            return day;
        }
        let mut text = format!("{day}{separator}{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second());
        let micros = at.subsec_nanosecond() / 1_000;
        if micros != 0 {
            text.push_str(&format!(".{micros:06}"));
        }
        if let Self::Aware(zoned) = self {
            let seconds = zoned.offset().seconds();
            let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
            text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
        text
    }

    /// The same instant in another zone; a time without a zone is taken as UTC.
    pub fn in_zone(&self, zone: &str) -> Result<Self, Error> {
        let zone = if zone.eq_ignore_ascii_case("utc") {
            TimeZone::UTC
        } else {
            TimeZone::get(zone).map_err(|e| invalid(format!("unknown time zone \"{zone}\": {e}")))?
        };
        Ok(Self::Aware(self.instant()?.to_zoned(zone)))
    }

    /// Later by `delta`: months, then days, then exact time.
    pub fn plus(&self, delta: Delta) -> Result<Self, Error> {
        let fail = |e: jiff::Error| invalid(format!("{self} + {delta}: {e}"));
        let calendar = Span::new().try_months(delta.months).and_then(|s| s.try_days(delta.days)).map_err(fail)?;
        let exact = Span::new().try_microseconds(delta.micros).map_err(fail)?;
        Ok(match self {
            Self::Aware(zoned) => Self::Aware(zoned.checked_add(calendar).and_then(|z| z.checked_add(exact)).map_err(fail)?),
            Self::Naive(at) => Self::Naive(at.checked_add(calendar).and_then(|at| at.checked_add(exact)).map_err(fail)?),
            Self::Day(date) => {
                let at = date.to_datetime(Time::midnight());
                Self::Day(at.checked_add(calendar).and_then(|at| at.checked_add(exact)).map_err(fail)?.date())
            }
        })
    }

    /// `self - earlier`.
    pub fn since(&self, earlier: &Self) -> Result<Delta, Error> {
        if !self.comparable(earlier) {
            return Err(invalid("cannot subtract a date with a time zone and one without"));
        }
        Ok(Delta::from_micros(self.timestamp_micros()? - earlier.timestamp_micros()?))
    }

    /// Whether both have a zone, or neither, and neither or both are mere dates.
    pub fn comparable(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn attribute(&self, name: &str) -> Option<Result<Value, Error>> {
        let at = self.civil();
        let iso_week = at.date().iso_week_date();
        Some(Ok(match name {
            "year" => Value::from(at.year()),
            "month" => Value::from(at.month()),
            "day" => Value::from(at.day()),
            "hour" => Value::from(at.hour()),
            "minute" => Value::from(at.minute()),
            "second" => Value::from(at.second()),
            "microsecond" => Value::from(at.subsec_nanosecond() / 1_000),
            "quarter" => Value::from((at.month() - 1) / 3 + 1),
            // Pendulum 3 counts from Monday = 0.
            "day_of_week" => Value::from(at.weekday().to_monday_zero_offset()),
            "day_of_year" => Value::from(at.day_of_year()),
            "days_in_month" => Value::from(at.days_in_month()),
            "week_of_year" => Value::from(iso_week.week()),
            "int_timestamp" => return Some(self.timestamp_micros().map(|t| Value::from(t.div_euclid(1_000_000)))),
            "float_timestamp" => return Some(self.timestamp_micros().map(|t| Value::from(t as f64 / 1e6))),
            "timezone_name" | "timezone" | "tz" | "tzinfo" => return Some(self.zone_name().map(Value::from)),
            "offset" => match self {
                Self::Aware(zoned) => Value::from(zoned.offset().seconds()),
                _ => Value::from(()),
            },
            _ => return None,
        }))
    }

    fn method(&self, name: &str, args: &[Value]) -> Result<Value, Error> {
        let text = |text: &str| Ok(Value::from(text));
        match name {
            "isoformat" => {
                let (separator, kwargs): (Option<&str>, Kwargs) = from_args(args)?;
                let separator = separator.map_or_else(|| kwargs.get::<Option<&str>>("sep"), |s| Ok(Some(s)))?;
                kwargs.assert_all_used()?;
                text(&self.isoformat(separator.unwrap_or("T")))
            }
            "strftime" => {
                let (format,): (&str,) = from_args(args)?;
                text(&self.strftime(format)?)
            }
            "format" => {
                let (pattern,): (&str,) = from_args(args)?;
                text(&pendulum_format::format(self, pattern)?)
            }
            "add" | "subtract" => {
                let (kwargs,): (Kwargs,) = from_args(args)?;
                let delta = Amounts::from_kwargs(&kwargs)?.calendar()?;
                Ok(Value::from_object(self.plus(if name == "add" { delta } else { delta.negated() })?))
            }
            "in_timezone" | "in_tz" | "astimezone" => {
                let (zone,): (&str,) = from_args(args)?;
                Ok(Value::from_object(self.in_zone(zone)?))
            }
            "replace" => self.replaced(args),
            "start_of" => {
                let (unit,): (&str,) = from_args(args)?;
                Ok(Value::from_object(self.start_of(unit)?))
            }
            "end_of" => {
                let (unit,): (&str,) = from_args(args)?;
                Ok(Value::from_object(self.end_of(unit)?))
            }
            "diff" => {
                let (other,): (&Self,) = from_args(args)?;
                let delta = other.since(self)?;
                Ok(Value::from_object(if delta.micros < 0 { delta.negated() } else { delta }))
            }
            _ => {
                let () = from_args(args)?;
                self.plain_method(name)
            }
        }
    }

    /// The methods without arguments.
    fn plain_method(&self, name: &str) -> Result<Value, Error> {
        let at = self.civil();
        Ok(match name {
            "date" => Value::from_object(Self::Day(at.date())),
            "time" | "to_time_string" => Value::from(self.strftime("%H:%M:%S")?),
            "naive" => Value::from_object(Self::Naive(at)),
            "timestamp" => Value::from(self.timestamp_micros()? as f64 / 1e6),
            "weekday" => Value::from(at.weekday().to_monday_zero_offset()),
            "isoweekday" => Value::from(at.weekday().to_monday_one_offset()),
            "to_date_string" => Value::from(self.strftime("%Y-%m-%d")?),
            "to_datetime_string" => Value::from(self.strftime("%Y-%m-%d %H:%M:%S")?),
            "to_iso8601_string" | "to_rfc3339_string" => {
                let text = self.isoformat("T");
                // Pendulum writes UTC as Z in the first and as an offset in the second.
                let zulu = name == "to_iso8601_string" && matches!(self, Self::Aware(z) if z.time_zone() == &TimeZone::UTC);
                Value::from(if zulu { text.replace("+00:00", "Z") } else { text })
            }
            _ => return Err(invalid(format!("a date has no method \"{name}\""))),
        })
    }

    /// With another wall clock reading, in the same zone.
    fn with_civil(&self, at: DateTime) -> Result<Self, Error> {
        Ok(match self {
            Self::Aware(zoned) => Self::Aware(at.to_zoned(zoned.time_zone().clone()).map_err(|e| invalid(e.to_string()))?),
            Self::Naive(_) => Self::Naive(at),
            Self::Day(_) => Self::Day(at.date()),
        })
    }

    fn replaced(&self, args: &[Value]) -> Result<Value, Error> {
        let (kwargs,): (Kwargs,) = from_args(args)?;
        let at = self.civil();
        let field = |name: &str, old: i8| kwargs.get::<Option<i8>>(name).map(|new| new.unwrap_or(old));
        let year = kwargs.get::<Option<i16>>("year")?.unwrap_or(at.year());
        let micros = kwargs.get::<Option<i32>>("microsecond")?.unwrap_or(at.subsec_nanosecond() / 1_000);
        let (month, day) = (field("month", at.month())?, field("day", at.day())?);
        let (hour, minute, second) = (field("hour", at.hour())?, field("minute", at.minute())?, field("second", at.second())?);
        kwargs.assert_all_used()?;
        let replaced = DateTime::new(year, month, day, hour, minute, second, micros.saturating_mul(1_000));
        Ok(Value::from_object(self.with_civil(replaced.map_err(|e| invalid(format!("replace(): {e}")))?)?))
    }

    fn start_of(&self, unit: &str) -> Result<Self, Error> {
        let at = self.civil();
        let midnight = |date: Date| date.to_datetime(Time::midnight());
        let fail = |e: jiff::Error| invalid(format!("start_of(\"{unit}\"): {e}"));
        let first_of = |month: i8| Date::new(at.year(), month, 1).map(midnight).map_err(fail);
        let truncate = |unit: Unit| at.round(jiff::civil::DateTimeRound::new().smallest(unit).mode(RoundMode::Trunc)).map_err(fail);
        self.with_civil(match unit {
            "second" => truncate(Unit::Second)?,
            "minute" => truncate(Unit::Minute)?,
            "hour" => truncate(Unit::Hour)?,
            "day" => midnight(at.date()),
            "week" => {
                let back = Span::new().days(i64::from(at.weekday().to_monday_zero_offset()));
                midnight(at.date().checked_sub(back).map_err(fail)?)
            }
            "month" => first_of(at.month())?,
            "quarter" => first_of((at.month() - 1) / 3 * 3 + 1)?,
            "year" => first_of(1)?,
            _ => return Err(invalid(format!("unknown unit \"{unit}\": use second, minute, hour, day, week, month, quarter or year"))),
        })
    }

    fn end_of(&self, unit: &str) -> Result<Self, Error> {
        let months = |months| Delta { months, ..Delta::default() };
        let days = |days| Delta { days, ..Delta::default() };
        let length = match unit {
            "second" => Delta::from_micros(1_000_000),
            "minute" => Delta::from_micros(60_000_000),
            "hour" => Delta::from_micros(3_600_000_000),
            "day" => days(1),
            "week" => days(7),
            "month" => months(1),
            "quarter" => months(3),
            _ => months(12),
        };
        self.start_of(unit)?.plus(length)?.plus(Delta::from_micros(-1))
    }
}

/// As Python's `str()`: ISO 8601 with a space instead of the `T`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.isoformat(" "))
    }
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.attribute(key.as_str()?).map(|value| value.unwrap_or_else(Value::from))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        self.method(method, args)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        match (&**self, other) {
            (Self::Aware(a), Self::Aware(b)) => Some(a.timestamp().cmp(&b.timestamp())),
            (Self::Naive(a), Self::Naive(b)) => Some(a.cmp(b)),
            (Self::Day(a), Self::Day(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

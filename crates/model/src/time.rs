//! Points in time: whole microseconds, so that a value survives either database unchanged.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A point in time, in whole microseconds since 1970-01-01T00:00:00Z.
///
/// Serialised as RFC 3339 in UTC. Finer parts are cut off where a time enters
/// ([`Timestamp::from`]), because PostgreSQL keeps no more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// The text is no RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a time such as 2026-01-31T06:00:00Z: {why}")]
pub struct TimestampError {
    /// The rejected text.
    pub text: String,
    /// What the parser said.
    pub why: String,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The smallest time that all who read one can hold: the beginning of year 1.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The largest time that both databases and RFC 3339 can hold.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The same instant as jiff's type.
    pub fn jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }

    /// `self - earlier`; negative if `earlier` is later.
    pub fn since(self, earlier: Self) -> SignedDuration {
        SignedDuration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// `self + duration`, at the ends of the range the end.
    pub fn saturating_add(self, duration: SignedDuration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(if duration.is_negative() { i64::MIN } else { i64::MAX });
        Self(self.0.saturating_add(micros).clamp(-Self::MAX.0, Self::MAX.0))
    }

    /// As Airflow writes times into run ids and templates: `2026-01-31T06:00:00+00:00`, with six
    /// decimals if there is a fraction of a second (Python's `datetime.isoformat()`).
    pub fn isoformat(self) -> String {
        let zoned = self.jiff().to_zoned(jiff::tz::TimeZone::UTC);
        let format = if self.0.rem_euclid(1_000_000) == 0 { "%Y-%m-%dT%H:%M:%S+00:00" } else { "%Y-%m-%dT%H:%M:%S.%6f+00:00" };
        zoned.strftime(format).to_string()
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        // Towards the past, also before 1970: `as_microsecond` rounds towards zero.
        let nanos = at.as_nanosecond();
        Self(i64::try_from(nanos.div_euclid(1_000)).unwrap_or(Self::MAX.0))
    }
}

impl std::str::FromStr for Timestamp {
    type Err = TimestampError;
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        text.parse::<jiff::Timestamp>().map(Self::from).map_err(|e| TimestampError { text: text.to_owned(), why: e.to_string() })
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;
    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> String {
        at.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.jiff(), f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isoformat_is_pythons() {
        let at = |s: &str| s.parse::<Timestamp>().unwrap().isoformat();
        assert_eq!(at("2026-01-31T06:00:00Z"), "2026-01-31T06:00:00+00:00");
        assert_eq!(at("2026-01-31T06:00:00.5Z"), "2026-01-31T06:00:00.500000+00:00");
    }

    #[test]
    fn nanoseconds_are_cut_towards_the_past() {
        assert_eq!("1970-01-01T00:00:00.0000019Z".parse::<Timestamp>().unwrap().micros(), 1);
        assert_eq!("1969-12-31T23:59:59.9999999Z".parse::<Timestamp>().unwrap().micros(), -1);
    }
}

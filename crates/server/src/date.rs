//! Dates as Airflow's API reads them.
//!
//! Query parameters take ISO 8601 in any of its usual spellings; without an offset they are UTC
//! (`airflow._shared.timezones.timezone.parse`). Bodies must name an offset (pydantic's `AwareDatetime`).

use jiff::{civil, fmt::temporal::Pieces, tz::TimeZone};
use updraft_model::Timestamp;

/// Why a text is no date that can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// It is no date.
    NoDate,
    /// It is a date, but does not say of which offset.
    NoOffset,
    /// It is none that can be stored.
    OutOfRange,
}

/// What can be stored, for those who named something else.
pub const RANGE: &str = "between 0001-01-01T00:00:00Z and 9999-12-30T22:00:00Z";

fn in_range(at: jiff::Timestamp) -> Result<Timestamp, Unusable> {
    let at = Timestamp::from(at);
    if at < Timestamp::MIN { Err(Unusable::OutOfRange) } else { Ok(at) }
}

/// Reads a date of a query parameter: a date, or a date and a time, UTC unless it has an offset.
pub fn lenient(text: &str) -> Result<Timestamp, Unusable> {
    aware(text).or_else(|why| match why {
        Unusable::NoOffset => {
            let date: civil::DateTime = text.parse().map_err(|_| Unusable::NoDate)?;
            in_range(date.to_zoned(TimeZone::UTC).map_err(|_| Unusable::OutOfRange)?.timestamp())
        }
        other => Err(other),
    })
}

/// Reads a date and time with an offset.
pub fn aware(text: &str) -> Result<Timestamp, Unusable> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return in_range(at);
    }
    match Pieces::parse(text) {
        Ok(pieces) if pieces.offset().is_none() => Err(Unusable::NoOffset),
        Ok(pieces) if pieces.time().is_some() => Err(Unusable::OutOfRange),
        _ => Err(Unusable::NoDate),
    }
}

/// An ISO 8601 duration as pydantic writes a `timedelta`: `PT2H`, `P1DT30M`.
pub fn iso_duration(duration: jiff::SignedDuration) -> String {
    let total = duration.as_secs();
    let (days, rest) = (total / 86_400, total % 86_400);
    let (hours, minutes, seconds) = (rest / 3_600, rest % 3_600 / 60, rest % 60);
    let micros = duration.subsec_micros();
    let mut text = String::from("P");
    if days != 0 {
        text.push_str(&format!("{days}D"));
    }
    let mut time = String::new();
    if hours != 0 {
        time.push_str(&format!("{hours}H"));
    }
    if minutes != 0 {
        time.push_str(&format!("{minutes}M"));
    }
    match (seconds, micros) {
        (0, 0) if !(text == "P" && time.is_empty()) => {}
        (_, 0) => time.push_str(&format!("{seconds}S")),
        (_, _) => time.push_str(format!("{seconds}.{micros:06}").trim_end_matches('0')),
    }
    if micros != 0 {
        time.push('S');
    }
    if !time.is_empty() {
        text.push('T');
        text.push_str(&time);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn queries_take_every_usual_spelling() {
        let midnight = Ok("2026-01-31T00:00:00Z".parse().unwrap());
        for text in ["2026-01-31", "2026-01-31T00:00:00", "2026-01-31 00:00", "20260131T000000Z", "2026-01-31T01:00:00+01:00"] {
            assert_eq!(lenient(text), midnight, "{text}");
        }
        for text in ["", "yesterday", "2026-02-30", "31.1.2026"] {
            assert_eq!(lenient(text), Err(Unusable::NoDate), "{text}");
        }
    }

    #[test]
    fn bodies_name_their_offset() {
        assert!(aware("2026-01-31T00:00:00Z").is_ok());
        for text in ["2026-01-31T00:00:00", "2026-01-31"] {
            assert_eq!(aware(text), Err(Unusable::NoOffset), "{text}");
        }
        assert_eq!(aware("soon"), Err(Unusable::NoDate));
    }

    #[test]
    fn dates_that_no_store_holds_are_out_of_range() {
        for text in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00", "-009999-01-03T00:00:00Z", "0000-12-31T23:59:59Z"] {
            assert_eq!((aware(text), lenient(text)), (Err(Unusable::OutOfRange), Err(Unusable::OutOfRange)), "{text}");
        }
        assert_eq!((lenient("9999-12-31"), lenient("-000001-01-01")), (Err(Unusable::OutOfRange), Err(Unusable::OutOfRange)));
        assert!(aware("0001-01-01T00:00:00Z").is_ok() && aware("9999-12-30T22:00:00Z").is_ok());
    }

    #[test]
    fn durations_are_pydantics() {
        let text = |secs: i64, nanos: i32| iso_duration(SignedDuration::new(secs, nanos));
        assert_eq!(text(7200, 0), "PT2H");
        assert_eq!(text(88_200, 0), "P1DT30M");
        assert_eq!(text(0, 0), "PT0S");
        assert_eq!(text(61, 500_000_000), "PT1M1.5S");
        assert_eq!(text(0, 500_000_000), "PT0.5S");
    }
}

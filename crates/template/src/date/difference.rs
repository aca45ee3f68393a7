//! How far apart two moments are, in words: pendulum's `diff_for_humans` in English.

use jiff::{Unit, civil::DateTime, tz::TimeZone};
use minijinja::Error;

use super::{Moment, invalid};

/// `3 days ago` and `in 3 days`, seen from `now`.
pub(crate) fn from_now(moment: &Moment, now: &Moment) -> Result<String, Error> {
    let (amount, is_later) = amount(moment, now)?;
    Ok(match is_later {
        true => format!("in {amount}"),
        false => format!("{amount} ago"),
    })
}

/// `3 days before` and `3 days after` another moment.
pub(crate) fn relative(moment: &Moment, since: &Moment) -> Result<String, Error> {
    let (amount, is_later) = amount(moment, since)?;
    Ok(format!("{amount} {}", if is_later { "after" } else { "before" }))
}

/// The largest unit of the difference, rounded as pendulum does; whether `a` is the later one.
fn amount(a: &Moment, b: &Moment) -> Result<(String, bool), Error> {
    let utc = |moment: &Moment| Ok::<DateTime, Error>(moment.instant()?.to_zoned(TimeZone::UTC).datetime());
    let (a, b) = (utc(a)?, utc(b)?);
    let (first, last) = (a.min(b), a.max(b));
    let span = first.until((Unit::Year, last)).map_err(|e| invalid(e.to_string()))?;
    let (years, months, days, hours) = (span.get_years(), span.get_months(), span.get_days(), i64::from(span.get_hours()));
    let (minutes, seconds) = (span.get_minutes(), span.get_seconds());
    let up = |more: bool| i64::from(more);
    let (count, unit) = if years > 0 {
        (i64::from(years) + up(months > 6), "year")
    } else if months == 11 && days > 15 {
        (1, "year")
    } else if months > 0 {
        (i64::from(months) + up(days >= 27), "month")
    } else if days >= 7 {
        (i64::from(days / 7) + up(days % 7 > 3), "week")
    } else if days > 0 {
        (i64::from(days) + up(hours >= 22), "day")
    } else if hours > 0 {
        (hours, "hour")
    } else if minutes > 0 {
        (minutes, "minute")
    } else if seconds > 10 {
        (seconds, "second")
    } else {
        return Ok(("a few seconds".to_owned(), a > b));
    };
    Ok((format!("{count} {unit}{}", if count == 1 { "" } else { "s" }), a > b))
}

//! Python's `strftime` and `strptime`, on jiff's.

use jiff::fmt::strtime::{self, BrokenDownTime};
use minijinja::Error;

use super::{Moment, invalid};

/// Python's `strftime`.
pub(crate) fn strftime(moment: &Moment, format: &str) -> Result<String, Error> {
    let format = to_jiff(format, matches!(moment, Moment::Aware(_)));
    let text = match moment {
        Moment::Aware(zoned) => strtime::format(&format, zoned),
        Moment::Naive(at) => strtime::format(&format, *at),
        Moment::Day(date) => strtime::format(&format, date.to_datetime(jiff::civil::Time::midnight())),
    };
    text.map_err(|e| invalid(format!("strftime(\"{format}\"): {e}")))
}

/// Python's `strptime`: aware if the format has a zone.
pub(crate) fn strptime(text: &str, format: &str) -> Result<Moment, Error> {
    let fail = |e: jiff::Error| invalid(format!("\"{text}\" does not match the format \"{format}\": {e}"));
    let parsed = BrokenDownTime::parse(format, text).map_err(fail)?;
    if parsed.offset().is_some() || parsed.iana_time_zone().is_some() {
        return Ok(Moment::Aware(parsed.to_zoned().map_err(fail)?));
    }
    let date = parsed.to_date().map_err(fail)?;
    // Without a time of day, Python takes midnight.
    let time = if parsed.hour().is_some() { parsed.to_time().map_err(fail)? } else { jiff::civil::Time::midnight() };
    Ok(Moment::Naive(date.to_datetime(time)))
}

/// `%f` always has six digits in Python; `%z` and `%Z` are empty for a time without a zone.
fn to_jiff(format: &str, aware: bool) -> String {
    let mut out = String::with_capacity(format.len() + 4);
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match rest.peek() {
            Some('f') => {
                rest.next();
                out.push_str("%6f");
            }
            Some('z' | 'Z') if !aware => {
                rest.next();
            }
            Some(&directive) => {
                rest.next();
                out.push('%');
                out.push(directive);
            }
            None => out.push_str("%%"),
        }
    }
    out
}

//! Dates and times. Without an offset they are in the DAG's timezone.

use jiff::{civil, tz::TimeZone};
use updraft_model::Timestamp;

use super::{Cx, scalar};
use crate::yaml::Node;

/// A date (its midnight) or a date and time.
pub(super) fn date(cx: &mut Cx<'_>, node: &Node<'_>, what: &str) -> Option<Timestamp> {
    let text = scalar::text(cx, node, what)?;
    let value = parse(&text, &cx.timezone);
    if value.is_none() {
        let help = "write it as 2026-01-31, 2026-01-31T06:00 or 2026-01-31T06:00:00+01:00";
        cx.sink.error_with_help(node.span, format!("`{what}`: \"{text}\" is not a date"), help);
    }
    value
}

/// As RFC 3339 (a blank for the `T` is fine, seconds and offset may be absent), or a date.
pub(super) fn parse(text: &str, timezone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    // jiff would read more forms, such as bare weeks and compact dates; those are typing mistakes here.
    if !text.get(..10).is_some_and(|date| date.as_bytes()[4] == b'-' && date.as_bytes()[7] == b'-') {
        return None;
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from(instant));
    }
    let has_offset = text.get(10..).is_some_and(|rest| rest.contains(['Z', 'z', '+', '-']));
    let civil = text.parse::<civil::DateTime>().ok().filter(|_| !has_offset)?;
    // A time in the gap of a clock change is moved by the gap, one in the fold is its first occurrence.
    let zoned = timezone.to_ambiguous_zoned(civil).compatible().ok()?;
    Some(Timestamp::from(zoned.timestamp()))
}

/// An IANA zone. `GMT` and the like are fine, offsets are not: they know no summer time.
pub(super) fn timezone(cx: &mut Cx<'_>, node: &Node<'_>, what: &str) -> Option<(String, TimeZone)> {
    let name = scalar::text(cx, node, what)?;
    match TimeZone::get(&name) {
        // The name as the database spells it, so that `europe/london` is the same DAG.
        Ok(zone) => Some((zone.iana_name().unwrap_or(&name).to_owned(), zone)),
        Err(_) => {
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
            let lower = name.to_lowercase().replace(' ', "_");
            let lowered: Vec<(String, &str)> = known.iter().map(|name| (name.to_lowercase(), name.as_str())).collect();
            let city = lowered.iter().find(|(known, _)| known.rsplit('/').next() == Some(&lower)).map(|(_, name)| *name);
            let close = || {
                let close = super::closest(&lower, lowered.iter().map(|(known, _)| known.as_str()))?;
                lowered.iter().find(|(known, _)| known == close).map(|(_, name)| *name)
            };
            let help = match city.or_else(close) {
                Some(name) => format!("did you mean `{name}`?"),
                None => "write an IANA name such as Europe/London, or UTC".to_owned(),
            };
            cx.sink.error_with_help(node.span, format!("`{what}`: there is no timezone \"{name}\""), help);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_without_offset_are_in_the_zone() {
        let london = TimeZone::get("Europe/London").unwrap();
        let at = |text: &str| parse(text, &london).map(|t| t.to_string());
        assert_eq!(at("2026-01-01").as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(at("2026-07-01").as_deref(), Some("2026-06-30T23:00:00Z"));
        assert_eq!(at("2026-07-01T06:00").as_deref(), Some("2026-07-01T05:00:00Z"));
        assert_eq!(at("2026-07-01 06:00:00").as_deref(), Some("2026-07-01T05:00:00Z"));
        assert_eq!(at("2026-07-01T06:00:00Z").as_deref(), Some("2026-07-01T06:00:00Z"));
        assert_eq!(at("2026-07-01T06:00:00+02:00").as_deref(), Some("2026-07-01T04:00:00Z"));
        assert_eq!(at("2026-07-01T06:00+02:00").as_deref(), Some("2026-07-01T04:00:00Z"));
        for wrong in ["", "2026", "2026-13-01", "2026-02-30", "20260101", "01.02.2026", "tomorrow", "2026-01-01T25:00", "éééééééééé"]
        {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}

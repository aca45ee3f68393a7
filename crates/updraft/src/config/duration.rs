//! Durations as DAG files have them: `90s`, `1h30m`, `1d`, `PT1M`, or seconds.

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// Reads a duration of zero or more (a day is 24 hours); `None` if it is none.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    let text = text.trim();
    let duration = match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(seconds.into()),
        Err(_) => text.parse::<Span>().ok()?.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?,
    };
    (!duration.is_negative()).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_read() {
        let secs = |text| parse_duration(text).map(|d| d.as_secs());
        let cases = [("90s", Some(90)), ("1h30m", Some(5_400)), ("90d", Some(7_776_000)), ("1w", Some(604_800)), ("PT1M", Some(60))];
        for (text, expected) in cases.into_iter().chain([("120", Some(120)), ("-3d", None), ("", None), ("soon", None), ("2mo", None)]) {
            assert_eq!(secs(text), expected, "{text}");
        }
    }
}

//! One line of a log: `<RFC 3339 time> <text>`.

use serde::Serialize;
use utoipa::ToSchema;

/// One line, in the shape of Airflow's structured logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StructuredLogMessage)]
pub struct Line {
    /// When it was written; absent for a line that does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub timestamp: Option<String>,
    /// What was written.
    pub event: String,
}

impl Line {
    /// From a line without its end.
    pub fn parse(text: &str) -> Self {
        let text = text.strip_suffix('\r').unwrap_or(text);
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        // Cheap first: most lines that have no time do not begin with a digit.
        let is_time = first.starts_with(|c: char| c.is_ascii_digit()) && first.parse::<jiff::Timestamp>().is_ok();
        if is_time { Self { timestamp: Some(first.to_owned()), event: rest.to_owned() } } else { Self::bare(text) }
    }

    /// A line without a time.
    pub fn bare(event: impl Into<String>) -> Self {
        Self { timestamp: None, event: event.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_taken_off_and_nothing_else() {
        let line = Line::parse("2026-01-31T06:00:00.123Z hello  world\r");
        assert_eq!(line, Line { timestamp: Some("2026-01-31T06:00:00.123Z".into()), event: "hello  world".into() });
        assert_eq!(Line::parse("2026-01-31T06:00:00Z").event, "");
        assert_eq!(Line::parse("2026 was a year"), Line::bare("2026 was a year"));
        assert_eq!(Line::parse(""), Line::bare(""));
    }
}

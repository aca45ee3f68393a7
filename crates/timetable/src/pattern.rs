//! Which wall clock times a cron expression matches. Knows no time zone.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    SignedDuration,
    civil::{DateTime, date},
};

use crate::{
    dialect::{self, Spelling},
    error::{CronError, TimetableError},
};

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written, a preset spelled out.
    pub expression: String,
    /// The union of these. Two only for a `29W` or `30W`, which means February's last weekday too.
    crons: Vec<Cron>,
    /// Whether the hour is `*`, so that the pattern follows elapsed time (Airflow's
    /// `_covers_every_hour`).
    pub every_hour: bool,
}

impl Pattern {
    /// Reads Airflow's dialect.
    ///
    /// # Errors
    /// The expression does not parse, or no date from 1970 to 2099 matches it.
    pub fn new(text: &str) -> Result<Self, TimetableError> {
        let Spelling { expression, variants, every_hour } = dialect::read(text)?;
        let crons = variants.iter().map(|v| parse(&expression, v)).collect::<Result<Vec<_>, _>>()?;
        let pattern = Self { expression, crons, every_hour };
        if pattern.fires(&variants)? { Ok(pattern) } else { Err(TimetableError::NeverFires { expression: pattern.expression }) }
    }

    /// The first match after `at`.
    pub fn next(&self, at: DateTime) -> Option<DateTime> {
        // croner steps in whole seconds; a fraction belongs to the second that has begun.
        let at = at.with().subsec_nanosecond(0).build().ok()?;
        self.crons.iter().filter_map(|c| c.find_next_occurrence(&at, false).ok()).min()
    }

    /// The first match at or after `at`.
    pub fn at_or_after(&self, at: DateTime) -> Option<DateTime> {
        self.next(at.checked_sub(SignedDuration::from_nanos(1)).ok()?)
    }

    /// The last match before `at`.
    pub fn prev(&self, at: DateTime) -> Option<DateTime> {
        let begun = at.with().subsec_nanosecond(0).build().ok()?;
        let at = if begun == at { at } else { begun.checked_add(SignedDuration::from_secs(1)).ok()? };
        self.crons.iter().filter_map(|c| c.find_previous_occurrence(&at, false).ok()).max()
    }

    /// English, without a full stop: `At 06:00`.
    pub fn description(&self) -> String {
        let text = self.crons.first().map(Cron::describe).unwrap_or_default();
        let text = text.trim_end_matches('.').replace(", in every ", ", every ");
        match text.strip_prefix("At every ") {
            Some(rest) => format!("Every {rest}"),
            None => text,
        }
    }

    /// Whether any date at all matches.
    fn fires(&self, variants: &[String]) -> Result<bool, TimetableError> {
        let before = date(1969, 12, 31).at(23, 59, 59, 0);
        for variant in variants {
            let bounded = match variant.split(' ').collect::<Vec<_>>()[..] {
                // Each day is in some month, and each month has all weekdays (a fifth Monday in
                // February is on the 29th).
                [_, _, _, "*", _, _] | [_, _, _, _, "*", _] => return Ok(true),
                // A search without a limit would walk on to the year 5000.
                [_, _, _, _, _, _] => &format!("{variant} 1970-2099"),
                _ => variant,
            };
            if parse(&self.expression, bounded)?.find_next_occurrence(&before, false).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Hands croner a text that [`dialect`] has spelled for it. It accepts every one of those; if it
/// ever does not, its complaint is shown rather than hidden.
fn parse(expression: &str, variant: &str) -> Result<Cron, CronError> {
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Optional).build();
    parser.parse(variant).map_err(|e| CronError { expression: expression.to_owned(), span: 0..expression.len(), why: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(text: &str) -> String {
        Pattern::new(text).unwrap().description()
    }

    #[test]
    fn descriptions_read_like_airflows() {
        let texts = [
            "0 6 * * *",
            "*/5 * * * *",
            "@hourly",
            "30 21 * * 5",
            "0 0 1 */3 *",
            "0 9 1 * mon",
            "0 9 L * *",
            "0 9 * * L5",
            "* * * * * */10",
        ];
        insta::assert_snapshot!(texts.map(|t| format!("{t:<16} {}", description(t))).join("\n"));
    }

    #[test]
    fn what_never_fires_is_refused() {
        for text in ["0 0 30 2 *", "0 0 31 4,6 *", "0 0 29 2 * 0 2027"] {
            assert_eq!(Pattern::new(text).unwrap_err(), TimetableError::NeverFires { expression: text.to_owned() });
        }
        Pattern::new("0 0 30 2 MON").unwrap();
    }

    #[test]
    fn seconds_that_have_begun() {
        let pattern = Pattern::new("* * * * * *").unwrap();
        let at = date(2026, 1, 1).at(0, 0, 0, 500_000_000);
        assert_eq!(pattern.next(at).unwrap(), date(2026, 1, 1).at(0, 0, 1, 0));
        assert_eq!(pattern.prev(at).unwrap(), date(2026, 1, 1).at(0, 0, 0, 0));
        assert_eq!(pattern.prev(date(2026, 1, 1).at(0, 0, 1, 0)).unwrap(), date(2026, 1, 1).at(0, 0, 0, 0));
        assert_eq!(pattern.at_or_after(date(2026, 1, 1).at(0, 0, 1, 0)).unwrap(), date(2026, 1, 1).at(0, 0, 1, 0));
    }
}

//! Cron as Airflow's users write it, respelled for croner.
//!
//! Airflow reads cron with croniter, whose dialect differs from everyone else's: the seconds come
//! *last*, ranges wrap around (`22-2`, `fri-mon`), an equal range means the whole cycle, `5/15`
//! starts at 5, `L5` is the last Friday. So each field is read here by croniter's rules and written
//! out as plain values; croner never sees what the two could understand differently.

mod field;

use std::ops::Range;

use crate::{
    error::{CronError, Field},
    preset::{Preset, parse_preset},
};
use field::FieldSet;

/// An expression in croner's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling {
    /// As written; a preset is spelled out.
    pub expression: String,
    /// Second, minute, hour, day of month, month, day of week, and the year unless every year will
    /// do. A date matches if it matches one of the variants.
    pub variants: Vec<String>,
    /// Whether the hour is `*` or lists all hours.
    pub every_hour: bool,
}

/// Reads `text`, a cron expression of 5 to 7 fields or a preset that stands for one.
pub fn read(text: &str) -> Result<Spelling, CronError> {
    let expression = match parse_preset(text) {
        Some(Preset::Cron(cron)) => cron,
        Some(Preset::Once | Preset::Continuous) => {
            return Err(fail(
                text,
                0..text.len(),
                "is a schedule of its own, not a cron expression; write it without a list or `cron:`".to_owned(),
            ));
        }
        None => text,
    };
    let words = words(expression);
    if !(5..=7).contains(&words.len()) {
        return Err(fail(expression, 0..expression.len(), wrong_count(expression, words.len())));
    }
    let mut fields = Vec::with_capacity(Field::ALL.len());
    for (field, span) in Field::ALL.into_iter().zip(words) {
        fields.push(FieldSet::read(field, &expression[span.clone()]).map_err(|(within, why)| {
            let span = span.start + within.start..span.start + within.end;
            fail(expression, span, why)
        })?);
    }
    // Without them, the second is 0 and every year will do.
    if fields.len() == 5 {
        fields.push(FieldSet::of(Field::Second, 0));
    }
    if fields.len() == 6 {
        fields.push(FieldSet::all(Field::Year));
    }
    spell(expression, &mut fields)
}

/// Puts the fields together. `fields` has seven, in Airflow's order.
fn spell(expression: &str, fields: &mut [FieldSet]) -> Result<Spelling, CronError> {
    let [minute, hour, day_of_month, month, day_of_week, second, year] = fields else {
        return Err(fail(expression, 0..expression.len(), wrong_count(expression, fields.len())));
    };
    // croniter: a field that lists everything is `*`, but a day field only if the other day field
    // has a `*`; otherwise it takes part in "day of month OR day of week" and makes that every day.
    let stars = (day_of_month.has_star(), day_of_week.has_star());
    for field in [&mut *minute, hour, month, second, year] {
        field.collapse();
    }
    if stars.1 {
        day_of_month.collapse();
    }
    if stars.0 {
        day_of_week.collapse();
    }
    // croniter drops the day of month next to `5#2`, and the day of week next to `15W`; it says
    // nothing, or fails when asked for the next date. Nobody means that.
    if (day_of_week.is_special() && !day_of_month.is_any()) || (day_of_month.nearest().is_some() && !day_of_week.is_any()) {
        let why = "`#`, `L5` and `W` do not combine with the other day field (Airflow ignores or rejects it); use `*` there, or a list of two expressions";
        return Err(fail(expression, 0..expression.len(), why.to_owned()));
    }
    let year = if year.is_any() { String::new() } else { format!(" {year}") };
    let spelled = |day: &str, month: &str| format!("{second} {minute} {hour} {day} {month} {day_of_week}{year}");
    let mut variants = Vec::with_capacity(2);
    match day_of_month.nearest() {
        // croniter's W clamps to the month's length, croner's skips a month that is too short. The
        // 31st clamped is the last weekday of any month; the 29th and 30th only in February.
        Some(31) => variants.push(spelled("LW", &month.to_string())),
        Some(29 | 30) => {
            variants.extend(month.without(2).map(|others| spelled(&day_of_month.to_string(), &others)));
            variants.extend(month.contains(2).then(|| spelled("LW", "2")));
        }
        _ => variants.push(spelled(&day_of_month.to_string(), &month.to_string())),
    }
    Ok(Spelling { expression: expression.to_owned(), variants, every_hour: hour.is_any() })
}

/// The spans of the words, split at ASCII white space.
fn words(text: &str) -> Vec<Range<usize>> {
    let start_of = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    text.split_ascii_whitespace().map(|word| start_of(word)..start_of(word) + word.len()).collect()
}

fn wrong_count(expression: &str, count: usize) -> String {
    if let Some(name) = expression.trim().strip_prefix('@') {
        let known = Preset::names().collect::<Vec<_>>().join(" ");
        return format!("there is no preset \"@{name}\"; there are {known}");
    }
    let fields = "minute, hour, day of month, month, day of week, then optionally second and year";
    format!("has {count} field{}; write 5 to 7: {fields}", if count == 1 { "" } else { "s" })
}

fn fail(expression: &str, span: Range<usize>, why: String) -> CronError {
    CronError { expression: expression.to_owned(), span, why }
}

#[cfg(test)]
mod tests;

//! Cron as Airflow's users write it.
//!
//! Airflow reads cron with croniter, whose dialect differs from everyone else's: the seconds come
//! *last*, ranges wrap around (`22-2`, `fri-mon`), an equal range means the whole cycle, `5/15`
//! starts at 5, `L5` is the last Friday. So the fields are read here, by croniter's rules. What they
//! mean on a calendar is `pattern`'s business.

mod field;

use std::ops::Range;

use crate::{
    error::{CronError, Field},
    preset::{Preset, parse_preset},
};
pub use field::{FieldSet, Nth};

/// The fields of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// As written; a preset is spelled out.
    pub text: String,
    pub second: FieldSet,
    pub minute: FieldSet,
    pub hour: FieldSet,
    pub day_of_month: FieldSet,
    pub month: FieldSet,
    pub day_of_week: FieldSet,
    pub year: FieldSet,
}

/// Reads `text`, a cron expression of 5 to 7 fields or a preset that stands for one.
pub fn read(text: &str) -> Result<Expression, CronError> {
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
    // Without them, the second is 0 and every year will do.
    let mut fields = Field::ALL.map(|field| if field == Field::Second { FieldSet::of(field, 0) } else { FieldSet::all(field) });
    for ((set, field), span) in fields.iter_mut().zip(Field::ALL).zip(words) {
        *set = FieldSet::read(field, &expression[span.clone()]).map_err(|(within, why)| {
            let span = span.start + within.start..span.start + within.end;
            fail(expression, span, why)
        })?;
    }
    let [minute, hour, day_of_month, month, day_of_week, second, year] = fields;
    let mut read = Expression { text: expression.to_owned(), second, minute, hour, day_of_month, month, day_of_week, year };
    read.collapse();
    read.check_days()?;
    Ok(read)
}

impl Expression {
    /// croniter: a field that lists everything is `*`, but a day field only if the other day field
    /// has a `*`; otherwise it takes part in "day of month OR day of week" and makes that every day.
    fn collapse(&mut self) {
        let stars = (self.day_of_month.has_star(), self.day_of_week.has_star());
        for field in [&mut self.second, &mut self.minute, &mut self.hour, &mut self.month, &mut self.year] {
            field.collapse();
        }
        if stars.1 {
            self.day_of_month.collapse();
        }
        if stars.0 {
            self.day_of_week.collapse();
        }
    }

    /// croniter drops the day of month next to `5#2`, and the day of week next to `15W`: it says
    /// nothing, or fails when asked for the next date. Nobody means that, so it is refused.
    fn check_days(&self) -> Result<(), CronError> {
        let counted = self.day_of_week.counted().next().is_some() && !self.day_of_month.is_any();
        let nearest = self.day_of_month.nearest().is_some() && !self.day_of_week.is_any();
        if !counted && !nearest {
            return Ok(());
        }
        let why = "`#`, `L5` and `W` do not combine with the other day field (Airflow ignores or rejects it); use `*` there, or a list of two expressions";
        Err(fail(&self.text, 0..self.text.len(), why.to_owned()))
    }

    /// The fields in the order and spelling that croner understands: seconds first, plain values.
    pub fn spelled_for_croner(&self) -> String {
        let Self { text: _, second, minute, hour, day_of_month, month, day_of_week, year } = self;
        let year = if year.is_any() { String::new() } else { format!(" {year}") };
        format!("{second} {minute} {hour} {day_of_month} {month} {day_of_week}{year}")
    }
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

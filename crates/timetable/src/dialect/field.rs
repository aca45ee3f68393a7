//! One column of a cron expression, by croniter's rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
};

use crate::error::Field;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Why a part of a field is wrong, and where in the field.
type Problem = (Range<usize>, String);

/// Which of a month's seven-day blocks a weekday is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nth {
    /// The first to the fifth.
    Number(u16),
    /// The last, be it the fourth or the fifth.
    Last,
}

/// The values of a field. Prints itself in croner's spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSet {
    field: Field,
    /// `*` or `?`, or collapsed to it.
    any: bool,
    /// Whether a `*` occurs in the text at all, which croniter asks for.
    star: bool,
    /// The `n` of a field that is just `*/n`, kept for the description.
    step: Option<u16>,
    values: BTreeSet<u16>,
    /// Day of month: `L`.
    last: bool,
    /// Day of month: the day of `15W`.
    nearest: Option<u16>,
    /// Day of week: `5#2` and `L5`.
    nth: BTreeMap<u16, BTreeSet<Nth>>,
}

impl FieldSet {
    /// Every value.
    pub fn all(field: Field) -> Self {
        Self { any: true, star: true, ..Self::empty(field) }
    }

    /// One value.
    pub fn of(field: Field, value: u16) -> Self {
        Self { values: BTreeSet::from([value]), ..Self::empty(field) }
    }

    fn empty(field: Field) -> Self {
        Self { field, any: false, star: false, step: None, values: BTreeSet::new(), last: false, nearest: None, nth: BTreeMap::new() }
    }

    /// Reads a comma-separated list.
    pub fn read(field: Field, text: &str) -> Result<Self, Problem> {
        let mut set = Self { star: text.contains('*'), ..Self::empty(field) };
        let mut start = 0;
        for item in text.split(',') {
            set.add(&item.to_ascii_lowercase(), text).map_err(|why| (start..start + item.len(), why))?;
            start += item.len() + 1;
        }
        let whole = 0..text.len();
        if !set.nth.is_empty() && !set.values.is_empty() {
            return Err((whole, format!("`{text}` mixes plain weekdays with `#` or `L`; use a list of two expressions")));
        }
        if set.nearest.is_some() && text.contains(',') {
            return Err((whole, format!("`W` takes a single day, not the list `{text}`")));
        }
        set.step = text.strip_prefix("*/").and_then(|n| n.parse().ok());
        Ok(set)
    }

    /// Adds one item of the list `whole`. `item` is lower case.
    fn add(&mut self, item: &str, whole: &str) -> Result<(), String> {
        if item == "*" {
            self.any = true;
            return Ok(());
        }
        if item.contains('?') {
            return self.add_question_mark(whole);
        }
        if self.field == Field::DayOfMonth && self.add_special_day(item)? {
            return Ok(());
        }
        if self.field == Field::DayOfWeek && self.add_nth_weekday(item)? {
            return Ok(());
        }
        self.values.extend(self.range(item)?);
        Ok(())
    }

    fn add_question_mark(&mut self, whole: &str) -> Result<(), String> {
        if whole == "?" && matches!(self.field, Field::DayOfMonth | Field::DayOfWeek) {
            self.any = true;
            return Ok(());
        }
        Err("`?` stands alone and only in the day of month or day of week; write `*`".to_owned())
    }

    /// `L`, `15W`, `W15`. `false` if it is none of them.
    fn add_special_day(&mut self, item: &str) -> Result<bool, String> {
        if item == "l" {
            self.last = true;
            return Ok(true);
        }
        if item == "lw" || item == "wl" {
            return Err("`LW` is not in Airflow's dialect; `31W` is the last weekday of the month".to_owned());
        }
        let Some(day) = item.strip_suffix('w').or_else(|| item.strip_prefix('w')) else { return Ok(false) };
        self.nearest = Some(self.value(day)?);
        Ok(true)
    }

    /// `5#2`, `fri#2`, `mon-wed#1`, `L5`. `false` if it is none of them.
    fn add_nth_weekday(&mut self, item: &str) -> Result<bool, String> {
        if let Some((days, nth)) = item.split_once('#') {
            let nth = match nth.parse() {
                Ok(n @ 1..=5) => Nth::Number(n),
                _ => return Err(format!("`{item}`: after `#` comes 1 to 5; the last Friday is `L5`")),
            };
            for day in self.range(days)? {
                self.nth.entry(day).or_default().insert(nth);
            }
            return Ok(true);
        }
        if item.ends_with('l') {
            return Err(format!("`{item}`: the last Friday of the month is written `L5`"));
        }
        let Some(day) = item.strip_prefix('l') else { return Ok(false) };
        let day = self.value(day).map_err(|_| format!("`{item}`: the last Friday of the month is written `L5`"))?;
        self.nth.entry(day).or_default().insert(Nth::Last);
        Ok(true)
    }

    /// `7`, `fri`, `1-5`, `22-2`, `*/5`, `5/15`, `1-30/7`, `15-L`.
    fn range(&self, item: &str) -> Result<Vec<u16>, String> {
        let (min, max) = self.field.range();
        let (span, step) = match item.split_once('/') {
            Some((span, step)) => (span, Some(self.step(item, step)?)),
            None => (item, None),
        };
        let (low, high, open) = match span.split_once('-') {
            _ if span == "*" => (min, max, false),
            Some((low, "l")) if self.field == Field::DayOfMonth => (self.value(low)?, max, false),
            Some((low, high)) => (self.value(low)?, self.value(high)?, false),
            // `5/15` runs to the field's end.
            None if step.is_some() => (self.value(span)?, max, true),
            None => return Ok(vec![self.value(span)?]),
        };
        let step = step.unwrap_or(1);
        // `5-5` is the whole cycle in croniter, as `jan-jan` is; `59/15` is 59 alone.
        let (low, high) = if low == high && !open { (min, max) } else { (low, high) };
        if low <= high {
            return Ok((low..=high).step_by(step.into()).collect());
        }
        Ok(wrapped(low, high, (min, max), step))
    }

    fn step(&self, item: &str, text: &str) -> Result<u16, String> {
        match text.parse() {
            Ok(step) if step > 0 => Ok(step),
            _ => Err(format!("`{item}` in the {}: after `/` comes a whole number above 0", self.field)),
        }
    }

    /// A number or a name.
    fn value(&self, text: &str) -> Result<u16, String> {
        let (min, max) = self.field.range();
        let named = |names: &[&str], first: u16| names.iter().zip(first..).find(|(name, _)| **name == text).map(|(_, value)| value);
        let value = match self.field {
            Field::Month => named(&MONTHS, 1),
            Field::DayOfWeek => named(&WEEKDAYS, 0),
            _ => None,
        };
        let number = || text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        match value.or_else(number) {
            Some(7) if self.field == Field::DayOfWeek => Ok(0),
            Some(value) if (min..=max).contains(&value) => Ok(value),
            _ => Err(self.not_a_value(text)),
        }
    }

    fn not_a_value(&self, text: &str) -> String {
        let (min, max) = self.field.range();
        let names = match self.field {
            Field::Month => " or JAN to DEC",
            Field::DayOfWeek => " (0 and 7 are Sunday) or SUN to SAT",
            _ => "",
        };
        let max = if self.field == Field::DayOfWeek { 7 } else { max };
        match text {
            "" => format!("a value is missing in the {}", self.field),
            "h" | "r" => format!("`{text}` in the {} would be a hashed or random value, which Airflow has not got either", self.field),
            _ => format!("`{text}` is no {}; it is a number from {min} to {max}{names}", self.field),
        }
    }

    /// Lists everything: the same as `*`.
    pub fn collapse(&mut self) {
        let (min, max) = self.field.range();
        if self.values.len() == usize::from(max - min) + 1 {
            self.any = true;
        }
    }

    /// Whether every value matches.
    pub fn is_any(&self) -> bool {
        self.any
    }

    /// Whether the text has a `*` anywhere.
    pub fn has_star(&self) -> bool {
        self.star
    }

    /// The plain values, ascending; of a `*` all.
    pub fn values(&self) -> impl Iterator<Item = u16> {
        let (min, max) = self.field.range();
        (min..=max).filter(|value| self.any || self.values.contains(value))
    }

    /// Whether the last day of the month matches.
    pub fn has_last(&self) -> bool {
        self.last
    }

    /// The day of a `15W`.
    pub fn nearest(&self) -> Option<u16> {
        self.nearest
    }

    /// The weekdays that are counted within the month.
    pub fn counted(&self) -> impl Iterator<Item = (u16, Nth)> {
        self.nth.iter().flat_map(|(day, which)| which.iter().map(|nth| (*day, *nth)))
    }
}

/// croniter's range over the end of its field. Where the step jumps over the end it restarts at
/// `min + step - (max - last)`, one later than the plain cycle would: `21-3/2` is 21, 23, 2.
fn wrapped(low: u16, high: u16, (min, max): (u16, u16), step: u16) -> Vec<u16> {
    let mut values: Vec<u16> = (low..=max).step_by(step.into()).collect();
    let last = values.last().copied().unwrap_or(low);
    let left = max - last;
    let size = u32::from(max - min) + 1;
    let overshoots = u32::from(last - min) + u32::from(step) > size && left < step;
    let restart = if overshoots { min.saturating_add(step - left) } else { min };
    values.extend((restart..=high).step_by(step.into()));
    values
}

/// `1,2,3,5` as `1-3`, `5`.
fn runs(values: &BTreeSet<u16>) -> Vec<String> {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for &value in values {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == value => *end = value,
            _ => runs.push((value, value)),
        }
    }
    runs.into_iter().map(|(start, end)| if start == end { start.to_string() } else { format!("{start}-{end}") }).collect()
}

impl fmt::Display for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.any {
            return f.write_str("*");
        }
        // Only where croner reads a step as croniter does, and tells it to the reader.
        let stepped = matches!(self.field, Field::Second | Field::Minute | Field::Hour | Field::Month);
        if let Some(step) = self.step.filter(|_| stepped && self.values.len() > 1) {
            return write!(f, "*/{step}");
        }
        let mut items = runs(&self.values);
        items.extend(self.last.then(|| "L".to_owned()));
        items.extend(self.nearest.map(|day| format!("{day}W")));
        items.extend(self.counted().map(|(day, nth)| match nth {
            Nth::Number(n) => format!("{day}#{n}"),
            Nth::Last => format!("{day}#L"),
        }));
        f.write_str(&items.join(","))
    }
}

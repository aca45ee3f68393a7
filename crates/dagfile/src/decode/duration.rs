//! Durations: `90s`, `1h30m`, `1d`, ISO 8601 (`PT1M`, `P1DT2H`), or seconds as a number.

use jiff::SignedDuration;

use super::{Cx, is_plain, scalar};
use crate::yaml::Node;

/// A hundred years: longer ones are typing mistakes, and sums of shorter ones never overflow.
const LONGEST: SignedDuration = SignedDuration::from_hours(100 * 365 * 24);

const FORMS: &str = "write it as 90s, 2h, 1h30m, 1d, PT1M, or as a number of seconds";

/// A duration from zero.
pub(super) fn duration(cx: &mut Cx<'_>, node: &Node<'_>, what: &str) -> Option<SignedDuration> {
    let value = signed(cx, node, what)?;
    if value.is_negative() {
        cx.sink.error(node.span, format!("`{what}` must not be negative"));
        return None;
    }
    Some(value)
}

/// A duration above zero.
pub(super) fn positive(cx: &mut Cx<'_>, node: &Node<'_>, what: &str) -> Option<SignedDuration> {
    let value = duration(cx, node, what)?;
    if value.is_zero() {
        cx.sink.error(node.span, format!("`{what}` must be longer than zero"));
        return None;
    }
    Some(value)
}

/// A duration that may be negative.
pub(super) fn signed(cx: &mut Cx<'_>, node: &Node<'_>, what: &str) -> Option<SignedDuration> {
    let Some(found) = node.as_scalar().filter(|s| !s.is_null()) else {
        cx.wrong_type_with_help(node, what, "a duration", Some(FORMS.to_owned()));
        return None;
    };
    let value = if is_plain(found) { seconds(&found.text).or_else(|| parse(&found.text)) } else { parse(&found.text) };
    match value {
        Some(value) if value.abs() <= LONGEST => return Some(value),
        Some(_) => cx.sink.error(node.span, format!("`{what}` is longer than a hundred years")),
        None => {
            let text = scalar::text(cx, node, what)?;
            cx.sink.error_with_help(node.span, format!("`{what}`: \"{text}\" is not a duration"), FORMS);
        }
    }
    None
}

fn seconds(text: &str) -> Option<SignedDuration> {
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = number.starts_with(|c: char| c.is_ascii_digit()) && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    if !is_number {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    // Whole microseconds, as everywhere.
    SignedDuration::try_from_secs_f64((seconds * 1e6).round() / 1e6).ok()
}

/// The textual forms, without plain numbers.
pub(super) fn parse(text: &str) -> Option<SignedDuration> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let value = text.strip_prefix(['P', 'p']).map_or_else(|| friendly(text), iso)?;
    if negative { value.checked_neg() } else { Some(value) }
}

fn friendly(text: &str) -> Option<SignedDuration> {
    const UNITS: &[(&str, u64)] = &[
        ("ms", 1_000),
        ("s", SECOND),
        ("sec", SECOND),
        ("m", 60 * SECOND),
        ("min", 60 * SECOND),
        ("h", 3_600 * SECOND),
        ("d", 86_400 * SECOND),
        ("w", 604_800 * SECOND),
    ];
    sum(text, UNITS)
}

fn iso(text: &str) -> Option<SignedDuration> {
    const DATE: &[(&str, u64)] = &[("w", 604_800 * SECOND), ("d", 86_400 * SECOND)];
    const TIME: &[(&str, u64)] = &[("h", 3_600 * SECOND), ("m", 60 * SECOND), ("s", SECOND)];
    let lower = text.to_ascii_lowercase();
    match lower.split_once('t') {
        None => sum(&lower, DATE),
        Some(("", time)) => sum(time, TIME),
        Some((date, time)) => sum(date, DATE)?.checked_add(sum(time, TIME)?),
    }
}

/// Microseconds.
const SECOND: u64 = 1_000_000;

/// Numbers, each with its unit (in microseconds): at least one.
fn sum(text: &str, units: &[(&str, u64)]) -> Option<SignedDuration> {
    let mut rest = text.trim();
    let mut micros: f64 = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let after = rest[digits..].trim_start();
        let unit_len = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit = after[..unit_len].to_ascii_lowercase();
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        #[allow(clippy::cast_precision_loss)] // Units are far below 2^53.
        let factor = *factor as f64;
        micros += number * factor;
        rest = after[unit_len..].trim_start();
    }
    SignedDuration::try_from_secs_f64(micros.round() / 1e6).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_read() {
        let secs = |text: &str| parse(text).or_else(|| seconds(text)).map(|d| d.as_secs_f64());
        let cases = [
            ("90s", Some(90.0)),
            ("1h30m", Some(5_400.0)),
            ("1h 30m", Some(5_400.0)),
            ("1.5h", Some(5_400.0)),
            ("500ms", Some(0.5)),
            ("1d", Some(86_400.0)),
            ("1w", Some(604_800.0)),
            ("PT1M", Some(60.0)),
            ("P1DT2H", Some(93_600.0)),
            ("PT0.5S", Some(0.5)),
            ("-2h", Some(-7_200.0)),
            ("90", Some(90.0)),
            ("0.25", Some(0.25)),
            ("", None),
            ("P", None),
            ("PT", None),
            ("h", None),
            ("1x", None),
            ("1h30", None),
            ("1 30", None),
            ("1..5h", None),
            ("0 6 * * *", None),
            ("P1Y", None),
        ];
        for (text, expected) in cases {
            assert_eq!(secs(text), expected, "{text}");
        }
    }
}

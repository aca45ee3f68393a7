//! `schedule:`: a cron expression, several, a preset, a duration, or a mapping that says more.

use updraft_model::Schedule;
use updraft_timetable::{Preset, parse_preset};

use super::{Cx, closest, date, duration, entries, scalar};
use crate::yaml::{Mapping, Node, Value};

/// Each of them is looked at for every next run.
const MAX_CRONS: usize = 100;

const SCHEDULE_KEYS: &[&str] = &["cron", "every", "timezone", "data_interval"];

/// `timezone` is the DAG's.
pub(super) fn schedule(cx: &mut Cx<'_>, node: &Node<'_>, timezone: &str) -> Option<Schedule> {
    match &node.value {
        _ if node.is_null() => Some(Schedule::Never),
        Value::Scalar(_) => single(cx, node, timezone),
        Value::Sequence(_) => crons(cx, node, timezone.to_owned(), false),
        Value::Mapping(mapping) => detailed(cx, node, mapping, timezone),
    }
}

fn single(cx: &mut Cx<'_>, node: &Node<'_>, timezone: &str) -> Option<Schedule> {
    let text = scalar::text(cx, node, "schedule")?;
    if text.trim().eq_ignore_ascii_case("none") {
        cx.sink.error_with_help(node.span, format!("`schedule`: \"{text}\" is a text"), "for a DAG that is only triggered write null");
        return None;
    }
    if text.trim_start().starts_with('@') {
        return preset(cx, node, &text, timezone);
    }
    if is_cron_like(&text) {
        return crons(cx, node, timezone.to_owned(), false);
    }
    if duration::parse(&text).is_none() && text.parse::<f64>().is_err() {
        let help =
            "write a cron expression (\"0 6 * * *\"), a preset (\"@daily\"), a duration (30m), or null for a DAG that is only triggered";
        cx.sink.error_with_help(node.span, format!("`schedule`: \"{}\" is neither cron nor duration", text.escape_debug()), help);
        return None;
    }
    Some(Schedule::Delta { every: duration::positive(cx, node, "schedule")?, data_interval: false })
}

/// Several words: cron says what is wrong with it better than anybody.
fn is_cron_like(text: &str) -> bool {
    text.split_whitespace().count() >= 3 || text.contains('*')
}

fn preset(cx: &mut Cx<'_>, node: &Node<'_>, text: &str, timezone: &str) -> Option<Schedule> {
    let schedule = match parse_preset(text) {
        Some(Preset::Once) => Schedule::Once,
        Some(Preset::Continuous) => Schedule::Continuous,
        Some(Preset::Cron(cron)) => {
            cx.outline.crons.push(node.span);
            Schedule::Cron { expressions: vec![cron.to_owned()], timezone: timezone.to_owned(), data_interval: false }
        }
        None => {
            let help = match closest(&text.to_lowercase(), Preset::names()) {
                Some(name) => format!("did you mean \"{name}\"?"),
                None => format!("one of {}", Preset::names().collect::<Vec<_>>().join(", ")),
            };
            cx.sink.error_with_help(node.span, format!("`schedule`: there is no preset \"{}\"", text.escape_debug()), help);
            return None;
        }
    };
    Some(schedule)
}

/// One expression or a list. Order and repetitions have no meaning, so they do not make a new version.
fn crons(cx: &mut Cx<'_>, node: &Node<'_>, timezone: String, data_interval: bool) -> Option<Schedule> {
    let errors = cx.sink.errors();
    let mut found = scalar::list(cx, node, |cx, item| {
        let text = scalar::text(cx, item, "cron")?;
        let words: Vec<&str> = text.split_whitespace().collect();
        match parse_preset(&text) {
            Some(Preset::Cron(cron)) => Some((cron.to_owned(), item.span)),
            Some(_) => {
                cx.sink.error(item.span, format!("\"{text}\" cannot be one of several cron expressions"));
                None
            }
            None => Some((words.join(" "), item.span)),
        }
    });
    if found.is_empty() {
        if cx.sink.errors() == errors {
            cx.sink.error_with_help(node.span, "`schedule` lists no cron expression", "for a DAG that is only triggered write null");
        }
        return None;
    }
    if found.len() > MAX_CRONS {
        cx.sink.error(node.span, format!("`schedule` lists {} cron expressions; at most {MAX_CRONS} are allowed", found.len()));
        return None;
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    let (expressions, spans) = found.into_iter().unzip();
    cx.outline.crons = spans;
    Some(Schedule::Cron { expressions, timezone, data_interval })
}

fn detailed(cx: &mut Cx<'_>, node: &Node<'_>, mapping: &Mapping<'_>, dag_timezone: &str) -> Option<Schedule> {
    let (mut timezone, mut data_interval, mut ok) = (dag_timezone.to_owned(), false, true);
    for entry in entries(mapping) {
        match &*entry.key.text {
            "cron" | "every" => {}
            "timezone" => match date::timezone(cx, &entry.value, "timezone") {
                Some((name, _)) => timezone = name,
                None => ok = false,
            },
            "data_interval" => match scalar::flag(cx, &entry.value, "data_interval") {
                Some(flag) => data_interval = flag,
                None => ok = false,
            },
            _ => {
                cx.unknown_key(mapping, entry, SCHEDULE_KEYS, "`schedule`");
                ok = false;
            }
        }
    }
    let schedule = match (mapping.get("cron"), mapping.get("every")) {
        (Some(cron), None) => {
            if cron.value.is_null() {
                cx.wrong_type(&cron.value, "cron", "a cron expression");
                return None;
            }
            crons(cx, &cron.value, timezone, data_interval)
        }
        (None, Some(every)) => {
            if let Some(entry) = mapping.get("timezone") {
                cx.sink.error(entry.key.span, "`timezone` has no meaning beside `every`: a duration is the same everywhere");
                ok = false;
            }
            let every = duration::positive(cx, &every.value, "every");
            every.map(|every| Schedule::Delta { every, data_interval })
        }
        (Some(_), Some(every)) => {
            cx.sink.error(every.key.span, "`schedule` has both `cron` and `every`");
            None
        }
        (None, None) => {
            if ok {
                cx.sink.error_with_help(
                    node.span,
                    "`schedule` has neither `cron` nor `every`",
                    "write {cron: \"0 6 * * *\"} or {every: 30m}",
                );
            }
            None
        }
    };
    schedule.filter(|_| ok)
}

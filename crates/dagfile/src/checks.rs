//! What is only known when the whole DAG is: the graph, the timetable, and what templates may name.
//! The rules themselves belong to [`crate::graph`], `updraft-timetable` and `updraft-template`; here
//! their findings get a place in the file.

use updraft_model::{Dag, Schedule, TriggerRule};
use updraft_timetable::TimetableError;

use std::collections::BTreeSet;

use updraft_template::Kind;

use crate::{
    decode::{Cx, TemplateKind},
    graph,
    yaml::position_in_source,
};

/// `errors` is how many there were before the DAG was decoded.
pub(crate) fn check(cx: &mut Cx<'_>, dag: &Dag, errors: usize) {
    let is_decoded = cx.sink.errors() == errors;
    graph::check(&mut cx.sink, &cx.outline);
    fail_fast(cx, dag);
    dates(cx, dag);
    templates(cx);
    timetable(cx, dag, is_decoded);
}

/// Airflow's `FailFastDagInvalidTriggerRule`: skipping everything would trip other rules.
fn fail_fast(cx: &mut Cx<'_>, dag: &Dag) {
    if !dag.fail_fast {
        return;
    }
    for (id, task) in &dag.tasks {
        if matches!(task.trigger_rule, TriggerRule::AllSuccess | TriggerRule::AllDoneSetupSuccess) {
            continue;
        }
        let Some(span) = cx.outline.tasks.get(id).map(|outline| outline.trigger_rule.unwrap_or(outline.id)) else { continue };
        let message = format!("`fail_fast` allows only the trigger rule all_success, but task `{id}` has {}", task.trigger_rule.as_str());
        cx.sink.error(span, message);
    }
}

fn dates(cx: &mut Cx<'_>, dag: &Dag) {
    if let Some((start, end)) = dag.start_date.zip(dag.end_date).filter(|(start, end)| start > end)
        && let Some(span) = cx.outline.fields.get("end_date").or_else(|| cx.outline.fields.get("default_args"))
    {
        cx.sink.error(*span, format!("the DAG ends ({end}) before it starts ({start})"));
    }
}

/// The longest template, in bytes. Linux takes no longer argument (`MAX_ARG_STRLEN`), so no longer
/// script could be handed to `bash -c`; and the time to find all that is wrong in one is bounded.
const MAX_TEMPLATE: usize = 128 << 10;

/// Syntax, unknown names and params, and places in a script where a shell can't take data.
fn templates(cx: &mut Cx<'_>) {
    let params: BTreeSet<String> = cx.outline.params.keys().cloned().collect();
    for site in std::mem::take(&mut cx.templates) {
        if site.scalar.text.len() > MAX_TEMPLATE {
            let message = format!("this template is {} bytes long; at most {MAX_TEMPLATE} are allowed", site.scalar.text.len());
            cx.sink.error_with_help(site.span, message, "put the script into a file beside this one and call that");
            continue;
        }
        let kind = match site.kind {
            TemplateKind::Text => Kind::Text,
            TemplateKind::Bash => Kind::Bash,
            TemplateKind::Expression => Kind::Expression,
        };
        for problem in updraft_template::check(&site.scalar.text, kind, &params) {
            // Each place is searched for from the start of its scalar.
            if cx.sink.is_full() {
                return;
            }
            let place = position_in_source(cx.sink.source().text(), site.span, &site.scalar, problem.range);
            match problem.help {
                Some(help) => cx.sink.error_with_help(place, problem.message, help),
                None => cx.sink.error(place, problem.message),
            }
        }
    }
}

/// What could not be decoded counts as not given, and a rule over several fields would blame the
/// others for that; a bad expression is bad whatever stands beside it.
fn timetable(cx: &mut Cx<'_>, dag: &Dag, is_decoded: bool) {
    let is_sure = |problem: &TimetableError| is_decoded || matches!(problem, TimetableError::Cron(_) | TimetableError::NeverFires { .. });
    for problem in updraft_timetable::validate(dag).into_iter().filter(is_sure) {
        let place = match &problem {
            TimetableError::Cron(error) => cron_place(cx, dag, &error.expression),
            TimetableError::NeverFires { expression } => cron_place(cx, dag, expression),
            TimetableError::RequiredParam { param } => cx.outline.params.get(param).copied(),
            _ => None,
        };
        let keys = [problem.key(), "schedule", "tasks"];
        let place = place.or_else(|| keys.iter().find_map(|key| cx.outline.fields.get(key).copied()));
        let Some(place) = place else { continue };
        cx.sink.error(place, problem.to_string());
    }
}

/// Where an expression is written; spelled-out presets have no expression in the file.
fn cron_place(cx: &Cx<'_>, dag: &Dag, expression: &str) -> Option<crate::yaml::Span> {
    let Schedule::Cron { expressions, .. } = &dag.schedule else { return None };
    let at = expressions.iter().position(|e| e == expression)?;
    cx.outline.crons.get(at).copied()
}

//! The template engine's errors, in the words of this project and with help.

use minijinja::{Error, ErrorKind};

use crate::{
    Context, TemplateError,
    suggest::did_you_mean,
    value::{ATTRIBUTES, DATED, GLOBALS, instead_of},
};

/// `base` is where the parsed `source` starts inside `template`.
pub(crate) fn explain(error: &Error, template: &str, base: usize, context: &Context) -> TemplateError {
    let detail = error.detail().unwrap_or_default();
    let (message, help) = match undefined_name(detail) {
        Some(name) => explain_undefined(name, context),
        None => (message(error), general_help(error)),
    };
    TemplateError::at(template, base + offset(error, &template[base.min(template.len())..]), message, help)
}

/// The error's own words.
pub(crate) fn message(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::SyntaxError, Some(detail)) => format!("syntax error: {detail}"),
        (ErrorKind::OutOfFuel, _) => "the template takes too long or makes too much text".to_owned(),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    }
}

pub(crate) fn general_help(error: &Error) -> Option<String> {
    Some(match error.kind() {
        ErrorKind::OutOfFuel => "is there a loop over something large?".to_owned(),
        ErrorKind::SyntaxError if error.detail().is_some_and(|d| d.contains("unknown statement")) => {
            "templates have if, for, set, with, macro, call, filter, raw and do; no include or extends".to_owned()
        }
        ErrorKind::UnknownFilter => {
            "see Jinja's list of filters; Airflow adds ds, ds_nodash, ts, ts_nodash and ts_nodash_with_tz".to_owned()
        }
        _ => return None,
    })
}

/// Where the error is, in bytes of the parsed source; the start of its line if no more is known.
pub(crate) fn offset(error: &Error, source: &str) -> usize {
    error.range().map(|range| range.start).unwrap_or_else(|| {
        let line = error.line().unwrap_or(1).saturating_sub(1);
        source.split_inclusive('\n').take(line).map(str::len).sum()
    })
}

/// The engine writes `` `params.x` is undefined `` into the detail.
fn undefined_name(detail: &str) -> Option<&str> {
    let end = detail.find("` is undefined")?;
    let start = detail[..end].rfind('`')? + 1;
    Some(&detail[start..end])
}

fn explain_undefined(name: &str, context: &Context) -> (String, Option<String>) {
    if DATED.contains(&name) {
        return absent_date(name, context);
    }
    let message = format!("\"{name}\" is undefined");
    let Some((parent, child)) = name.rsplit_once('.') else {
        return (message, name_help(name));
    };
    let help = match parent {
        "params" => did_you_mean(child, context.params.keys().map(String::as_str))
            .or_else(|| Some("neither the DAG nor the run's conf has any params".to_owned())),
        "var.value" | "var.json" => {
            return (
                format!("the variable \"{child}\" does not exist"),
                Some(format!("create it, or give a default: {parent}.get(\"{child}\", \"...\")")),
            );
        }
        "conn" => return (format!("the connection \"{child}\" does not exist"), Some("create it first".to_owned())),
        "dag_run.conf" => Some(format!("the run was triggered without it; give a default: dag_run.conf.get(\"{child}\", \"...\")")),
        _ => attribute_help(parent, child),
    };
    (message, help)
}

fn absent_date(name: &str, context: &Context) -> (String, Option<String>) {
    if context.logical_date.is_some() {
        return (format!("\"{name}\" is undefined: the run has no data interval"), Some("use logical_date or run_after".to_owned()));
    }
    let replacement = match name {
        "ds" | "ds_nodash" | "ts" | "ts_nodash" | "ts_nodash_with_tz" => format!("run_after | {name}"),
        _ => "run_after".to_owned(),
    };
    (
        format!("\"{name}\" is undefined: the run was triggered without a logical date"),
        Some(format!("use {{{{ {replacement} }}}}, which every run has, or trigger the run with a logical date")),
    )
}

/// Help for a name that the context doesn't have.
pub(crate) fn name_help(name: &str) -> Option<String> {
    instead_of(name).map(str::to_owned).or_else(|| crate::suggest::closest(name, GLOBALS).map(|close| format!("did you mean \"{close}\"?")))
}

/// Help for an attribute that an object of the context doesn't have.
pub(crate) fn attribute_help(parent: &str, child: &str) -> Option<String> {
    let (_, attributes) = ATTRIBUTES.iter().find(|(object, _)| *object == parent)?;
    instead_of(child).map(str::to_owned).or_else(|| did_you_mean(child, attributes.iter().copied()))
}

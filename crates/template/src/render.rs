//! Rendering of texts, of values with texts inside, and of expressions.

use std::sync::Arc;

use minijinja::Value as Dynamic;
use serde_json::Value;

use crate::{
    Context, Facts, RenderError, TemplateError,
    environment::MAX_OUTPUT,
    explain::explain,
    program::{Output, Program, is_template},
    value::{Root, Session, to_json},
};

/// Renders a text.
///
/// # Errors
/// [`RenderError::Needs`] if facts are missing, [`RenderError::Failed`] if the template is wrong.
pub fn render_text(template: &str, ctx: &Context, facts: &Facts) -> Result<String, RenderError> {
    if !is_template(template) {
        return Ok(template.to_owned());
    }
    text_in(template, &Session::new(ctx, facts))
}

fn text_in(template: &str, session: &Arc<Session>) -> Result<String, RenderError> {
    let run = || Program::template(template, Output::Text)?.run(root(session), |text, _, _| text);
    let text = settle(run(), session, template, 0)?;
    check_length(&text, template)?;
    Ok(text)
}

pub(crate) fn root(session: &Arc<Session>) -> Dynamic {
    Dynamic::from_object(Root(Arc::clone(session)))
}

/// The result, unless facts were missing: then what came out means nothing.
pub(crate) fn settle<T>(result: Result<T, minijinja::Error>, session: &Session, source: &str, base: usize) -> Result<T, RenderError> {
    let missing = session.take_missing();
    if !missing.is_empty() {
        return Err(RenderError::Needs(missing));
    }
    result.map_err(|error| explain(&error, source, base, &session.context).into())
}

pub(crate) fn check_length(text: &str, template: &str) -> Result<(), TemplateError> {
    if text.len() <= MAX_OUTPUT {
        return Ok(());
    }
    let message = format!("the rendered text has {} bytes; at most {MAX_OUTPUT} are allowed", text.len());
    Err(TemplateError::at(template, 0, message, Some("put large data into a file and pass its path".to_owned())))
}

/// Renders all texts inside `value`: items of lists and values of objects, not keys, as Airflow
/// does. A text stays a text, also if it is exactly one expression (Airflow's default).
///
/// # Errors
/// As [`render_text`]; the needs of all texts are reported together.
pub fn render_value(value: &Value, ctx: &Context, facts: &Facts) -> Result<Value, RenderError> {
    if !any_template(value) {
        return Ok(value.clone());
    }
    let session = Session::new(ctx, facts);
    let mut needs = std::collections::BTreeSet::new();
    let rendered = value_in(value, &session, &mut needs)?;
    if needs.is_empty() { Ok(rendered) } else { Err(RenderError::Needs(needs)) }
}

fn any_template(value: &Value) -> bool {
    match value {
        Value::String(text) => is_template(text),
        Value::Array(items) => items.iter().any(any_template),
        Value::Object(map) => map.values().any(any_template),
        _ => false,
    }
}

fn value_in(value: &Value, session: &Arc<Session>, needs: &mut std::collections::BTreeSet<crate::Need>) -> Result<Value, TemplateError> {
    Ok(match value {
        Value::String(text) if is_template(text) => match text_in(text, session) {
            Ok(text) => Value::String(text),
            Err(RenderError::Needs(more)) => {
                needs.extend(more);
                Value::Null
            }
            Err(RenderError::Failed(error)) => return Err(error),
        },
        Value::Array(items) => Value::Array(items.iter().map(|item| value_in(item, session, needs)).collect::<Result<_, _>>()?),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| Ok((k.clone(), value_in(v, session, needs)?))).collect::<Result<_, TemplateError>>()?)
        }
        scalar => scalar.clone(),
    })
}

/// The value of an expression: `params.n > 1`, `{{ params.n > 1 }}`, or, if there is more around
/// the braces, the rendered text. Dates become ISO 8601 text, none and undefined become null.
///
/// # Errors
/// As [`render_text`].
pub fn evaluate(expression: &str, ctx: &Context, facts: &Facts) -> Result<Value, RenderError> {
    let session = Session::new(ctx, facts);
    match as_expression(expression) {
        Some(range) => {
            let source = &expression[range.clone()];
            let run = || Program::expression(source)?.run(root(&session), |_, value, _| value.map_or(Value::Null, |v| to_json(&v)));
            settle(run(), &session, expression, range.start)
        }
        None => text_in(expression, &session).map(Value::String),
    }
}

/// Where the expression is, if `text` is one: all of it, or what is between its only braces.
pub(crate) fn as_expression(text: &str) -> Option<std::ops::Range<usize>> {
    if !is_template(text) {
        return Some(0..text.len());
    }
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix("{{")?.strip_suffix("}}")?;
    // `{{- x -}}`: whitespace control means nothing here.
    let without = inner.strip_prefix('-').unwrap_or(inner);
    let start = text.len() - text.trim_start().len() + 2 + (inner.len() - without.len());
    let without = without.strip_suffix('-').unwrap_or(without);
    // `{{ a }}{{ b }}` is text; a string literal with braces in it is not.
    let single = !is_template(without) && !without.contains("}}") || crate::program::parse_expression(without).is_ok();
    single.then(|| start..start + without.len())
}

/// Whether a value counts as true for `when`.
///
/// As in Python, with one addition: a text that spells falsehood (`false`, `no`, `off`, `0`,
/// `none`, `null`, whatever the case, with or without spaces around) is false, because params and
/// XComs often arrive as text.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(text) => {
            let text = text.trim().to_ascii_lowercase();
            !matches!(text.as_str(), "" | "false" | "no" | "off" | "0" | "none" | "null")
        }
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

//! Free-form values: YAML as JSON.

use serde_json::{Map, Number, Value as Json};

use super::{Cx, TemplateKind, is_plain};
use crate::yaml::{Node, Scalar, Value};

/// Whether texts inside are templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    Templated,
    Plain,
}

/// `node` as JSON, by YAML 1.2's core schema.
pub(super) fn json<'s>(cx: &mut Cx<'s>, node: &Node<'s>, texts: Texts) -> Json {
    match &node.value {
        Value::Sequence(items) => Json::Array(items.iter().map(|item| json(cx, item, texts)).collect()),
        Value::Mapping(mapping) => {
            let entries = mapping.entries.iter().map(|e| (e.key.text.clone().into_owned(), json(cx, &e.value, texts)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        Value::Scalar(scalar) => {
            let value = from_scalar(scalar);
            if texts == Texts::Templated && value.is_string() {
                cx.template(TemplateKind::Text, node);
            }
            warn_of_lost_text(cx, node, scalar, &value);
            value
        }
    }
}

/// Null, boolean, number or text. Numbers that JSON can't say (`.inf`) and numbers with a zero in
/// front (`007` is a code, not a quantity) are texts.
fn from_scalar(scalar: &Scalar<'_>) -> Json {
    if !is_plain(scalar) {
        return Json::String(scalar.text.clone().into_owned());
    }
    if scalar.is_null() {
        return Json::Null;
    }
    scalar
        .as_bool()
        .map(Json::Bool)
        .or_else(|| number(&scalar.text).map(Json::Number))
        .unwrap_or_else(|| Json::String(scalar.text.clone().into_owned()))
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    let looks_like_one = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    let zero_in_front = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if !looks_like_one || zero_in_front {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Number::from(whole));
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(Number::from(whole));
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

/// `1.10` as a number is 1.1: rarely what the author of a version number meant.
fn warn_of_lost_text(cx: &mut Cx<'_>, node: &Node<'_>, scalar: &Scalar<'_>, value: &Json) {
    let Json::Number(number) = value else { return };
    let text = &*scalar.text;
    let is_version_like = text.contains('.') && text.ends_with('0') && !text.ends_with(".0") && !text.contains(['e', 'E']);
    if is_version_like && number.is_f64() {
        cx.sink.warning(
            node.span,
            format!("`{text}` is the number {number} here"),
            format!("put it into quotes to keep it as a text: \"{text}\""),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Style;
    use serde_json::json;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let of = |text: &str| from_scalar(&Scalar { text: text.into(), style: Style::Plain });
        assert_eq!(of("5"), json!(5));
        assert_eq!(of("-5"), json!(-5));
        assert_eq!(of("+5"), json!(5));
        assert_eq!(of("1.5"), json!(1.5));
        assert_eq!(of("1e3"), json!(1000.0));
        assert_eq!(of("0x1F"), json!(31));
        assert_eq!(of("18446744073709551615"), json!(u64::MAX));
        assert_eq!(of("true"), json!(true));
        assert_eq!(of("~"), json!(null));
        for text in ["007", "yes", "1.2.3", "2026-01-01", ".inf", "-", ".", "1-2", "0x", "e5"] {
            assert_eq!(of(text), json!(text));
        }
        assert_eq!(from_scalar(&Scalar { text: "5".into(), style: Style::Quoted }), json!("5"));
    }
}

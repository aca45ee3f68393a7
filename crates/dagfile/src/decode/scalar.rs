//! Texts, numbers, booleans, words of a fixed set, identifiers, and lists of them.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use super::{Cx, TemplateKind, closest, is_plain};
use crate::yaml::{Node, Scalar, Style, Value};

/// A text: any scalar but null, as the file spells it.
pub(super) fn text(cx: &mut Cx<'_>, node: &Node<'_>, what: &str) -> Option<String> {
    match node.as_scalar() {
        Some(scalar) if !scalar.is_null() => Some(scalar.text.clone().into_owned()),
        _ => {
            cx.wrong_type(node, what, "a text");
            None
        }
    }
}

/// A templated text.
pub(super) fn template<'s>(cx: &mut Cx<'s>, node: &Node<'s>, what: &str, kind: TemplateKind) -> Option<String> {
    let text = text(cx, node, what)?;
    if text.trim().is_empty() {
        cx.sink.error(node.span, format!("`{what}` is empty"));
        return None;
    }
    cx.template(kind, node);
    Some(text)
}

/// `true` or `false`.
pub(super) fn flag(cx: &mut Cx<'_>, node: &Node<'_>, what: &str) -> Option<bool> {
    let value = node.as_scalar().and_then(Scalar::as_bool);
    if value.is_none() {
        let help = node.as_scalar().and_then(|scalar| match &*scalar.text.to_lowercase() {
            "yes" | "on" | "1" | "true" => Some("write true".to_owned()),
            "no" | "off" | "0" | "false" => Some("write false".to_owned()),
            _ => None,
        });
        cx.wrong_type_with_help(node, what, "true or false", help);
    }
    value
}

/// A whole number in `range`.
pub(super) fn whole<T: TryFrom<i64>>(cx: &mut Cx<'_>, node: &Node<'_>, what: &str, range: RangeInclusive<i64>) -> Option<T> {
    let Some(number) = node.as_scalar().filter(|s| is_plain(s)).and_then(|s| s.text.parse::<i64>().ok()) else {
        let quoted = node.as_scalar().is_some_and(|s| s.style == Style::Quoted && s.text.parse::<i64>().is_ok());
        cx.wrong_type_with_help(node, what, "a whole number", quoted.then(|| "remove the quotes".to_owned()));
        return None;
    };
    let value = range.contains(&number).then(|| T::try_from(number).ok()).flatten();
    if value.is_none() {
        let (least, most) = range.into_inner();
        let allowed =
            if most == i64::from(MOST) { format!("at least {least}, and at most a million") } else { format!("from {least} to {most}") };
        cx.sink.error(node.span, format!("`{what}` must be {allowed}, not {number}"));
    }
    value
}

/// More than anybody needs, and sums of it fit into every column.
const MOST: u32 = 1_000_000;

/// A count: a whole number from `least` to a million.
pub(super) fn count(cx: &mut Cx<'_>, node: &Node<'_>, what: &str, least: u32) -> Option<u32> {
    whole(cx, node, what, i64::from(least)..=i64::from(MOST))
}

/// An identifier; its type says what is allowed.
pub(super) fn id<T>(cx: &mut Cx<'_>, node: &Node<'_>, what: &str) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    let text = text(cx, node, what)?;
    match text.parse() {
        Ok(id) => Some(id),
        Err(error) => {
            cx.sink.error(node.span, format!("{error}"));
            None
        }
    }
}

/// One word of a fixed set.
pub(super) fn word<T: Copy>(cx: &mut Cx<'_>, node: &Node<'_>, what: &str, words: &[(&str, T)]) -> Option<T> {
    let text = text(cx, node, what)?;
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let all = words.iter().map(|(word, _)| *word);
        let help = match closest(&text.to_lowercase(), all.clone()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("one of {}", all.collect::<Vec<_>>().join(", ")),
        };
        cx.sink.error_with_help(node.span, format!("`{text}` is no {what}"), help);
    }
    found
}

/// A list, or a single item without brackets, or null for none. Items that are wrong are left out.
pub(super) fn list<'c, 's, T>(cx: &mut Cx<'c>, node: &Node<'s>, mut item: impl FnMut(&mut Cx<'c>, &Node<'s>) -> Option<T>) -> Vec<T> {
    match &node.value {
        Value::Sequence(items) => items.iter().filter_map(|node| item(cx, node)).collect(),
        _ if node.is_null() => Vec::new(),
        _ => item(cx, node).into_iter().collect(),
    }
}

//! `http:`, as a task and inside a sensor.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use updraft_model::HttpRequest;

use super::{
    Cx, TemplateKind, duration, entries,
    json::{Texts, json},
    scalar, set,
};
use crate::yaml::{Node, Value};

pub(crate) const HTTP_KEYS: &[&str] = &["url", "method", "headers", "body", "expected_status", "timeout"];

pub(crate) const METHODS: &[(&str, &str)] =
    &[("GET", "GET"), ("POST", "POST"), ("PUT", "PUT"), ("PATCH", "PATCH"), ("DELETE", "DELETE"), ("HEAD", "HEAD"), ("OPTIONS", "OPTIONS")];

/// How long a request waits for its answer if the file does not say.
pub(crate) const DEFAULT_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// A URL, or a mapping with everything.
pub(super) fn http<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<HttpRequest> {
    let mut request = HttpRequest {
        url: String::new(),
        method: "GET".to_owned(),
        headers: BTreeMap::new(),
        body: None,
        expected_status: Vec::new(),
        timeout: DEFAULT_TIMEOUT,
    };
    if matches!(node.value, Value::Scalar(_)) {
        request.url = url(cx, node)?;
        return Some(request);
    }
    let mapping = cx.mapping(node, "http")?;
    if mapping.get("url").is_none() {
        cx.sink.error_with_help(node.span, "`http` needs a `url`", "http: {url: \"http://localhost:8000/health\"}");
    }
    for entry in entries(mapping) {
        let value = &entry.value;
        match &*entry.key.text {
            "url" => set(&mut request.url, url(cx, value)),
            "method" => set(&mut request.method, method(cx, value)),
            "headers" => set(&mut request.headers, text_map(cx, value, "headers")),
            "body" => request.body = (!value.is_null()).then(|| json(cx, value, Texts::Templated)),
            "expected_status" => {
                request.expected_status = scalar::list(cx, value, |cx, item| scalar::whole(cx, item, "expected_status", 100..=599));
                request.expected_status.sort_unstable();
                request.expected_status.dedup();
            }
            "timeout" => set(&mut request.timeout, duration::positive(cx, value, "timeout")),
            _ => cx.unknown_key(mapping, entry, HTTP_KEYS, "`http`"),
        }
    }
    Some(request)
}

fn method(cx: &mut Cx<'_>, node: &Node<'_>) -> Option<String> {
    let text = scalar::text(cx, node, "method")?.to_uppercase();
    if let Some((name, _)) = METHODS.iter().find(|(name, _)| *name == text) {
        return Some((*name).to_owned());
    }
    scalar::word(cx, node, "HTTP method", METHODS).map(str::to_owned)
}

fn url<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<String> {
    let url = scalar::template(cx, node, "url", TemplateKind::Text)?;
    if !url.contains("{{") && !url.starts_with("http://") && !url.starts_with("https://") {
        cx.sink.error(node.span, format!("`url`: \"{}\" starts with neither http:// nor https://", url.escape_debug()));
        return None;
    }
    Some(url)
}

/// Names and templated texts, which keep the spelling of the file.
pub(super) fn text_map<'s>(cx: &mut Cx<'s>, node: &Node<'s>, what: &str) -> Option<BTreeMap<String, String>> {
    if node.is_null() {
        return Some(BTreeMap::new());
    }
    let mapping = cx.mapping(node, what)?;
    let mut texts = BTreeMap::new();
    for entry in &mapping.entries {
        // `NAME:` with nothing behind it is the empty text, as in a shell.
        let text = if entry.value.is_null() && entry.value.span.is_empty() {
            Some(String::new())
        } else {
            scalar::text(cx, &entry.value, &entry.key.text)
        };
        cx.template(TemplateKind::Text, &entry.value);
        if let Some(text) = text {
            texts.insert(entry.key.text.clone().into_owned(), text);
        }
    }
    Some(texts)
}

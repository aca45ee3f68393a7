//! `params:`: values a run is triggered with. A mapping is a JSON Schema with a default, anything
//! else is a default that any value may replace (Airflow's `Param`).

use serde_json::{Map, Value as Json};
use updraft_model::{Param, Params};

use super::{
    Cx, closest, entries,
    json::{Texts, json},
    scalar,
};
use crate::yaml::{Mapping, Node, Value};

/// Keywords of JSON Schema 2020-12 that make sense for one value, and what Airflow's form reads.
/// References are left out: they could make the check of a value endless.
pub(crate) const SCHEMA_KEYWORDS: &[&str] = &[
    "type",
    "default",
    "description",
    "title",
    "format",
    "enum",
    "const",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "items",
    "prefixItems",
    "contains",
    "minContains",
    "maxContains",
    "minItems",
    "maxItems",
    "uniqueItems",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
    "section",
    "values_display",
    "description_md",
    "custom_html_form",
];

const TYPES: &[(&str, ())] =
    &[("string", ()), ("number", ()), ("integer", ()), ("boolean", ()), ("array", ()), ("object", ()), ("null", ())];

pub(super) fn params<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<Params> {
    if node.is_null() {
        return Some(Params::new());
    }
    let mapping = cx.mapping(node, "params")?;
    let mut params = Params::new();
    for entry in &mapping.entries {
        let name = entry.key.text.clone().into_owned();
        if name.trim().is_empty() {
            cx.sink.error(entry.key.span, "a param needs a name");
            continue;
        }
        cx.outline.params.insert(name.clone(), entry.key.span);
        if let Some(param) = param(cx, &name, &entry.value) {
            params.insert(name, param);
        }
    }
    Some(params)
}

fn param<'s>(cx: &mut Cx<'s>, name: &str, node: &Node<'s>) -> Option<Param> {
    let Value::Mapping(mapping) = &node.value else {
        return Some(Param { default: Some(json(cx, node, Texts::Plain)), description: None, schema: Json::Object(Map::new()) });
    };
    let (mut default, mut description, mut schema, mut ok) = (None, None, Map::new(), true);
    for entry in entries(mapping) {
        match &*entry.key.text {
            "default" => default = Some(json(cx, &entry.value, Texts::Plain)),
            "description" => description = scalar::text(cx, &entry.value, "description"),
            "type" => {
                let types = scalar::list(cx, &entry.value, |cx, item| scalar::word(cx, item, "JSON type", TYPES));
                ok &= !types.is_empty();
                schema.insert("type".to_owned(), json(cx, &entry.value, Texts::Plain));
            }
            keyword if SCHEMA_KEYWORDS.contains(&keyword) => {
                let value = json(cx, &entry.value, Texts::Plain);
                ok &= has_no_reference(cx, &value, &entry.value);
                schema.insert(keyword.to_owned(), value);
            }
            unknown => {
                unknown_keyword(cx, name, unknown, mapping, entry);
                ok = false;
            }
        }
    }
    let schema = Json::Object(schema);
    (ok && is_valid(cx, name, node, mapping, &schema, default.as_ref())).then_some(Param { default, description, schema })
}

fn unknown_keyword(cx: &mut Cx<'_>, name: &str, keyword: &str, mapping: &Mapping<'_>, entry: &crate::yaml::Entry<'_>) {
    if closest(keyword, SCHEMA_KEYWORDS.iter().copied()).is_some()
        || mapping.entries.iter().any(|e| SCHEMA_KEYWORDS.contains(&&*e.key.text))
    {
        cx.unknown_key(mapping, entry, SCHEMA_KEYWORDS, &format!("param `{name}`"));
    } else {
        let help = "a mapping says what values are allowed; for a mapping as the value itself write {type: object, default: {...}}";
        cx.sink.error_with_help(
            entry.key.span,
            format!("`{}` in param `{name}` is no keyword of JSON Schema", keyword.escape_debug()),
            help,
        );
    }
}

/// A reference to itself would make the check of a value endless.
fn has_no_reference(cx: &mut Cx<'_>, value: &Json, node: &Node<'_>) -> bool {
    let found = match value {
        Json::Object(map) => ["$ref", "$dynamicRef", "$recursiveRef", "$id", "$schema"].iter().find(|key| map.contains_key(**key)).copied(),
        _ => None,
    };
    if let Some(key) = found {
        cx.sink.error_with_help(node.span, format!("`{key}` is not supported in params"), "write out what it stands for");
        return false;
    }
    match value {
        Json::Object(map) => map.values().all(|value| has_no_reference(cx, value, node)),
        Json::Array(items) => items.iter().all(|value| has_no_reference(cx, value, node)),
        _ => true,
    }
}

/// Airflow checks this at import too: the schema is one, and the default satisfies it.
fn is_valid(cx: &mut Cx<'_>, name: &str, node: &Node<'_>, mapping: &Mapping<'_>, schema: &Json, default: Option<&Json>) -> bool {
    let validator = match updraft_params::validator(schema) {
        Ok(validator) => validator,
        Err(error) => {
            let place = error.instance_path().to_string();
            let keyword = place.trim_start_matches('/').split('/').next().unwrap_or_default();
            let span = mapping.get(keyword).map_or(node.span, |entry| entry.value.span);
            cx.sink.error_with_help(
                span,
                format!("param `{name}` is no valid JSON Schema: {error}"),
                "see json-schema.org for its keywords",
            );
            return false;
        }
    };
    let Some((default, entry)) = default.zip(mapping.get("default")) else { return true };
    match validator.validate(default) {
        Ok(()) => true,
        Err(error) => {
            cx.sink.error(entry.value.span, format!("the default of param `{name}` breaks its own rule: {error}"));
            false
        }
    }
}

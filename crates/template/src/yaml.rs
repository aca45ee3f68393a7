//! JSON values as YAML: block style, and quotes wherever a reader could take a text for something else.
//!
//! PyYAML reads them as it reads what its own `safe_dump` writes, which has fewer quotes, and breaks long lines.

use serde_json::Value;

/// A document without markers; ends with a newline.
pub fn yaml_document(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => entries(&mut out, map, 0),
        Value::Array(list) if !list.is_empty() => items(&mut out, list, 0),
        scalar => {
            out.push_str(&inline(scalar));
            out.push('\n');
        }
    }
    out
}

fn entries(out: &mut String, map: &serde_json::Map<String, Value>, indent: usize) {
    for (at, (key, value)) in map.iter().enumerate() {
        // The first entry of a map in a list stands behind the dash.
        if at > 0 || !out.ends_with("- ") {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&text(key));
        out.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                entries(out, inner, indent + 2);
            }
            Value::Array(inner) if !inner.is_empty() => {
                out.push('\n');
                items(out, inner, indent);
            }
            scalar => {
                out.push(' ');
                out.push_str(&inline(scalar));
                out.push('\n');
            }
        }
    }
}

fn items(out: &mut String, list: &[Value], indent: usize) {
    for value in list {
        if !out.ends_with("- ") {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str("- ");
        match value {
            Value::Object(inner) if !inner.is_empty() => entries(out, inner, indent + 2),
            Value::Array(inner) if !inner.is_empty() => items(out, inner, indent + 2),
            scalar => {
                out.push_str(&inline(scalar));
                out.push('\n');
            }
        }
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        // `null`, booleans, numbers, `{}` and `[]` are written as in JSON.
        other => other.to_string(),
    }
}

/// Bare if no YAML reader, of 1.1 or 1.2, can take it for anything but this text; else quoted as in
/// JSON, which YAML reads the same way.
fn text(string: &str) -> String {
    let bare_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let starts_well = string.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let reserved = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_bare = starts_well && string.chars().all(bare_char) && !reserved.iter().any(|word| string.eq_ignore_ascii_case(word));
    if is_bare { string.to_owned() } else { Value::from(string).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_written_in_block_style() {
        let value = json!([
            {"dag_id": "sales", "paused": false, "tags": ["a", "2026"], "next": {"run_after": "2026-01-01T00:00:00Z", "n": 1.5}},
            {"dag_id": "No", "tags": [], "conf": {}, "nested": [[1, 2], [{"a": null}]], "text": "two\nlines: # no"},
        ]);
        insta::assert_snapshot!(yaml_document(&value), @r#"
        - dag_id: sales
          paused: false
          tags:
          - a
          - "2026"
          next:
            run_after: "2026-01-01T00:00:00Z"
            "n": 1.5
        - dag_id: "No"
          tags: []
          conf: {}
          nested:
          - - 1
            - 2
          - - a: null
          text: "two\nlines: # no"
        "#);
        assert_eq!(yaml_document(&json!([])), "[]\n");
    }
}

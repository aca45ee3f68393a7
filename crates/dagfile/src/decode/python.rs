//! `python:`, also inside `branch` and `short_circuit`.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use updraft_model::{PythonCall, PythonCode};

use super::{
    Cx, entries,
    json::{Texts, json},
    scalar,
};
use crate::yaml::{Node, Value};

pub(super) const PYTHON_KEYS: &[&str] = &["call", "file", "code", "args", "interpreter"];

/// A text (`module:function`, `file.py` or code) or a mapping that says which.
pub(super) fn python<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<PythonCall> {
    if !matches!(node.value, Value::Mapping(_)) {
        let code = code_of(scalar::text(cx, node, "python")?);
        if matches!(&code, PythonCode::Inline(code) if code.trim().is_empty()) {
            cx.sink.error(node.span, "`python` is empty");
            return None;
        }
        return Some(PythonCall { code, args: BTreeMap::new(), interpreter: None });
    }
    let mapping = cx.mapping(node, "python")?;
    let (mut code, mut args, mut interpreter, mut complete) = (None, BTreeMap::new(), None, true);
    for entry in entries(mapping) {
        let value = &entry.value;
        let found = match &*entry.key.text {
            "call" => function(cx, value).map(PythonCode::Function),
            "file" => scalar::text(cx, value, "file").map(PythonCode::File),
            "code" => scalar::text(cx, value, "code").map(PythonCode::Inline),
            "args" => {
                args = arguments(cx, value)?;
                continue;
            }
            "interpreter" => {
                interpreter = scalar::text(cx, value, "interpreter");
                continue;
            }
            _ => {
                cx.unknown_key(mapping, entry, PYTHON_KEYS, "`python`");
                complete = false;
                continue;
            }
        };
        complete &= found.is_some();
        if code.is_some() {
            cx.sink.error(entry.key.span, "`python` has more than one of `call`, `file` and `code`");
        }
        code = code.or(found);
    }
    if code.is_none() && complete {
        let help = "name a function: call: \"module:function\"";
        cx.sink.error_with_help(node.span, "`python` has none of `call`, `file` and `code`", help);
    }
    Some(PythonCall { code: code?, args, interpreter })
}

/// What kind of code a single text is.
fn code_of(text: String) -> PythonCode {
    let one_word = text.trim();
    if is_function(one_word) {
        PythonCode::Function(one_word.to_owned())
    } else if one_word.ends_with(".py") && !one_word.contains(|c: char| c.is_whitespace() || "()\"'=;".contains(c)) {
        PythonCode::File(one_word.to_owned())
    } else {
        PythonCode::Inline(text)
    }
}

fn function(cx: &mut Cx<'_>, node: &Node<'_>) -> Option<String> {
    let text = scalar::text(cx, node, "call")?;
    if is_function(&text) {
        return Some(text);
    }
    let help = match text.rsplit_once('.') {
        Some((module, name)) if is_function(&format!("{module}:{name}")) => format!("write \"{module}:{name}\""),
        _ => "write \"package.module:function\"; code goes into `code`, a file into `file`".to_owned(),
    };
    cx.sink.error_with_help(node.span, format!("\"{}\" does not name a function", text.escape_debug()), help);
    None
}

/// `package.module:function` or `module:Class.method`.
fn is_function(text: &str) -> bool {
    let is_name =
        |name: &str| name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    text.split_once(':').is_some_and(|(module, name)| module.split('.').all(is_name) && name.split('.').all(is_name))
}

fn arguments<'s>(cx: &mut Cx<'s>, node: &Node<'s>) -> Option<BTreeMap<String, Json>> {
    if node.is_null() {
        return Some(BTreeMap::new());
    }
    let mapping = cx.mapping(node, "args")?;
    Some(mapping.entries.iter().map(|e| (e.key.text.clone().into_owned(), json(cx, &e.value, Texts::Templated))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_says_what_kind_of_code_it_is() {
        let of = |text: &str| code_of(text.to_owned());
        assert_eq!(of("checks.audit:main"), PythonCode::Function("checks.audit:main".into()));
        assert_eq!(of("scripts/load.py"), PythonCode::File("scripts/load.py".into()));
        assert_eq!(of("print(1)"), PythonCode::Inline("print(1)".into()));
        assert_eq!(of("import os\nprint(os.sep)\n"), PythonCode::Inline("import os\nprint(os.sep)\n".into()));
        assert_eq!(of("if x: pass"), PythonCode::Inline("if x: pass".into()));
        assert_eq!(of("run('a.py')"), PythonCode::Inline("run('a.py')".into()));
    }
}

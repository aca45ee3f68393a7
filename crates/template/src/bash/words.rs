//! `sh_split`: one value, several words.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind, Value,
    value::{Enumerator, Object, ObjectRepr, ValueKind},
};

/// Words that stay apart in a script.
#[derive(Debug)]
pub(crate) struct Words(pub Vec<String>);

impl Object for Words {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_usize()?).map(Value::from)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.len())
    }

    /// Outside `bash`, words are joined by spaces.
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// The filter: a list gives its items, a text is split as a shell would without expanding anything.
pub(crate) fn split(value: &Value) -> Result<Value, Error> {
    let words = match value.kind() {
        ValueKind::Undefined => return value.get_attr(""),
        ValueKind::Seq | ValueKind::Iterable => value.try_iter()?.map(|item| item.to_string()).collect(),
        ValueKind::None => Vec::new(),
        _ => split_text(&value.to_string()).ok_or_else(|| {
            Error::new(ErrorKind::InvalidOperation, "sh_split: a quotation mark is not closed, or a backslash ends the text")
        })?,
    };
    Ok(Value::from_object(Words(words)))
}

/// POSIX words: quotes and backslashes, nothing else. None if a quote is not closed.
fn split_text(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '\\' => match rest.next()? {
                            c @ ('"' | '\\' | '$' | '`') => word.push(c),
                            '\n' => {}
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(rest.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::split_text;

    #[test]
    fn words_are_split_as_a_shell_does() {
        let split = |text: &str| split_text(text).unwrap();
        assert_eq!(split("  a  b\tc\n"), ["a", "b", "c"]);
        assert_eq!(split(r#"-x 'a b' "c \" d" e\ f ''"#), ["-x", "a b", "c \" d", "e f", ""]);
        assert_eq!(split("$(rm) `x` *"), ["$(rm)", "`x`", "*"]);
        assert_eq!(split(""), Vec::<String>::new());
        assert_eq!(split_text("'open"), None);
        assert_eq!(split_text("end\\"), None);
    }
}

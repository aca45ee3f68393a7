//! A statement with its name and its arguments.

use std::fmt::Display;

use updraft_store::Pattern;
use uuid::Uuid;

use crate::{Cell, Dialect};

/// An argument: one value, or a list for [`Dialect::one_of`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Arg {
    One(Cell),
    Texts(Vec<String>),
    Ints(Vec<i64>),
    Uuids(Vec<Uuid>),
}

impl<T: Into<Cell>> From<T> for Arg {
    fn from(value: T) -> Self {
        Self::One(value.into())
    }
}

/// A statement, built piece by piece so that a placeholder and its argument are written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    name: &'static str,
    text: String,
    args: Vec<Arg>,
}

impl Query {
    /// An empty statement. Its name stands in a comment before it, where the database's own tools show it.
    pub fn new(name: &'static str) -> Self {
        Self { name, text: format!("-- {name}\n"), args: Vec::new() }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its text, with `$1`, `$2`, ...
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its arguments.
    pub fn args(&self) -> &[Arg] {
        &self.args
    }

    /// Appends text.
    pub fn sql(mut self, text: impl Display) -> Self {
        self.push(text);
        self
    }

    /// Appends a placeholder for `arg`.
    pub fn arg(mut self, arg: impl Into<Arg>) -> Self {
        let placeholder = self.placeholder(arg);
        self.sql(placeholder)
    }

    /// Appends text.
    pub fn push(&mut self, text: impl Display) {
        use std::fmt::Write;
        // Writing to a String does not fail.
        let _ = write!(self.text, "{text}");
    }

    /// A new argument: the placeholder to write for it.
    pub fn placeholder(&mut self, arg: impl Into<Arg>) -> String {
        self.args.push(arg.into());
        format!("${}", self.args.len())
    }
}

/// The conditions of a list, joined by AND.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    dialect: Dialect,
    query: Query,
    texts: Vec<String>,
}

impl Conditions {
    /// None yet. The arguments go to a query that is completed by [`Conditions::query`].
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, query: Query { name: "", text: String::new(), args: Vec::new() }, texts: Vec::new() }
    }

    /// A condition without arguments.
    pub(crate) fn plain(&mut self, condition: impl Into<String>) {
        self.texts.push(condition.into());
    }

    /// `before` placeholder `after`.
    pub(crate) fn with(&mut self, before: &str, arg: impl Into<Arg>, after: &str) {
        let placeholder = self.query.placeholder(arg);
        self.texts.push(format!("{before}{placeholder}{after}"));
    }

    /// A column is one of a list, if there is one. A list of one is an equality, with which an index
    /// on the column and another gives the rows in the order of the other.
    pub(crate) fn one_of<T: Display>(&mut self, column: &str, list: Option<&[T]>) {
        match list {
            None => {}
            Some([only]) => self.with(&format!("{column} = "), only.to_string(), ""),
            Some(list) => {
                let placeholder = self.query.placeholder(Arg::Texts(list.iter().map(ToString::to_string).collect()));
                self.texts.push(self.dialect.one_of(column, &placeholder));
            }
        }
    }

    /// Like [`Conditions::one_of`] where an empty list means any.
    pub(crate) fn any_of<T: Display>(&mut self, column: &str, list: &[T]) {
        self.one_of(column, (!list.is_empty()).then_some(list));
    }

    /// A column is one of a list of numbers, if there is one.
    pub(crate) fn one_of_ints(&mut self, column: &str, list: Option<Vec<i64>>) {
        if let Some(list) = list {
            let placeholder = self.query.placeholder(Arg::Ints(list));
            self.texts.push(self.dialect.one_of(column, &placeholder));
        }
    }

    /// A column is like all these patterns.
    pub(crate) fn like(&mut self, column: &str, patterns: &[Pattern]) {
        for pattern in patterns {
            let condition = self.condition_like(column, pattern);
            self.texts.push(condition);
        }
    }

    /// The condition that a column is like a pattern. Of several texts the arguments are one list: a
    /// condition with thousands of parts is too deep for SQLite.
    pub(crate) fn condition_like(&mut self, column: &str, pattern: &Pattern) -> String {
        let dialect = self.dialect;
        let anywhere = |text: &String| format!("%{}%", text.to_ascii_lowercase());
        match pattern {
            Pattern::Contains(texts) => match texts.as_slice() {
                [only] => {
                    let placeholder = self.query.placeholder(anywhere(only));
                    dialect.like(column, &placeholder)
                }
                several => {
                    let placeholder = self.query.placeholder(Arg::Texts(several.iter().map(anywhere).collect()));
                    format!("EXISTS (SELECT 1 FROM {} WHERE {})", dialect.list(&placeholder, "among"), dialect.like(column, "among.value"))
                }
            },
            Pattern::Begins(texts) => match texts.as_slice() {
                [only] => self.begins(column, only),
                several => {
                    let placeholder = self.query.placeholder(Arg::Texts(several.to_vec()));
                    let list = dialect.list(&placeholder, "among");
                    format!("EXISTS (SELECT 1 FROM {list} WHERE substr({column}, 1, length(among.value)) = among.value)")
                }
            },
        }
    }

    /// A range, so that an index on the column serves.
    fn begins(&mut self, column: &str, start: &str) -> String {
        let column = self.dialect.by_bytes(column);
        let from = format!("{column} >= {}", self.query.placeholder(start));
        match behind(start) {
            Some(end) => format!("({from} AND {column} < {})", self.query.placeholder(end)),
            None => from,
        }
    }

    /// A placeholder for a condition that is put together by hand.
    pub(crate) fn placeholder(&mut self, arg: impl Into<Arg>) -> String {
        self.query.placeholder(arg)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The statement `name`: `select`, then the conditions.
    pub(crate) fn query(&self, name: &'static str, select: &str) -> Query {
        let mut query = Query { args: self.query.args.clone(), ..Query::new(name) };
        query.push(select);
        if !self.texts.is_empty() {
            query.push(" WHERE ");
            query.push(self.texts.join(" AND "));
        }
        query
    }
}

/// The first text behind all that begin with `start`; `None` if there is none.
fn behind(start: &str) -> Option<String> {
    let mut chars: Vec<char> = start.chars().collect();
    while let Some(last) = chars.pop() {
        // A range of chars leaves out what is none.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_all_that_begin_so() {
        assert_eq!(behind("test").as_deref(), Some("tesu"));
        assert_eq!(behind("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(behind("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(behind("\u{10ffff}"), None);
        assert_eq!(behind(""), None);
    }
}

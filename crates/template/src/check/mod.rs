//! Static checks of one template: what is surely wrong can be said before anything runs.
//!
//! Nothing is evaluated. Names that a template assigns anywhere count as known everywhere, and what
//! it tests with `is defined` or gives a `default` may be missing: better silent than wrong.

mod bash;
mod walk;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use minijinja::{
    Error, Value,
    machinery::{Span, ast},
};

use crate::{
    environment::ENVIRONMENT,
    error::floor_boundary,
    explain::{attribute_help, general_help, message, name_help, offset},
    program::{is_template, parse, parse_expression},
    render::as_expression,
    suggest::did_you_mean,
    value::{ATTRIBUTES, GLOBALS},
};
use walk::{Node, path, walk};

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A script for bash.
    Bash,
    /// An expression, with or without `{{ }}`.
    Expression,
}

/// Something wrong in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, in bytes of the template.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What the author can do.
    pub help: Option<String>,
}

/// Finds what is wrong in a template, in the order of the text.
///
/// `declared_params` are the params of the DAG and the task. An undeclared one is a problem if
/// there are any declared; a DAG that declares none may get all of them from the trigger's conf.
pub fn check(template: &str, kind: Kind, declared_params: &BTreeSet<String>) -> Vec<Problem> {
    if kind != Kind::Expression && !is_template(template) {
        return Vec::new();
    }
    let mut checker = Checker { declared_params, assigned: BTreeSet::new(), guarded: BTreeSet::new(), base: 0, problems: BTreeMap::new() };
    let expression = if kind == Kind::Expression { as_expression(template) } else { None };
    let parsed = match &expression {
        Some(range) => {
            checker.base = range.start;
            parse_expression(&template[range.clone()]).map(|expr| checker.expression(&expr))
        }
        None => parse(template).map(|stmt| {
            checker.template(&stmt);
            if kind == Kind::Bash {
                checker.bash(&stmt);
            }
        }),
    };
    if let Err(error) = parsed {
        return vec![syntax_error(&error, template, expression.map_or(0, |range| range.start))];
    }
    checker.problems.into_iter().map(|((start, end, message), help)| Problem { range: start..end, message, help }).collect()
}

fn syntax_error(error: &Error, template: &str, base: usize) -> Problem {
    let start = floor_boundary(template, base + offset(error, &template[base..]));
    let end = match error.range() {
        Some(range) if !range.is_empty() => (base + range.end).min(template.len()),
        _ => template[start..].find('\n').map_or(template.len(), |newline| start + newline),
    };
    // The engine's lexer counts bytes, and may stop inside a character.
    let end = (end..template.len()).find(|at| template.is_char_boundary(*at)).unwrap_or(template.len());
    Problem { range: start..end, message: message(error), help: general_help(error) }
}

struct Checker<'a> {
    declared_params: &'a BTreeSet<String>,
    /// Names that the template assigns.
    assigned: BTreeSet<String>,
    /// Paths that may be missing.
    guarded: BTreeSet<String>,
    /// Where the parsed source starts in the template.
    base: usize,
    /// By place and message, so that each is said once.
    problems: BTreeMap<(usize, usize, String), Option<String>>,
}

impl Checker<'_> {
    fn template(&mut self, stmt: &ast::Stmt<'_>) {
        walk::statement(stmt, &mut |node| self.note(&node));
        walk::statement(stmt, &mut |node| self.judge(&node));
    }

    fn expression(&mut self, expr: &ast::Expr<'_>) {
        walk(expr, false, &mut |node| self.note(&node));
        walk(expr, false, &mut |node| self.judge(&node));
    }

    /// First pass: what is assigned or guarded anywhere.
    fn note(&mut self, node: &Node<'_, '_>) {
        match node {
            Node::Assigned(name) => {
                self.assigned.insert((*name).to_owned());
            }
            Node::Expr { expr, guarded: true } => self.guarded.extend(path(expr)),
            Node::Expr { .. } => {}
        }
    }

    /// Second pass.
    fn judge(&mut self, node: &Node<'_, '_>) {
        let Node::Expr { expr, .. } = node else { return };
        match expr {
            // `conn.x` would be asked of a store that has none.
            ast::Expr::Var(var) if var.id == "conn" && !self.assigned.contains("conn") => {
                let help = "use variables: {{ var.value.NAME }}, or {{ var.json.NAME.host }} for one that is JSON";
                self.problem(var.span(), "connections are not supported yet".to_owned(), Some(help.to_owned()));
            }
            ast::Expr::Var(var) if !self.is_known(var.id) => {
                self.problem(var.span(), format!("\"{}\" is undefined", var.id), name_help(var.id));
            }
            ast::Expr::GetAttr(attr) => self.attribute(path(&attr.expr), attr.name, path(expr), attr.span()),
            ast::Expr::GetItem(item) => {
                if let ast::Expr::Const(key) = &item.subscript_expr
                    && let Some(name) = key.value.as_str()
                {
                    self.attribute(path(&item.expr), name, path(expr), item.span());
                }
            }
            ast::Expr::Filter(filter) => self.callable("filter", filter.name, filter.span()),
            ast::Expr::Test(test) => self.callable("test", test.name, test.span()),
            _ => {}
        }
    }

    fn is_known(&self, name: &str) -> bool {
        GLOBALS.contains(&name)
            || matches!(name, "loop" | "caller" | "self" | "true" | "false" | "none")
            || self.assigned.contains(name)
            || self.guarded.contains(name)
            || ENVIRONMENT.globals().any(|(global, _)| global == name)
    }

    fn attribute(&mut self, parent: Option<String>, name: &str, whole: Option<String>, span: Span) {
        let Some(parent) = parent else { return };
        let root = parent.split('.').next().unwrap_or(&parent);
        if self.assigned.contains(root) || whole.is_some_and(|path| self.guarded.contains(&path)) {
            return;
        }
        if parent == "params" {
            let method = matches!(name, "get" | "items" | "keys" | "values");
            if !method && !self.declared_params.is_empty() && !self.declared_params.contains(name) {
                let help = did_you_mean(name, self.declared_params.iter().map(String::as_str));
                self.problem(span, format!("the param \"{name}\" is not declared"), help);
            }
        } else if let Some((_, known)) = ATTRIBUTES.iter().find(|(object, _)| *object == parent)
            && !known.contains(&name)
        {
            self.problem(span, format!("\"{parent}\" has no \"{name}\""), attribute_help(&parent, name));
        }
    }

    /// A filter or test must exist.
    fn callable(&mut self, what: &str, name: &str, span: Span) {
        let known = ENVIRONMENT.empty_state().perform_test(what, &[Value::from(name)]);
        if !known.unwrap_or(true) {
            let help = did_you_mean_callable(name, if what == "filter" { &FILTERS } else { &TESTS });
            self.problem(span, format!("there is no {what} \"{name}\""), help);
        }
    }

    fn problem(&mut self, span: Span, message: String, help: Option<String>) {
        let at = |offset: u32| self.base + usize::try_from(offset).unwrap_or(usize::MAX);
        self.problems.insert((at(span.start_offset), at(span.end_offset), message), help);
    }
}

fn did_you_mean_callable(name: &str, names: &[&str]) -> Option<String> {
    crate::suggest::closest(name, names.iter().copied()).map(|close| format!("did you mean \"{close}\"?"))
}

/// For "did you mean": the engine doesn't list its filters.
const FILTERS: [&str; 62] = [
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "ds",
    "ds_nodash",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "lstrip",
    "map",
    "max",
    "min",
    "pprint",
    "raw",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "rstrip",
    "safe",
    "select",
    "selectattr",
    "sh_split",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "ts",
    "ts_nodash",
    "ts_nodash_with_tz",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
    "wordwrap",
    "zip",
    "filesizeformat",
    "truncate",
];

const TESTS: [&str; 20] = [
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "even",
    "false",
    "ge",
    "gt",
    "in",
    "iterable",
    "le",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "string",
    "undefined",
];

//! Where the expressions of a bash script stand, before it is rendered: read once with all branches
//! taken and loops run once, and once with neither. What is wrong in one of the two is reported;
//! other combinations are only seen when the script is rendered.

use minijinja::machinery::{
    Span,
    ast::{Expr, Stmt},
};

use super::Checker;
use crate::bash::{CLOSE, Fault, OPEN, lex};

/// A script with placeholders, and the expressions behind them.
struct Flat {
    /// Whether conditions hold and loops run.
    taken: bool,
    text: String,
    slots: Vec<Slot>,
}

struct Slot {
    span: Span,
    /// `| sh_split`
    split: bool,
}

impl Checker<'_> {
    pub(super) fn bash(&mut self, template: &Stmt<'_>) {
        for taken in [true, false] {
            let mut flat = Flat { taken, text: String::new(), slots: Vec::new() };
            flat.statement(template);
            for place in lex(&flat.text, flat.slots.len()) {
                let Some(slot) = flat.slots.get(place.slot) else { continue };
                let fault = match place.form {
                    Err(fault) => fault,
                    Ok(form) if slot.split && form.is_quoted() => Fault::WordsInQuotes,
                    Ok(_) => continue,
                };
                self.problem(slot.span, fault.message().to_owned(), Some(fault.help().to_owned()));
            }
        }
    }
}

impl Flat {
    fn body(&mut self, stmts: &[Stmt<'_>]) {
        stmts.iter().for_each(|stmt| self.statement(stmt));
    }

    fn statement(&mut self, stmt: &Stmt<'_>) {
        match stmt {
            Stmt::Template(template) => self.body(&template.children),
            Stmt::EmitRaw(raw) => self.text.push_str(raw.raw),
            Stmt::EmitExpr(emit) => self.output(&emit.expr, emit.span()),
            Stmt::IfCond(cond) => self.body(if self.taken { &cond.true_body } else { &cond.false_body }),
            Stmt::ForLoop(each) => self.body(if self.taken { &each.body } else { &each.else_body }),
            Stmt::WithBlock(with) => self.body(&with.body),
            Stmt::AutoEscape(block) => self.body(&block.body),
            Stmt::FilterBlock(block) => self.slot(block.filter_span, false),
            Stmt::CallBlock(block) => self.slot(block.call_expr_span, false),
            // Captured text and macros write nothing where they stand.
            Stmt::Set(_) | Stmt::SetBlock(_) | Stmt::Macro(_) | Stmt::Do(_) | Stmt::Continue(_) | Stmt::Break(_) => {}
        }
    }

    fn output(&mut self, expr: &Expr<'_>, span: Span) {
        match expr {
            // Unknown text of the author's; some character stands for it.
            Expr::Filter(filter) if filter.name == "raw" => self.text.push('_'),
            Expr::Filter(filter) if filter.name == "sh_split" => self.slot(span, true),
            _ => self.slot(span, false),
        }
    }

    fn slot(&mut self, span: Span, split: bool) {
        self.text.push_str(&format!("{OPEN}{}{CLOSE}", self.slots.len()));
        self.slots.push(Slot { span, split });
    }
}

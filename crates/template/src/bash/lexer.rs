//! A lexer of bash, just deep enough to know in what kind of place each placeholder stands:
//! quotes, expansions, here-documents, comments, arithmetic, `case` patterns.
//!
//! It judges nothing else. A script that bash would reject is read to its end somehow, and bash
//! says what is wrong. A mistake here could split a value into words or leave a reference
//! unexpanded; it could not turn the value into code, because bash never parses what a variable
//! expands to.

use std::ops::Range;

use super::{
    heredoc::Heredoc,
    place::{CLOSE, Fault, Form, Limit, OPEN, Place},
};

/// Nested `$(...)`, `${...}` and quotes beyond this are not followed.
const MAX_DEPTH: u32 = 100;

/// The places of all placeholders of `text` with an index below `slots`, in the order of the text.
pub(crate) fn lex(text: &str, slots: usize) -> Vec<Place> {
    let mut lexer = Lexer { text, pos: 0, end: text.len(), slots, places: Vec::new(), limit: Limit::Any, depth: 0, heredocs: Vec::new() };
    lexer.command(false);
    lexer.places.sort_by_key(|place| place.range.start);
    lexer.places
}

pub(super) struct Lexer<'a> {
    pub text: &'a str,
    pub pos: usize,
    /// Where reading stops: the end of the text or of a here-document's body.
    pub end: usize,
    slots: usize,
    pub places: Vec<Place>,
    /// What values are allowed where the lexer is.
    pub limit: Limit,
    depth: u32,
    /// Announced on this line, their bodies not yet reached.
    pub heredocs: Vec<Heredoc>,
}

impl Lexer<'_> {
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn rest(&self) -> &str {
        &self.text[self.pos..self.end]
    }

    pub fn looking_at(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    /// Moves on by one character.
    pub fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    /// Moves past `text` if it is next.
    pub fn eat(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            self.pos += text.len();
        }
        found
    }

    /// The placeholder that is next, if any.
    pub fn placeholder(&self) -> Option<(usize, Range<usize>)> {
        let inside = self.rest().strip_prefix(OPEN)?;
        let digits = inside.find(CLOSE)?;
        let slot = inside[..digits].parse().ok().filter(|slot| *slot < self.slots)?;
        Some((slot, self.pos..self.pos + OPEN.len_utf8() + digits + CLOSE.len_utf8()))
    }

    /// Takes the placeholder that is next, if any.
    pub fn take_placeholder(&mut self, form: Result<Form, Fault>) -> bool {
        let Some((slot, range)) = self.placeholder() else { return false };
        self.pos = range.end;
        self.places.push(Place { slot, range, form, limit: self.limit });
        true
    }

    /// No data may stand in the places from the `first` on.
    pub fn forbid(&mut self, first: usize, fault: Fault) {
        self.places[first..].iter_mut().filter(|place| place.form.is_ok()).for_each(|place| place.form = Err(fault));
    }

    /// Runs `read` one level deeper; beyond the limit, all that follows is a fault.
    pub fn nested(&mut self, read: impl FnOnce(&mut Self)) {
        if self.depth == MAX_DEPTH {
            while self.pos < self.end {
                if !self.take_placeholder(Err(Fault::TooDeep)) {
                    self.bump();
                }
            }
            return;
        }
        self.depth += 1;
        read(self);
        self.depth -= 1;
    }

    /// Runs `read` with another limit on values.
    pub fn limited(&mut self, limit: Limit, read: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.limit, limit);
        self.nested(read);
        self.limit = outer;
    }

    /// The rest of `'...'`.
    pub fn single_quoted(&mut self) {
        while !self.eat("'") && self.pos < self.end {
            if !self.take_placeholder(Err(Fault::SingleQuotes)) {
                self.bump();
            }
        }
    }

    /// The rest of `$'...'`.
    pub fn ansi_quoted(&mut self) {
        while !self.eat("'") && self.pos < self.end {
            if self.eat("\\") && self.placeholder().is_none() || !self.take_placeholder(Err(Fault::AnsiQuotes)) {
                self.bump();
            }
        }
    }

    /// The rest of `"..."`.
    pub fn double_quoted(&mut self) {
        self.nested(|lexer| {
            while !lexer.eat("\"") && lexer.pos < lexer.end {
                lexer.quoted_item();
            }
        });
    }

    /// One item inside double quotes or an unquoted here-document.
    pub fn quoted_item(&mut self) {
        if self.take_placeholder(Ok(Form::Quoted)) {
            return;
        }
        match self.peek() {
            Some('\\') => self.backslash(),
            Some('$') => self.dollar(true),
            Some('`') => self.backticks(),
            _ => {
                self.bump();
            }
        }
    }

    /// A backslash and what it escapes.
    pub fn backslash(&mut self) {
        self.bump();
        if !self.take_placeholder(Err(Fault::AfterBackslash)) {
            self.bump();
        }
    }

    /// `` `...` ``.
    pub fn backticks(&mut self) {
        self.bump();
        while !self.eat("`") && self.pos < self.end {
            if self.take_placeholder(Err(Fault::Backticks)) {
                continue;
            }
            if self.eat("\\") && self.placeholder().is_some() {
                continue;
            }
            self.bump();
        }
    }
}

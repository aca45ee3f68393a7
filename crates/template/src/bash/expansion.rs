//! What follows a `$`: command substitution, arithmetic, parameters.

use super::{
    lexer::Lexer,
    place::{Fault, Form, Limit},
};

impl Lexer<'_> {
    /// A `$` and what belongs to it. `quoted`: inside double quotes or a here-document.
    pub fn dollar(&mut self, quoted: bool) {
        self.bump();
        if self.take_placeholder(Err(Fault::AfterDollar)) {
            return;
        }
        match self.peek() {
            Some('(') if self.looking_at("((") && self.arithmetic_end().is_some() => {
                self.pos += 2;
                self.arithmetic("))");
            }
            Some('(') => {
                self.bump();
                self.command_substitution();
            }
            Some('[') => {
                self.bump();
                self.arithmetic("]");
            }
            Some('{') => {
                self.bump();
                self.parameter(quoted);
            }
            Some('\'') if !quoted => {
                self.bump();
                self.ansi_quoted();
            }
            Some('"') if !quoted => {
                self.bump();
                self.double_quoted();
            }
            Some(c) if is_name_start(c) => self.name(),
            Some(c) if c.is_ascii_digit() || "?$#@*!-".contains(c) => {
                self.bump();
            }
            _ => {}
        }
    }

    /// The rest of `$(...)`: a script of its own, in which no limit of the outside holds.
    fn command_substitution(&mut self) {
        self.limited(Limit::Any, |lexer| lexer.command(true));
    }

    fn name(&mut self) {
        while self.peek().is_some_and(|c| is_name_start(c) || c.is_ascii_digit()) {
            self.bump();
        }
    }

    /// If `((` is next and closed by `))`: where that ends. Else bash reads nested subshells.
    pub fn arithmetic_end(&self) -> Option<usize> {
        let mut depth = 0_u32;
        let mut chars = self.rest().char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => {
                    chars.next();
                }
                '\'' | '"' => while chars.next().is_some_and(|(_, inner)| inner != c) {},
                '(' => depth += 1,
                ')' if depth == 2 => return matches!(chars.peek(), Some((_, ')'))).then_some(self.pos + at + 2),
                ')' => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// Arithmetic up to `close`: only whole numbers, because bash evaluates what it expands here.
    pub fn arithmetic(&mut self, close: &str) {
        self.limited(Limit::Integer, |lexer| lexer.balanced(close, Form::Quoted));
    }

    /// A subscript up to `]`. In an indexed array bash evaluates it as arithmetic; it could also be
    /// the key of an associative one.
    pub fn subscript(&mut self, form: Form) {
        self.limited(Limit::Harmless, |lexer| lexer.balanced("]", form));
    }

    /// Text with brackets in it, up to `close` outside of them.
    fn balanced(&mut self, close: &str, form: Form) {
        let mut open = 0_u32;
        while self.pos < self.end {
            if open == 0 && self.eat(close) {
                return;
            }
            if self.take_placeholder(Ok(form)) {
                continue;
            }
            match self.peek() {
                Some('$') => self.dollar(true),
                Some('\\') => self.backslash(),
                Some('`') => self.backticks(),
                Some('"') => {
                    self.bump();
                    self.double_quoted();
                }
                Some('\'') => {
                    self.bump();
                    self.single_quoted();
                }
                Some(c) => {
                    self.bump();
                    match c {
                        '(' | '[' => open += 1,
                        ')' | ']' => open = open.saturating_sub(1),
                        _ => {}
                    }
                }
                None => return,
            }
        }
    }

    /// The rest of `${...}`.
    fn parameter(&mut self, quoted: bool) {
        // `${ command; }` and `${| command; }` of bash 5.3 are scripts; no earlier bash takes them.
        if self.eat("!") || self.looking_at("#") && !self.looking_at("#}") && self.eat("#") {
            // indirection or length: the name follows
        }
        if self.take_placeholder(Err(Fault::ParameterName)) {
            // and go on: the rest of it still has to be read
        } else if self.peek().is_some_and(is_name_start) {
            self.name();
        } else if self.peek().is_some_and(|c| c.is_ascii_digit() || "?$#@*!-".contains(c)) {
            self.bump();
            while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                self.bump();
            }
        }
        if self.eat("[") {
            self.subscript(Form::Word);
        }
        let operator = Operator::read(self);
        self.nested(|lexer| lexer.operand(operator, quoted));
    }

    /// What follows the operator, and the final `}`.
    fn operand(&mut self, operator: Operator, quoted: bool) {
        if operator == Operator::Substring {
            self.limited(Limit::Integer, |lexer| lexer.balanced("}", Form::Quoted));
            return;
        }
        // Inside double quotes, `${x:-it's}` has no quote in it, but the pattern of `${x#'a'}` has.
        let apostrophe_quotes = !quoted || operator == Operator::Pattern;
        let form = match operator {
            Operator::Name => Err(Fault::ParameterName),
            Operator::Default if quoted => Ok(Form::Quoted),
            _ => Ok(Form::Word),
        };
        while !self.eat("}") && self.pos < self.end {
            if self.take_placeholder(form) {
                continue;
            }
            match self.peek() {
                Some('$') => self.dollar(quoted && operator == Operator::Default),
                Some('\\') => self.backslash(),
                Some('`') => self.backticks(),
                Some('"') => {
                    self.bump();
                    self.double_quoted();
                }
                Some('\'') if apostrophe_quotes => {
                    self.bump();
                    self.single_quoted();
                }
                _ => {
                    self.bump();
                }
            }
        }
    }
}

/// What a `${name...}` does with its parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    /// `:-` and its kin: a word takes the parameter's place.
    Default,
    /// `#`, `%`, `/`, `^`, `,`: patterns.
    Pattern,
    /// `:offset:length`.
    Substring,
    /// `@`, none, or something unknown.
    Name,
}

impl Operator {
    fn read(lexer: &mut Lexer<'_>) -> Self {
        let colon = lexer.eat(":");
        match lexer.peek() {
            Some('-' | '=' | '?' | '+') => {
                lexer.bump();
                Self::Default
            }
            _ if colon => Self::Substring,
            Some('#' | '%' | '/' | '^' | ',') => {
                lexer.bump();
                Self::Pattern
            }
            _ => Self::Name,
        }
    }
}

pub(super) fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

//! Commands: words, separators, nesting. Words matter because some of them change what their
//! arguments mean (`eval`, `let`, `[[ -eq ]]`, `bash -c`), and because `case` patterns end in a `)`
//! that closes nothing.

use std::ops::Range;

use super::{
    lexer::Lexer,
    place::{Fault, Form, Limit},
    special::{Command, Shell, Test, is_shell},
};

/// What is open in the current script, innermost last.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Open {
    /// `(` of a subshell, a function or an array.
    Paren,
    /// `(` of an extended pattern, inside a word: `@(a|b)`.
    PatternParen,
    /// `case` was read: its word and `in` follow.
    CaseHead {
        words: u8,
    },
    CasePattern,
    CaseBody,
}

/// The word that is being read.
#[derive(Debug, Default)]
struct Word {
    /// Its characters, as far as they are plain.
    text: String,
    /// Nothing in it is quoted or expanded.
    plain: bool,
    active: bool,
    /// Index of its first place.
    first_place: usize,
    starts_with_place: bool,
}

/// One script: the text itself, or what is inside `$(...)`.
struct Script {
    open: Vec<Open>,
    command: Command,
    /// The next word is a command's name (or an assignment before it).
    at_command: bool,
    word: Word,
    /// The places of the word before.
    previous: Range<usize>,
}

impl Lexer<'_> {
    /// Reads a script to its end; with `in_parens`, to the `)` that closes it.
    pub fn command(&mut self, in_parens: bool) {
        let mut script = Script { open: Vec::new(), command: Command::Other, at_command: true, word: Word::default(), previous: 0..0 };
        while let Some(c) = self.peek() {
            if self.placeholder().is_some() {
                script.begin_word(self);
                let first = script.word.text.is_empty() && script.word.plain;
                script.word.starts_with_place |= first;
                script.word.plain = false;
                self.take_placeholder(Ok(Form::Word));
                continue;
            }
            match c {
                ' ' | '\t' => {
                    script.end_word(self);
                    self.bump();
                }
                '\n' => {
                    script.end_command(self);
                    self.bump();
                    if !self.heredocs.is_empty() {
                        self.heredoc_bodies();
                    }
                }
                '#' if !script.word.active => self.comment(),
                '\\' => self.escaped_in_word(&mut script),
                '\'' | '"' | '`' | '$' => self.quoted_in_word(&mut script, c),
                ';' | '&' | '|' => self.separator(&mut script, c),
                '<' | '>' => self.redirection(&mut script),
                '(' => self.open_paren(&mut script),
                ')' => {
                    if self.close_paren(&mut script, in_parens) {
                        return;
                    }
                }
                '[' if script.opens_subscript() => {
                    self.bump();
                    script.word.plain = false;
                    self.subscript(Form::Word);
                }
                _ => {
                    script.begin_word(self);
                    script.word.text.push(c);
                    self.bump();
                }
            }
        }
        script.end_word(self);
    }

    /// A comment: whatever stands in it is dropped.
    fn comment(&mut self) {
        while self.peek().is_some_and(|c| c != '\n') {
            if !self.take_placeholder(Ok(Form::Nothing)) {
                self.bump();
            }
        }
    }

    fn escaped_in_word(&mut self, script: &mut Script) {
        if self.eat("\\\n") {
            return;
        }
        script.begin_word(self);
        script.word.plain = false;
        self.backslash();
    }

    fn quoted_in_word(&mut self, script: &mut Script, c: char) {
        script.begin_word(self);
        // `-"c"` is still `-c`, but no keyword has quotes; what is quoted is left out of the text.
        let first = script.word.text.is_empty() && script.word.plain;
        let places = self.places.len();
        script.word.plain = false;
        match c {
            '$' => self.dollar(false),
            '`' => self.backticks(),
            '"' => {
                self.bump();
                let start = self.pos;
                self.double_quoted();
                script.word.starts_with_place |= first && self.places.get(places).is_some_and(|place| place.range.start == start);
            }
            _ => {
                self.bump();
                self.single_quoted();
            }
        }
    }

    fn separator(&mut self, script: &mut Script, c: char) {
        // `&>file` is a redirection.
        if c == '&' && self.looking_at("&>") {
            script.end_word(self);
            self.bump();
            return;
        }
        if script.open.last() == Some(&Open::PatternParen) {
            self.bump();
            return;
        }
        if c == ';' && (self.looking_at(";;") || self.looking_at(";&")) {
            script.end_command(self);
            while matches!(self.peek(), Some(';' | '&')) {
                self.bump();
            }
            if let Some(open @ Open::CaseBody) = script.open.last_mut() {
                *open = Open::CasePattern;
            }
            return;
        }
        // Inside `[[ ]]`, `&&` and `||` end no command.
        if matches!(script.command, Command::Condition(_)) && c != ';' {
            script.end_word(self);
        } else {
            script.end_command(self);
        }
        self.bump();
    }

    fn redirection(&mut self, script: &mut Script) {
        script.end_word(self);
        let code = matches!(script.command, Command::Shell(shell) if shell.reads_code);
        if self.eat("<<<") {
            if let Command::Shell(shell) = &mut script.command {
                shell.code_next = code;
            }
        } else if self.eat("<<") {
            self.heredoc_start(code);
        } else if self.eat("<(") || self.eat(">(") {
            self.nested(|lexer| {
                let outer = std::mem::replace(&mut lexer.limit, Limit::Any);
                lexer.command(true);
                lexer.limit = outer;
            });
            script.begin_word(self);
            script.word.plain = false;
        } else {
            self.bump();
            // `2>&1`, `>|file`, `>>file`, `<>file`
            while matches!(self.peek(), Some('>' | '&' | '|')) {
                self.bump();
            }
        }
    }

    fn open_paren(&mut self, script: &mut Script) {
        let in_pattern = script.open.last() == Some(&Open::CasePattern);
        if script.word.active && script.word.text.ends_with(['?', '*', '+', '@', '!']) {
            script.word.plain = false;
            script.open.push(Open::PatternParen);
            self.bump();
        } else if !script.word.active && self.looking_at("((") && self.arithmetic_end().is_some() {
            self.pos += 2;
            self.arithmetic("))");
            script.at_command = true;
        } else if in_pattern && !script.word.active {
            // the optional `(` before a pattern
            self.bump();
        } else {
            // An array's items are words; elsewhere a command follows.
            let array = script.word.active && script.word.text.ends_with('=');
            script.end_word(self);
            script.open.push(Open::Paren);
            script.at_command = !array && !matches!(script.command, Command::Condition(_));
            self.bump();
        }
    }

    /// Whether this `)` ends the script.
    fn close_paren(&mut self, script: &mut Script, in_parens: bool) -> bool {
        match script.open.last() {
            Some(Open::PatternParen) => {
                script.open.pop();
                self.bump();
                return false;
            }
            Some(Open::Paren) => {
                script.end_word(self);
                script.open.pop();
            }
            Some(Open::CasePattern) => {
                script.end_word(self);
                script.open.pop();
                script.open.push(Open::CaseBody);
            }
            Some(Open::CaseHead { .. } | Open::CaseBody) | None if in_parens => {
                script.end_command(self);
                self.bump();
                return true;
            }
            _ => script.end_word(self),
        }
        if !matches!(script.command, Command::Condition(_)) {
            script.command = Command::Other;
            script.at_command = true;
        }
        self.bump();
        false
    }
}

impl Script {
    fn begin_word(&mut self, lexer: &mut Lexer<'_>) {
        if self.word.active {
            return;
        }
        self.word = Word { plain: true, active: true, first_place: lexer.places.len(), ..Word::default() };
        // `let` and `declare -i` evaluate every word; the others are judged at the word's end.
        lexer.limit = match self.command {
            Command::Let | Command::Declare { integer: true, .. } => Limit::Integer,
            _ => lexer.limit,
        };
    }

    /// `name[` where an assignment or a name can stand.
    fn opens_subscript(&self) -> bool {
        let place = self.at_command || matches!(self.command, Command::Names | Command::Declare { .. } | Command::Printf { .. });
        let mut name = self.word.text.chars();
        place
            && self.word.plain
            && name.next().is_some_and(super::expansion::is_name_start)
            && name.all(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn end_command(&mut self, lexer: &mut Lexer<'_>) {
        self.end_word(lexer);
        // A newline inside `[[ ]]` or an array goes on.
        if !matches!(self.command, Command::Condition(_)) {
            self.command = Command::Other;
            self.at_command = self.open.last() != Some(&Open::CasePattern);
        }
    }

    fn end_word(&mut self, lexer: &mut Lexer<'_>) {
        if !self.word.active {
            return;
        }
        let word = std::mem::take(&mut self.word);
        let places = word.first_place..lexer.places.len();
        if matches!(self.command, Command::Let | Command::Declare { integer: true, .. }) {
            lexer.limit = Limit::Any;
        }
        match self.open.last_mut() {
            Some(Open::CaseHead { words }) => {
                if *words > 0 && word.plain && word.text == "in" {
                    self.open.pop();
                    self.open.push(Open::CasePattern);
                } else {
                    *words = words.saturating_add(1);
                }
                self.at_command = false;
            }
            Some(Open::CasePattern) => {
                if word.plain && word.text == "esac" {
                    self.open.pop();
                }
                self.at_command = false;
            }
            _ if self.at_command => self.command_word(&word),
            _ => self.argument(&word, places.clone(), lexer),
        }
        self.previous = places;
    }

    /// A word where a command's name can stand.
    fn command_word(&mut self, word: &Word) {
        if is_assignment(&word.text) {
            return;
        }
        self.at_command = false;
        if !word.plain {
            return;
        }
        match word.text.as_str() {
            "then" | "do" | "else" | "elif" | "if" | "while" | "until" | "!" | "{" | "}" | "time" | "coproc" | "builtin" | "command" => {
                self.at_command = true;
            }
            "case" => self.open.push(Open::CaseHead { words: 0 }),
            "esac" if self.open.last() == Some(&Open::CaseBody) => {
                self.open.pop();
            }
            name => self.command = Command::named(name),
        }
    }

    /// A word after the command's name.
    fn argument(&mut self, word: &Word, places: Range<usize>, lexer: &mut Lexer<'_>) {
        let limit = |lexer: &mut Lexer<'_>, range: Range<usize>, limit: Limit| {
            lexer.places[range].iter_mut().for_each(|place| place.limit = limit);
        };
        let forbid = |lexer: &mut Lexer<'_>, range: Range<usize>, fault: Fault| {
            lexer.places[range].iter_mut().filter(|place| place.form.is_ok()).for_each(|place| place.form = Err(fault));
        };
        match &mut self.command {
            Command::Eval => forbid(lexer, places, Fault::Eval),
            Command::Declare { integer, reference } => {
                let option = word.text.starts_with('-');
                *integer |= option && word.text.contains('i');
                *reference |= option && word.text.contains('n');
                if word.starts_with_place || *reference {
                    limit(lexer, places, Limit::Harmless);
                }
            }
            Command::Names if word.starts_with_place => limit(lexer, places, Limit::Harmless),
            Command::Printf { name_next } => {
                let name = std::mem::replace(name_next, word.text == "-v");
                limit(lexer, places, if name { Limit::Harmless } else { Limit::Any });
            }
            Command::Shell(shell) => {
                let code = shell.argument(&word.text);
                forbid(lexer, if code { places } else { 0..0 }, Fault::InnerShell);
            }
            Command::Condition(_) if word.plain && word.text == "]]" => self.command = Command::Other,
            Command::Condition(test) | Command::SimpleTest(test) => {
                let arithmetic = *test == Test::Arithmetic;
                if std::mem::replace(test, Test::after(&word.text, word.plain)) == Test::Name {
                    forbid(lexer, places.clone(), Fault::VariableTest);
                }
                if matches!(self.command, Command::Condition(_)) {
                    if arithmetic {
                        limit(lexer, places, Limit::Integer);
                    } else if self.command == Command::Condition(Test::Arithmetic) {
                        limit(lexer, self.previous.clone(), Limit::Integer);
                    }
                }
            }
            // `sudo bash -c`, `env X=1 sh -c`, `xargs sh -c`
            Command::Other if word.plain && is_shell(&word.text) => self.command = Command::Shell(Shell::START),
            _ => {}
        }
    }
}

/// `name=`, `name+=`, `name[...]=`: the command's name is still to come.
fn is_assignment(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    let mut chars = name.chars();
    chars.next().is_some_and(super::expansion::is_name_start) && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

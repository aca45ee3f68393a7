//! The commands that make more of their arguments than words, known by name: where an argument is
//! code, arithmetic or a name, data may be refused. All other commands are just [`Command::Other`].

/// What a command makes of its arguments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Command {
    Other,
    /// Arguments are code: `eval`, `trap`.
    Eval,
    /// Arguments are arithmetic.
    Let,
    /// Arguments are names, or `name=value`; values are arithmetic after `-i`, names after `-n`.
    Declare {
        integer: bool,
        reference: bool,
    },
    /// Arguments are names of variables.
    Names,
    /// The argument after `-v` is a name.
    Printf {
        name_next: bool,
    },
    /// The argument after `-c` is code.
    Shell(Shell),
    /// `[[ ]]`, with the operator that came last.
    Condition(Test),
    /// `[ ]` or `test`: only `-v` is special.
    SimpleTest(Test),
}

/// A call of an inner shell: `bash [options] [script]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shell {
    /// `-c` came last.
    pub code_next: bool,
    /// `-o` came last: the next word is its argument.
    option_next: bool,
    /// No script was named: the shell reads code from its standard input.
    pub reads_code: bool,
    /// `-s`: it does so with arguments, too.
    reads_always: bool,
}

impl Shell {
    pub const START: Self = Self { code_next: false, option_next: false, reads_code: true, reads_always: false };

    /// Takes an argument; says whether it is code.
    pub fn argument(&mut self, text: &str) -> bool {
        let option = text.starts_with(['-', '+']);
        if std::mem::take(&mut self.option_next) {
            return false;
        }
        if std::mem::take(&mut self.code_next) {
            self.reads_code = false;
            return true;
        }
        if option && !text.starts_with("--") {
            self.code_next = text.contains('c');
            self.option_next = text.ends_with(['o', 'O']);
            self.reads_always |= text.contains('s');
        } else if !option {
            self.reads_code &= self.reads_always;
        }
        false
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Test {
    Plain,
    /// `-eq` and its kin came last: the next word is arithmetic, too.
    Arithmetic,
    /// `-v` or `-R` came last: the next word is a name.
    Name,
}

impl Command {
    /// The command of that name.
    pub fn named(name: &str) -> Self {
        match name {
            "[[" => Self::Condition(Test::Plain),
            "[" | "test" => Self::SimpleTest(Test::Plain),
            "eval" | "trap" => Self::Eval,
            "let" => Self::Let,
            "declare" | "typeset" | "local" | "readonly" | "export" => Self::Declare { integer: false, reference: false },
            "unset" | "read" | "mapfile" | "readarray" | "getopts" => Self::Names,
            "printf" => Self::Printf { name_next: false },
            name if is_shell(name) => Self::Shell(Shell::START),
            _ => Self::Other,
        }
    }
}

impl Test {
    /// What an operator means for the word after it.
    pub fn after(word: &str, plain: bool) -> Self {
        match word {
            _ if !plain => Self::Plain,
            "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => Self::Arithmetic,
            "-v" | "-R" => Self::Name,
            _ => Self::Plain,
        }
    }
}

pub(super) fn is_shell(name: &str) -> bool {
    matches!(name.rsplit('/').next(), Some("sh" | "bash" | "dash" | "zsh" | "ksh" | "ash"))
}

//! The kinds of places in a script where an expression can stand, and what may stand there.

use std::ops::Range;

/// A placeholder is `OPEN index CLOSE`. Both are Unicode noncharacters, which no script contains;
/// should text have them anyway, it can at worst repeat a reference to a variable.
pub(crate) const OPEN: char = '\u{FDD0}';
pub(crate) const CLOSE: char = '\u{FDD1}';

/// Where one placeholder stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The placeholder's index.
    pub slot: usize,
    /// Its bytes in the rendered text.
    pub range: Range<usize>,
    /// How its value is written there, or why it can't be.
    pub form: Result<Form, Fault>,
    /// Which values are allowed there.
    pub limit: Limit,
}

/// How a reference to a variable is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Outside quotes: `"${U}"`, exactly one word (or part of one).
    Word,
    /// Inside double quotes, an unquoted here-document or arithmetic: `${U}`.
    Quoted,
    /// In a comment: nothing.
    Nothing,
}

impl Form {
    /// Whether only one word fits.
    pub fn is_quoted(self) -> bool {
        self == Self::Quoted
    }

    pub fn reference(self, name: &str) -> String {
        match self {
            Self::Word => format!("\"${{{name}}}\""),
            Self::Quoted => format!("${{{name}}}"),
            Self::Nothing => String::new(),
        }
    }
}

/// Which values are harmless in a place. Bash evaluates arithmetic *after* expanding variables, and
/// arithmetic runs commands: `x[$(reboot)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Any.
    Any,
    /// Whole numbers: arithmetic.
    Integer,
    /// No character that could start a command substitution or another subscript: array
    /// subscripts and names of variables.
    Harmless,
}

impl Limit {
    pub fn allows(self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Integer => {
                let digits = value.strip_prefix('-').unwrap_or(value);
                !digits.is_empty() && digits.len() <= 19 && digits.bytes().all(|b| b.is_ascii_digit())
            }
            Self::Harmless => !value.is_empty() && value.chars().all(|c| c.is_alphanumeric() || "_.,:@%/ -".contains(c)),
        }
    }
}

/// Why an expression can't stand where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    SingleQuotes,
    AnsiQuotes,
    QuotedHeredoc,
    HeredocDelimiter,
    Backticks,
    AfterBackslash,
    AfterDollar,
    ParameterName,
    Eval,
    InnerShell,
    VariableTest,
    TooDeep,
    WordsInQuotes,
    NotAnInteger,
    NotHarmless,
}

impl Fault {
    pub fn message(self) -> &'static str {
        match self {
            Self::SingleQuotes => "an expression in single quotes: bash expands nothing there",
            Self::AnsiQuotes => "an expression in $'...': bash expands nothing there",
            Self::QuotedHeredoc => "an expression in a here-document whose delimiter is quoted: bash expands nothing there",
            Self::HeredocDelimiter => "an expression as the delimiter of a here-document",
            Self::Backticks => "an expression inside `...`, whose quoting is ambiguous",
            Self::AfterBackslash => "a backslash directly before an expression would escape the reference to its value",
            Self::AfterDollar => "a \"$\" directly before an expression: a value can't be the name of a variable",
            Self::ParameterName => "an expression as a name or operator inside ${...}",
            Self::Eval => "an expression as an argument of eval or trap, which would run the value as code",
            Self::InnerShell => "an expression in the code of an inner shell, which would run the value as code",
            Self::VariableTest => "an expression as the name that -v tests, which bash may run as code",
            Self::TooDeep => "the script nests too deeply for its expressions to be placed safely",
            Self::WordsInQuotes => "sh_split makes several words, but this place is inside quotes",
            Self::NotAnInteger => "bash evaluates this place as arithmetic, so only a whole number may stand here",
            Self::NotHarmless => {
                "the value stands where bash takes a name or subscript, which it may run as code: \
                 only letters, digits, spaces and _ . , : @ % / - may stand here"
            }
        }
    }

    pub fn help(self) -> &'static str {
        match self {
            Self::SingleQuotes | Self::AnsiQuotes => {
                "use double quotes, or put the expression under env: (env: {DAY: \"{{ ds }}\"}) and let the program read the variable"
            }
            Self::QuotedHeredoc => {
                "remove the quotes around the delimiter (and escape other $), or put the expression under env: and let the program read the variable"
            }
            Self::HeredocDelimiter => "write a fixed word, such as EOF",
            Self::Backticks => "use $(...) instead",
            Self::AfterBackslash => "remove the backslash, or double it",
            Self::AfterDollar => {
                "write \\$ for a dollar sign, or {{ ... | raw }} to insert text into the script on your own responsibility"
            }
            Self::ParameterName | Self::VariableTest => "use {{ ... | raw }} to insert text into the script, on your own responsibility",
            Self::Eval => "call the command itself, or use {{ ... | raw }} on your own responsibility",
            Self::InnerShell => {
                "pass the value as an argument, bash -c 'echo \"$1\"' _ {{ ... }}, or put it under env:, or use {{ ... | raw }} on your own responsibility"
            }
            Self::TooDeep => "put the expression under env: and use the variable",
            Self::WordsInQuotes => "remove the quotes, or sh_split",
            Self::NotAnInteger => "check the value, or convert it: {{ ... | int }}",
            Self::NotHarmless => "check the value, or use a variable of your own",
        }
    }
}

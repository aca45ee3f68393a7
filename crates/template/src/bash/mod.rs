//! Shell-safe rendering: inside `bash`, every expression is data, never code.
//!
//! 1. The template is rendered with a placeholder for the output of each expression ([`quote`]).
//! 2. What came out is a script without branches; the [`lexer`] reads it as bash would and says in
//!    what kind of place each placeholder stands.
//! 3. Each value becomes an environment variable, and its placeholder a reference to it: bash never
//!    parses an expanded variable as code. Places where it would (arithmetic, `eval`, the code of an
//!    inner shell) or where nothing is expanded (single quotes) are errors, or take only values that
//!    are harmless there.
//!
//! This ends where the script takes over: what it does with a value afterwards (`eval "$x"`,
//! `$((x))`), and what another program makes of its arguments (`ssh`, `python -c`, `psql -c`), is the
//! script's affair.

mod command;
mod expansion;
mod heredoc;
mod lexer;
mod place;
mod special;
mod words;

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use minijinja::{
    State, Value,
    value::{Object, ObjectRepr},
};

pub(crate) use lexer::lex;
pub(crate) use place::{CLOSE, Fault, OPEN};
pub(crate) use words::split;

use crate::{
    Context, Facts, RenderError, TemplateError,
    environment::RawText,
    program::{Output, Program, is_template},
    render::{check_length, root, settle},
    value::Session,
};
use place::{Form, Limit};
use words::Words;

/// The name of the function that `program` puts before each output; it can't be written in a template.
pub(crate) const QUOTE: &str = "${}";

/// Linux: no argument or variable of a new process is longer, its name, `=` and final NUL included (MAX_ARG_STRLEN).
const MAX_VARIABLE: usize = 128 * 1024;

/// A script and the environment variables that carry its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BashScript {
    /// For `bash -c`.
    pub text: String,
    /// To be added to the environment, over everything else.
    pub env: BTreeMap<String, String>,
    /// For people: the values themselves instead of references to them. Never to be run.
    pub shown: String,
}

/// The output of one expression, in the order of writing.
#[derive(Debug)]
struct Slot {
    words: Vec<String>,
    /// Made by `sh_split`: any number of words, not exactly one.
    split: bool,
    /// Where the expression is in the template, in bytes.
    range: Range<usize>,
}

#[derive(Debug, Default)]
struct Slots(Vec<Slot>);

/// Stands for a slot's value in the output.
#[derive(Debug)]
struct Placeholder(usize);

impl Object for Placeholder {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OPEN}{}{CLOSE}", self.0)
    }
}

/// Called with each value that a `bash` template writes, and the place of its expression: keeps the
/// value and gives a placeholder. Raw text passes; so does undefined, on which the engine decides.
pub(crate) fn quote(state: &mut State<'_, '_>, value: Value, start: usize, end: usize) -> Value {
    if value.is_undefined() || value.downcast_object_ref::<RawText>().is_some() {
        return value;
    }
    let (words, split) = match value.downcast_object_ref::<Words>() {
        Some(Words(words)) => (words.clone(), true),
        None => (vec![value.to_string()], false),
    };
    let Slots(slots) = state.get_or_insert_extension_with(Slots::default);
    slots.push(Slot { words, split, range: start..end });
    Value::from_object(Placeholder(slots.len() - 1))
}

/// Renders a script for `bash -c`. A script without template syntax comes back unchanged.
///
/// # Errors
/// As [`crate::render_text`], and [`RenderError::Failed`] where a shell can't take data.
pub fn render_bash(script: &str, ctx: &Context, facts: &Facts) -> Result<BashScript, RenderError> {
    if !is_template(script) {
        return Ok(BashScript { text: script.to_owned(), env: BTreeMap::new(), shown: script.to_owned() });
    }
    let session = Session::new(ctx, facts);
    let run = || {
        Program::template(script, Output::Bash)?.run(root(&session), |text, _, state| {
            let slots = state.get_extension::<Slots>().map(|Slots(slots)| slots.as_slice()).unwrap_or_default();
            assemble(script, &text, slots)
        })
    };
    Ok(settle(run(), &session, script, 0)??)
}

/// Puts references in the place of placeholders.
fn assemble(template: &str, rendered: &str, slots: &[Slot]) -> Result<BashScript, TemplateError> {
    let mut variables = Variables::new(rendered);
    let mut text = String::with_capacity(rendered.len() + 64);
    let mut shown = String::with_capacity(rendered.len());
    let mut copied = 0;
    for place in lex(rendered, slots.len()) {
        let Some(slot) = slots.get(place.slot) else { continue };
        text.push_str(&rendered[copied..place.range.start]);
        shown.push_str(&rendered[copied..place.range.start]);
        shown.push_str(&slot.words.join(" "));
        copied = place.range.end;
        let fail = |fault: Fault| TemplateError::at(template, slot.range.start, fault.message(), Some(fault.help().to_owned()));
        let form = place.form.map_err(fail)?;
        for (index, word) in slot.words.iter().enumerate() {
            if slot.split && form.is_quoted() {
                return Err(fail(Fault::WordsInQuotes));
            }
            if !place.limit.allows(word) {
                return Err(fail(Fault::from(place.limit)));
            }
            if form == Form::Nothing {
                continue;
            }
            let name = variables.name_of(word).map_err(|message| {
                let help = "write the data to a file and pass its path".to_owned();
                TemplateError::at(template, slot.range.start, message, Some(help))
            })?;
            if index > 0 {
                text.push(' ');
            }
            text.push_str(&form.reference(&name));
        }
    }
    text.push_str(&rendered[copied..]);
    shown.push_str(&rendered[copied..]);
    check_length(&text, template)?;
    Ok(BashScript { text, env: variables.env, shown })
}

/// Names for values; equal values share one.
struct Variables {
    prefix: String,
    names: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
}

impl Variables {
    /// The script may use any variable of its own: the prefix is one that it doesn't mention.
    fn new(script: &str) -> Self {
        let mut prefix = "UPDRAFT_VALUE_".to_owned();
        while script.contains(&prefix) {
            prefix.push('_');
        }
        Self { prefix, names: BTreeMap::new(), env: BTreeMap::new() }
    }

    fn name_of(&mut self, value: &str) -> Result<String, String> {
        if let Some(name) = self.names.get(value) {
            return Ok(name.clone());
        }
        let name = format!("{}{}", self.prefix, self.names.len() + 1);
        if value.contains('\0') {
            return Err("the value contains a NUL byte, which no environment variable can hold".to_owned());
        }
        if name.len() + value.len() + 2 > MAX_VARIABLE {
            return Err(format!("the value has {} bytes; an environment variable holds at most 131,072 with its name", value.len()));
        }
        self.names.insert(value.to_owned(), name.clone());
        self.env.insert(name.clone(), value.to_owned());
        Ok(name)
    }
}

impl From<Limit> for Fault {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Integer => Self::NotAnInteger,
            Limit::Any | Limit::Harmless => Self::NotHarmless,
        }
    }
}

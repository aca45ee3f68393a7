//! From a template's text to instructions of the template engine, with two changes made on the way:
//! operators become calls of `operators` (so that dates have them), and, for `bash`, what each
//! `{{ }}` of the script itself writes goes through `bash::quote` first. Text that is captured
//! (`{% set %}` blocks, macros) is a value, not script, and stays as it is until it is written.
//!
//! This uses minijinja's low-level interface, which may change between its minor versions: the
//! workspace pins one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use minijinja::{
    AutoEscape, Environment, Error, State, Value,
    machinery::{self, CodeGenerator, Instruction, Instructions},
    syntax::SyntaxConfig,
};

use crate::{bash, environment::ENVIRONMENT, operators};

/// Airflow's syntax, except that a final newline is kept: a text means the same with and without an
/// expression in it.
static SYNTAX: LazyLock<Result<SyntaxConfig, Error>> = LazyLock::new(|| SyntaxConfig::builder().keep_trailing_newline(true).build());

/// The same without comments: bash's `${#array[@]}` would start one.
static SYNTAX_WITHOUT_COMMENTS: LazyLock<Result<SyntaxConfig, Error>> =
    LazyLock::new(|| SyntaxConfig::builder().keep_trailing_newline(true).comment_delimiters("{#\u{FDD0}", "\u{FDD0}#}").build());

/// Whether `{#` starts a comment in `text`.
fn has_comments(text: &str) -> bool {
    text.contains("{#") && !text.contains("${#")
}

/// Whether `text` has any template syntax.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || has_comments(text)
}

/// The function that the result of an expression goes through; the name can't be written in a template.
const DEFINED: &str = "=";

pub(crate) fn register(env: &mut Environment<'_>) {
    env.add_function(DEFINED, defined);
}

/// An undefined result is an error, as it is where a template writes it: a misspelled `when` must
/// not mean "false". `x if false` without an else is none, as in Jinja.
fn defined(state: &mut State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.is_undefined() {
        state.format(value)?;
        return Ok(Value::from(()));
    }
    Ok(value)
}

/// What is done with the output of expressions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Output {
    /// Written as it is.
    Text,
    /// Each expression becomes a placeholder.
    Bash,
}

/// A compiled template or expression.
pub(crate) struct Program<'s> {
    instructions: Instructions<'s>,
}

/// Parses a template.
pub(crate) fn parse(source: &str) -> Result<machinery::ast::Stmt<'_>, Error> {
    let syntax = if has_comments(source) { &SYNTAX } else { &SYNTAX_WITHOUT_COMMENTS };
    let syntax = syntax.as_ref().map_err(|e| Error::new(e.kind(), e.to_string()))?;
    machinery::parse(source, "template", syntax.clone())
}

/// Parses an expression, as it stands between `{{` and `}}`.
pub(crate) fn parse_expression(source: &str) -> Result<machinery::ast::Expr<'_>, Error> {
    machinery::parse_expr(source)
}

impl<'s> Program<'s> {
    /// Compiles a template.
    pub fn template(source: &'s str, output: Output) -> Result<Self, Error> {
        let mut generator = CodeGenerator::new("template", source);
        generator.compile_stmt(&parse(source)?);
        Ok(Self { instructions: rewrite(&generator.finish().0, output) })
    }

    /// Compiles an expression.
    pub fn expression(source: &'s str) -> Result<Self, Error> {
        let mut generator = CodeGenerator::new("template", source);
        let expression = parse_expression(source)?;
        generator.push_span(expression.span());
        generator.compile_expr(&expression);
        generator.add(Instruction::CallFunction(DEFINED, Some(1)));
        Ok(Self { instructions: rewrite(&generator.finish().0, Output::Text) })
    }

    /// Runs it and hands the text, the value (of an expression) and the state to `finish`.
    pub fn run<R>(&self, root: Value, finish: impl FnOnce(String, Option<Value>, &State<'_, '_>) -> R) -> Result<R, Error> {
        let mut text = String::new();
        let blocks = BTreeMap::new();
        let (value, state) = {
            let mut out = machinery::make_string_output(&mut text);
            machinery::eval(&ENVIRONMENT, &self.instructions, root, &blocks, &mut out, AutoEscape::None)?
        };
        Ok(finish(text, value, &state))
    }
}

/// The same instructions with the two changes.
fn rewrite<'s>(old: &Instructions<'s>, output: Output) -> Instructions<'s> {
    let mut new = Instructions::new(old.name(), old.source());
    // Where each old instruction went; one more for jumps to the end.
    let mut moved = Vec::new();
    let macros = macro_bodies(old);
    let mut captures = 0_u32;
    let mut pc = 0;
    while let Some(instruction) = old.get(pc) {
        if macros.contains(&pc) {
            captures += 1;
        }
        match instruction {
            Instruction::BeginCapture(_) => captures += 1,
            Instruction::EndCapture | Instruction::Return => captures = captures.saturating_sub(1),
            _ => {}
        }
        let mut add = |instruction: Instruction<'s>| match (old.get_span(pc), old.get_line(pc)) {
            (Some(span), _) => new.add_with_span(instruction, span),
            (None, Some(line)) => new.add_with_line(instruction, u16::try_from(line).unwrap_or(u16::MAX)),
            (None, None) => new.add(instruction),
        };
        let mut first = None;
        if matches!(instruction, Instruction::Emit) && output == Output::Bash && captures == 0 {
            let (start, end) = old.get_span(pc).map_or((0, 0), |span| (span.start_offset, span.end_offset));
            first = Some(add(Instruction::LoadConst(Value::from(start))));
            add(Instruction::LoadConst(Value::from(end)));
            add(Instruction::CallFunction(bash::QUOTE, Some(3)));
        }
        let at = add(operator_call(instruction).unwrap_or_else(|| instruction.clone()));
        moved.push(first.unwrap_or(at));
        pc += 1;
    }
    moved.push(moved.last().map_or(0, |_| next_index(&new, moved.len())));
    retarget(&mut new, &moved);
    new
}

/// Where macro bodies start: they are compiled in line, behind a jump.
fn macro_bodies(instructions: &Instructions<'_>) -> BTreeSet<u32> {
    (0..)
        .map_while(|pc| instructions.get(pc))
        .filter_map(|i| if let Instruction::BuildMacro(_, start, _) = i { Some(*start) } else { None })
        .collect()
}

/// The number of instructions, which is at least `at_least`.
fn next_index(instructions: &Instructions<'_>, at_least: usize) -> u32 {
    let mut index = u32::try_from(at_least).unwrap_or(u32::MAX);
    while instructions.get(index).is_some() {
        index += 1;
    }
    index
}

fn retarget(instructions: &mut Instructions<'_>, moved: &[u32]) {
    let mut pc = 0;
    while let Some(instruction) = instructions.get_mut(pc) {
        if let Instruction::Jump(target)
        | Instruction::JumpIfFalse(target)
        | Instruction::JumpIfFalseOrPop(target)
        | Instruction::JumpIfTrueOrPop(target)
        | Instruction::Iterate(target)
        | Instruction::BuildMacro(_, target, _) = instruction
            && let Some(new) = usize::try_from(*target).ok().and_then(|old| moved.get(old))
        {
            *target = *new;
        }
        pc += 1;
    }
}

fn operator_call<'s>(instruction: &Instruction<'s>) -> Option<Instruction<'s>> {
    let (name, operands) = match instruction {
        Instruction::Add => (operators::ADD, 2),
        Instruction::Sub => (operators::SUB, 2),
        Instruction::Mul => (operators::MUL, 2),
        Instruction::Neg => (operators::NEG, 1),
        Instruction::Lt => (operators::LT, 2),
        Instruction::Lte => (operators::LTE, 2),
        Instruction::Gt => (operators::GT, 2),
        Instruction::Gte => (operators::GTE, 2),
        _ => return None,
    };
    Some(Instruction::CallFunction(name, Some(operands)))
}

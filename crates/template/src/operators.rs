//! `+ - *` and the comparisons, as Python has them for dates and durations.
//!
//! The template engine knows operators for its own values only, so `program` compiles these
//! operators into calls of the functions here; whatever is no date goes back to the engine's own.

use std::{cmp::Ordering, sync::LazyLock};

use minijinja::{Environment, Error, ErrorKind, Expression, UndefinedBehavior, Value, context, value::ValueKind};

use crate::{
    date::{Delta, Moment, invalid},
    environment::FUEL,
};

/// Operators and the names of their functions; the names can't be written in a template.
pub(crate) const ADD: &str = "+";
pub(crate) const SUB: &str = "-";
pub(crate) const MUL: &str = "*";
pub(crate) const NEG: &str = "-x";
pub(crate) const LT: &str = "<";
pub(crate) const LTE: &str = "<=";
pub(crate) const GT: &str = ">";
pub(crate) const GTE: &str = ">=";

pub(crate) fn register(env: &mut Environment<'_>) {
    env.add_function(ADD, add);
    env.add_function(SUB, sub);
    env.add_function(MUL, mul);
    env.add_function(NEG, neg);
    env.add_function(LT, |a: &Value, b: &Value| compare(a, b, LT, Ordering::is_lt));
    env.add_function(LTE, |a: &Value, b: &Value| compare(a, b, LTE, Ordering::is_le));
    env.add_function(GT, |a: &Value, b: &Value| compare(a, b, GT, Ordering::is_gt));
    env.add_function(GTE, |a: &Value, b: &Value| compare(a, b, GTE, Ordering::is_ge));
}

/// The engine's own operators.
struct Native {
    add: Expression<'static, 'static>,
    sub: Expression<'static, 'static>,
    mul: Expression<'static, 'static>,
    neg: Expression<'static, 'static>,
}

static PLAIN: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env
});

static NATIVE: LazyLock<Result<Native, Error>> = LazyLock::new(|| {
    Ok(Native {
        add: PLAIN.compile_expression("a + b")?,
        sub: PLAIN.compile_expression("a - b")?,
        mul: PLAIN.compile_expression("a * b")?,
        neg: PLAIN.compile_expression("-a")?,
    })
});

fn native(pick: impl Fn(&Native) -> &Expression<'static, 'static>, a: &Value, b: &Value) -> Result<Value, Error> {
    // An undefined operand is an error that names its origin, which only the operand itself can make.
    for operand in [a, b] {
        if operand.is_undefined() {
            operand.get_attr("")?;
        }
    }
    let native = NATIVE.as_ref().map_err(|e| invalid(e.to_string()))?;
    pick(native).eval(context! { a => a, b => b }).map_err(|e| Error::new(e.kind(), e.detail().unwrap_or("invalid operands").to_owned()))
}

fn integers(a: &Value, b: &Value) -> Option<(i64, i64)> {
    if a.is_integer() && b.is_integer() { a.as_i64().zip(b.as_i64()) } else { None }
}

fn add(a: &Value, b: &Value) -> Result<Value, Error> {
    if let Some(sum) = integers(a, b).and_then(|(a, b)| a.checked_add(b)) {
        return Ok(Value::from(sum));
    }
    let (moments, deltas) = operands(a, b);
    match (moments, deltas) {
        ((Some(at), None), (None, Some(delta))) | ((None, Some(at)), (Some(delta), None)) => Ok(Value::from_object(at.plus(*delta)?)),
        ((None, None), (Some(a), Some(b))) => Ok(Value::from_object(a.plus(*b)?)),
        ((None, None), (None, None)) => native(|n| &n.add, a, b),
        _ => Err(impossible("+", a, b)),
    }
}

fn sub(a: &Value, b: &Value) -> Result<Value, Error> {
    if let Some(difference) = integers(a, b).and_then(|(a, b)| a.checked_sub(b)) {
        return Ok(Value::from(difference));
    }
    let (moments, deltas) = operands(a, b);
    match (moments, deltas) {
        ((Some(later), Some(earlier)), _) => Ok(Value::from_object(later.since(earlier)?)),
        ((Some(at), None), (None, Some(delta))) => Ok(Value::from_object(at.plus(delta.negated())?)),
        ((None, None), (Some(a), Some(b))) => Ok(Value::from_object(a.plus(b.negated())?)),
        ((None, None), (None, None)) => native(|n| &n.sub, a, b),
        _ => Err(impossible("-", a, b)),
    }
}

fn mul(a: &Value, b: &Value) -> Result<Value, Error> {
    let (delta, factor) = match operands(a, b).1 {
        (Some(delta), None) => (delta, b),
        (None, Some(delta)) => (delta, a),
        (Some(_), Some(_)) => return Err(impossible("*", a, b)),
        (None, None) => return native(|n| &n.mul, a, b),
    };
    let factor = f64::try_from(factor.clone()).map_err(|_| impossible("*", a, b))?;
    Ok(Value::from_object(delta.times(factor)?))
}

fn neg(a: &Value) -> Result<Value, Error> {
    match a.downcast_object_ref::<Delta>() {
        Some(delta) => Ok(Value::from_object(delta.negated())),
        None => native(|n| &n.neg, a, &Value::from(())),
    }
}

/// As in Python, values of different kinds have no order: the engine would invent one.
fn compare(a: &Value, b: &Value, operator: &str, holds: fn(Ordering) -> bool) -> Result<Value, Error> {
    for operand in [a, b] {
        if operand.is_undefined() {
            operand.get_attr("")?;
        }
    }
    let comparable = match operands(a, b) {
        ((Some(a), Some(b)), _) => a.comparable(b),
        (_, (Some(_), Some(_))) => true,
        ((None, None), (None, None)) => order_class(a) == order_class(b),
        _ => false,
    };
    if comparable { Ok(Value::from(holds(a.cmp(b)))) } else { Err(impossible(operator, a, b)) }
}

fn order_class(value: &Value) -> ValueKind {
    match value.kind() {
        ValueKind::Bool => ValueKind::Number,
        kind => kind,
    }
}

type Pair<'a, T> = (Option<&'a T>, Option<&'a T>);

fn operands<'a>(a: &'a Value, b: &'a Value) -> (Pair<'a, Moment>, Pair<'a, Delta>) {
    ((a.downcast_object_ref(), b.downcast_object_ref()), (a.downcast_object_ref(), b.downcast_object_ref()))
}

fn impossible(operator: &str, a: &Value, b: &Value) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{} {operator} {}: these kinds don't go together", describe(a), describe(b)))
}

fn describe(value: &Value) -> String {
    match value.downcast_object_ref::<Moment>() {
        Some(Moment::Aware(_)) => "a date with a time zone".to_owned(),
        Some(Moment::Naive(_)) => "a date without a time zone".to_owned(),
        Some(Moment::Day(_)) => "a calendar day".to_owned(),
        None if value.downcast_object_ref::<Delta>().is_some() => "a duration".to_owned(),
        None => format!("a {}", value.kind()),
    }
}

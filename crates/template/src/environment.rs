//! The template engine, set up once: strict, bounded, with Airflow's filters.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use minijinja::{
    Environment, Error, UndefinedBehavior, Value,
    value::{Object, ObjectRepr},
};

use crate::{
    bash,
    date::{Moment, invalid},
    operators, program,
    value::dated_text,
};

/// What one rendering may spend: about as many instructions, or 64 times as many bytes (16 MB).
pub(crate) const FUEL: u64 = 250_000;

/// The longest result, in bytes.
pub(crate) const MAX_OUTPUT: usize = 1024 * 1024;

pub(crate) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    // Makes an error say which name was undefined, and where.
    env.set_debug(true);
    env.set_fuel(Some(FUEL));
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    env.add_filter("ds", |value: &Value| dated(value, "ds"));
    env.add_filter("ds_nodash", |value: &Value| dated(value, "ds_nodash"));
    env.add_filter("ts", |value: &Value| dated(value, "ts"));
    env.add_filter("ts_nodash", |value: &Value| dated(value, "ts_nodash"));
    env.add_filter("ts_nodash_with_tz", |value: &Value| dated(value, "ts_nodash_with_tz"));
    env.add_filter("raw", |value: &Value| raw(value));
    env.add_filter("sh_split", |value: &Value| bash::split(value));
    env.add_function(bash::QUOTE, bash::quote);
    operators::register(&mut env);
    program::register(&mut env);
    env
});

/// Airflow's date filters: none stays none.
fn dated(value: &Value, form: &str) -> Result<Value, Error> {
    if value.is_none() {
        return Ok(Value::from(()));
    }
    if value.is_undefined() {
        return value.get_attr("");
    }
    match value.downcast_object_ref::<Moment>() {
        Some(at) => dated_text(at, form).map(Value::from).ok_or_else(|| invalid(format!("unknown date form {form}"))),
        None => Err(invalid(format!(
            "the filter {form} wants a date, not a {}; macros.datetime.fromisoformat makes one from text",
            value.kind()
        ))),
    }
}

/// Text that `bash` inserts as it is, on the author's responsibility.
#[derive(Debug)]
pub(crate) struct RawText(pub String);

impl Object for RawText {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn raw(value: &Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return value.get_attr("");
    }
    Ok(Value::from_object(RawText(value.to_string())))
}

//! `macros`: Airflow's helper functions. "Now" is the attempt's moment, and what is random follows from
//! the attempt's id (`chance`).

use std::sync::Arc;

use jiff::civil::DateTime;
use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, Object, ObjectRepr, Rest, from_args},
};

use serde::Serialize as _;

use super::{
    Session,
    chance::{UuidModule, random},
    from_json,
    names::{MACROS, instead_of},
    to_json, unknown_method,
};
use crate::{
    date::{Amounts, Delta, Moment, from_now, invalid, relative, strftime, strptime},
    yaml::yaml_document,
};

/// `macros`.
#[derive(Debug)]
pub(super) struct Macros(pub Arc<Session>);

impl Object for Macros {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let module = match key.as_str()? {
            "datetime" => Module::Datetime,
            "timedelta" => Module::Timedelta,
            "json" => Module::Json,
            "yaml" => Module::Yaml,
            "time" => Module::Time,
            "dateutil" => Module::Dateutil,
            "uuid" => return Some(Value::from_object(UuidModule(Arc::clone(&self.0)))),
            _ => return None,
        };
        Some(Value::from_object(InSession { session: Arc::clone(&self.0), module }))
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match method {
            "ds_add" => ds_add(args),
            "ds_format" => ds_format(args),
            "datetime" | "timedelta" => match self.get_value(&Value::from(method)) {
                Some(class) => class.call(state, args),
                None => Err(Error::from(ErrorKind::UnknownMethod)),
            },
            "random" => random(&self.0, args),
            "datetime_diff_for_humans" => diff_for_humans(&self.0, args),
            "uuid" => Err(invalid("macros.uuid is a module: macros.uuid.uuid4()")),
            _ => match instead_of(method) {
                Some(help) => Err(invalid(format!("macros.{method} does not exist here: {help}"))),
                None => Err(unknown_method("macros", method, &MACROS)),
            },
        }
    }
}

/// `macros.datetime_diff_for_humans(logical_date)`: seen from now, or from the second argument.
fn diff_for_humans(session: &Session, args: &[Value]) -> Result<Value, Error> {
    let (moment, since): (&Value, Option<Value>) = from_args(args)?;
    let date = |value: &Value| {
        let date = value.downcast_object_ref::<Moment>().cloned();
        date.ok_or_else(|| invalid(format!("datetime_diff_for_humans wants a date, not a {}", value.kind())))
    };
    let moment = date(moment)?;
    let words = match since.filter(|since| !since.is_none()) {
        Some(since) => relative(&moment, &date(&since)?),
        None => from_now(&moment, &Moment::from(session.context.now)),
    };
    words.map(Value::from)
}

/// `macros.ds_add("2026-01-31", 1)`.
fn ds_add(args: &[Value]) -> Result<Value, Error> {
    let (ds, days): (&str, i64) = from_args(args)?;
    let moved = strptime(ds, "%Y-%m-%d")?.plus(Delta { days, ..Delta::default() })?;
    Ok(Value::from(strftime(&moved, "%Y-%m-%d")?))
}

/// `macros.ds_format("2026-01-31", "%Y-%m-%d", "%d.%m.%y")`.
fn ds_format(args: &[Value]) -> Result<Value, Error> {
    let (ds, from, to): (&Value, &str, &str) = from_args(args)?;
    Ok(Value::from(strftime(&strptime(&ds.to_string(), from)?, to)?))
}

/// A Python module or class that a template can reach.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Module {
    Datetime,
    Timedelta,
    Json,
    Yaml,
    Time,
    Dateutil,
    DateutilParser,
    Relativedelta,
}

#[derive(Debug)]
struct InSession {
    session: Arc<Session>,
    module: Module,
}

impl Object for InSession {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let module = match (self.module, key.as_str()?) {
            (Module::Dateutil, "parser") => Module::DateutilParser,
            (Module::Dateutil, "relativedelta") => Module::Relativedelta,
            // `macros.datetime` is the class; those who expect the module find the class in it.
            (Module::Datetime, "datetime") => Module::Datetime,
            (Module::Datetime, "timedelta") => Module::Timedelta,
            _ => return None,
        };
        Some(Value::from_object(Self { session: Arc::clone(&self.session), module }))
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        match self.module {
            Module::Datetime => datetime(args),
            Module::Timedelta => timedelta(args),
            Module::Relativedelta => relativedelta(args),
            _ => Err(invalid("a module can't be called")),
        }
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let now = || Moment::from(self.session.context.now);
        match (self.module, method) {
            (Module::Datetime, "datetime") => datetime(args),
            (Module::Datetime, "timedelta") => timedelta(args),
            (Module::Datetime, _) => datetime_class(&now(), method, args),
            (Module::Json, "dumps") => dumps(args),
            (Module::Json, "loads") => {
                let (text,): (&str,) = from_args(args)?;
                serde_json::from_str(text).map(|json| from_json(&json)).map_err(|e| invalid(format!("json.loads: {e}")))
            }
            (Module::Yaml, "dump" | "safe_dump") => yaml_dump(args),
            (Module::Time, "time") => Ok(Value::from(now().timestamp_micros()? as f64 / 1e6)),
            (Module::Time, "strftime") => {
                let (format,): (&str,) = from_args(args)?;
                Ok(Value::from(strftime(&now(), format)?))
            }
            (Module::Dateutil | Module::Relativedelta, "relativedelta") => relativedelta(args),
            (Module::DateutilParser, "parse" | "isoparse") => {
                let (text,): (&str,) = from_args(args)?;
                Ok(Value::from_object(Moment::parse(text)?))
            }
            (module, method) => Err(invalid(format!("macros.{} has no method \"{method}\"", format!("{module:?}").to_lowercase()))),
        }
    }
}

/// `datetime(2026, 1, 31, 6)`, also by keyword.
fn datetime(args: &[Value]) -> Result<Value, Error> {
    const FIELDS: [&str; 7] = ["year", "month", "day", "hour", "minute", "second", "microsecond"];
    let (positional, kwargs): (Rest<i32>, Kwargs) = from_args(args)?;
    let mut fields = [0_i32; 7];
    for (index, (field, name)) in fields.iter_mut().zip(FIELDS).enumerate() {
        *field = match positional.get(index) {
            Some(value) => *value,
            None => kwargs.get::<Option<i32>>(name)?.unwrap_or(0),
        };
    }
    kwargs.assert_all_used()?;
    let [year, month, day, hour, minute, second, micros] = fields;
    let small = |n: i32| i8::try_from(n).unwrap_or(i8::MAX);
    let at = DateTime::new(
        i16::try_from(year).unwrap_or(i16::MAX),
        small(month),
        small(day),
        small(hour),
        small(minute),
        small(second),
        micros.saturating_mul(1_000),
    );
    at.map(|at| Value::from_object(Moment::Naive(at))).map_err(|e| invalid(format!("datetime(): {e}")))
}

fn datetime_class(now: &Moment, method: &str, args: &[Value]) -> Result<Value, Error> {
    Ok(Value::from_object(match method {
        "now" | "utcnow" | "today" => now.clone(),
        "strptime" => {
            let (text, format): (&Value, &str) = from_args(args)?;
            strptime(&text.to_string(), format)?
        }
        "fromisoformat" => {
            let (text,): (&str,) = from_args(args)?;
            Moment::parse(text)?
        }
        "fromtimestamp" | "utcfromtimestamp" => {
            let (seconds,): (f64,) = from_args(args)?;
            let at = jiff::Timestamp::from_microsecond((seconds * 1e6).round() as i64);
            Moment::Aware(at.map_err(|e| invalid(e.to_string()))?.to_zoned(jiff::tz::TimeZone::UTC))
        }
        _ => return Err(unknown_method("macros.datetime", method, &["now", "strptime", "fromisoformat", "fromtimestamp"])),
    }))
}

/// `timedelta(days=1)`; positional arguments are days, seconds, microseconds.
fn timedelta(args: &[Value]) -> Result<Value, Error> {
    let (days, seconds, kwargs): (Option<f64>, Option<f64>, Kwargs) = from_args(args)?;
    let micros = (days.unwrap_or(0.0) * 86_400.0 + seconds.unwrap_or(0.0)) * 1e6;
    if micros.abs() > 9e17 {
        return Err(invalid("the duration is too long"));
    }
    let delta = Amounts::from_kwargs(&kwargs)?.exact()?.plus(Delta::from_micros(micros.round() as i64))?;
    Ok(Value::from_object(delta))
}

/// `relativedelta(months=1)`.
fn relativedelta(args: &[Value]) -> Result<Value, Error> {
    let (kwargs,): (Kwargs,) = from_args(args)?;
    Ok(Value::from_object(Amounts::from_kwargs(&kwargs)?.calendar()?))
}

/// `json.dumps(x)`, with Python's spaces after `,` and `:`; `indent` and `sort_keys` as there.
fn dumps(args: &[Value]) -> Result<Value, Error> {
    let (value, kwargs): (&Value, Kwargs) = from_args(args)?;
    let indent = kwargs.get::<Option<usize>>("indent")?;
    let json = sorted(to_json(value), kwargs.get::<Option<bool>>("sort_keys")?.unwrap_or(false));
    kwargs.assert_all_used()?;
    let text = match indent {
        Some(width) if width > MAX_INDENT => return Err(invalid(format!("json.dumps: indent is {MAX_INDENT} at most"))),
        Some(width) => indented(&json, &" ".repeat(width)),
        None => Ok(compact(&json)),
    };
    text.map(Value::from).map_err(|e| invalid(format!("json.dumps: {e}")))
}

/// More would only make a text long.
const MAX_INDENT: usize = 64;

fn indented(json: &serde_json::Value, indent: &str) -> serde_json::Result<String> {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    json.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter))?;
    // JSON is UTF-8.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn sorted(mut json: serde_json::Value, is_sorted: bool) -> serde_json::Value {
    if is_sorted {
        json.sort_all_objects();
    }
    json
}

/// `yaml.dump(x)`, which in Airflow is `safe_dump`: in block style, sorted by key unless `sort_keys` is false.
fn yaml_dump(args: &[Value]) -> Result<Value, Error> {
    let (value, kwargs): (&Value, Kwargs) = from_args(args)?;
    let json = sorted(to_json(value), kwargs.get::<Option<bool>>("sort_keys")?.unwrap_or(true));
    if kwargs.get::<Option<bool>>("default_flow_style")?.unwrap_or(false) {
        return Err(invalid("yaml.dump: there is no flow style here; JSON is YAML too: macros.json.dumps"));
    }
    kwargs.assert_all_used()?;
    Ok(Value::from(yaml_document(&json)))
}

fn compact(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::Array(items) => format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(", ")),
        serde_json::Value::Object(map) => {
            let pairs = map.iter().map(|(k, v)| format!("{}: {}", serde_json::Value::from(k.as_str()), compact(v)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

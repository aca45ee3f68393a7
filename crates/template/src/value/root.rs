//! The context as the template engine's root: names to values.

use std::sync::Arc;

use minijinja::{
    Value,
    value::{Enumerator, Object},
};
use updraft_model::Timestamp;

use super::{
    GLOBALS, Pending, Session,
    connection::Connections,
    from_json,
    macros::Macros,
    moment,
    run::{DagObject, DagRun, TaskObject},
    task_instance::TaskInstance,
    variable::Variables,
};
use crate::{FactValue, Need, PrevSuccess, date::Moment};

/// The root of every template.
#[derive(Debug)]
pub(crate) struct Root(pub Arc<Session>);

impl Root {
    fn session(&self) -> Arc<Session> {
        Arc::clone(&self.0)
    }

    /// The text forms of the logical date, and the date itself.
    fn dated(&self, name: &str) -> Option<Value> {
        let at = Moment::from(self.0.context.logical_date?);
        match name {
            "logical_date" => Some(Value::from_object(at)),
            "data_interval_start" => Some(Value::from_object(Moment::from(self.0.context.data_interval?.start))),
            "data_interval_end" => Some(Value::from_object(Moment::from(self.0.context.data_interval?.end))),
            form => dated_text(&at, form).map(Value::from),
        }
    }

    /// A fact about the newest successful run; none if there is no such run.
    fn previous(&self, pick: impl Fn(&PrevSuccess) -> Option<Timestamp>) -> Value {
        match self.0.fact(&Need::PrevSuccess) {
            None => Pending::value(),
            Some(FactValue::PrevSuccess(previous)) => moment(pick(previous)),
            Some(_) => Value::from(()),
        }
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        let context = &self.0.context;
        Some(match name {
            "prev_data_interval_start_success" => self.previous(|p| p.data_interval.map(|i| i.start)),
            "prev_data_interval_end_success" => self.previous(|p| p.data_interval.map(|i| i.end)),
            "prev_start_date_success" => self.previous(|p| p.start_date),
            "prev_end_date_success" => self.previous(|p| p.end_date),
            "run_id" => Value::from(&context.run_id),
            "dag_id" => Value::from(&context.dag_id),
            "task_id" => Value::from(&context.task_id),
            "run_type" => Value::from(&context.run_type),
            "run_after" => moment(Some(context.run_after)),
            "attempt_id" => Value::from(&context.attempt_id),
            "try_number" => Value::from(context.try_number),
            "map_index" => Value::from(context.map_index),
            "timezone" => Value::from(&context.timezone),
            "test_mode" => Value::from(context.test_mode),
            "dag_run" => Value::from_object(DagRun(self.session())),
            "dag" => Value::from_object(DagObject(self.session())),
            "task" => Value::from_object(TaskObject(self.session())),
            "ti" | "task_instance" => Value::from_object(TaskInstance(self.session())),
            "task_instance_key_str" => {
                let day = self.0.context.logical_date.map_or_else(|| context.run_id.clone(), ds_nodash);
                Value::from(format!("{}__{}__{day}", context.dag_id, context.task_id))
            }
            "params" => Value::from_object(Params(self.session())),
            "var" => Value::from_object(Variables(self.session())),
            "conn" => Value::from_object(Connections(self.session())),
            "macros" => Value::from_object(Macros(self.session())),
            _ => return self.dated(name),
        })
    }
}

fn ds_nodash(at: Timestamp) -> String {
    at.isoformat().chars().take(10).filter(|c| *c != '-').collect()
}

/// Airflow's texts of a date: `ds`, `ds_nodash`, `ts`, `ts_nodash`, `ts_nodash_with_tz`.
pub(crate) fn dated_text(at: &Moment, form: &str) -> Option<String> {
    let without = |text: String, drop: &[char]| text.replace(drop, "");
    let full = at.isoformat("T");
    Some(match form {
        "ds" => full.chars().take(10).collect(),
        "ds_nodash" => without(full.chars().take(10).collect(), &['-']),
        "ts" => full,
        // Without fraction and zone: 20260131T060000.
        "ts_nodash" => without(full.chars().take(19).collect(), &['-', ':']),
        // Airflow: isoformat() without "-" and ":"; so a negative offset loses its sign, as there.
        "ts_nodash_with_tz" => without(full, &['-', ':']),
        _ => return None,
    })
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.lookup(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.lookup(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&GLOBALS)
    }
}

/// `params`: each is converted when it is asked for.
#[derive(Debug)]
struct Params(Arc<Session>);

impl Object for Params {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.context.params.get(key.as_str()?).map(from_json)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.context.params.keys().map(Value::from).collect())
    }
}

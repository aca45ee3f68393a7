//! `ti` (also `task_instance`): the attempt, and `xcom_pull`.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, Object, ValueKind, from_args},
};

use super::{Pending, Session, from_json, moment, unknown_method};
use crate::{FactValue, Need};

/// `ti`.
#[derive(Debug)]
pub(super) struct TaskInstance(pub Arc<Session>);

impl Object for TaskInstance {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let context = &self.0.context;
        Some(match key.as_str()? {
            "task_id" => Value::from(&context.task_id),
            "dag_id" => Value::from(&context.dag_id),
            "run_id" => Value::from(&context.run_id),
            "map_index" => Value::from(context.map_index),
            "try_number" => Value::from(context.try_number),
            "max_tries" => Value::from(context.max_tries),
            "attempt_id" | "id" => Value::from(&context.attempt_id),
            "operator" => Value::from(&context.task.operator),
            "pool" => Value::from(&context.task.pool),
            "start_date" => moment(Some(context.now)),
            _ => return None,
        })
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match method {
            "xcom_pull" => Pull::parse(args)?.run(&self.0),
            "xcom_push" => Err(Error::new(
                ErrorKind::InvalidOperation,
                "a template can't push XComs; the task writes them to the file $UPDRAFT_OUTPUT",
            )),
            _ => Err(unknown_method("ti", method, &["xcom_pull"])),
        }
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let context = &self.0.context;
        write!(f, "<TaskInstance: {}.{} {}>", context.dag_id, context.task_id, context.run_id)
    }
}

/// The arguments of `xcom_pull`, in Airflow 3's order:
/// `task_ids, dag_id, key, include_prior_dates, map_indexes, default, run_id`.
struct Pull {
    /// `None`: the task itself.
    task_ids: Vec<Option<String>>,
    one_task: bool,
    /// `None`: all copies.
    map_indexes: Option<Vec<Option<i32>>>,
    one_index: bool,
    dag_id: Option<String>,
    run_id: Option<String>,
    key: String,
    include_prior_dates: bool,
    default: Value,
}

impl Pull {
    fn parse(args: &[Value]) -> Result<Self, Error> {
        let (positional, kwargs): (minijinja::value::Rest<Value>, Kwargs) = from_args(args)?;
        if positional.len() > 4 {
            let message = "xcom_pull: write all arguments after include_prior_dates by name, e.g. default=0";
            return Err(Error::new(ErrorKind::TooManyArguments, message));
        }
        let argument = |index: usize, name: &str| -> Result<Option<Value>, Error> {
            let value = match positional.get(index) {
                Some(value) => Some(value.clone()),
                None => kwargs.get::<Option<Value>>(name)?,
            };
            Ok(value.filter(|v| !v.is_none() && !v.is_undefined()))
        };
        let (task_ids, one_task) = match argument(0, "task_ids")? {
            None => (vec![None], true),
            Some(id) if id.as_str().is_some() => (vec![Some(id.to_string())], true),
            Some(ids) => (ids.try_iter()?.map(|id| Some(id.to_string())).collect(), false),
        };
        let text = |value: Option<Value>| value.map(|v| v.to_string());
        let dag_id = text(argument(1, "dag_id")?);
        let key = text(argument(2, "key")?).unwrap_or_else(|| "return_value".to_owned());
        let include_prior_dates = argument(3, "include_prior_dates")?.is_some_and(|value| value.is_true());
        let (map_indexes, one_index) = match kwargs.get::<Option<Value>>("map_indexes")? {
            None => (None, false),
            Some(index) if index.is_none() || index.kind() == ValueKind::Number => (Some(vec![map_index(&index)?]), true),
            Some(indexes) => (Some(indexes.try_iter()?.map(|i| map_index(&i)).collect::<Result<_, _>>()?), false),
        };
        let run_id = text(argument(usize::MAX, "run_id")?);
        let default = kwargs.get::<Option<Value>>("default")?.unwrap_or(Value::from(()));
        kwargs.assert_all_used()?;
        Ok(Self { task_ids, one_task, map_indexes, one_index, dag_id, run_id, key, include_prior_dates, default })
    }

    fn need(&self, task_id: &Option<String>, map_index: Option<i32>) -> Need {
        let Self { dag_id, run_id, key, include_prior_dates, .. } = self;
        Need::XCom {
            task_id: task_id.clone(),
            run_id: run_id.clone(),
            dag_id: dag_id.clone(),
            key: key.clone(),
            map_index,
            include_prior_dates: *include_prior_dates,
        }
    }

    /// As Airflow 3: one task gives its value (or the list of its copies' values), several tasks a
    /// list; with `map_indexes`, a list unless there is one task and one index.
    fn run(&self, session: &Session) -> Result<Value, Error> {
        let mut values = Vec::new();
        let mut pending = false;
        for task_id in &self.task_ids {
            for index in self.map_indexes.as_deref().unwrap_or(&[None]) {
                match session.fact(&self.need(task_id, *index)) {
                    None => pending = true,
                    Some(FactValue::Absent | FactValue::Json(serde_json::Value::Null)) => values.push(self.default.clone()),
                    Some(FactValue::Json(value)) => values.push(from_json(value)),
                    Some(FactValue::Text(text)) => values.push(Value::from(text)),
                    Some(FactValue::List(list)) if self.one_task && self.map_indexes.is_none() => {
                        return Ok(list.iter().map(from_json).collect());
                    }
                    Some(FactValue::List(list)) => values.extend(list.iter().map(from_json)),
                    Some(FactValue::PrevSuccess(_)) => values.push(self.default.clone()),
                }
            }
        }
        if pending {
            return Ok(Pending::value());
        }
        let one = self.one_task && (self.map_indexes.is_none() || self.one_index);
        Ok(if one { values.into_iter().next().unwrap_or_else(|| self.default.clone()) } else { Value::from(values) })
    }
}

/// An index; none means the task's only copy.
fn map_index(value: &Value) -> Result<Option<i32>, Error> {
    if value.is_none() { Ok(Some(-1)) } else { i32::try_from(value.clone()).map(Some) }
}

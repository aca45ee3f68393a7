//! The objects that templates see: the context by name, `dag_run`, `ti`, `var`, `conn`, `macros`.
//!
//! They are lazy: a value is made when a template asks for it. What only the store knows is looked
//! up among the facts; what is missing there is noted as a need, and [`Pending`] stands in for it
//! so that one pass finds as many needs as possible. The result of such a pass is thrown away.

mod chance;
mod connection;
mod json;
mod macros;
mod names;
mod root;
mod run;
mod task_instance;
mod variable;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Enumerator, Object},
};
use updraft_model::Timestamp;

pub use chance::Draws;
pub(crate) use json::{from_json, to_json};
pub(crate) use names::{ATTRIBUTES, DATED, GLOBALS, instead_of};
pub(crate) use root::{Root, dated_text};

use crate::{Context, FactValue, Facts, Need, date::Moment};

/// One rendering: what is known, and what turned out to be missing.
#[derive(Debug)]
pub(crate) struct Session {
    pub context: Context,
    facts: Facts,
    missing: Mutex<BTreeSet<Need>>,
}

impl Session {
    pub fn new(context: &Context, facts: &Facts) -> Arc<Self> {
        Arc::new(Self { context: context.clone(), facts: facts.clone(), missing: Mutex::default() })
    }

    /// The answer to `need`; if it isn't known, it is noted.
    fn fact(&self, need: &Need) -> Option<&FactValue> {
        let fact = self.facts.get(need);
        if fact.is_none() {
            self.missing.lock().unwrap_or_else(PoisonError::into_inner).insert(need.clone());
        }
        fact
    }

    /// The needs noted so far.
    pub fn take_missing(&self) -> BTreeSet<Need> {
        std::mem::take(&mut *self.missing.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Stands in for a value that the store has to provide: anything can be asked of it.
#[derive(Debug)]
struct Pending;

impl Pending {
    fn value() -> Value {
        Value::from_object(Self)
    }
}

impl Object for Pending {
    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Self::value())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        Ok(Self::value())
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, _: &str, _: &[Value]) -> Result<Value, Error> {
        Ok(Self::value())
    }
}

/// A time of the context, or none.
fn moment(at: Option<Timestamp>) -> Value {
    at.map_or(Value::from(()), |at| Value::from_object(Moment::from(at)))
}

/// An object without the method that a template calls.
fn unknown_method(object: &str, method: &str, known: &[&str]) -> Error {
    let known = known.join(", ");
    // Not `UnknownMethod`: then the engine would look for a method of Python's dict.
    Error::new(ErrorKind::InvalidOperation, format!("{object} has no method \"{method}\"; it has {known}"))
}

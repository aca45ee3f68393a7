//! What templates need from the store. Rendering is pure, so a missing fact is reported as a
//! [`Need`]; the caller fetches it and renders again.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use updraft_model::{DataInterval, Timestamp};

/// A fact of the store that a template asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// An XCom: [`FactValue::Json`], [`FactValue::List`] (see `map_index`) or [`FactValue::Absent`].
    XCom {
        /// The task that pushed it; `None` is the task that is rendered.
        task_id: Option<String>,
        /// The run; `None` is the run that is rendered.
        run_id: Option<String>,
        /// The DAG; `None` is the DAG that is rendered.
        dag_id: Option<String>,
        /// `return_value` unless the template says otherwise.
        key: String,
        /// One copy of a mapped task; `None` asks for all: a list in the order of the map
        /// indexes if the task is mapped, the one value if it is not.
        map_index: Option<i32>,
        /// Whether it may be from a run before that one: the newest there is.
        include_prior_dates: bool,
    },
    /// A variable: [`FactValue::Text`] or [`FactValue::Absent`].
    Variable(String),
    /// A connection: [`FactValue::Json`], an object with Airflow's fields (`conn_type`, `host`,
    /// `login`, `password`, `port`, `schema`, `extra`), or [`FactValue::Absent`].
    Connection(String),
    /// The newest successful run before this one: [`FactValue::PrevSuccess`] or [`FactValue::Absent`].
    PrevSuccess,
}

/// The answer to a [`Need`].
#[derive(Debug, Clone, PartialEq)]
pub enum FactValue {
    /// There is none.
    Absent,
    /// One value.
    Json(Value),
    /// The values of all copies of a mapped task.
    List(Vec<Value>),
    /// A text.
    Text(String),
    /// The newest successful run before this one.
    PrevSuccess(PrevSuccess),
}

/// The newest successful run before this one.
#[derive(Debug, Clone, PartialEq)]
pub struct PrevSuccess {
    /// Its name.
    pub run_id: String,
    /// Its data interval.
    pub data_interval: Option<DataInterval>,
    /// When it started.
    pub start_date: Option<Timestamp>,
    /// When it ended.
    pub end_date: Option<Timestamp>,
}

/// The facts fetched so far. Cloning is cheap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts(Arc<BTreeMap<Need, FactValue>>);

impl Facts {
    /// No facts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces the answer to `need`.
    pub fn insert(&mut self, need: Need, value: FactValue) {
        Arc::make_mut(&mut self.0).insert(need, value);
    }

    /// The answer to `need`, if it was fetched.
    pub fn get(&self, need: &Need) -> Option<&FactValue> {
        self.0.get(need)
    }
}

impl FromIterator<(Need, FactValue)> for Facts {
    fn from_iter<I: IntoIterator<Item = (Need, FactValue)>>(facts: I) -> Self {
        Self(Arc::new(facts.into_iter().collect()))
    }
}

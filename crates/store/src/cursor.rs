//! Reading a list piece by piece, from a place in it on: however long the list is, a page costs what
//! its own rows cost. Rows that come or go elsewhere move nothing from one page to another.
//!
//! What a place looks like to callers of the API is not known here.

use serde::{Deserialize, Serialize};
use updraft_model::Timestamp;
use uuid::Uuid;

/// Up to here the whole is counted for a page by cursor: a total of this means "at least so many".
pub const CURSOR_TOTAL_LIMIT: u32 = 1_000;

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// The first.
    First,
    /// The rows behind a place.
    After(Place),
    /// The rows that lead up to a place, in the list's order.
    Before(Place),
}

/// Where a row stands in an order: its value of each name in `order_by`, then its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Place(pub Vec<Mark>);

/// A value that rows are sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Mark {
    Null,
    Int(i64),
    Text(String),
    Time(Timestamp),
    Uuid(Uuid),
}

/// The type of a [`Mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MarkKind {
    Int,
    Text,
    Time,
    Uuid,
}

/// What a list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The name in `order_by`.
    pub name: &'static str,
    /// The type of its values.
    pub kind: MarkKind,
    /// Whether a row may have none.
    pub nullable: bool,
}

/// All that a list can be sorted by, and the key that decides between equal rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orders {
    /// The names.
    pub names: &'static [Order],
    /// The key.
    pub key: &'static [Order],
}

const fn always(name: &'static str, kind: MarkKind) -> Order {
    Order { name, kind, nullable: false }
}

const fn perhaps(name: &'static str, kind: MarkKind) -> Order {
    Order { name, kind, nullable: true }
}

/// Of [`Reader::runs`](crate::Reader::runs).
pub const RUN_ORDERS: Orders = Orders {
    names: &[
        always("id", MarkKind::Int),
        always("dag_id", MarkKind::Text),
        always("run_id", MarkKind::Text),
        perhaps("logical_date", MarkKind::Time),
        always("run_after", MarkKind::Time),
        perhaps("start_date", MarkKind::Time),
        perhaps("end_date", MarkKind::Time),
        always("state", MarkKind::Text),
        always("run_type", MarkKind::Text),
        perhaps("queued_at", MarkKind::Time),
        perhaps("duration", MarkKind::Int),
    ],
    key: &[always("id", MarkKind::Int)],
};

/// Of [`Reader::task_instances`](crate::Reader::task_instances).
pub const TASK_INSTANCE_ORDERS: Orders = Orders {
    names: &[
        always("id", MarkKind::Uuid),
        always("task_id", MarkKind::Text),
        always("map_index", MarkKind::Int),
        always("state", MarkKind::Text),
        perhaps("start_date", MarkKind::Time),
        perhaps("end_date", MarkKind::Time),
        always("try_number", MarkKind::Int),
        always("run_after", MarkKind::Time),
        perhaps("logical_date", MarkKind::Time),
        perhaps("queued_at", MarkKind::Time),
        perhaps("duration", MarkKind::Int),
        always("operator", MarkKind::Text),
        perhaps("data_interval_start", MarkKind::Time),
        perhaps("data_interval_end", MarkKind::Time),
    ],
    key: &[always("run", MarkKind::Int), always("task_id", MarkKind::Text), always("map_index", MarkKind::Int)],
};

impl Orders {
    /// What is known of a name.
    pub fn named(&self, name: &str) -> Option<&'static Order> {
        self.names.iter().find(|order| order.name == name)
    }

    /// Whether `place` is one of a list that is sorted by `order_by`; else what is wrong with it.
    /// A store may take for granted that this was asked.
    pub fn check(&self, order_by: &[String], Place(marks): &Place) -> Result<(), String> {
        let mut orders = Vec::with_capacity(order_by.len() + self.key.len());
        for name in order_by {
            let name = name.strip_prefix('-').unwrap_or(name);
            orders.push(self.named(name).ok_or_else(|| format!("the list has no order by \"{name}\""))?);
        }
        orders.extend(self.key);
        if orders.len() != marks.len() {
            return Err(format!("it has {} values where {} belong", marks.len(), orders.len()));
        }
        for (order, mark) in orders.into_iter().zip(marks) {
            let fits = match mark {
                Mark::Null => order.nullable,
                Mark::Int(_) => order.kind == MarkKind::Int,
                // PostgreSQL has no text with a NUL in it.
                Mark::Text(text) => order.kind == MarkKind::Text && !text.contains('\0'),
                // PostgreSQL has no time long before year 1.
                Mark::Time(at) => order.kind == MarkKind::Time && *at >= Timestamp::MIN,
                Mark::Uuid(_) => order.kind == MarkKind::Uuid,
            };
            if !fits {
                return Err(format!("its value of \"{}\" does not fit", order.name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_fits_the_order_it_was_made_for() {
        let check = |order: &[&str], marks: &[Mark]| {
            let order: Vec<String> = order.iter().map(ToString::to_string).collect();
            RUN_ORDERS.check(&order, &Place(marks.to_vec())).err().unwrap_or_default()
        };
        let time = || Mark::Time(Timestamp::from_micros(1));
        assert_eq!(check(&[], &[Mark::Int(1)]), "");
        assert_eq!(check(&["-start_date"], &[time(), Mark::Int(1)]), "");
        assert_eq!(check(&["-start_date"], &[Mark::Null, Mark::Int(1)]), "");
        assert_eq!(check(&["run_after"], &[Mark::Null, Mark::Int(1)]), "its value of \"run_after\" does not fit");
        assert_eq!(check(&["run_id"], &[Mark::Text("a\0".into()), Mark::Int(1)]), "its value of \"run_id\" does not fit");
        let long_ago = Mark::Time(Timestamp::from_micros(Timestamp::MIN.micros() - 1));
        assert_eq!(check(&["run_after"], &[long_ago, Mark::Int(1)]), "its value of \"run_after\" does not fit");
        assert_eq!(check(&["run_id"], &[Mark::Int(1), Mark::Int(1)]), "its value of \"run_id\" does not fit");
        assert_eq!(check(&["-start_date"], &[Mark::Int(1)]), "it has 1 values where 2 belong");
        assert_eq!(check(&["colour"], &[Mark::Int(1), Mark::Int(1)]), "the list has no order by \"colour\"");
    }
}

//! A value of a column, on its way in or out.

use std::{fmt::Display, str::FromStr, vec};

use serde::de::DeserializeOwned;
use updraft_model::{Packed, Timestamp};
use uuid::Uuid;

/// One value, with its type even where it is NULL: PostgreSQL wants to know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Cell {
    Int(Option<i64>),
    Bool(Option<bool>),
    Text(Option<String>),
    Time(Option<Timestamp>),
    Uuid(Option<Uuid>),
}

/// A column holds what the code can't read, by name and in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl Unreadable {
    fn new(wanted: &str, found: impl std::fmt::Debug) -> Self {
        Self(format!("expected {wanted}, found {found:?}"))
    }
}

/// A row of a result, read from its first column to its last.
#[derive(Debug)]
pub struct Row(vec::IntoIter<Cell>);

impl From<Vec<Cell>> for Row {
    fn from(cells: Vec<Cell>) -> Self {
        Self(cells.into_iter())
    }
}

type Read<T> = Result<T, Unreadable>;

fn some<T>(value: Option<T>, wanted: &str) -> Read<T> {
    value.ok_or_else(|| Unreadable::new(wanted, "NULL"))
}

fn parsed<T: FromStr<Err: Display>>(text: String) -> Read<T> {
    text.parse().map_err(|e| Unreadable(format!("{text:?}: {e}")))
}

fn from_json<T: DeserializeOwned>(text: String) -> Read<T> {
    serde_json::from_str(&text).map_err(|e| Unreadable(format!("{text:?}: {e}")))
}

/// Each method reads the next column. SQLite has integers for booleans and times, text for UUIDs.
#[allow(missing_docs)]
impl Row {
    fn next(&mut self) -> Read<Cell> {
        some(self.0.next(), "one more column")
    }

    pub fn opt_int(&mut self) -> Read<Option<i64>> {
        match self.next()? {
            Cell::Int(value) => Ok(value),
            Cell::Text(None) => Ok(None),
            other => Err(Unreadable::new("an integer", other)),
        }
    }

    pub fn int(&mut self) -> Read<i64> {
        some(self.opt_int()?, "an integer")
    }

    /// An integer of a narrower type.
    pub fn narrow<T: TryFrom<i64>>(&mut self) -> Read<T> {
        let value = self.int()?;
        T::try_from(value).map_err(|_| Unreadable::new("a smaller integer", value))
    }

    pub fn opt_narrow<T: TryFrom<i64>>(&mut self) -> Read<Option<T>> {
        let value = self.opt_int()?;
        value.map(|value| T::try_from(value).map_err(|_| Unreadable::new("a smaller integer", value))).transpose()
    }

    pub fn bool(&mut self) -> Read<bool> {
        match self.next()? {
            Cell::Bool(Some(value)) => Ok(value),
            Cell::Int(Some(value)) => Ok(value != 0),
            other => Err(Unreadable::new("a boolean", other)),
        }
    }

    pub fn opt_text(&mut self) -> Read<Option<String>> {
        match self.next()? {
            Cell::Text(value) => Ok(value),
            other => Err(Unreadable::new("text", other)),
        }
    }

    pub fn text(&mut self) -> Read<String> {
        some(self.opt_text()?, "text")
    }

    /// A text that is a name, a state or an id.
    pub fn parse<T: FromStr<Err: Display>>(&mut self) -> Read<T> {
        parsed(self.text()?)
    }

    pub fn opt_parse<T: FromStr<Err: Display>>(&mut self) -> Read<Option<T>> {
        self.opt_text()?.map(parsed).transpose()
    }

    pub fn json<T: DeserializeOwned>(&mut self) -> Read<T> {
        from_json(self.text()?)
    }

    /// A text that is kept as [`Packed`].
    pub fn packed(&mut self) -> Read<String> {
        Packed::unpack(self.text()?).map_err(|e| Unreadable(e.to_string()))
    }

    pub fn packed_json<T: DeserializeOwned>(&mut self) -> Read<T> {
        from_json(self.packed()?)
    }

    pub fn opt_json<T: DeserializeOwned>(&mut self) -> Read<Option<T>> {
        self.opt_text()?.map(from_json).transpose()
    }

    pub fn opt_time(&mut self) -> Read<Option<Timestamp>> {
        match self.next()? {
            Cell::Time(value) => Ok(value),
            Cell::Int(value) => Ok(value.map(Timestamp::from_micros)),
            Cell::Text(None) => Ok(None),
            other => Err(Unreadable::new("a time", other)),
        }
    }

    pub fn time(&mut self) -> Read<Timestamp> {
        some(self.opt_time()?, "a time")
    }

    pub fn opt_uuid(&mut self) -> Read<Option<Uuid>> {
        match self.next()? {
            Cell::Uuid(value) => Ok(value),
            Cell::Text(value) => value.map(parsed).transpose(),
            other => Err(Unreadable::new("a UUID", other)),
        }
    }

    pub fn uuid(&mut self) -> Read<Uuid> {
        some(self.opt_uuid()?, "a UUID")
    }
}

macro_rules! cell_from {
    ($($variant:ident: $($type:ty => |$value:ident| $cell:expr),+;)+) => {$($(
        impl From<$type> for Cell {
            fn from($value: $type) -> Self {
                Self::$variant(Some($cell))
            }
        }
        impl From<Option<$type>> for Cell {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map(|$value| $cell))
            }
        }
    )+)+};
}

cell_from! {
    Int: i64 => |v| v, i32 => |v| i64::from(v), u32 => |v| i64::from(v);
    Bool: bool => |v| v;
    Text: String => |v| v, &str => |v| v.to_owned(), &String => |v| v.clone();
    Time: Timestamp => |v| v;
    Uuid: Uuid => |v| v;
}

//! Identifiers. A value of one of these types has passed its validation.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("{what} is empty")]
    Empty {
        /// Which identifier, e.g. `dag_id`.
        what: &'static str,
    },
    /// The text has more than [`MAX_ID_LEN`] characters.
    #[error("{what} is {len} characters long; at most {MAX_ID_LEN} are allowed")]
    TooLong {
        /// Which identifier.
        what: &'static str,
        /// Its length in characters.
        len: usize,
    },
    /// The text has a character outside the allowed set.
    #[error("{what} \"{text}\" contains {found:?}; allowed are {allowed}")]
    Character {
        /// Which identifier.
        what: &'static str,
        /// The rejected text.
        text: String,
        /// The first offending character.
        found: char,
        /// What is allowed, in words.
        allowed: &'static str,
    },
    /// A run id may not contain `..` (it becomes part of a path).
    #[error("run_id \"{text}\" contains \"..\"")]
    DotDot {
        /// The rejected text.
        text: String,
    },
}

/// The longest identifier, in characters (Airflow's `ID_LEN`).
pub const MAX_ID_LEN: usize = 250;

const KEY_ALLOWED: &str = "letters, digits, dashes, dots and underscores";

/// Airflow's `validate_key`: Unicode word characters, dots and dashes, at most 250 characters.
fn check_key(what: &'static str, text: &str) -> Result<(), IdError> {
    check(what, text, KEY_ALLOWED, |c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Airflow 3's `allowed_run_id_pattern`, `^[A-Za-z0-9_.~:+-]+$`, without `..`.
fn check_run_id(text: &str) -> Result<(), IdError> {
    const ALLOWED: &str = "letters, digits and _ . ~ : + -";
    check("run_id", text, ALLOWED, |c| c.is_ascii_alphanumeric() || "_.~:+-".contains(c))?;
    if text.contains("..") { Err(IdError::DotDot { text: text.to_owned() }) } else { Ok(()) }
}

fn check_pool_name(text: &str) -> Result<(), IdError> {
    check("pool", text, "any characters but control characters", |c| !c.is_control())
}

fn check(what: &'static str, text: &str, allowed: &'static str, ok: impl Fn(char) -> bool) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty { what });
    }
    let len = text.chars().count();
    if len > MAX_ID_LEN {
        return Err(IdError::TooLong { what, len });
    }
    match text.chars().find(|c| !ok(*c)) {
        Some(found) => Err(IdError::Character { what, text: text.to_owned(), found, allowed }),
        None => Ok(()),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Validates `text`.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let check: fn(&str) -> Result<(), IdError> = $check;
                check(text.as_ref())?;
                Ok(Self(Arc::from(text.as_ref())))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

text_id! {
    /// A DAG's name.
    DagId, |t| check_key("dag_id", t)
}
text_id! {
    /// A task's name inside its DAG.
    TaskId, |t| check_key("task_id", t)
}
text_id! {
    /// A run's name inside its DAG.
    RunId, check_run_id
}
text_id! {
    /// A pool's name. Airflow allows any text.
    PoolName, check_pool_name
}
text_id! {
    /// An executor's name in the configuration, e.g. `local`.
    ExecutorName, |t| check_key("executor", t)
}
text_id! {
    /// A node: a home directory with an id, where a daemon runs.
    NodeId, |t| check_key("node", t)
}

impl PoolName {
    /// The pool a task is in when it names none (Airflow's `default_pool`).
    pub fn default_pool() -> Self {
        Self(Arc::from("default_pool"))
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// One launch of one try.
    AttemptId
}
uuid_id! {
    /// One content of one DAG.
    VersionId
}
uuid_id! {
    /// A task instance, as Airflow's REST API names it.
    TaskInstanceId
}

/// The key of a run inside other tables: `dag_run.id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunKey(pub i64);

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Which copy of a mapped task; `-1` for a task that is not mapped, as in Airflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MapIndex(pub i32);

impl MapIndex {
    /// The index of a task that is not mapped.
    pub const UNMAPPED: Self = Self(-1);
}

/// A leader's term: each new leader takes the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(pub i64);

/// The key of a task instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskInstanceKey {
    /// The run.
    pub run: RunKey,
    /// The task.
    pub task_id: TaskId,
    /// The copy.
    pub map_index: MapIndex,
}

/// Where new UUIDs come from. The core draws none from the air, so that one seed gives one story.
pub trait Mint {
    /// The next UUID, never the same twice.
    fn uuid(&mut self) -> Uuid;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_airflows_rule() {
        assert!(DagId::new("sales.daily-v2_ü").is_ok());
        assert_eq!(DagId::new(""), Err(IdError::Empty { what: "dag_id" }));
        assert!(matches!(DagId::new("a b"), Err(IdError::Character { found: ' ', .. })));
        assert!(DagId::new("x".repeat(250)).is_ok());
        assert_eq!(DagId::new("x".repeat(251)), Err(IdError::TooLong { what: "dag_id", len: 251 }));
    }

    #[test]
    fn run_ids_are_safe_in_paths() {
        assert!(RunId::new("scheduled__2026-01-01T00:00:00+00:00").is_ok());
        assert!(matches!(RunId::new("../etc"), Err(IdError::Character { .. })));
        assert!(matches!(RunId::new("a..b"), Err(IdError::DotDot { .. })));
    }
}

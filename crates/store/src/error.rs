//! What can go wrong with a store, as its callers must tell it apart.

use updraft_model::{RunKey, Term};

/// A store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It can't be reached, or is too busy: the same call may work later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database does not take what it was given, or holds what can't be read: again is no use.
    #[error("the database refused {what}: {why}")]
    Broken {
        /// The query, by its name.
        what: String,
        /// The database's words.
        why: String,
    },
}

/// How a commit did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Nothing was written; the same batch may be sent again.
    #[error("not committed: {0}")]
    NotCommitted(String),
    /// It is not known whether it was written. The leader takes a new term, then loads again.
    #[error("not known whether it was committed: {0}")]
    Unknown(String),
    /// Another term has begun: this leader must stop.
    #[error("term {} is over", term.0)]
    Superseded {
        /// The term that tried.
        term: Term,
    },
    /// These new runs exist already, by id or by logical date. Nothing was written.
    #[error("{} new runs exist already", runs.len())]
    Refused {
        /// Which.
        runs: Vec<RunKey>,
    },
    /// A row is not in the state it was expected in: memory and store disagree. Nothing was written.
    #[error("the store is not as expected: {0}")]
    Stale(String),
    /// The database does not accept a value in it. Nothing was written; the batch can be bisected.
    #[error("the database refused a value: {0}")]
    Poisoned(String),
}

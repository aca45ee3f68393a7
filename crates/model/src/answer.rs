//! What the one who decides answers.

use serde::{Deserialize, Serialize};

use crate::{RequestId, RunKey, TaskInstanceKey};

/// The answer to a request, committed together with its effects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Done; there is nothing to add.
    Done,
    /// Done to this run.
    Run {
        /// Which.
        run: RunKey,
    },
    /// Done to these task instances (or, in a dry run, it would be).
    TaskInstances {
        /// Which.
        keys: Vec<TaskInstanceKey>,
    },
    /// Not done.
    Rejected {
        /// Which sort of no, so that an API can choose its status.
        kind: RejectionKind,
        /// What, where, and what to do.
        detail: String,
    },
}

/// Why a request is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionKind {
    /// What it names does not exist (404).
    NotFound,
    /// It is against what exists (409).
    Conflict,
    /// It makes no sense (400).
    Invalid,
}

/// An answer on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweredRequest {
    /// To which request.
    pub id: RequestId,
    /// What it is.
    pub answer: Answer,
}

impl Answer {
    /// A [`Answer::Rejected`].
    pub fn rejected(kind: RejectionKind, detail: impl Into<String>) -> Self {
        Self::Rejected { kind, detail: detail.into() }
    }
}

//! Where the next piece of a log begins: as a continuation token, and as the id of an event. It
//! names nothing but a place in the log that is asked for, so a forged one needs no signature.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize};

/// Where the next piece begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Position {
    /// In which of the log's parts.
    pub part: usize,
    /// Bytes from that part's beginning.
    pub log_pos: u64,
    /// Whether it was told already that the node that has this part can't be reached.
    pub told: bool,
}

impl Position {
    /// The log's beginning.
    pub const START: Self = Self { part: 0, log_pos: 0, told: false };

    /// As text for a query parameter.
    pub fn token(self) -> String {
        BASE64.encode(serde_json::to_vec(&self).unwrap_or_default())
    }

    /// From such a text.
    pub fn from_token(text: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64.decode(text).ok()?).ok()
    }

    /// As the id of an event.
    pub fn id(self) -> String {
        format!("{}.{}", self.part, self.log_pos)
    }

    /// From such an id.
    pub fn from_id(text: &str) -> Option<Self> {
        let (part, log_pos) = text.split_once('.')?;
        Some(Self { part: part.parse().ok()?, log_pos: log_pos.parse().ok()?, told: false })
    }

    /// The beginning of the next part.
    pub fn next_part(self) -> Self {
        Self { part: self.part.saturating_add(1), log_pos: 0, told: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back() {
        let position = Position { part: 3, log_pos: 7, told: true };
        assert_eq!(Position::from_token(&position.token()), Some(position));
        assert_eq!(Position::from_token("nonsense"), None);
        assert_eq!(Position::from_id(&position.id()), Some(Position { told: false, ..position }));
        assert_eq!(Position::from_id("7"), None);
    }
}

//! The continuation token: where the next piece begins. It only says a number, so a forged one
//! reads another part of the same log and needs no signature.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize};

/// Where the next piece begins, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Bytes from the log's beginning.
    pub log_pos: u64,
}

impl Position {
    /// As text for a query parameter.
    pub fn token(self) -> String {
        BASE64.encode(serde_json::to_vec(&self).unwrap_or_default())
    }

    /// From such a text.
    pub fn from_token(text: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back() {
        assert_eq!(Position::from_token(&Position { log_pos: 7 }.token()), Some(Position { log_pos: 7 }));
        assert_eq!(Position::from_token("nonsense"), None);
    }
}

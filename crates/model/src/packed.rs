//! Long texts, as stores keep them.

use std::io::{self, Read as _, Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use serde::{Deserialize, Serialize};

/// A text as stores keep it: a short one as it is, so that people can read it with the database's own tools;
/// a long one compressed, still as a text. The content of a DAG with thousands of tasks repeats itself, and
/// would otherwise be the largest row by far and take its commit a second to write.
///
/// Packing a megabyte takes some milliseconds, so it is done where the text is made and not in a commit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed(String);

/// Up to so many bytes a text stays as it is.
const SHORT: usize = 64 * 1024;
/// No text that is stored begins like this: neither JSON nor YAML may have the character U+0001.
const MARK: &str = "\u{1}deflate,";

/// What was stored as packed is not.
#[derive(Debug, thiserror::Error)]
#[error("a packed text can't be unpacked: {0}")]
pub struct Unpackable(String);

impl Packed {
    /// Packs `text`, if that makes it shorter.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.len() <= SHORT {
            return Self(text);
        }
        match compressed(text.as_bytes()) {
            Ok(bytes) if bytes.len() < text.len() / 2 => Self(MARK.to_owned() + &BASE64_STANDARD.encode(bytes)),
            _ => Self(text),
        }
    }

    /// The form that is stored.
    pub fn as_stored(&self) -> &str {
        &self.0
    }

    /// From the form that was stored.
    ///
    /// # Errors
    /// It says that it is packed, and is not.
    pub fn unpack(stored: String) -> Result<String, Unpackable> {
        let Some(packed) = stored.strip_prefix(MARK) else { return Ok(stored) };
        let bytes = BASE64_STANDARD.decode(packed).map_err(|e| Unpackable(e.to_string()))?;
        let mut text = String::new();
        ZlibDecoder::new(bytes.as_slice()).read_to_string(&mut text).map_err(|e| Unpackable(e.to_string()))?;
        Ok(text)
    }
}

impl<T: Into<String>> From<T> for Packed {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_stay_and_long_ones_come_back() {
        let short = "dag_id: d\n".to_owned();
        assert_eq!(Packed::new(short.clone()).as_stored(), short);
        let long = "{\"tasks\": \"über und über\"}\n".repeat(10_000);
        let packed = Packed::new(long.clone());
        assert!(packed.as_stored().len() < long.len() / 10, "{} bytes", packed.as_stored().len());
        assert_eq!(Packed::unpack(packed.as_stored().to_owned()).unwrap(), long);
        assert_eq!(Packed::unpack(short.clone()).unwrap(), short);
    }

    #[test]
    fn what_is_damaged_is_said() {
        for damaged in ["\u{1}deflate,???", "\u{1}deflate,AAAA"] {
            assert!(Packed::unpack(damaged.to_owned()).is_err());
        }
    }
}

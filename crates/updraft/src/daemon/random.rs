//! Randomness from the operating system.

use std::{fs::File, io::Read as _};

use anyhow::Context as _;

/// Random bytes, fit for keys.
pub fn bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("reading /dev/urandom")?;
    Ok(bytes)
}

/// A password of 24 letters and digits that are not mistaken for one another: 138 bits.
pub fn password() -> anyhow::Result<String> {
    const ALPHABET: &[u8; 54] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxy346789";
    // A byte of 216 (four alphabets) or more would make some characters likelier than others.
    let usable = || bytes::<64>().map(|bytes| bytes.into_iter().filter(|byte| *byte < 216));
    let mut password = String::with_capacity(24);
    while password.len() < 24 {
        let more = usable()?.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        password.extend(more.take(24 - password.len()));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, other) = (password().unwrap(), password().unwrap());
        assert_eq!((one.len(), other.len()), (24, 24));
        assert_ne!(one, other);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric()));
    }
}

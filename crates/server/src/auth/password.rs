//! Passwords: Argon2id in PHC text form, checked on a blocking thread.

use std::sync::OnceLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString, rand_core::OsRng},
};

/// A password could not be hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It has no character.
    #[error("the password is empty; choose one")]
    Empty,
    /// Argon2 refused it.
    #[error("the password can't be hashed: {0}")]
    Hash(String),
}

/// The PHC text to store for `password`. Takes some 20 ms of a processor.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    if password.is_empty() {
        return Err(PasswordError::Empty);
    }
    let salt = SaltString::generate(&mut OsRng);
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|e| PasswordError::Hash(e.to_string()))
}

/// Whether `password` is the one behind `stored`. Without a stored hash (no such user) it takes as
/// long as with one, so that answers do not tell who exists.
pub fn matches(password: &str, stored: Option<&str>) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let known = stored.is_some();
    let hash = match stored {
        Some(hash) => hash,
        None => NOBODY.get_or_init(|| hash_password("nobody has this password").unwrap_or_default()),
    };
    let parsed = PasswordHash::new(hash);
    let verified = parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    known && verified
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_matches_its_hash() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(matches("correct horse", Some(&hash)));
        assert!(!matches("wrong horse", Some(&hash)));
        assert!(!matches("nobody has this password", None));
        assert!(!matches("", Some("not a hash")));
        assert_eq!(hash_password(""), Err(PasswordError::Empty));
    }
}

//! Tokens: JWT with HS256 and nothing else. A token that names another algorithm is not one of
//! ours, so the classic confusions can't arise. The signature is compared in constant time.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use updraft_model::Timestamp;

const ISSUER: &str = "updraft";

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who.
    pub sub: String,
    /// [`ISSUER`].
    iss: String,
    /// Since when, in seconds since 1970.
    pub iat: i64,
    /// Until when.
    pub exp: i64,
    /// [`fingerprint`] of the password's hash: a new password ends all tokens made with the old one.
    pub pwd: String,
}

impl Claims {
    /// Whether they have not expired.
    pub fn is_current(&self, now: Timestamp) -> bool {
        now.micros().div_euclid(1_000_000) < self.exp
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
}

/// The key that signs.
pub struct Key(Vec<u8>);

impl Key {
    /// From the setting's text.
    pub fn new(secret: &str) -> Self {
        Self(secret.as_bytes().to_vec())
    }

    /// What signs this text.
    pub(super) fn mac(&self, signed: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(signed.as_bytes());
        Some(mac)
    }

    /// A token for `sub` from `now` on, for `lifetime` seconds.
    pub fn sign(&self, sub: &str, pwd: String, now: Timestamp, lifetime: i64) -> Option<String> {
        let iat = now.micros().div_euclid(1_000_000);
        let claims = Claims { sub: sub.to_owned(), iss: ISSUER.to_owned(), iat, exp: iat.saturating_add(lifetime), pwd };
        let header = Header { alg: "HS256".to_owned(), typ: "JWT".to_owned() };
        let part = |json: Result<Vec<u8>, serde_json::Error>| json.ok().map(|bytes| BASE64.encode(bytes));
        let signed = format!("{}.{}", part(serde_json::to_vec(&header))?, part(serde_json::to_vec(&claims))?);
        let signature = BASE64.encode(self.mac(&signed)?.finalize().into_bytes());
        Some(format!("{signed}.{signature}"))
    }

    /// What `token` says, if we signed it and it has not expired.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        self.mac(signed)?.verify_slice(&BASE64.decode(signature).ok()?).ok()?;
        let header: Header = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;
        let claims: Claims = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        (header.alg == "HS256" && claims.iss == ISSUER && claims.is_current(now)).then_some(claims)
    }
}

/// Names a password's hash without telling it.
pub fn fingerprint(password_hash: &str) -> String {
    BASE64.encode(&Sha256::digest(password_hash.as_bytes())[..9])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn token() -> String {
        Key::new("secret").sign("ada", "f".into(), NOW, 60).unwrap()
    }

    #[test]
    fn a_token_reads_back_until_it_expires() {
        let key = Key::new("secret");
        assert_eq!(key.verify(&token(), NOW).unwrap().sub, "ada");
        let later = Timestamp::from_micros(NOW.micros() + 60_000_000);
        assert_eq!(key.verify(&token(), later), None);
    }

    #[test]
    fn nothing_else_is_a_token() {
        let key = Key::new("secret");
        let token = token();
        assert_eq!(Key::new("other").verify(&token, NOW), None);
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert_eq!(key.verify(&format!("{signed}."), NOW), None);
        assert_eq!(key.verify(signed, NOW), None);
        assert_eq!(key.verify("", NOW), None);
        let unsigned = format!("{}.{}.", BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#), signed.split_once('.').unwrap().1);
        assert_eq!(key.verify(&unsigned, NOW), None);
    }

    #[test]
    fn another_algorithm_is_refused_even_if_the_signature_is_right() {
        let key = Key::new("secret");
        let claims = token().split('.').nth(1).unwrap().to_owned();
        let signed = format!("{}.{claims}", BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#));
        let signature = BASE64.encode(key.mac(&signed).unwrap().finalize().into_bytes());
        assert_eq!(key.verify(&format!("{signed}.{signature}"), NOW), None);
    }
}

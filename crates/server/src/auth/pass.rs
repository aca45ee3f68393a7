//! What one node shows another that it asks for a log: signed with the key that all daemons of a
//! database share, good for one attempt and a short time. It opens nothing else, and is no token.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::Mac;
use updraft_model::{AttemptId, Timestamp};

use super::jwt::Key;

const SCHEME: &str = "Updraft-Node ";
/// Seconds; clocks of machines may differ by so much.
const LIFETIME: i64 = 120;

/// What is signed. No token's text looks like it.
fn signed(attempt: AttemptId, until: i64) -> String {
    format!("updraft node reads the log of attempt {attempt} until {until}")
}

fn seconds(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}

/// The text of the header `Authorization`.
pub fn issue(key: &Key, attempt: AttemptId, now: Timestamp) -> Option<String> {
    let until = seconds(now).saturating_add(LIFETIME);
    let signature = key.mac(&signed(attempt, until))?.finalize().into_bytes();
    Some(format!("{SCHEME}{until}.{}", BASE64.encode(signature)))
}

/// Whether that header was issued for this attempt, a short time ago. Compared in constant time.
pub fn is_good(key: &Key, header: &str, attempt: AttemptId, now: Timestamp) -> bool {
    let check = || {
        let (until, signature) = header.strip_prefix(SCHEME)?.split_once('.')?;
        let until: i64 = until.parse().ok()?;
        key.mac(&signed(attempt, until))?.verify_slice(&BASE64.decode(signature).ok()?).ok()?;
        Some(until)
    };
    // One that is good for longer comes from a clock that runs ahead, and could be kept for later.
    check().is_some_and(|until| (0..=2 * LIFETIME).contains(&until.saturating_sub(seconds(now))))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn later(seconds: i64) -> Timestamp {
        Timestamp::from_micros(NOW.micros() + seconds * 1_000_000)
    }

    #[test]
    fn a_pass_is_good_for_its_attempt_and_a_short_time() {
        let (key, other) = (Key::new("secret"), Key::new("other"));
        let attempt = AttemptId(Uuid::from_u128(1));
        let pass = issue(&key, attempt, NOW).unwrap();
        assert!(is_good(&key, &pass, attempt, NOW));
        assert!(is_good(&key, &pass, attempt, later(LIFETIME)));
        assert!(is_good(&key, &pass, attempt, later(-LIFETIME)));
        assert!(!is_good(&key, &pass, attempt, later(LIFETIME + 1)));
        assert!(!is_good(&key, &pass, attempt, later(-LIFETIME - 1)));
        assert!(!is_good(&key, &pass, AttemptId(Uuid::from_u128(2)), NOW));
        assert!(!is_good(&other, &pass, attempt, NOW));
        let longer = pass.replacen("1800000120", "1800000121", 1);
        assert_ne!(longer, pass);
        assert!(!is_good(&key, &longer, attempt, NOW));
        for header in ["", "Updraft-Node ", "Updraft-Node 1800000120.", "Bearer x.y"] {
            assert!(!is_good(&key, header, attempt, NOW), "{header}");
        }
    }

    #[test]
    fn a_token_is_no_pass_and_a_pass_no_token() {
        let key = Key::new("secret");
        let attempt = AttemptId(Uuid::from_u128(1));
        let token = key.sign("ada", "f".into(), NOW, 60).unwrap();
        assert!(!is_good(&key, &format!("{SCHEME}{token}"), attempt, NOW));
        let pass = issue(&key, attempt, NOW).unwrap();
        assert_eq!(key.verify(pass.strip_prefix(SCHEME).unwrap(), NOW), None);
    }
}

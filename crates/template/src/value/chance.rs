//! Random values that are none: `macros.random` and `macros.uuid` give the same ones each time the same
//! attempt is rendered, and others for the next attempt. Templates stay pure.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use minijinja::{
    Error, State, Value,
    value::{Object, ObjectRepr, from_args},
};
use sha2::{Digest as _, Sha256};

use super::{Session, unknown_method};

/// How often chance was asked for. All templates of one [`crate::Context`] share it, clones included, so
/// that no two of them get the same value.
#[derive(Debug, Clone, Default)]
pub struct Draws(Arc<AtomicU64>);

impl PartialEq for Draws {
    fn eq(&self, other: &Self) -> bool {
        self.0.load(Ordering::Relaxed) == other.0.load(Ordering::Relaxed)
    }
}

/// The next 16 bytes of an attempt.
fn draw(session: &Session) -> [u8; 16] {
    let context = &session.context;
    let number = context.draws.0.fetch_add(1, Ordering::Relaxed);
    let digest = Sha256::new().chain_update(context.attempt_id.as_bytes()).chain_update(number.to_be_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes
}

/// `macros.random()`: from 0, below 1 (Python's `random.random`).
pub(super) fn random(session: &Session, args: &[Value]) -> Result<Value, Error> {
    let () = from_args(args)?;
    let bits = u128::from_be_bytes(draw(session)) >> 75;
    // 53 bits, all that an f64 holds exactly.
    Ok(Value::from(bits as f64 / (1_u64 << 53) as f64))
}

/// `macros.uuid`: Python's module, as far as it needs neither network nor names.
#[derive(Debug)]
pub(super) struct UuidModule(pub Arc<Session>);

impl Object for UuidModule {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match method {
            "uuid4" => {
                let () = from_args(args)?;
                let id = uuid::Builder::from_random_bytes(draw(&self.0)).into_uuid();
                Ok(Value::from_object(Id(id)))
            }
            _ => Err(unknown_method("macros.uuid", method, &["uuid4"])),
        }
    }
}

/// A UUID: its text, and its digits alone as `hex`.
#[derive(Debug)]
struct Id(uuid::Uuid);

impl Object for Id {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("hex")).then(|| Value::from(self.0.simple().to_string()))
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

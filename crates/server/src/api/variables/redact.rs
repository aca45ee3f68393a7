//! Hides values whose names look like secrets'.

use serde_json::Value;

/// Parts of names that mark a secret (Airflow's `DEFAULT_SENSITIVE_FIELDS`).
const SENSITIVE: [&str; 11] = [
    "access_token",
    "api_key",
    "apikey",
    "authorization",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "secret",
    "token",
    "service_account",
];
const HIDDEN: &str = "***";

/// The value as people may see it: hidden whole, or inside a JSON object only what is secret there.
pub fn value(key: &str, value: String) -> String {
    if is_sensitive(key) {
        return HIDDEN.to_owned();
    }
    match serde_json::from_str(&value) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => {
            let shown = hide(json.clone());
            if shown == json { value } else { shown.to_string() }
        }
        _ => value,
    }
}

fn is_sensitive(name: &str) -> bool {
    let name = name.to_lowercase();
    SENSITIVE.iter().any(|part| name.contains(part))
}

fn hide(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let entry = |(name, value): (String, Value)| if is_sensitive(&name) { (name, HIDDEN.into()) } else { (name, hide(value)) };
            Value::Object(map.into_iter().map(entry).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(hide).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_nothing_else_is_touched() {
        assert_eq!(value("db_password", "x".into()), "***");
        assert_eq!(value("limit", " 5 ".into()), " 5 ");
        assert_eq!(value("conn", r#"{ "host": "h", "Api_Key": "k" }"#.into()), r#"{"host":"h","Api_Key":"***"}"#);
        assert_eq!(value("conn", r#"{ "host": "h" }"#.into()), r#"{ "host": "h" }"#);
    }
}

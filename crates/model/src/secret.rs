//! What is secret, told by its name: hidden from people where values are shown, masked where a task
//! prints them. The one place with the rule; what a task itself gets is never touched.

use std::collections::BTreeSet;

use serde_json::Value;

/// Instead of a secret.
pub const HIDDEN: &str = "***";

/// Parts of names that mark a secret (Airflow's `DEFAULT_SENSITIVE_FIELDS`, without those that
/// another one is a part of).
const SENSITIVE: [&str; 21] = [
    "access_key",
    "access_token",
    "api_key",
    "apikey",
    "auth_header",
    "authorization",
    "bearer",
    "connection_string",
    "dsn",
    "keyfile_dict",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "proxies",
    "proxy",
    "secret",
    "service_account",
    "service_key",
    "token",
    "webhook_url",
];

/// The fewest characters of a text that is masked in logs (Airflow's `min_length_masked_secret`): a
/// shorter one would make logs unreadable and still be guessed.
const SHORTEST_MASK: usize = 5;

/// A common word, which Airflow doesn't mask either (`SECRETS_TO_SKIP_MASKING`).
const NO_SECRET: &str = "airflow";

/// Whether what has this name is secret. As in Airflow, case doesn't matter, and `X-Api-Key` is `x_api_key`.
pub fn is_secret_name(name: &str) -> bool {
    let mut normal = String::with_capacity(name.len());
    for c in name.trim().chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || c == '_' {
            normal.push(c);
        } else if !normal.ends_with('_') {
            normal.push('_');
        }
    }
    SENSITIVE.iter().any(|part| normal.contains(part))
}

/// A variable's text as people may see it: hidden whole, or inside JSON only what is secret there.
pub fn shown_variable(key: &str, text: String) -> String {
    if is_secret_name(key) {
        return HIDDEN.to_owned();
    }
    match structure(&text) {
        Some(json) => {
            let shown = shown(json.clone());
            if shown == json { text } else { shown.to_string() }
        }
        None => text,
    }
}

/// A value as people may see it: what has a secret name in it is hidden.
pub fn shown(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let entry = |(name, value): (String, Value)| if is_secret_name(&name) { (name, HIDDEN.into()) } else { (name, shown(value)) };
            Value::Object(map.into_iter().map(entry).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(shown).collect()),
        other => other,
    }
}

/// The JSON object or list that a text is.
fn structure(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|json| matches!(json, Value::Object(_) | Value::Array(_)))
}

/// The texts to mask in what a task prints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Adds what is secret of a named value: all of it if its name is, else what has a secret name in it.
    pub fn add(&mut self, name: &str, value: &Value) {
        if is_secret_name(name) { self.add_all(value) } else { self.add_inside(value) }
    }

    /// [`Secrets::add`] for a variable, which is text and may be JSON.
    pub fn add_variable(&mut self, key: &str, text: &str) {
        if is_secret_name(key) {
            self.add_text(text);
        }
        if let Some(json) = structure(text) {
            self.add(key, &json);
        }
    }

    fn add_inside(&mut self, value: &Value) {
        match value {
            Value::Object(map) => map.iter().for_each(|(name, value)| self.add(name, value)),
            Value::Array(items) => items.iter().for_each(|item| self.add_inside(item)),
            _ => {}
        }
    }

    fn add_all(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_text(text),
            // A password of digits alone is one, too.
            Value::Number(number) => self.add_text(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.add_all(item)),
            Value::Object(map) => map.values().for_each(|value| self.add_all(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        // Without what is around it: a line break at the end is often not printed.
        let text = text.trim();
        if text.chars().count() < SHORTEST_MASK || text.eq_ignore_ascii_case(NO_SECRET) {
            return;
        }
        // As it is written inside JSON, if that differs.
        let quoted = Value::from(text).to_string();
        self.0.insert(quoted[1..quoted.len() - 1].to_owned());
        self.0.insert(text.to_owned());
    }

    /// A text without them.
    pub fn mask(&self, text: String) -> String {
        self.by_length().into_iter().fold(text, |text, secret| if text.contains(secret) { text.replace(secret, HIDDEN) } else { text })
    }

    /// All texts inside a value without them.
    pub fn mask_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.mask(text)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.mask_value(item)).collect()),
            Value::Object(map) => Value::Object(map.into_iter().map(|(name, value)| (name, self.mask_value(value))).collect()),
            other => other,
        }
    }

    /// The longest first: a secret that contains another one disappears whole.
    fn by_length(&self) -> Vec<&String> {
        let mut texts: Vec<&String> = self.0.iter().collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts
    }

    /// As a list, in alphabetical order.
    pub fn into_texts(self) -> Vec<String> {
        self.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_tell_what_is_secret() {
        for name in ["db_password", "DB_PASSWORD", "X-Api-Key", " token ", "https_proxy", "client.secret", "My Access  Key"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["", "day", "api", "key", "pass", "pass word"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn secrets_are_hidden_and_nothing_else_is_touched() {
        let shown = |key: &str, text: &str| shown_variable(key, text.to_owned());
        assert_eq!(shown("db_password", "x"), "***");
        assert_eq!(shown("limit", " 5 "), " 5 ");
        assert_eq!(shown("conn", r#"{ "host": "h", "Api_Key": "k" }"#), r#"{"host":"h","Api_Key":"***"}"#);
        assert_eq!(shown("conn", r#"{ "host": "h" }"#), r#"{ "host": "h" }"#);
    }

    fn masks(fill: impl Fn(&mut Secrets)) -> Vec<String> {
        let mut secrets = Secrets::default();
        fill(&mut secrets);
        secrets.into_texts()
    }

    #[test]
    fn only_what_is_secret_and_long_enough_is_masked() {
        assert_eq!(masks(|s| s.add_variable("db_password", "hunter2\n")), ["hunter2"]);
        assert_eq!(masks(|s| s.add_variable("db_password", "four")), [""; 0]);
        assert_eq!(masks(|s| s.add_variable("db_password", "Airflow")), [""; 0]);
        assert_eq!(masks(|s| s.add_variable("db_host", "example.org")), [""; 0]);
        let conn = r#"{"host": "example.org", "password": "hunter2", "more": [{"token": 123456, "n": 654321}]}"#;
        assert_eq!(masks(|s| s.add_variable("conn", conn)), ["123456", "hunter2"]);
        // Below a secret name all is secret; flags are no secrets.
        assert_eq!(masks(|s| s.add("secrets", &json!({"a": ["first", false], "b": "other"}))), ["first", "other"]);
        assert_eq!(masks(|s| s.add("password", &json!("say \"please\""))), [r#"say "please""#, r#"say \"please\""#]);
    }

    #[test]
    fn a_secret_disappears_from_texts_and_values() {
        let mut secrets = Secrets::default();
        secrets.add("token", &json!(["horse", "correct horse battery"]));
        assert_eq!(secrets.mask("a correct horse battery, a horse".into()), "a ***, a ***");
        assert_eq!(secrets.mask_value(json!({"a": ["x horse", 1]})), json!({"a": ["x ***", 1]}));
    }
}

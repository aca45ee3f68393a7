//! What can go wrong with a call, and what the person who made it can do.

use std::{io, path::PathBuf};

use serde_json::Value;

/// Why a call has no answer that is of use.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The API said no.
    #[error("{message}{}", hint_of(*status, message))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The API's words.
        message: String,
    },
    /// Nobody is there.
    #[error("no daemon answers at {url}: {why}\n  hint: start one with `updraft standalone`, or say where it is with --url or UPDRAFT_URL")]
    Unreachable {
        /// Where.
        url: String,
        /// The system's words.
        why: String,
    },
    /// Somebody is there, but not Updraft.
    #[error("{url} does not answer as Updraft does: {why}\n  hint: check --url, --host and --port; another program may use that port")]
    Misunderstood {
        /// Where.
        url: String,
        /// What was odd.
        why: String,
    },
    /// A login is needed, and there is nothing to log in with.
    #[error(
        "{url} asks for a login\n  hint: set UPDRAFT_USERNAME and UPDRAFT_PASSWORD (on the daemon's own machine {} is read, if --home is its home)",
        file.display()
    )]
    NoCredentials {
        /// Where.
        url: String,
        /// Where a password would have been.
        file: PathBuf,
    },
    /// Name or password is wrong.
    #[error("user {username} can't log in: name or password is wrong (the password is from {origin})")]
    LoginRefused {
        /// Who.
        username: String,
        /// Where the password is from.
        origin: String,
    },
    /// The connection broke while an answer came.
    #[error("the answer broke off: {0}")]
    Interrupted(io::Error),
}

impl ClientError {
    /// A refusal in words, from FastAPI's two shapes of `detail`.
    pub(super) fn refused(status: u16, body: &str) -> Self {
        let parsed: Option<Value> = serde_json::from_str(body).ok();
        let message = match parsed.as_ref().and_then(|body| body.get("detail")) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(items)) => items.iter().map(validation).collect::<Vec<_>>().join("; "),
            _ if body.trim().is_empty() => "no reason was given".to_owned(),
            _ => body.trim().chars().take(500).collect(),
        };
        Self::Refused { status, message }
    }

    /// Whether what was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether it exists already, or is in use.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { status: 409, .. })
    }
}

/// `body.conf: Input should be a valid dictionary`
fn validation(item: &Value) -> String {
    let place = item.get("loc").and_then(Value::as_array).into_iter().flatten();
    let place: Vec<String> = place.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
    let message = item.get("msg").and_then(Value::as_str).unwrap_or("is not valid");
    format!("{}: {message}", place.join("."))
}

/// What to do, on a line of its own.
fn hint_of(status: u16, message: &str) -> &'static str {
    match status {
        401 => "\n  hint: log in with UPDRAFT_USERNAME and UPDRAFT_PASSWORD",
        403 => "\n  hint: this user's role does not allow it; `updraft users list` shows the roles",
        404 => hint_for_missing(message),
        500 => "\n  hint: the daemon's log says more",
        503 => "\n  hint: `updraft doctor` shows whether a scheduler leads",
        _ => "",
    }
}

/// Where to look for the right name. The API's texts begin with what was not found.
fn hint_for_missing(message: &str) -> &'static str {
    const LISTS: [(&str, &str); 6] = [
        ("The DAG ", "\n  hint: `updraft dags list` shows them"),
        ("The DagRun ", "\n  hint: `updraft runs list` shows them"),
        ("The Task Instance ", "\n  hint: `updraft runs show DAG RUN` shows them"),
        ("The Pool ", "\n  hint: `updraft pools list` shows them"),
        ("The Variable ", "\n  hint: `updraft variables list` shows them"),
        ("The User ", "\n  hint: `updraft users list` shows them"),
    ];
    LISTS.iter().find(|(what, _)| message.to_ascii_lowercase().starts_with(&what.to_ascii_lowercase())).map_or("", |(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_an_error_become_words() {
        let text = |status, body: &str| ClientError::refused(status, body).to_string();
        assert_eq!(
            text(404, r#"{"detail":"The Dag with ID: `x` was not found"}"#),
            "The Dag with ID: `x` was not found\n  hint: `updraft dags list` shows them"
        );
        let list =
            r#"{"detail":[{"type":"missing","loc":["body","slots"],"msg":"Field required","input":{}},{"loc":["query",0],"msg":"no"}]}"#;
        assert_eq!(text(422, list), "body.slots: Field required; query.0: no");
        assert_eq!(text(503, ""), "no reason was given\n  hint: `updraft doctor` shows whether a scheduler leads");
        assert_eq!(text(418, "<html>teapot</html>\n"), "<html>teapot</html>");
    }
}

//! The REST API as the command line uses it: JSON in, JSON out, errors in words.
//!
//! Where it goes is a [`Transport`]: over HTTP to a running daemon, or straight into the same server
//! code on the database where none runs. Commands can't tell the difference, and decide nothing here.

mod credentials;
mod error;
mod lines;
mod transport;

use reqwest::Method;
use serde_json::Value;
use tokio::sync::Mutex;

pub use credentials::Credentials;
pub use error::ClientError;
pub use lines::Lines;
pub use transport::Transport;

use transport::{Answer, Call};

/// The most rows the API gives at once (Airflow's `maximum_page_limit`).
const PAGE: usize = 100;

/// A caller of the API.
pub struct Client {
    transport: Transport,
    credentials: Credentials,
    /// Fetched when the first call is told that it needs one.
    token: Mutex<Option<String>>,
}

/// Parameters of a query.
pub type Query<'a> = &'a [(&'a str, String)];

impl Client {
    /// A caller that logs in with these credentials once it has to.
    pub fn new(transport: Transport, credentials: Credentials) -> Self {
        Self { transport, credentials, token: Mutex::default() }
    }

    /// What is at `path`: below `/api/v2`, or below `/auth` if that is its first segment. Each segment
    /// is encoded, whatever is in it.
    pub async fn get(&self, path: &[&str], query: Query<'_>) -> Result<Value, ClientError> {
        self.call(Method::GET, path, query, None).await?.json().await
    }

    /// Sends `body` to `path`.
    pub async fn post(&self, path: &[&str], body: &Value) -> Result<Value, ClientError> {
        self.call(Method::POST, path, &[], Some(body)).await?.json().await
    }

    /// Changes what is at `path`.
    pub async fn patch(&self, path: &[&str], body: &Value) -> Result<Value, ClientError> {
        self.call(Method::PATCH, path, &[], Some(body)).await?.json().await
    }

    /// Deletes what is at `path`.
    pub async fn delete(&self, path: &[&str]) -> Result<(), ClientError> {
        self.call(Method::DELETE, path, &[], None).await.map(drop)
    }

    /// All rows of a list, or the first `limit`, page by page. `field` is where the answer has them.
    pub async fn list(&self, path: &[&str], field: &str, query: Query<'_>, limit: Option<usize>) -> Result<Vec<Value>, ClientError> {
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let left = limit.map_or(PAGE, |limit| limit.saturating_sub(rows.len()).min(PAGE));
            if left == 0 {
                return Ok(rows);
            }
            let window = [("limit", left.to_string()), ("offset", rows.len().to_string())];
            let query: Vec<(&str, String)> = query.iter().cloned().chain(window).collect();
            let mut answer = self.get(path, &query).await?;
            let total = answer.get("total_entries").and_then(Value::as_u64).unwrap_or(0);
            let Some(Value::Array(page)) = answer.get_mut(field).map(Value::take) else {
                return Err(self.transport.misunderstood(&format!("a list without \"{field}\"")));
            };
            let is_empty = page.is_empty();
            rows.extend(page);
            if is_empty || u64::try_from(rows.len()).unwrap_or(u64::MAX) >= total {
                return Ok(rows);
            }
        }
    }

    /// An answer that comes line by line, for as long as it takes.
    pub async fn lines(&self, path: &[&str], query: Query<'_>, accept: &'static str) -> Result<Lines, ClientError> {
        let call = Call { accept, is_endless: true, ..Call::new(Method::GET, path, query, None) };
        Ok(Lines::new(self.send(call).await?))
    }

    async fn call(&self, method: Method, path: &[&str], query: Query<'_>, body: Option<&Value>) -> Result<Answer, ClientError> {
        self.send(Call::new(method, path, query, body)).await
    }

    /// Sends a call; if it needs a login, logs in and sends it again.
    async fn send(&self, call: Call<'_>) -> Result<Answer, ClientError> {
        let token = self.token.lock().await.clone();
        let answer = self.transport.send(&call, token.as_deref()).await?;
        if answer.status() != 401 || token.is_some() {
            return self.checked(answer).await;
        }
        let token = self.log_in().await?;
        let answer = self.transport.send(&call, Some(&token)).await?;
        *self.token.lock().await = Some(token);
        self.checked(answer).await
    }

    async fn log_in(&self) -> Result<String, ClientError> {
        let (username, password) = self.credentials.find(self.transport.url())?;
        let body = serde_json::json!({ "username": username, "password": password });
        let call = Call::new(Method::POST, &["auth", "token"], &[], Some(&body));
        let answer = self.transport.send(&call, None).await?;
        if answer.status() == 401 {
            return Err(ClientError::LoginRefused { username, origin: self.credentials.origin() });
        }
        let answer = self.checked(answer).await?.json().await?;
        let token = answer.get("access_token").and_then(Value::as_str);
        token.map(str::to_owned).ok_or_else(|| self.transport.misunderstood("a login without a token"))
    }

    async fn checked(&self, answer: Answer) -> Result<Answer, ClientError> {
        let status = answer.status();
        if (200..300).contains(&status) { Ok(answer) } else { Err(ClientError::refused(status, &answer.text().await)) }
    }
}

//! How a call gets to the server: over HTTP, or by calling the server's router in this process.

use std::{error::Error as _, io, time::Duration};

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use reqwest::{Method, Url};
use serde_json::Value;
use tower::ServiceExt as _;
use updraft_server::{COMMAND_LINE, REQUESTED_WITH};

use super::{ClientError, Query};

/// A daemon that is there accepts within this time.
const CONNECT: Duration = Duration::from_secs(3);
/// An answer takes at most the server's own limit of 10 s, twice if it is a large thing, and some.
const ANSWER: Duration = Duration::from_secs(30);

/// Where calls go.
pub enum Transport {
    /// To a daemon.
    Http {
        /// Its address, e.g. `http://127.0.0.1:8080/`.
        url: Url,
        /// The connections.
        http: reqwest::Client,
    },
    /// Into the server's own code, on a database that no daemon holds. No login is needed: whoever
    /// may read the database may read all.
    Local(axum::Router),
}

/// A call.
pub struct Call<'a> {
    pub method: Method,
    pub path: &'a [&'a str],
    pub query: Query<'a>,
    pub body: Option<&'a Value>,
    pub accept: &'static str,
    /// The answer may go on for ever.
    pub is_endless: bool,
}

impl<'a> Call<'a> {
    pub fn new(method: Method, path: &'a [&'a str], query: Query<'a>, body: Option<&'a Value>) -> Self {
        Self { method, path, query, body, accept: "application/json", is_endless: false }
    }

    fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        let is_auth = self.path.first() == Some(&"auth");
        let prefix: &[&str] = if is_auth { &[] } else { &["api", "v2"] };
        // Only a URL such as `mailto:` has no segments, and `Transport::http` takes none of those.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(prefix).extend(self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(self.query);
        }
        url
    }
}

/// An answer, whose body may still be coming.
pub enum Answer {
    Http(reqwest::Response, String),
    Local(u16, Body),
}

impl Transport {
    /// To the daemon at this address.
    pub fn http(address: &str) -> Result<Self, ClientError> {
        let wrong = |why: String| ClientError::Misunderstood { url: address.to_owned(), why };
        let url = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
            return Err(wrong("an address begins with http:// or https://".to_owned()));
        }
        let http = reqwest::Client::builder().connect_timeout(CONNECT).user_agent(concat!("updraft/", env!("CARGO_PKG_VERSION"))).build();
        Ok(Self::Http { url, http: http.map_err(|error| wrong(error.to_string()))? })
    }

    /// Where it leads, for people.
    pub fn url(&self) -> &str {
        match self {
            Self::Http { url, .. } => url.as_str().trim_end_matches('/'),
            Self::Local(_) => "the database",
        }
    }

    /// Something came that Updraft does not send.
    pub fn misunderstood(&self, why: &str) -> ClientError {
        ClientError::Misunderstood { url: self.url().to_owned(), why: why.to_owned() }
    }

    /// Sends a call.
    pub async fn send(&self, call: &Call<'_>, token: Option<&str>) -> Result<Answer, ClientError> {
        match self {
            Self::Http { url, http } => {
                let mut request = http.request(call.method.clone(), call.url(url));
                request = request.header("accept", call.accept).header(REQUESTED_WITH, COMMAND_LINE);
                if !call.is_endless {
                    request = request.timeout(ANSWER);
                }
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                if let Some(body) = call.body {
                    request = request.json(body);
                }
                let sent = request.send().await;
                let response = sent.map_err(|error| ClientError::Unreachable { url: self.url().to_owned(), why: innermost(&error) })?;
                Ok(Answer::Http(response, self.url().to_owned()))
            }
            Self::Local(router) => {
                let wrong = |error: &dyn std::fmt::Display| self.misunderstood(&error.to_string());
                let base = Url::parse("http://localhost").map_err(|error| wrong(&error))?;
                let mut request = axum::http::Request::builder().method(call.method.clone()).uri(call.url(&base).as_str());
                request = request.header("accept", call.accept).header(REQUESTED_WITH, COMMAND_LINE);
                if call.body.is_some() {
                    request = request.header("content-type", "application/json");
                }
                let body = call.body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
                let request = request.body(body).map_err(|error| wrong(&error))?;
                let response = router.clone().oneshot(request).await.map_err(|error| wrong(&error))?;
                Ok(Answer::Local(response.status().as_u16(), response.into_body()))
            }
        }
    }
}

/// The last cause says it plainly: `Connection refused (os error 111)`.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() && error.source().is_none() { "no answer in time".to_owned() } else { cause.to_string() }
}

impl Answer {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Http(response, _) => response.status().as_u16(),
            Self::Local(status, _) => *status,
        }
    }

    /// The next part of the body.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        match self {
            Self::Http(response, _) => {
                response.chunk().await.map_err(|error| ClientError::Interrupted(io::Error::other(innermost(&error))))
            }
            Self::Local(_, body) => loop {
                match body.frame().await {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(ClientError::Interrupted(io::Error::other(error))),
                    Some(Ok(frame)) => {
                        // Trailers are no data.
                        if let Ok(data) = frame.into_data() {
                            return Ok(Some(data));
                        }
                    }
                }
            },
        }
    }

    async fn bytes(&mut self) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// The whole body as text, as far as it came.
    pub async fn text(mut self) -> String {
        self.bytes().await.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The whole body as JSON; `null` if it is empty.
    pub async fn json(mut self) -> Result<Value, ClientError> {
        let bytes = self.bytes().await?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            let url = if let Self::Http(_, url) = &self { url.clone() } else { "the database".to_owned() };
            ClientError::Misunderstood { url, why: format!("its answer is not JSON: {error}") }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_segment_of_a_path_stays_one() {
        let query = [("order_by", "-id".to_owned()), ("state", "a&b".to_owned())];
        let call = Call::new(Method::GET, &["dags", "~", "dagRuns", "manual__2026-01-01T00:00:00+00:00", "a/b?c#d%"], &query, None);
        let url = |base: &str| call.url(&Url::parse(base).unwrap()).to_string();
        let rest = "api/v2/dags/~/dagRuns/manual__2026-01-01T00:00:00+00:00/a%2Fb%3Fc%23d%25?order_by=-id&state=a%26b";
        assert_eq!(url("http://localhost"), format!("http://localhost/{rest}"));
        assert_eq!(url("https://example.org/updraft/"), format!("https://example.org/updraft/{rest}"));
    }

    #[test]
    fn only_http_is_an_address() {
        assert!(Transport::http("http://127.0.0.1:8080").is_ok());
        assert!(Transport::http("127.0.0.1:8080").is_err());
        assert!(Transport::http("ftp://x").is_err());
    }
}

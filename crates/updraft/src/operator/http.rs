//! Sends one request.

use std::{env, fs::OpenOptions, io::Write as _, time::Duration};

use anyhow::{Context as _, bail};
use reqwest::{
    Method, Response,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use updraft_engine::HttpSpec;
use updraft_model::XCOM_LIMIT;

use super::Answer;

use crate::output::print;

/// So much of an answer that was not expected is shown.
const SHOWN: usize = 2_000;

/// Sends it; what comes back becomes the `return_value`. An answer that is not expected is an error.
pub async fn request(spec: &HttpSpec) -> anyhow::Result<Answer> {
    let response = send(spec).await?;
    let status = response.status().as_u16();
    let body = body_of(response).await?;
    if !is_expected(spec, status) {
        let excerpt: String = body.text.chars().take(SHOWN).collect();
        print(format_args!("{excerpt}"))?;
        bail!("{} {} was answered with {status}, but {} was expected", spec.method, shown(&spec.url), expectation(spec));
    }
    push(&body)?;
    Ok(Answer::Done)
}

/// Sends it: whether the answer is as expected. Nobody there is "not yet"; a request that can't be
/// made is an error.
pub async fn answers(spec: &HttpSpec) -> anyhow::Result<Answer> {
    match send(spec).await {
        Ok(response) if is_expected(spec, response.status().as_u16()) => Ok(Answer::Done),
        Ok(_) => {
            print(format_args!("not yet: {} is waited for", expectation(spec)))?;
            Ok(Answer::NotYet)
        }
        Err(error) if error.downcast_ref::<reqwest::Error>().is_some_and(|e| !e.is_builder()) => {
            print(format_args!("not yet: {error:#}"))?;
            Ok(Answer::NotYet)
        }
        Err(error) => Err(error),
    }
}

async fn send(spec: &HttpSpec) -> anyhow::Result<Response> {
    let HttpSpec { url, method, headers, body, expected_status: _, timeout_seconds } = spec;
    let method =
        Method::from_bytes(method.to_ascii_uppercase().as_bytes()).with_context(|| format!("\"{method}\" is not an HTTP method"))?;
    let timeout = Duration::try_from_secs_f64(*timeout_seconds).with_context(|| format!("the timeout of {timeout_seconds} s"))?;
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).with_context(|| format!("\"{name}\" is not the name of a header"))?;
        // The value may be a secret, so it is not shown.
        let value = HeaderValue::from_str(value)
            .with_context(|| format!("the value of the header {name} has characters that no header may have"))?;
        all.insert(name, value);
    }
    let body = match body {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(json) => {
            all.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            Some(json.to_string())
        }
    };
    print(format_args!("{method} {}", shown(url)))?;
    let client = reqwest::Client::builder().timeout(timeout).user_agent(concat!("updraft/", env!("CARGO_PKG_VERSION"))).build()?;
    let mut request = client.request(method, url).headers(all);
    if let Some(body) = body {
        request = request.body(body);
    }
    let response = request.send().await.map_err(reqwest::Error::without_url).with_context(|| format!("no answer from {}", shown(url)))?;
    print(format_args!("{}", response.status()))?;
    Ok(response)
}

/// A URL as the log may have it: without a password and without its query, where keys are often kept.
fn shown(url: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(url) else { return url.to_owned() };
    if url.password().is_some() {
        // Fails only for URLs that can't have one, and this one has.
        let _ = url.set_password(Some("***"));
    }
    let has_query = url.query().is_some();
    url.set_query(None);
    url.set_fragment(None);
    format!("{url}{}", if has_query { "?..." } else { "" })
}

fn is_expected(HttpSpec { expected_status, .. }: &HttpSpec, status: u16) -> bool {
    if expected_status.is_empty() { status < 400 } else { expected_status.contains(&status) }
}

fn expectation(HttpSpec { expected_status, .. }: &HttpSpec) -> String {
    match expected_status.as_slice() {
        [] => "a status below 400".to_owned(),
        all => all.iter().map(u16::to_string).collect::<Vec<_>>().join(" or "),
    }
}

/// An answer's body, as far as an XCom could hold it.
struct Body {
    text: String,
    bytes: usize,
}

async fn body_of(mut response: Response) -> anyhow::Result<Body> {
    let (mut kept, mut bytes) = (Vec::new(), 0);
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url).context("the answer broke off")? {
        bytes += chunk.len();
        let room = (XCOM_LIMIT + 1).saturating_sub(kept.len()).min(chunk.len());
        kept.extend_from_slice(&chunk[..room]);
    }
    Ok(Body { text: String::from_utf8_lossy(&kept).into_owned(), bytes })
}

/// JSON as it is, anything else as a text.
fn push(body: &Body) -> anyhow::Result<()> {
    let value = serde_json::from_str::<Value>(&body.text).unwrap_or_else(|_| Value::from(body.text.as_str()));
    let text = value.to_string();
    if body.bytes > XCOM_LIMIT || text.len() > XCOM_LIMIT {
        print(format_args!("the answer has {} bytes; an XCom may have {XCOM_LIMIT}, so it is not pushed as return_value", body.bytes))?;
        return Ok(());
    }
    let Some(path) = env::var_os("UPDRAFT_OUTPUT") else { return Ok(()) };
    let mut output = OpenOptions::new().append(true).create(true).open(&path).context("opening UPDRAFT_OUTPUT")?;
    writeln!(output, "return_value:={text}").context("writing to UPDRAFT_OUTPUT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_url_are_not_shown() {
        assert_eq!(shown("https://me:secret@example.com/a?token=secret#x"), "https://me:***@example.com/a?...");
        assert_eq!(shown("http://example.com/a"), "http://example.com/a");
    }

    #[test]
    fn what_is_expected() {
        let spec = |statuses: &[u16]| HttpSpec {
            url: String::new(),
            method: "GET".to_owned(),
            headers: [].into(),
            body: None,
            expected_status: statuses.to_vec(),
            timeout_seconds: 1.0,
        };
        assert!(is_expected(&spec(&[]), 302) && !is_expected(&spec(&[]), 404));
        assert!(is_expected(&spec(&[404]), 404) && !is_expected(&spec(&[404, 410]), 200));
        assert_eq!(expectation(&spec(&[404, 410])), "404 or 410");
    }
}

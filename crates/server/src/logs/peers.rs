//! Asks other nodes for the parts of logs that lie there.

use std::time::Duration;

use updraft_model::{NodeId, Timestamp};
use updraft_store::NodeRow;

use super::{Line, part::Part};
use crate::{app::App, auth::pass, error::ApiError};

/// Says which node answers: behind an address there may be another than the one that is meant.
pub const NODE_HEADER: &str = "x-updraft-node";

/// A node that does not even take the connection in this time is not there.
const CONNECT: Duration = Duration::from_secs(2);
/// An answer, with all of its body.
const ANSWER: Duration = Duration::from_secs(10);

/// The way to the other nodes. Connections are kept.
pub struct Peers(Result<reqwest::Client, String>);

/// Why a part can't be had now, for whoever reads the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away(String);

impl Away {
    fn new(node: &NodeId, why: impl std::fmt::Display) -> Self {
        Self(format!("[updraft] a part of this log is missing here: it is on node {node}, {why}"))
    }

    /// As a line in the place of the part.
    pub fn line(&self) -> Line {
        Line::bare(self.0.clone())
    }
}

impl Peers {
    /// Nobody is asked yet.
    pub fn new() -> Self {
        // Nodes are reached directly: a proxy for the world outside would learn what tasks print.
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self(client.connect_timeout(CONNECT).timeout(ANSWER).build().map_err(|error| in_full(&error)))
    }

    /// A part's bytes from `from` on, at most `limit`; `None` if its node has none of it.
    pub async fn read(&self, app: &App, part: &Part, from: u64, limit: usize) -> Result<Result<Option<Vec<u8>>, Away>, ApiError> {
        let known = app.reader.nodes().await?.into_iter().find(|row| row.node == part.node);
        let Some(NodeRow { address, last_seen, .. }) = known else {
            return Ok(Err(Away::new(&part.node, "which this database does not know")));
        };
        let Some(address) = address else {
            return Ok(Err(Away::new(&part.node, "which has not said at which address it can be asked")));
        };
        let pass = pass::issue(app.auth.key(app).await?, part.first, app.now());
        let asked = self.ask(&address, part, &pass.unwrap_or_default(), from, limit).await;
        Ok(asked.map_err(|why| Away::new(&part.node, format_args!("{why}; last seen {}", shown(last_seen)))))
    }

    async fn ask(&self, address: &str, part: &Part, pass: &str, from: u64, limit: usize) -> Result<Option<Vec<u8>>, String> {
        let client = self.0.as_ref().map_err(|error| format!("and nobody can be asked: {error}"))?;
        let url = format!("{}/internal/attempts/{}/log", address.trim_end_matches('/'), part.first);
        let request = client.get(url).query(&[("from", from), ("limit", limit as u64)]).header("authorization", pass);
        let no_answer = |error: reqwest::Error| format!("which does not answer at {address} ({})", in_full(&error));
        let mut answer = request.send().await.map_err(no_answer)?;
        if answer.headers().get(NODE_HEADER).is_none_or(|node| node.as_bytes() != part.node.as_str().as_bytes()) {
            return Err(format!("but at its address {address} another answers: set its advertise_address"));
        }
        match answer.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            status => {
                let body = answer.text().await.unwrap_or_default();
                return Err(format!("which refuses to tell it at {address}: {status} {}", body.chars().take(200).collect::<String>()));
            }
        }
        let mut bytes = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(no_answer)? {
            if bytes.len() + more.len() > limit {
                return Err(format!("which tells more than was asked for at {address}"));
            }
            bytes.extend_from_slice(&more);
        }
        Ok(Some(bytes))
    }
}

/// To the second: it is for people.
fn shown(at: Timestamp) -> String {
    let seconds = jiff::Timestamp::from_second(at.micros().div_euclid(1_000_000));
    seconds.map_or_else(|_| at.to_string(), |at| at.to_string())
}

/// An error with its causes: the last says what really happened.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

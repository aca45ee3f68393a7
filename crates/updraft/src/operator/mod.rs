//! `updraft operator`: carries out one operator, described as JSON on standard input.
//!
//! It runs as a task like any other: what it prints is the task's log, its exit code the task's
//! end, and `UPDRAFT_OUTPUT` takes its XComs. It reads no configuration and no database.

mod file;
mod http;

use std::{io::Read as _, process::ExitCode};

use anyhow::Context as _;
use updraft_engine::OperatorSpec;

/// How an operator ends that did not break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It has done its work, or what was waited for is there.
    Done,
    /// What was waited for is not there yet.
    NotYet,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Done => Self::SUCCESS,
            // A process's exit code has eight bits, and the constant fits.
            Answer::NotYet => u8::try_from(updraft_scheduler::NOT_YET).map_or(Self::FAILURE, Self::from),
        }
    }
}

/// Reads the description and does what it says.
pub fn run() -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("reading the operator's description from standard input")?;
    let spec: OperatorSpec = serde_json::from_str(&text).context("the operator's description on standard input can't be read")?;
    let answer = match spec {
        OperatorSpec::FileExists { path } => file::exists(&path)?,
        OperatorSpec::Http(spec) => on_one_thread(http::request(&spec))?,
        OperatorSpec::HttpAnswers(spec) => on_one_thread(http::answers(&spec))?,
    };
    Ok(answer.into())
}

fn on_one_thread(work: impl Future<Output = anyhow::Result<Answer>>) -> anyhow::Result<Answer> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?.block_on(work)
}

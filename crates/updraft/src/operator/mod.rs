//! `updraft operator`: carries out one operator, described as JSON on standard input.

use std::process::ExitCode;

/// Reads the description and does what it says.
pub fn run() -> anyhow::Result<ExitCode> {
    anyhow::bail!("being wired")
}

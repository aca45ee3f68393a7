//! `updraft nodes`: the homes where daemons run tasks.

use std::process::ExitCode;

use clap::Subcommand;

use super::Context;

use crate::output::note;

/// Nodes: the homes where daemons run tasks.
#[derive(Debug, Subcommand)]
pub enum NodesCommand {
    /// Lists nodes: who leads, who is there, what runs where
    List,
    /// Says that a node is gone for good: what ran there is launched again where it may be, or fails
    Forget {
        /// Its id
        node: String,
    },
}

const COLUMNS: [&str; 7] = ["node_id", "is_alive", "is_leader", "open_attempts", "last_seen", "lost_after", "address"];

impl NodesCommand {
    /// Carries it out.
    pub async fn run(self, cx: &Context) -> anyhow::Result<ExitCode> {
        match self {
            Self::List => {
                let nodes = cx.api().await?.get(&["nodes"], &[]).await?;
                cx.out.list(&COLUMNS, nodes["nodes"].as_array().map_or(&[], Vec::as_slice))?;
            }
            Self::Forget { node } => {
                cx.scheduler().await?.delete(&["nodes", &node]).await?;
                note(format_args!("Forgot node {node}: what ran there counts as lost"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

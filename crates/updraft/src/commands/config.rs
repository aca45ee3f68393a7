//! `updraft config`: the options, and where their values come from.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::Context;

/// The configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Shows every option, its value, and where that comes from
    Show,
    /// Prints the value of one option
    Get {
        /// Its key
        key: String,
    },
}

impl ConfigCommand {
    /// Carries it out.
    pub fn run(self, cx: &Context) -> anyhow::Result<ExitCode> {
        let settings = &cx.config.settings;
        match self {
            Self::Show => {
                let home = json!({ "key": "home", "value": cx.config.home, "from": null, "about": "Updraft's folder." });
                let row = |setting: &crate::config::Setting| json!({ "key": setting.key, "value": setting.value, "from": setting.origin.to_string(), "about": setting.about });
                let rows: Vec<Value> = std::iter::once(home).chain(settings.iter().map(row)).collect();
                cx.out.list(&["key", "value", "from"], &rows)?;
            }
            Self::Get { key } => {
                let found = settings.iter().find(|setting| setting.key == key);
                let known = || settings.iter().map(|setting| setting.key).collect::<Vec<_>>().join(", ");
                let setting = found.ok_or_else(|| anyhow::anyhow!("there is no option {key}; there are {}", known()))?;
                cx.out.line(&setting.value)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

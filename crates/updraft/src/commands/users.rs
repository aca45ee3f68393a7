//! `updraft users`: who may log in.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use updraft_server::Role;

use super::{Context, prompt};

use crate::output::note;

/// Who may log in.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Makes a user
    Create {
        /// The name to log in with
        #[arg(long, short = 'u')]
        username: String,
        /// viewer, user, op or admin
        #[arg(long, short = 'r', value_parser = role)]
        role: String,
        /// [default: the first line of standard input]
        #[arg(long, short = 'p')]
        password: Option<String>,
    },
    /// Changes a user's role or password
    Update {
        /// The name
        #[arg(long, short = 'u')]
        username: String,
        /// viewer, user, op or admin
        #[arg(long, short = 'r', value_parser = role)]
        role: Option<String>,
        /// The new password; - for the first line of standard input
        #[arg(long, short = 'p', required_unless_present = "role", allow_hyphen_values = true)]
        password: Option<String>,
    },
    /// Lists users
    List,
    /// Deletes a user
    Delete {
        /// The name
        #[arg(long, short = 'u')]
        username: String,
    },
}

const COLUMNS: [&str; 3] = ["username", "role", "created_at"];

fn role(text: &str) -> Result<String, String> {
    text.parse::<Role>().map(|_| text.to_ascii_lowercase()).map_err(|error| error.to_string())
}

impl UsersCommand {
    /// Carries it out.
    pub async fn run(self, cx: &Context) -> anyhow::Result<ExitCode> {
        let api = cx.api().await?;
        match self {
            Self::Create { username, role, password } => {
                let password = password.map_or_else(|| prompt::password(&format!("Password of {username}: ")), Ok)?;
                let body = json!({ "username": username, "password": password, "role": role });
                let made = api.post(&["auth", "users"], &body).await.map_err(|error| match error {
                    error if error.is_conflict() => anyhow::anyhow!("{error}\n  hint: `updraft users update` changes a role or password"),
                    error => error.into(),
                })?;
                cx.out.list(&COLUMNS, &[made])?;
            }
            Self::Update { username, role, password } => {
                let password = match password.as_deref() {
                    Some("-") => Some(prompt::password(&format!("New password of {username}: "))?),
                    _ => password,
                };
                let mut body = json!({});
                for (name, value) in [("role", role), ("password", password)] {
                    if let Some(value) = value {
                        body[name] = value.into();
                    }
                }
                cx.out.list(&COLUMNS, &[api.patch(&["auth", "users", &username], &body).await?])?;
            }
            Self::List => {
                let answer = api.get(&["auth", "users"], &[]).await?;
                let users = answer["users"].as_array().cloned().unwrap_or_default();
                cx.out.list(&COLUMNS, &users)?;
            }
            Self::Delete { username } => {
                api.delete(&["auth", "users", &username]).await?;
                note(format_args!("Deleted user {username}"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

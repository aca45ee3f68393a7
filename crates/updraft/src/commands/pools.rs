//! `updraft pools`. Files of `import` and `export` are Airflow's: an object of pools by name.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::{Context, args, transfer};
use crate::{client::Client, output::note};

/// Pools: how many tasks run at once.
#[derive(Debug, Subcommand)]
pub enum PoolsCommand {
    /// Lists pools with their slots
    List,
    /// Shows a pool
    Get {
        /// Its name
        name: String,
    },
    /// Makes or changes a pool
    Set {
        /// Its name
        #[arg(value_parser = args::name)]
        name: String,
        /// How many slots; -1 for no limit
        #[arg(allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-1..))]
        slots: i64,
        /// What it is for
        description: Option<String>,
        /// Deferred tasks take slots too
        #[arg(long)]
        include_deferred: bool,
    },
    /// Deletes a pool
    Delete {
        /// Its name
        name: String,
    },
    /// Makes or changes the pools of a JSON file
    Import {
        /// {"NAME": {"slots": 4, "description": "...", "include_deferred": false}}; - for standard input
        file: PathBuf,
    },
    /// Writes all pools to a JSON file
    Export {
        /// - for standard output
        file: PathBuf,
    },
}

const COLUMNS: [&str; 8] =
    ["name", "slots", "occupied_slots", "running_slots", "queued_slots", "open_slots", "include_deferred", "description"];

impl PoolsCommand {
    /// Carries it out.
    pub async fn run(self, cx: &Context) -> anyhow::Result<ExitCode> {
        match self {
            Self::List => cx.out.list(&COLUMNS, &all(cx.api().await?).await?)?,
            Self::Get { name } => cx.out.list(&COLUMNS, &[cx.api().await?.get(&["pools", &name], &[]).await?])?,
            Self::Set { name, slots, description, include_deferred } => {
                let pool = json!({ "slots": slots, "description": description, "include_deferred": include_deferred });
                let pool = set(cx.scheduler().await?, &name, &pool).await?;
                cx.out.list(&COLUMNS, &[pool])?;
            }
            Self::Delete { name } => {
                cx.scheduler().await?.delete(&["pools", &name]).await?;
                note(format_args!("Deleted pool {name}"));
            }
            Self::Import { file } => import(cx, &file).await?,
            Self::Export { file } => {
                let pools = all(cx.api().await?).await?;
                transfer::write(&file, &exported(&pools), "pool")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn all(api: &Client) -> anyhow::Result<Vec<Value>> {
    Ok(api.list(&["pools"], "pools", &[], None).await?)
}

/// Changes a pool, or makes it if there is none.
async fn set(api: &Client, name: &str, pool: &Value) -> anyhow::Result<Value> {
    let mut body = pool.clone();
    // The description of the default pool can't be changed, and one that is not given stays.
    if body["description"].is_null() || name == "default_pool" {
        body.as_object_mut().map(|body| body.remove("description"));
    }
    match api.patch(&["pools", name], &body).await {
        Err(error) if error.is_not_found() => {
            body["name"] = name.into();
            Ok(api.post(&["pools"], &body).await?)
        }
        other => Ok(other?),
    }
}

async fn import(cx: &Context, file: &std::path::Path) -> anyhow::Result<()> {
    let pools = read(transfer::read(file)?).with_context(|| format!("{}", file.display()))?;
    let api = cx.scheduler().await?;
    for (name, pool) in &pools {
        set(api, name, pool).await.with_context(|| format!("pool {name}"))?;
    }
    note(format_args!("Imported {} pools", pools.len()));
    Ok(())
}

/// The pools of a file, checked as a whole before the first is changed.
fn read(pools: Map<String, Value>) -> anyhow::Result<Vec<(String, Value)>> {
    let pool = |(name, pool): (String, Value)| {
        if args::name(&name).is_err() {
            bail!("a pool has an empty name");
        }
        let Some(slots) = pool["slots"].as_i64().filter(|slots| *slots >= -1) else {
            bail!("pool \"{name}\" needs \"slots\": a whole number from -1 on");
        };
        let include_deferred = pool["include_deferred"].as_bool().unwrap_or(false);
        Ok((name, json!({ "slots": slots, "description": pool["description"], "include_deferred": include_deferred })))
    };
    pools.into_iter().map(pool).collect()
}

fn exported(pools: &[Value]) -> Map<String, Value> {
    let entry = |pool: &Value| {
        let kept = json!({ "slots": pool["slots"], "description": pool["description"], "include_deferred": pool["include_deferred"] });
        (pool["name"].as_str().unwrap_or_default().to_owned(), kept)
    };
    pools.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exported_can_be_imported() {
        let pools = [json!({"name": "a/b", "slots": -1, "description": null, "include_deferred": true, "open_slots": 3})];
        let written = exported(&pools);
        assert_eq!(Value::from(written.clone()), json!({"a/b": {"slots": -1, "description": null, "include_deferred": true}}));
        assert_eq!(read(written).unwrap(), [("a/b".to_owned(), json!({"slots": -1, "description": null, "include_deferred": true}))]);
    }

    #[test]
    fn a_pool_without_slots_is_refused_by_name() {
        let Value::Object(pools) = json!({"good": {"slots": 1}, "bad": {"slots": "4"}}) else { panic!() };
        assert_eq!(read(pools).unwrap_err().to_string(), "pool \"bad\" needs \"slots\": a whole number from -1 on");
    }
}

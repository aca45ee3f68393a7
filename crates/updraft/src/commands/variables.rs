//! `updraft variables`. Files of `import` and `export` are Airflow's: an object of values by key, or
//! of `{"value": .., "description": ..}`.
//!
//! The API never tells the value of a variable whose key looks like a secret's. Where no daemon
//! stands in between, the database is asked instead, and tells all.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde_json::{Map, Value, json};
use updraft_store::Page;

use super::{Context, args, transfer};
use crate::{client::Client, output::note};

/// Variables: values that templates ask for.
#[derive(Debug, Subcommand)]
pub enum VariablesCommand {
    /// Lists the keys
    List {
        /// With their values
        #[arg(long)]
        values: bool,
    },
    /// Prints a value
    Get {
        /// The key
        key: String,
        /// Printed where there is no such variable
        #[arg(long, short = 'd')]
        default: Option<String>,
        /// Pretty-prints JSON
        #[arg(long, short = 'j')]
        json: bool,
    },
    /// Makes or changes a variable
    Set {
        /// The key
        #[arg(value_parser = args::name)]
        key: String,
        /// The value; - for standard input
        value: String,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// Deletes a variable
    Delete {
        /// The key
        key: String,
    },
    /// Makes or changes the variables of a JSON file
    Import {
        /// {"KEY": "value"}; - for standard input
        file: PathBuf,
        /// What happens to a variable that exists
        #[arg(long, short = 'a', value_enum, default_value_t = Existing::Overwrite)]
        action_on_existing_key: Existing,
    },
    /// Writes all variables to a JSON file
    Export {
        /// - for standard output
        file: PathBuf,
    },
}

/// What an import does to a variable that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Existing {
    /// It is replaced.
    Overwrite,
    /// It stays, and the import goes on.
    Skip,
    /// Nothing is imported.
    Fail,
}

/// What the API says instead of a value it does not tell.
const HIDDEN: &str = "***";

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Variable {
    key: String,
    value: String,
    description: Option<String>,
}

impl VariablesCommand {
    /// Carries it out.
    pub async fn run(self, cx: &Context) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { values } => list(cx, values).await?,
            Self::Get { key, default, json } => return get(cx, &key, default, json).await,
            Self::Set { key, value, description } => {
                let value = if value == "-" { std::io::read_to_string(std::io::stdin())? } else { value };
                set(cx.api().await?, &Variable { key: key.clone(), value, description }).await?;
                note(format_args!("Variable {key} is set"));
            }
            Self::Delete { key } => {
                cx.api().await?.delete(&["variables", &key]).await?;
                note(format_args!("Deleted variable {key}"));
            }
            Self::Import { file, action_on_existing_key } => import(cx, &file, action_on_existing_key).await?,
            Self::Export { file } => return export(cx, &file).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(cx: &Context, values: bool) -> anyhow::Result<()> {
    let columns: &[&str] = if values { &["key", "value", "description"] } else { &["key", "description"] };
    let row = |variable: Variable| {
        let mut row = json!({ "key": variable.key, "value": variable.value, "description": variable.description });
        if let Some(row) = row.as_object_mut().filter(|_| !values) {
            row.remove("value");
        }
        row
    };
    cx.out.list(columns, &all(cx).await?.into_iter().map(row).collect::<Vec<_>>())
}

/// All variables, with their true values where they can be had.
async fn all(cx: &Context) -> anyhow::Result<Vec<Variable>> {
    if let Some(store) = cx.direct_store().await? {
        let rows = store.variables(Vec::new(), Page { limit: u32::MAX, order_by: vec!["key".to_owned()], ..Page::default() }).await?.items;
        let variable = |row: updraft_store::VariableRow| Variable { key: row.key, value: row.value, description: row.description };
        return Ok(rows.into_iter().map(variable).collect());
    }
    let rows = cx.api().await?.list(&["variables"], "variables", &[("order_by", "key".to_owned())], None).await?;
    Ok(rows.iter().map(of_api).collect())
}

fn of_api(row: &Value) -> Variable {
    let text = |name: &str| row[name].as_str().map(str::to_owned);
    Variable { key: text("key").unwrap_or_default(), value: text("value").unwrap_or_default(), description: text("description") }
}

async fn get(cx: &Context, key: &str, default: Option<String>, as_json: bool) -> anyhow::Result<ExitCode> {
    let found = if let Some(store) = cx.direct_store().await? {
        store.variable(key).await?.map(|row| row.value)
    } else {
        match cx.api().await?.get(&["variables", key], &[]).await {
            Ok(row) => Some(of_api(&row).value),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        }
    };
    if found.as_deref().is_some_and(is_hidden) {
        note(format_args!("The API does not tell the value of a key that looks like a secret's."));
    }
    let Some(value) = found.or(default) else { bail!("there is no variable {key}\n  hint: `updraft variables list` shows them") };
    if as_json || !cx.out.is_table() {
        cx.out.value(&serde_json::from_str(&value).unwrap_or(Value::String(value)))?;
    } else {
        cx.out.line(&value)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Changes a variable, or makes it if there is none.
async fn set(api: &Client, variable: &Variable) -> anyhow::Result<()> {
    let mut body = json!({ "key": variable.key, "value": variable.value });
    if let Some(description) = &variable.description {
        body["description"] = description.as_str().into();
    }
    match api.patch(&["variables", &variable.key], &body).await {
        Err(error) if error.is_not_found() => _ = api.post(&["variables"], &body).await?,
        other => _ = other?,
    }
    Ok(())
}

async fn import(cx: &Context, file: &std::path::Path, existing: Existing) -> anyhow::Result<()> {
    let given = read(transfer::read(file)?);
    if given.iter().any(|variable| args::name(&variable.key).is_err()) {
        bail!("nothing was imported: {} has a variable with an empty key", file.display());
    }
    let known: Vec<String> = all(cx).await?.into_iter().map(|variable| variable.key).collect();
    let (old, new): (Vec<_>, Vec<_>) = given.into_iter().partition(|variable| known.contains(&variable.key));
    let keys = old.iter().map(|variable| variable.key.as_str()).collect::<Vec<_>>().join(", ");
    if existing == Existing::Fail && !old.is_empty() {
        bail!("nothing was imported: these variables exist: {keys}");
    }
    let api = cx.api().await?;
    let chosen: Vec<Variable> = new.into_iter().chain(old.into_iter().filter(|_| existing == Existing::Overwrite)).collect();
    for variable in &chosen {
        set(api, variable).await.with_context(|| format!("variable {}", variable.key))?;
    }
    note(format_args!("Imported {} variables", chosen.len()));
    Ok(())
}

/// Airflow's two forms of an entry. What is no text is kept as JSON text.
fn read(entries: Map<String, Value>) -> Vec<Variable> {
    let text = |value: Value| if let Value::String(text) = value { text } else { value.to_string() };
    let variable = |(key, mut entry): (String, Value)| match entry.get_mut("value").map(Value::take) {
        Some(value) => Variable { key, value: text(value), description: entry["description"].as_str().map(str::to_owned) },
        None => Variable { key, value: text(entry), description: None },
    };
    entries.into_iter().map(variable).collect()
}

/// Whether the API kept a value, or a part of one that is JSON, to itself.
fn is_hidden(value: &str) -> bool {
    fn any(value: &Value) -> bool {
        match value {
            Value::String(text) => text == HIDDEN,
            Value::Array(items) => items.iter().any(any),
            Value::Object(fields) => fields.values().any(any),
            _ => false,
        }
    }
    value == HIDDEN || serde_json::from_str(value).is_ok_and(|value| any(&value))
}

async fn export(cx: &Context, file: &std::path::Path) -> anyhow::Result<ExitCode> {
    let hides = cx.direct_store().await?.is_none();
    // A file with `***` in it would overwrite the secrets when it is imported.
    let (hidden, told): (Vec<_>, Vec<_>) = all(cx).await?.into_iter().partition(|variable| hides && is_hidden(&variable.value));
    transfer::write(file, &exported(&told), "variable")?;
    if hidden.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let keys = hidden.iter().map(|variable| variable.key.as_str()).collect::<Vec<_>>().join(", ");
    note(format_args!("Left out, since the API does not tell values of keys that look like a secret's: {keys}"));
    note(format_args!("  hint: stop the daemon and export again, which reads the database itself"));
    Ok(ExitCode::FAILURE)
}

/// JSON values as JSON, as Airflow exports them; a description makes an entry an object.
fn exported(variables: &[Variable]) -> Map<String, Value> {
    let entry = |variable: &Variable| {
        let value = match serde_json::from_str(&variable.value) {
            // Numbers and the like would come back as they are only if they are written as text.
            Ok(value @ (Value::Object(_) | Value::Array(_))) if serde_json::to_string(&value).is_ok_and(|text| text == variable.value) => {
                value
            }
            _ => Value::String(variable.value.clone()),
        };
        let needs_object = variable.description.is_some() || value.get("value").is_some();
        let entry = if needs_object { json!({ "value": value, "description": variable.description }) } else { value };
        (variable.key.clone(), entry)
    };
    variables.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_inside_a_value_counts_as_hidden() {
        let hidden = [HIDDEN, r#"{"host":"h","api_key":"***"}"#, r#"[{"password":"***"}]"#];
        let told = ["", "text with *** in it", r#"{"host":"h"}"#, r#"{"***":1}"#];
        assert!(hidden.iter().all(|value| is_hidden(value)));
        assert!(!told.iter().any(|value| is_hidden(value)));
    }

    #[test]
    fn what_is_exported_comes_back_as_it_was() {
        let variable = |key: &str, value: &str, description: Option<&str>| Variable {
            key: key.into(),
            value: value.into(),
            description: description.map(str::to_owned),
        };
        let all = vec![
            variable("plain", "text", None),
            variable("number", "1.10", None),
            variable("json", r#"{"a":[1,2]}"#, Some("two")),
            variable("spaced json", "{ \"a\": 1 }", None),
            variable("looks like an entry", r#"{"value":"x"}"#, None),
        ];
        let written = exported(&all);
        insta::assert_snapshot!(serde_json::to_string_pretty(&written).unwrap(), @r#"
        {
          "plain": "text",
          "number": "1.10",
          "json": {
            "value": {
              "a": [
                1,
                2
              ]
            },
            "description": "two"
          },
          "spaced json": "{ \"a\": 1 }",
          "looks like an entry": {
            "value": {
              "value": "x"
            },
            "description": null
          }
        }
        "#);
        assert_eq!(read(written), all);
    }
}

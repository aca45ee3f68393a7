//! `updraft dags`: DAGs and their files.

mod list;
mod list_import_errors;
mod next_execution;
mod pause;
mod show;
mod test;
mod trigger;
mod validate;

use std::process::ExitCode;

use clap::Subcommand;

use super::{Context, Foreground, prompt};

use crate::output::note;

pub use show::tree;
pub use test::{Only, TestArgs, test};
pub use validate::{Listed, duplicate, files_below};

/// DAGs and their files.
#[derive(Debug, Subcommand)]
pub enum DagsCommand {
    /// Lists the DAGs with their schedule, their next run and how the last one ended
    List(list::List),
    /// Shows a DAG's settings and its tasks as a tree
    Show(show::Show),
    /// Lists what the daemon finds wrong with DAG files
    ListImportErrors,
    /// Checks DAG files, without a daemon
    Validate(validate::Validate),
    /// Prints the JSON Schema of DAG files, for editors
    Schema,
    /// Starts a run
    Trigger(trigger::Trigger),
    /// Runs a DAG file once in the foreground: no daemon, no database, nothing kept
    Test(TestArgs),
    /// Prints the next runs that a schedule gives
    NextExecution(next_execution::NextExecution),
    /// Pauses DAGs: nothing of them starts
    Pause(pause::Which),
    /// Unpauses DAGs
    Unpause(pause::Which),
    /// Deletes a DAG's runs and all that is known of it; its file stays
    Delete {
        /// Its id
        dag_id: String,
        /// Don't ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
}

impl DagsCommand {
    /// Whether it runs tasks in this process.
    pub fn runs_tasks(&self) -> bool {
        matches!(self, Self::Test(_))
    }

    /// Carries it out.
    pub async fn run(self, cx: &Context, foreground: Option<Foreground>) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(cx).await?,
            Self::Show(show) => show.run(cx).await?,
            Self::ListImportErrors => list_import_errors::list_import_errors(cx).await?,
            Self::Validate(validate) => return validate.run(cx),
            Self::Schema => schema(cx)?,
            Self::Trigger(trigger) => return trigger.run(cx).await,
            Self::Test(args) => return test(cx, foreground, &args, Only::Named).await,
            Self::NextExecution(next) => next.run(cx).await?,
            Self::Pause(which) => which.set(cx, true).await?,
            Self::Unpause(which) => which.set(cx, false).await?,
            Self::Delete { dag_id, yes } => return delete(cx, &dag_id, yes).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints the JSON Schema of DAG files.
pub fn schema(cx: &Context) -> anyhow::Result<()> {
    cx.out.value(&updraft_dagfile::json_schema())
}

async fn delete(cx: &Context, dag_id: &str, yes: bool) -> anyhow::Result<ExitCode> {
    let api = cx.scheduler().await?;
    api.get(&["dags", dag_id], &[]).await?;
    if !yes && !prompt::confirm(&format!("Delete DAG {dag_id} with all its runs?"))? {
        return Ok(ExitCode::FAILURE);
    }
    api.delete(&["dags", dag_id]).await?;
    note(format_args!("Deleted DAG {dag_id}. While its file is there, it comes back without its runs."));
    Ok(ExitCode::SUCCESS)
}

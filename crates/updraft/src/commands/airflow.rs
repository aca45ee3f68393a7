//! The commands that people know from Airflow and that are called otherwise here, or are not here: one
//! table, by which a command that nobody knows says what to write.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Airflow's words, and what to do instead.
const INSTEAD: &[(&str, &str)] = &[
    ("api_server", "`updraft api-server`; `updraft standalone` has it in it"),
    ("assets", "assets are not there yet"),
    ("backfill", "backfills are not there yet; `updraft dags trigger DAG --logical-date TIME` starts a run for one date"),
    ("celery", "there are no workers: `updraft scheduler` on another machine runs tasks there when it leads"),
    ("cheat-sheet", "`updraft help`"),
    ("config get-value", "`updraft config get KEY`"),
    ("config lint", "`updraft config show` says what is odd about the configuration"),
    ("config list", "`updraft config show`"),
    ("connections", "connections are not there yet; keep what tasks need in variables (`updraft variables`) or in their environment"),
    ("dag-processor", "it is a part of `updraft standalone` and `updraft scheduler`"),
    ("dags backfill", "backfills are not there yet; `updraft dags trigger DAG --logical-date TIME` starts a run for one date"),
    ("dags clear", "`updraft tasks clear DAG --run-id RUN`"),
    ("dags details", "`updraft dags show DAG`; `-o json` has everything"),
    ("dags list-jobs", "there are no jobs: `updraft nodes list` and `updraft runs list`"),
    ("dags list-runs", "`updraft runs list DAG`"),
    ("dags list-versions", "the page shows a DAG's versions, and `GET /api/v2/dags/DAG/dagVersions` lists them"),
    ("dags report", "`updraft dags validate` reads all DAG files and says what is wrong with them"),
    ("dags reserialize", "nothing is to be done: DAG files are read again whenever they change"),
    ("dags state", "`updraft runs show DAG RUN`"),
    ("db check-migrations", "`updraft doctor` tells the version of the schema"),
    ("db downgrade", "schemas only go forward; restore a copy of the database"),
    ("db init", "`updraft db migrate`; a daemon that starts does it by itself"),
    ("db reset", "stop the daemon and delete the database (`updraft config get database_url`); the next start makes a new one"),
    ("db shell", "open it with `sqlite3` or `psql`; `updraft config get database_url` says where it is"),
    ("db upgrade", "`updraft db migrate`; a daemon that starts does it by itself"),
    ("db-manager", "`updraft db`"),
    ("info", "`updraft doctor`"),
    ("jobs", "`updraft doctor` and `updraft nodes list` tell who is alive and who leads"),
    ("kerberos", "it is not there"),
    ("kubernetes", "there is no Kubernetes executor"),
    ("plugins", "there are no plugins"),
    ("providers", "there are no providers: the operators are those of `updraft schema`"),
    ("roles", "the roles are viewer, user, op and admin: `updraft users update --username NAME --role ROLE`"),
    ("rotate-fernet-key", "nothing is encrypted with one"),
    ("sync-perm", "the roles are fixed: viewer, user, op and admin"),
    ("tasks failed-deps", "`updraft tasks state DAG RUN TASK` says why it does not run"),
    ("tasks run", "`updraft tasks test FILE TASK` runs one in the foreground, `updraft tasks clear` again in its run"),
    ("tasks states-for-dag-run", "`updraft runs show DAG RUN`"),
    ("teams", "there are no teams"),
    ("triggerer", "it is a part of `updraft standalone` and `updraft scheduler`"),
    ("users add-role", "a user has one role: `updraft users update --username NAME --role ROLE`"),
    ("users remove-role", "a user has one role: `updraft users update --username NAME --role ROLE`"),
    ("users reset-password", "`updraft users update --username NAME --password -`"),
    ("webserver", "it is a part of `updraft standalone`, and `updraft api-server` alone"),
];

/// What to write instead of a command that does not exist, if Airflow has it.
pub fn instead_of(words: &[String], error: &clap::Error) -> Option<String> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let before = words.iter().take_while(|word| *word != wrong);
    // The group is a word before it, with options in between at most.
    let names = before.map(|group| format!("{group} {wrong}")).chain([wrong.clone()]);
    let (name, instead) = names.filter_map(|name| INSTEAD.iter().find(|(airflow, _)| *airflow == name)).next()?;
    Some(format!("there is no command `{name}`, which Airflow has\n  hint: {instead}"))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Cli;

    /// What is said of `updraft` and these words.
    fn said(words: &str) -> Option<String> {
        let words: Vec<String> = format!("updraft {words}").split(' ').map(str::to_owned).collect();
        instead_of(&words, &Cli::try_parse_from(&words).unwrap_err())
    }

    #[test]
    fn each_row_is_found_and_names_no_command_that_is_not_there() {
        for (name, instead) in INSTEAD {
            let said = said(name).unwrap_or_else(|| panic!("{name} is a command of ours, or is not found"));
            assert!(said.contains(&format!("`{name}`")) && said.contains(instead), "{said}");
            for command in instead.split('`').filter_map(|quoted| quoted.strip_prefix("updraft ")) {
                let mut at = Cli::command();
                at.build();
                for word in command
                    .split(' ')
                    .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
                    .filter(|w| !w.starts_with('-'))
                {
                    at = at.find_subcommand(word).unwrap_or_else(|| panic!("{name}: `updraft {command}` does not exist")).clone();
                }
            }
        }
    }

    #[test]
    fn options_stand_where_they_may() {
        assert!(said("-o json connections list").unwrap().contains("connections are not there yet"));
        assert!(said("dags -o json list-runs -d sales").unwrap().contains("`updraft runs list DAG`"));
        assert_eq!(said("dags fly"), None);
        assert_eq!(said("runs list --limit many"), None);
    }
}

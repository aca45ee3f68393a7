//! Who the command line is: two environment variables, or the password that the daemon left in its
//! home for its own machine.

use std::{env, fs, path::PathBuf};

use super::ClientError;

/// The file in the home that a daemon writes the generated password to.
const ADMIN_PASSWORD: &str = "admin-password";

/// Where name and password are looked for.
#[derive(Debug, Clone)]
pub struct Credentials {
    username: Option<String>,
    password: Option<String>,
    file: PathBuf,
}

impl Credentials {
    /// `UPDRAFT_USERNAME` and `UPDRAFT_PASSWORD`, else `admin` with the file in this home.
    pub fn of_environment(home: &std::path::Path) -> Self {
        let var = |name| env::var(name).ok().filter(|value| !value.is_empty());
        Self { username: var("UPDRAFT_USERNAME"), password: var("UPDRAFT_PASSWORD"), file: home.join(ADMIN_PASSWORD) }
    }

    /// Name and password.
    pub(super) fn find(&self, url: &str) -> Result<(String, String), ClientError> {
        let username = self.username.clone().unwrap_or_else(|| "admin".to_owned());
        if let Some(password) = &self.password {
            return Ok((username, password.clone()));
        }
        match fs::read_to_string(&self.file) {
            Ok(text) if self.username.is_none() => Ok((username, text.trim().to_owned())),
            _ => Err(ClientError::NoCredentials { url: url.to_owned(), file: self.file.clone() }),
        }
    }

    /// In words, where they came from.
    pub(super) fn origin(&self) -> String {
        match &self.password {
            Some(_) => "UPDRAFT_PASSWORD".to_owned(),
            None => self.file.display().to_string(),
        }
    }
}

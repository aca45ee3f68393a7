//! The first user: `admin`, with a password that is generated, or given in `UPDRAFT_ADMIN_PASSWORD`.
//!
//! Safe to repeat and to interrupt at any step, and for several daemons on one database at once:
//! which hash counts is decided by the store, where a setting is made only once.

use std::{
    env, fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use updraft_model::Timestamp;
use updraft_server::hash_password;
use updraft_store::{Reader, UserRow};

use super::random;

/// The setting that holds the hash of the first password.
const SETTING: &str = "first_admin_password_hash";

/// The first user's name.
pub const ADMIN: &str = "admin";

/// What a person must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstUser {
    /// Made just now, with this password, which is also in this file.
    Created {
        /// The password, if it was generated.
        password: Option<String>,
        /// Where it is kept.
        file: PathBuf,
    },
    /// There are users.
    Present,
}

/// Makes the user `admin` if there is no user at all.
pub async fn bootstrap(reader: &dyn Reader, home: &Path) -> anyhow::Result<FirstUser> {
    if !reader.users().await?.is_empty() {
        return Ok(FirstUser::Present);
    }
    let file = home.join("admin-password");
    let preset = env::var("UPDRAFT_ADMIN_PASSWORD").ok().filter(|password| !password.is_empty());
    // A password that an interrupted start has left is the one that was meant.
    let kept = read(&file)?.filter(|_| preset.is_none());
    let password = match preset.clone().or(kept) {
        Some(password) => password,
        None => random::password()?,
    };
    write(&file, &password)?;
    let hashed = {
        let password = password.clone();
        tokio::task::spawn_blocking(move || hash_password(&password)).await??
    };
    let settled = reader.setting(SETTING, serde_json::Value::from(hashed.as_str())).await?;
    let password_hash = settled.as_str().unwrap_or(&hashed).to_owned();
    let created_at = Timestamp::from(jiff::Timestamp::now());
    reader.set_user(UserRow { username: ADMIN.to_owned(), password_hash, role: "admin".to_owned(), created_at }).await?;
    Ok(FirstUser::Created { password: preset.is_none().then_some(password), file })
}

fn read(file: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading the admin's password in {}", file.display())),
    }
}

/// Whole or not at all, and never readable for others.
fn write(file: &Path, password: &str) -> anyhow::Result<()> {
    let draft = file.with_extension("draft");
    let put = || {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let _ = fs::remove_file(&draft);
        let mut written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        writeln!(written, "{password}")?;
        written.sync_all()?;
        fs::rename(&draft, file)
    };
    put().with_context(|| format!("writing the admin's password to {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use updraft_store_sqlite::SqliteStore;

    use super::*;

    #[tokio::test]
    async fn the_first_start_makes_an_admin_whose_password_is_kept_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("u.db")).unwrap();
        let FirstUser::Created { password: Some(password), file } = bootstrap(&*store, dir.path()).await.unwrap() else {
            panic!("there was no user yet")
        };
        assert_eq!(fs::read_to_string(&file).unwrap().trim(), password);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(bootstrap(&*store, dir.path()).await.unwrap(), FirstUser::Present);
    }

    #[tokio::test]
    async fn an_interrupted_start_goes_on_with_the_same_password() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("u.db")).unwrap();
        let FirstUser::Created { password: first, .. } = bootstrap(&*store, dir.path()).await.unwrap() else { panic!() };
        let hash = store.users().await.unwrap().remove(0).password_hash;
        // As if the process had died before it made the user.
        store.delete_user(ADMIN).await.unwrap();
        let FirstUser::Created { password: second, .. } = bootstrap(&*store, dir.path()).await.unwrap() else { panic!() };
        assert_eq!(first, second);
        assert_eq!(store.users().await.unwrap().remove(0).password_hash, hash);
    }
}

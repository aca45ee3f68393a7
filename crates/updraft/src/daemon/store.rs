//! Opens the database that the configuration names, as the two traits that all else uses.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt as _, path::Path, sync::Arc};

use anyhow::Context as _;
use updraft_store::{EngineStore, Reader, StoreError};
use updraft_store_postgres::PostgresStore;
use updraft_store_sqlite::SqliteStore;

use crate::config::DatabaseUrl;

/// An open database, its schema up to date.
#[derive(Clone)]
pub enum Store {
    /// One file.
    Sqlite(Arc<SqliteStore>),
    /// A server.
    Postgres(Arc<PostgresStore>),
}

impl Store {
    /// Opens it; creates or migrates what is missing.
    pub async fn open(url: &DatabaseUrl) -> anyhow::Result<Self> {
        let opened = match url {
            DatabaseUrl::Sqlite(path) => {
                let path = path.clone();
                let open = move || {
                    make_private(&path);
                    SqliteStore::open(path)
                };
                let opened = tokio::task::spawn_blocking(open).await?;
                opened.map(Self::Sqlite).map_err(anyhow::Error::from)
            }
            DatabaseUrl::Postgres(url) => PostgresStore::connect(url).await.map(Self::Postgres).map_err(anyhow::Error::from),
        };
        opened.with_context(|| format!("the database {url}"))
    }

    /// As the engine uses it.
    pub fn engine(&self) -> Arc<dyn EngineStore> {
        match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }

    /// As everybody else uses it.
    pub fn reader(&self) -> Arc<dyn Reader> {
        match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }

    /// What is damaged or does not fit together, in words.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Sqlite(store) => store.check().await,
            Self::Postgres(store) => store.check().await,
        }
    }
}

/// Makes an empty database file that only its owner can read, if there is none: in it are the hashes
/// of passwords, the variables, and the key that signs tokens. SQLite gives the files beside it the
/// same mode. Where no file can be made, opening the database fails too, and says why.
fn make_private(path: &Path) {
    drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[tokio::test]
    async fn only_its_owner_can_read_a_new_database() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&DatabaseUrl::Sqlite(dir.path().join("updraft.db"))).await.unwrap();
        assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
        let mut modes = Vec::new();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            modes.push((entry.file_name().into_string().unwrap(), entry.metadata().unwrap().mode() & 0o777));
        }
        modes.retain(|(name, _)| !name.ends_with(".lock"));
        assert!(!modes.is_empty());
        assert_eq!(modes.iter().filter(|(_, mode)| *mode != 0o600).collect::<Vec<_>>(), Vec::<&(String, u32)>::new());
    }
}

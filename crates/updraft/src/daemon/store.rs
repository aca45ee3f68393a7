//! Opens the database that the configuration names, as the two traits that all else uses.

use std::sync::Arc;

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
                let opened = tokio::task::spawn_blocking(move || SqliteStore::open(path)).await?;
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

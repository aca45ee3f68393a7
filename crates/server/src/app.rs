//! What every handler shares: the store, the settings, the caches of what never changes.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;
use updraft_model::{DagVersion, Timestamp, VersionId};
use updraft_store::Reader;

use crate::{
    auth::Auth,
    config::{Deps, EngineSnapshot, EngineStatus, ServerConfig},
    error::ApiError,
    feed::Hub,
    logs::Peers,
    metrics::HttpMetrics,
};

/// Versions never change once stored, and nearly every answer names one.
const CACHED_VERSIONS: usize = 512;

/// The server's state.
pub struct App {
    pub reader: Arc<dyn Reader>,
    pub config: ServerConfig,
    pub auth: Auth,
    pub hub: Arc<Hub>,
    pub http: HttpMetrics,
    pub peers: Peers,
    pub shutdown: watch::Receiver<bool>,
    engine: Option<Arc<dyn EngineStatus>>,
    versions: Mutex<VersionCache>,
}

#[derive(Default)]
struct VersionCache {
    by_id: HashMap<VersionId, Arc<DagVersion>>,
    oldest_first: VecDeque<VersionId>,
}

impl App {
    pub fn new(deps: Deps, config: ServerConfig) -> Arc<Self> {
        let Deps { reader, engine, shutdown } = deps;
        Arc::new(Self {
            auth: Auth::new(&config),
            hub: Hub::start(reader.clone(), shutdown.clone()),
            http: HttpMetrics::default(),
            peers: Peers::new(),
            versions: Mutex::default(),
            reader,
            config,
            engine,
            shutdown,
        })
    }

    /// The wall clock, cut to microseconds.
    pub fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }

    /// The engine in this process, if there is one.
    pub fn engine(&self) -> Option<EngineSnapshot> {
        self.engine.as_ref().map(|engine| engine.snapshot())
    }

    /// A version; a missing one is a defect of the store, since rows point to it.
    pub async fn version(&self, id: VersionId) -> Result<Arc<DagVersion>, ApiError> {
        if let Some(version) = self.cache().by_id.get(&id) {
            return Ok(version.clone());
        }
        let version = self.reader.version(id).await?.ok_or_else(|| ApiError::Internal(format!("DAG version {id} is missing")))?;
        Ok(self.remember(version))
    }

    /// Keeps a version that was read along with something else.
    pub fn remember(&self, version: DagVersion) -> Arc<DagVersion> {
        let mut cache = self.cache();
        if let Some(known) = cache.by_id.get(&version.id) {
            return known.clone();
        }
        let version = Arc::new(version);
        cache.by_id.insert(version.id, version.clone());
        cache.oldest_first.push_back(version.id);
        if cache.oldest_first.len() > CACHED_VERSIONS
            && let Some(oldest) = cache.oldest_first.pop_front()
        {
            cache.by_id.remove(&oldest);
        }
        version
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, VersionCache> {
        // A panic while it was held can at worst have lost an entry of the cache.
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

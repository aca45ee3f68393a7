//! A server over a store with the fixture in it.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt;
use updraft_model::{Batch, Term};
use updraft_server::{Authentication, Deps, ServerConfig, router};
use updraft_store::{Acquired, EngineStore};
use updraft_store_sqlite::SqliteStore;

use crate::{fixture, scheduler, shapes};

/// The server, and what is behind it.
pub struct World {
    pub store: Arc<SqliteStore>,
    pub term: Term,
    pub dir: tempfile::TempDir,
    pub shutdown: watch::Sender<bool>,
    app: Router,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    /// Its JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Its `detail`, if that is a text.
    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_else(|| panic!("no detail: {self:?}")).to_owned()
    }

    /// Its JSON, if the status is the expected one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }
}

fn config(dir: &Path, node: &str, change: impl FnOnce(&mut ServerConfig)) -> ServerConfig {
    let mut config = ServerConfig::new(dir.join("logs"), "1.2.3");
    config.authentication = Authentication::Disabled;
    config.node = Some(node.parse().unwrap());
    config.answer_timeout = Duration::from_secs(5);
    change(&mut config);
    config
}

impl World {
    /// Nobody must log in, and a scheduler does what is asked of it.
    pub async fn new() -> Self {
        let world = Self::with(|_| ()).await;
        scheduler::start(world.store.clone(), world.term);
        world
    }

    /// Nobody answers requests; `change` may change the configuration.
    pub async fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("updraft.db")).unwrap();
        let Acquired::Yes(term) = store.acquire_lease("test", None, SignedDuration::from_hours(1)).await.unwrap() else {
            panic!("the lease of a new store is free")
        };
        store.commit(term, Arc::new(fixture::batch())).await.unwrap();
        let (shutdown, down) = watch::channel(false);
        let deps = Deps { reader: store.clone(), engine: None, shutdown: down };
        let app = router(deps, config(dir.path(), "node-1", change));
        Self { app, store, term, dir, shutdown }
    }

    /// A server on another node with the same store: the folder of its logs is `name`.
    pub fn on_node(&self, name: &str) -> Router {
        let deps = Deps { reader: self.store.clone(), engine: None, shutdown: self.shutdown.subscribe() };
        let logs = self.dir.path().join(name);
        router(deps, config(self.dir.path(), name, |config| config.logs_dir = logs))
    }

    pub async fn commit(&self, batch: Batch) -> i64 {
        self.store.commit(self.term, Arc::new(batch)).await.unwrap()
    }

    /// The response, with a body that may never end.
    pub async fn send(&self, request: Request<Body>) -> axum::response::Response {
        self.app.clone().oneshot(request).await.unwrap()
    }

    pub async fn call(&self, request: Request<Body>) -> Reply {
        let response = self.send(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call(Request::delete(path).body(Body::empty()).unwrap()).await
    }

    pub async fn json(&self, method: Method, path: &str, body: Value) -> Reply {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        self.call(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.json(Method::POST, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.json(Method::PATCH, path, body).await
    }

    /// A GET that must succeed with the shape Airflow gives for `template`.
    pub async fn shaped(&self, template: &str, path: &str) -> Value {
        let value = self.get(path).await.expect(200);
        shapes::assert_answer("get", template, 200, &value);
        value
    }
}

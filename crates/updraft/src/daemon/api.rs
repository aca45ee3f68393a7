//! The API's listener: where it listens, and how it ends.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use updraft_model::NodeId;
use updraft_server::{Deps, EngineStatus, ServerConfig, node_router, router};

use super::{Role, store::Store};
use crate::config::Config;

/// Requests that are being answered when the end comes have so long.
const DRAIN: Duration = Duration::from_secs(10);

/// Takes the port, so that a daemon that can't have it changes nothing.
pub async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let host = config.host.trim_start_matches('[').trim_end_matches(']');
    TcpListener::bind((host, config.port)).await.map_err(|error| {
        let at = format!("{}:{}", config.host, config.port);
        match error.kind() {
            std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
                "another program listens on {at} already\n  hint: stop it (perhaps it is another updraft), or choose another port with --port"
            ),
            std::io::ErrorKind::PermissionDenied => anyhow::anyhow!("this user may not listen on {at}\n  hint: choose a port above 1023 with --port"),
            _ => anyhow::anyhow!("can't listen on {at}: {error}\n  hint: --host takes an address of this machine, such as 127.0.0.1 or 0.0.0.0"),
        }
    })
}

/// Takes a free port, where a scheduler without API answers other nodes: what it listens on is in
/// the database, so nobody need know it.
pub async fn listen_for_nodes(config: &Config) -> anyhow::Result<TcpListener> {
    listen(&Config { port: 0, ..config.clone() }).await
}

/// The address people reach the listener at.
pub fn address(config: &Config, listener: &TcpListener) -> anyhow::Result<String> {
    match &config.base_url {
        Some(url) => Ok(url.trim_end_matches('/').to_owned()),
        None => local_address(listener),
    }
}

/// The address other nodes reach the listener at. Not `base_url`: behind that may be many nodes.
pub fn node_address(config: &Config, listener: &TcpListener) -> anyhow::Result<String> {
    match &config.advertise_address {
        Some(url) => Ok(url.trim_end_matches('/').to_owned()),
        None => local_address(listener),
    }
}

fn local_address(listener: &TcpListener) -> anyhow::Result<String> {
    let local = listener.local_addr().context("asking for the port that was taken")?;
    if !local.ip().is_unspecified() {
        return Ok(format!("http://{local}"));
    }
    // "All addresses" is none that anyone can call; the machine's name is the best guess.
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    Ok(format!("http://{}:{}", name.as_deref().unwrap_or("localhost"), local.port()))
}

/// The API at work.
pub struct Api {
    stop: watch::Sender<bool>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Api {
    /// Starts to answer everybody; where `role` has no API, other nodes only.
    pub fn start(
        role: Role,
        config: &Config,
        listener: TcpListener,
        store: &Store,
        engine: Option<Arc<dyn EngineStatus>>,
        node: Option<NodeId>,
    ) -> Self {
        let (stop, shutdown) = watch::channel(false);
        let server = ServerConfig {
            node,
            base_url: config.base_url.clone(),
            ..ServerConfig::new(config.base_log_folder.clone(), env!("CARGO_PKG_VERSION"))
        };
        let deps = Deps { reader: store.reader(), engine, shutdown: shutdown.clone() };
        let app = if role.serves() { router(deps, server) } else { node_router(deps, server) };
        let end = async move {
            let mut shutdown = shutdown;
            // The sender going is an end as well.
            let _ = shutdown.wait_for(|is_over| *is_over).await;
        };
        let serving = tokio::spawn(axum::serve(listener, app).with_graceful_shutdown(end).into_future());
        Self { stop, serving }
    }

    /// Returns when it has ended without being asked.
    pub async fn ended(&mut self) {
        let _ = (&mut self.serving).await;
    }

    /// Takes no more requests, answers those it has, closes streams.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(DRAIN, &mut self.serving).await.is_err() {
            tracing::warn!("some requests were not answered in time; their connections are closed");
            self.serving.abort();
        }
    }
}

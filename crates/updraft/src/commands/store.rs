//! The database, for commands that are given while no daemon runs. Nothing is created here: a
//! database that is not there yet is said, not made.

use std::{path::Path, sync::Arc};

use anyhow::bail;
use tokio::sync::watch;
use updraft_model::NodeId;
use updraft_server::{Authentication, Deps, ServerConfig};
use updraft_store::Reader;

use crate::{
    config::{Config, DatabaseUrl},
    daemon::store::Store,
};

/// Opens the database of the configuration.
pub async fn open(config: &Config) -> anyhow::Result<Arc<dyn Reader>> {
    if let DatabaseUrl::Sqlite(path) = &config.database
        && !path.exists()
    {
        bail!(
            "no daemon answers, and there is no database {} yet\n  hint: start a daemon with `updraft standalone`, or name another --home",
            path.display()
        );
    }
    Ok(Store::open(&config.database).await?.reader())
}

/// The server's own code on a database, without any network. The sender must be kept: the server
/// ends its streams when it is gone.
pub fn serve(store: Arc<dyn Reader>, config: &Config) -> (axum::Router, watch::Sender<bool>) {
    let (stop, shutdown) = watch::channel(false);
    let server = ServerConfig {
        authentication: Authentication::Disabled,
        node: node_of(&config.home),
        ..ServerConfig::new(config.base_log_folder.clone(), env!("CARGO_PKG_VERSION"))
    };
    (updraft_server::router(Deps { reader: store, engine: None, shutdown }, server), stop)
}

/// The node that lives in a home, if one does.
fn node_of(home: &Path) -> Option<NodeId> {
    std::fs::read_to_string(home.join("node-id")).ok().and_then(|text| NodeId::new(text.trim()).ok())
}

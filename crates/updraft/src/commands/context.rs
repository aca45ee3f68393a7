//! What every command is given: configuration, output, and the way to the API.

use std::sync::Arc;

use anyhow::bail;
use tokio::sync::{OnceCell, watch};
use updraft_store::Reader;

use super::store;
use crate::{
    cli::Globals,
    client::{Client, ClientError, Credentials, Transport},
    config::Config,
    output::Output,
};

/// What every command is given.
pub struct Context {
    /// The configuration.
    pub config: Config,
    /// Standard output.
    pub out: Output,
    /// Where the daemon is, if that was said.
    url: Option<String>,
    api: OnceCell<Api>,
}

/// A way to the API, and the database behind it if no daemon stands in between.
struct Api {
    client: Client,
    store: Option<Arc<dyn Reader>>,
    _server: Option<watch::Sender<bool>>,
}

impl Context {
    /// From the command line and the configuration.
    pub fn new(globals: &Globals, config: Config) -> Self {
        let named = globals.url.clone().or_else(|| std::env::var("UPDRAFT_URL").ok());
        Self { config, out: Output::new(globals.output), url: named.filter(|url| !url.is_empty()), api: OnceCell::new() }
    }

    /// The address at which a daemon is expected.
    pub fn daemon_url(&self) -> String {
        self.url.clone().unwrap_or_else(|| local_address(&self.config))
    }

    /// The API: of the daemon if one answers, else on the database itself.
    pub async fn api(&self) -> anyhow::Result<&Client> {
        self.connect().await.map(|api| &api.client)
    }

    /// The API, for changes that a scheduler makes: it is an error if none runs.
    pub async fn scheduler(&self) -> anyhow::Result<&Client> {
        let api = self.connect().await?;
        if let Some(store) = &api.store {
            let leads = store.lease().await?.is_some_and(|lease| lease.remaining.is_positive());
            if !leads {
                bail!(
                    "no daemon is running: nobody answers at {}, and no scheduler holds the lease of {}\n  hint: start one with `updraft standalone`",
                    self.daemon_url(),
                    self.config.database
                );
            }
        }
        Ok(&api.client)
    }

    /// The database, if it is open because no daemon answers.
    pub async fn direct_store(&self) -> anyhow::Result<Option<&Arc<dyn Reader>>> {
        self.connect().await.map(|api| api.store.as_ref())
    }

    async fn connect(&self) -> anyhow::Result<&Api> {
        self.api.get_or_try_init(|| self.find_api()).await
    }

    /// The daemon at [`Self::daemon_url`]; `None` if nobody is there. It is an error if somebody else is.
    pub async fn running_daemon(&self) -> Result<Option<Client>, ClientError> {
        let credentials = Credentials::of_environment(&self.config.home);
        let client = Client::new(Transport::http(&self.daemon_url())?, credentials);
        match client.get(&["monitor", "health"], &[]).await {
            Ok(health) if health.get("scheduler").is_some() => Ok(Some(client)),
            Ok(_) | Err(ClientError::Refused { .. }) => {
                Err(ClientError::Misunderstood { url: self.daemon_url(), why: "there is no health of Updraft's".to_owned() })
            }
            // Who names a daemon means that one.
            Err(ClientError::Unreachable { .. }) if self.url.is_none() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn find_api(&self) -> anyhow::Result<Api> {
        if let Some(client) = self.running_daemon().await? {
            return Ok(Api { client, store: None, _server: None });
        }
        let store = store::open(&self.config).await?;
        let (router, server) = store::serve(store.clone(), &self.config);
        let client = Client::new(Transport::Local(router), Credentials::of_environment(&self.config.home));
        Ok(Api { client, store: Some(store), _server: Some(server) })
    }
}

/// Where a daemon with this configuration answers this machine.
fn local_address(config: &Config) -> String {
    // An address that means "all" to a listener means nobody to a caller.
    let host = match config.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "[::1]",
        host => host,
    };
    let brackets = host.contains(':') && !host.starts_with('[');
    let host = if brackets { format!("[{host}]") } else { host.to_owned() };
    format!("http://{host}:{}", config.port)
}

//! A daemon's life: start in order, wait, end in order.

use std::{
    io::{Write as _, stderr},
    sync::Arc,
    time::Duration,
};

use anyhow::bail;
use updraft_engine::ShellHandle;

use super::{
    Role,
    admin::{self, ADMIN, FirstUser},
    api::{self, Api},
    home::Place,
    scheduling::{Addresses, Scheduling},
    signals::Signals,
    store::Store,
    systemd::Notifier,
};
use crate::config::Config;

/// The exit code after a second signal: what a shell says of SIGINT.
const IMPATIENT: i32 = 130;

/// Within this time the loop that decides turns at least once.
const ONE_TURN: Duration = Duration::from_millis(1_500);

/// Runs the parts of `role` until a signal ends them.
pub async fn live(role: Role, config: Config, place: Option<Place>) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let systemd = Notifier::of_environment();
    let mut parts = tokio::select! {
        parts = Parts::start(role, &config, place) => parts?,
        signal = signals.next() => bail!("{signal} ended it while it started"),
    };
    systemd.tell("READY=1");
    let engine = parts.scheduling.as_ref().map(Scheduling::engine);
    let signal = {
        tokio::select! {
            signal = signals.next() => Some(signal),
            () = parts.ended() => None,
            () = keep_alive(&systemd, engine) => None,
        }
    };
    systemd.tell("STOPPING=1");
    if let Some(signal) = signal {
        tracing::info!(signal, "ending; running tasks go on under their supervisors, and the next start finds them");
    }
    tokio::select! {
        () = parts.stop() => {}
        signal = signals.next() => {
            tracing::warn!(signal, "ending at once; nothing that was committed is lost");
            std::process::exit(IMPATIENT);
        }
    }
    match signal {
        Some(_) => Ok(()),
        None => bail!("a part of the daemon ended by itself, which is a defect; the log above says more"),
    }
}

struct Parts {
    scheduling: Option<Scheduling>,
    api: Api,
}

impl Parts {
    async fn start(role: Role, config: &Config, place: Option<Place>) -> anyhow::Result<Self> {
        let listener = if role.serves() { api::listen(config).await? } else { api::listen_for_nodes(config).await? };
        let address = if role.serves() { Some(api::address(config, &listener)?) } else { None };
        let addresses = Addresses { api: address.clone(), node: api::node_address(config, &listener)? };
        let store = Store::open(&config.database).await?;
        let first_user = if role.serves() { admin::bootstrap(&*store.reader(), &config.home).await? } else { FirstUser::Present };
        let scheduling = match place {
            Some(place) => Some(Scheduling::start(config, place, &store, addresses).await?),
            None => None,
        };
        let engine = scheduling.as_ref().map(|scheduling| scheduling.view() as Arc<dyn updraft_server::EngineStatus>);
        let node = scheduling.as_ref().map(|scheduling| scheduling.node().clone());
        let api = Api::start(role, config, listener, &store, engine, node);
        greet(role, config, address.as_deref(), &first_user);
        Ok(Self { scheduling, api })
    }

    async fn ended(&mut self) {
        let scheduling = async {
            match &mut self.scheduling {
                Some(scheduling) => scheduling.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = scheduling => {}
            () = self.api.ended() => {}
        }
    }

    /// The scheduler first: requests that wait for its answers are told that there will be none.
    async fn stop(self) {
        let scheduling = async {
            if let Some(scheduling) = self.scheduling {
                scheduling.stop().await;
            }
        };
        tokio::join!(scheduling, self.api.stop());
    }
}

/// Tells systemd's watchdog that this process still gets to its work: its timers come, and the loop
/// that decides, which turns at least once a second, has turned since the last time. Never returns.
async fn keep_alive(systemd: &Notifier, engine: Option<ShellHandle>) {
    let Some(interval) = systemd.watchdog_interval() else { return std::future::pending().await };
    let interval = interval.max(Duration::from_millis(10));
    let mut last = None;
    loop {
        let beats = engine.as_ref().map(ShellHandle::beats);
        if beats.is_none() || beats != last || interval < ONE_TURN {
            systemd.tell("WATCHDOG=1");
        }
        last = beats;
        tokio::time::sleep(interval).await;
    }
}

/// Says what a person wants to know first. A standard error that takes nothing is no reason to end.
fn greet(role: Role, config: &Config, address: Option<&str>, first_user: &FirstUser) {
    let _ = stderr().write_all(greeting(role, config, address, first_user).as_bytes());
}

/// What a person wants to know first. A generated password is shown this one time only, a given one never.
fn greeting(role: Role, config: &Config, address: Option<&str>, first_user: &FirstUser) -> String {
    let name = match role {
        Role::Standalone => "standalone",
        Role::Scheduler => "scheduler",
        Role::ApiServer => "api-server",
    };
    let mut text = format!("\n  Updraft {} ({name}) is up\n", env!("CARGO_PKG_VERSION"));
    if let Some(address) = address {
        text += &format!("  page      {address}/\n  API       {address}/api/v2\n");
    }
    if role.schedules() {
        text += &format!("  DAGs      {}\n", config.dags.display());
    }
    text += &format!("  home      {}\n  database  {}\n", config.home.display(), config.database);
    if let FirstUser::Created { password, file } = first_user {
        let file = file.display();
        text += &match password {
            Some(password) => format!("\n  Log in as  {ADMIN}\n  password   {password}\n  (shown this once; kept in {file})\n"),
            None => format!("\n  Log in as  {ADMIN}\n  password   as given in UPDRAFT_ADMIN_PASSWORD; kept in {file}\n"),
        };
    }
    text + "\n"
}

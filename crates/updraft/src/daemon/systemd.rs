//! systemd's notifications (`sd_notify(3)`): a datagram to the socket that `NOTIFY_SOCKET` names.
//! Without that variable there is nobody to tell, and nothing is done.

use std::{
    env,
    os::linux::net::SocketAddrExt as _,
    os::unix::net::{SocketAddr, UnixDatagram},
    time::Duration,
};

/// Whoever started this daemon and wants to know how it is.
pub struct Notifier {
    socket: Option<(UnixDatagram, SocketAddr)>,
}

impl Notifier {
    /// As the environment says.
    pub fn of_environment() -> Self {
        let name = env::var("NOTIFY_SOCKET").ok();
        let address = name.and_then(|name| match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name).ok(),
            None => SocketAddr::from_pathname(name).ok(),
        });
        Self { socket: address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address))) }
    }

    /// Tells a state, e.g. `READY=1`. A manager that does not listen is no reason to stop.
    pub fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::debug!(%error, state, "the service manager could not be told");
        }
    }

    /// How often the manager wants to hear that all is well: half of what it allows.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.socket.as_ref()?;
        let for_us = env::var("WATCHDOG_PID").ok().is_none_or(|pid| pid == std::process::id().to_string());
        let micros: u64 = env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
        (for_us && micros > 0).then(|| Duration::from_micros(micros / 2))
    }
}

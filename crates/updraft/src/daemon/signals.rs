//! SIGTERM and SIGINT: the first ends the daemon in good order, the second at once.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a daemon.
pub struct Signals {
    term: Signal,
    interrupt: Signal,
    /// Caught so that it does not kill: a file that may not grow is an error of the one who writes.
    _file_size: Signal,
}

impl Signals {
    /// From now on they no longer kill the process, and neither does the limit of a file's size.
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listening to signals");
        let file_size = SignalKind::from_raw(nix::libc::SIGXFSZ);
        Ok(Self { term: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())?, _file_size: listen(file_size)? })
    }

    /// The next one's name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

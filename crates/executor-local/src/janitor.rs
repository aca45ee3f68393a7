//! Releasing attempts: their folders move away at once and are kept for others, or removed, when
//! their names need no longer be reserved. One thread, so that removing a large folder delays nobody else.

use std::{
    collections::VecDeque,
    fs, io,
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use updraft_model::AttemptId;

use crate::{
    place::{self, Evidence},
    shared::{Shared, lock, release_folder},
};

struct Order {
    attempt: AttemptId,
    done: oneshot::Sender<()>,
}

/// The thread's mailbox.
pub(crate) struct Janitor {
    working: Mutex<Option<Working>>,
}

struct Working {
    orders: mpsc::Sender<Order>,
    thread: JoinHandle<()>,
}

impl Janitor {
    pub(crate) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let thread = thread::Builder::new().name("updraft-janitor".to_owned()).spawn(move || run(&shared, &inbox))?;
        Ok(Self { working: Mutex::new(Some(Working { orders, thread })) })
    }

    /// Done when the attempt's name is free of its end, and reserved.
    pub(crate) fn release(&self, attempt: AttemptId) -> impl Future<Output = ()> + use<> {
        let (done, moved) = oneshot::channel();
        let is_sent = lock(&self.working).as_ref().is_some_and(|working| working.orders.send(Order { attempt, done }).is_ok());
        async move {
            if is_sent {
                let _ = moved.await;
            }
        }
    }

    /// Lets the thread end when it has worked off its orders; what is left to remove is removed by the
    /// next daemon. Returns the thread, unless it was stopped before.
    pub(crate) fn stop(&self) -> Option<JoinHandle<()>> {
        lock(&self.working).take().map(|working| working.thread)
    }
}

fn run(shared: &Shared, inbox: &mpsc::Receiver<Order>) {
    let reserved = shared.config.reserved_for;
    let mut due: VecDeque<(Instant, AttemptId)> =
        left_by_the_last_daemon(shared).into_iter().map(|a| (Instant::now() + reserved, a)).collect();
    loop {
        let wait = due.front().map_or(Duration::MAX, |(at, _)| at.saturating_duration_since(Instant::now()));
        match inbox.recv_timeout(wait) {
            Ok(Order { attempt, done }) => {
                match release(shared, attempt) {
                    Ok(true) => due.push_back((Instant::now() + reserved, attempt)),
                    Ok(false) => {}
                    Err(error) => tracing::warn!(%attempt, %error, "can't be released; will be found as an orphan"),
                }
                let _ = done.send(());
            }
            Err(RecvTimeoutError::Timeout) => {
                while let Some((at, attempt)) = due.front().copied()
                    && at <= Instant::now()
                {
                    due.pop_front();
                    remove(shared, attempt);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn left_by_the_last_daemon(shared: &Shared) -> Vec<AttemptId> {
    place::list(&shared.home.released_folder()).unwrap_or_else(|error| {
        tracing::warn!(%error, "released attempts of the last daemon can't be listed, so their folders stay");
        Vec::new()
    })
}

/// Whether there was something to release.
fn release(shared: &Shared, attempt: AttemptId) -> io::Result<bool> {
    let folder = shared.home.attempt(attempt);
    // Nearly always it is over, which one look tells.
    if !folder.join(place::EXIT).exists() {
        match place::inspect(&folder)? {
            Evidence::NoPlace => return Ok(false),
            Evidence::Place { held: true, exit: None, .. } => {
                tracing::warn!(%attempt, "released while it still runs; will be when it is over");
                shared.release_when_over(attempt);
                return Ok(false);
            }
            Evidence::Place { .. } => {}
        }
    }
    shared.untrack(attempt);
    release_folder(&shared.home, attempt)?;
    Ok(true)
}

/// Its name is free again: the folder is for another one, or goes.
fn remove(shared: &Shared, attempt: AttemptId) {
    let folder = shared.home.released(attempt);
    let gone = shared.spares.keep(&shared.home, &folder).and_then(|kept| if kept { Ok(()) } else { fs::remove_dir_all(&folder) });
    if let Err(error) = gone {
        tracing::warn!(%attempt, %error, "a released attempt's folder can't be removed");
    }
}

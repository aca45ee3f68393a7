//! The thread that hears: hints from supervisors, answers from the nursery, and a slow sweep.
//!
//! A plain thread rather than a task: an end is then one wake-up away from its event.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::wait::{WaitPidFlag, WaitStatus, waitpid},
    unistd::Pid,
};
use updraft_model::AttemptId;

use crate::{
    hint::{Hint, Hints},
    shared::{Ack, LostAttempt, Shared},
    sys::{self, Received},
    wire::{REPLY_LEN, Reply},
};

/// How many folders are looked at before hints have their turn again.
const SWEEP_PIECE: usize = 100;

pub(crate) fn start(shared: Arc<Shared>, hints: Hints) -> io::Result<JoinHandle<()>> {
    let watcher =
        Watcher { next_sweep: Instant::now() + shared.config.sweep_every, shared, hints, to_sweep: Vec::new(), to_reap: Vec::new() };
    thread::Builder::new().name("updraft-watch".to_owned()).spawn(move || watcher.run())
}

struct Watcher {
    shared: Arc<Shared>,
    hints: Hints,
    next_sweep: Instant,
    to_sweep: Vec<AttemptId>,
    /// Nurseries that died: our children, and nobody else's to reap.
    to_reap: Vec<Pid>,
}

impl Watcher {
    fn run(mut self) {
        while !self.shared.is_stopping() {
            let nursery = self.shared.living_nursery();
            self.wait(nursery.as_ref().map(|(_, socket)| &**socket));
            let mut lost = Vec::new();
            self.hear_hints();
            if let Some((generation, socket)) = nursery {
                self.hear_nursery(generation, &socket, &mut lost);
            }
            self.sweep(&mut lost);
            self.conclude(lost);
        }
    }

    fn wait(&self, nursery: Option<&OwnedFd>) {
        let left = if self.to_sweep.is_empty() { self.next_sweep.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
        // Rounded up: waking a little early would only spin.
        let left = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        let timeout = if self.to_sweep.is_empty() { left } else { PollTimeout::ZERO };
        let mut polled = vec![PollFd::new(self.hints.as_fd(), PollFlags::POLLIN)];
        polled.extend(nursery.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)));
        // An interrupted wait is a short one.
        let _ = poll(&mut polled, timeout);
    }

    fn hear_hints(&mut self) {
        let hints = self.hints.read().unwrap_or_else(|error| {
            tracing::error!(%error, "hints of ended tasks can't be read; they are found by the sweep");
            Vec::new()
        });
        for hint in hints {
            match hint {
                Hint::Started { attempt, at, pid } => self.shared.tell_started(attempt, at, pid),
                Hint::Ended { attempt } => self.shared.tell_if_finished(attempt),
                Hint::Wake => {}
            }
        }
    }

    fn hear_nursery(&mut self, generation: u64, socket: &OwnedFd, lost: &mut Vec<LostAttempt>) {
        let mut buffer = [0; REPLY_LEN];
        loop {
            let reply = match sys::receive(socket.as_fd(), &mut buffer) {
                Ok(Received::Nothing) => return,
                Ok(Received::Message(length, _)) => Reply::decode(&buffer[..length]),
                Ok(Received::Closed) | Err(_) => {
                    if let Some(pid) = self.shared.nursery_died(generation) {
                        tracing::error!(%pid, "the nursery died; running tasks go on");
                        self.to_reap.push(pid);
                        // What it would have cleaned up is up to us now.
                        self.to_sweep = self.shared.all_tracked();
                    }
                    return;
                }
            };
            match reply {
                Some(Reply::Forked { attempt, .. }) => self.shared.acknowledge(attempt, Ack::Forked),
                Some(Reply::NotForked { attempt, errno }) => self.shared.acknowledge(attempt, Ack::NotForked { errno }),
                Some(Reply::Gone { attempt }) => {
                    self.shared.supervisor_gone(attempt);
                    lost.extend(self.shared.look_at(attempt));
                }
                None => tracing::error!("the nursery said something unknown"),
            }
        }
    }

    fn sweep(&mut self, lost: &mut Vec<LostAttempt>) {
        if Instant::now() >= self.next_sweep {
            self.next_sweep = Instant::now() + self.shared.config.sweep_every;
            self.to_sweep = self.shared.all_tracked();
            self.to_reap.retain(|pid| waitpid(*pid, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive));
        }
        for _ in 0..SWEEP_PIECE {
            let Some(attempt) = self.to_sweep.pop() else { break };
            lost.extend(self.shared.look_at(attempt));
        }
    }

    /// Elsewhere: killing takes as long as it takes.
    fn conclude(&self, lost: Vec<LostAttempt>) {
        if lost.is_empty() {
            return;
        }
        let (shared, again) = (self.shared.clone(), lost.clone());
        let started = thread::Builder::new().name("updraft-conclude".to_owned()).spawn(move || shared.conclude(lost));
        if started.is_err() {
            // No thread to be had: slowly is better than not at all.
            self.shared.conclude(again);
        }
    }
}

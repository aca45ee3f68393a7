//! What the daemon's side knows: which attempts it follows, and its nursery.
//!
//! All of it can be thrown away at any time; the attempts' folders are the truth.

use std::{
    collections::{HashMap, HashSet},
    io,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sys::{
        socket::{Shutdown, shutdown},
        wait::waitpid,
    },
    unistd::Pid,
};
use tokio::sync::oneshot;
use updraft_executor::EventSink;
use updraft_model::{AttemptId, ExecutorEvent, Exit, HowEnded, Timestamp, WORKLOAD_FORMAT};

use crate::{
    executor::LocalConfig,
    hint::Hint,
    home::Home,
    nursery::NurseryHandle,
    place::{self, ExitFile},
    processes,
    spares::Spares,
    supervisor::now,
    verdict::{Verdict, judge},
};

/// A replacement nursery is tried at most this often.
const REPLACE_EVERY: Duration = Duration::from_secs(1);

/// The nursery's answer to one launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ack {
    Forked,
    NotForked { errno: i32 },
    NurseryDied,
}

/// An attempt whose end is awaited.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tracked {
    /// So many launches of it are under way: what its folder says is not final.
    launching: u32,
    /// So many were begun since it is followed.
    launches: u32,
    /// There is, or was, more of it than launches that wait in line.
    begun: bool,
    /// It is being reconciled: what its folder says is told by that.
    adopting: bool,
    /// The nursery that forked its supervisor, if it was this daemon's.
    nursery: Option<u64>,
    /// That nursery has cleaned up after its supervisor.
    gone: bool,
    /// A thread is killing what is left of it.
    concluding: bool,
    /// It was released while it still ran.
    release_when_over: bool,
}

/// The nursery in use.
struct Link {
    generation: u64,
    socket: Option<Arc<OwnedFd>>,
    pid: Pid,
    tried: Option<Instant>,
}

/// See the module.
pub(crate) struct Shared {
    pub(crate) home: Home,
    pub(crate) config: LocalConfig,
    pub(crate) spares: Spares,
    events: EventSink,
    tracked: Mutex<HashMap<AttemptId, Tracked>>,
    pending: Mutex<HashMap<AttemptId, oneshot::Sender<Ack>>>,
    link: Mutex<Link>,
    /// The machine restarted since the last complete reconciliation.
    pub(crate) rebooted: AtomicBool,
    pub(crate) stopping: AtomicBool,
}

/// A panic elsewhere leaves these maps usable: each change is a single insert or remove.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(home: Home, config: LocalConfig, nursery: NurseryHandle, events: EventSink, rebooted: bool) -> Self {
        let pid = Pid::from_raw(i32::try_from(nursery.pid()).unwrap_or(0));
        let link = Link { generation: 1, socket: Some(Arc::new(nursery.socket)), pid, tried: None };
        Self {
            home,
            config,
            spares: Spares::default(),
            events,
            tracked: Mutex::default(),
            pending: Mutex::default(),
            link: Mutex::new(link),
            rebooted: AtomicBool::new(rebooted),
            stopping: AtomicBool::new(false),
        }
    }

    /// The nursery's socket and generation; a dead one is replaced first, if that is configured.
    pub(crate) fn nursery(&self) -> Result<(u64, Arc<OwnedFd>), String> {
        let mut link = lock(&self.link);
        if let Some(socket) = &link.socket {
            return Ok((link.generation, socket.clone()));
        }
        let command = self.config.replacement.as_ref().ok_or("the nursery died; restart the daemon to start tasks again")?;
        if link.tried.is_some_and(|tried| tried.elapsed() < REPLACE_EVERY) {
            return Err("the nursery died, and so did its replacement just now".to_owned());
        }
        link.tried = Some(Instant::now());
        let handle = command.start().map_err(|e| format!("the nursery died and can't be replaced: {e}"))?;
        tracing::warn!(pid = handle.pid(), "the nursery died; a new one is started");
        link.generation += 1;
        link.pid = Pid::from_raw(i32::try_from(handle.pid()).unwrap_or(0));
        let socket = Arc::new(handle.socket);
        link.socket = Some(socket.clone());
        let generation = link.generation;
        drop(link);
        Hint::Wake.send(&self.home.hints());
        Ok((generation, socket))
    }

    /// The nursery's socket, if it lives.
    pub(crate) fn living_nursery(&self) -> Option<(u64, Arc<OwnedFd>)> {
        let link = lock(&self.link);
        link.socket.as_ref().map(|socket| (link.generation, socket.clone()))
    }

    /// Its socket is closed: every launch that waits for it hears so. Returns whom to reap.
    pub(crate) fn nursery_died(&self, generation: u64) -> Option<Pid> {
        let mut link = lock(&self.link);
        if link.generation != generation || link.socket.take().is_none() {
            return None;
        }
        let pid = link.pid;
        drop(link);
        let waiting = std::mem::take(&mut *lock(&self.pending));
        for (_, ack) in waiting {
            let _ = ack.send(Ack::NurseryDied);
        }
        Some(pid)
    }

    /// Tells the nursery to end, and waits until it has: after its last supervisor.
    pub(crate) fn end_nursery(&self) -> io::Result<()> {
        let mut link = lock(&self.link);
        let Some(socket) = link.socket.take() else { return Ok(()) };
        let pid = link.pid;
        drop(link);
        // The watcher may hold it too, so letting go of it would not be enough.
        shutdown(socket.as_raw_fd(), Shutdown::Both)?;
        waitpid(pid, None)?;
        Ok(())
    }

    /// Asks the nursery for a supervisor; the answer comes to the returned receiver.
    pub(crate) fn request(&self, attempt: AttemptId, created: &place::Created) -> Result<oneshot::Receiver<Ack>, String> {
        let (generation, socket) = self.nursery()?;
        if let Some(tracked) = lock(&self.tracked).get_mut(&attempt) {
            tracked.nursery = Some(generation);
        }
        let (ack, acked) = oneshot::channel();
        lock(&self.pending).insert(attempt, ack);
        crate::nursery::request(socket.as_fd(), attempt, &created.lock).map_err(|e| {
            lock(&self.pending).remove(&attempt);
            format!("the nursery does not answer: {e}")
        })?;
        // It may have died, and its end been handled, before our entry was there.
        if self.living_nursery().is_none_or(|(living, _)| living != generation)
            && let Some(ack) = lock(&self.pending).remove(&attempt)
        {
            let _ = ack.send(Ack::NurseryDied);
        }
        Ok(acked)
    }

    pub(crate) fn acknowledge(&self, attempt: AttemptId, ack: Ack) {
        if let Some(waiting) = lock(&self.pending).remove(&attempt) {
            let _ = waiting.send(ack);
        }
    }

    pub(crate) fn begin_launch(self: &Arc<Self>, attempt: AttemptId) -> Launching {
        let mut all = lock(&self.tracked);
        let tracked = all.entry(attempt).or_default();
        tracked.launching += 1;
        tracked.launches += 1;
        drop(all);
        Launching { shared: self.clone(), attempt }
    }

    /// Follows an attempt that has a folder here.
    pub(crate) fn track(&self, attempt: AttemptId) {
        lock(&self.tracked).entry(attempt).or_default().begun = true;
    }

    /// Follows an attempt *before* its folder is read, so that no hint is missed; only ends are told
    /// of it until it is [adopted](Self::adopted) or [not followed](Self::end_adoption) after all. How many
    /// launches of it were begun here, ever, and whether one is under way.
    pub(crate) fn begin_adoption(&self, attempt: AttemptId) -> (u32, bool) {
        let mut all = lock(&self.tracked);
        let tracked = all.entry(attempt).or_default();
        tracked.adopting = true;
        (tracked.launches, tracked.launching > 0)
    }

    pub(crate) fn adopted(&self, attempt: AttemptId) {
        if let Some(tracked) = lock(&self.tracked).get_mut(&attempt) {
            (tracked.adopting, tracked.begun) = (false, true);
        }
    }

    /// A launch has left nothing: it is followed no more, unless another one waits in line.
    pub(crate) fn launch_undone(&self, attempt: AttemptId) {
        if let Some(tracked) = lock(&self.tracked).get_mut(&attempt) {
            (tracked.begun, tracked.nursery) = (false, None);
        }
    }

    pub(crate) fn untrack(&self, attempt: AttemptId) {
        lock(&self.tracked).remove(&attempt);
    }

    /// It was found that there is nothing of it to follow: `false` if a launch was under way before that was
    /// looked at, or is now, so that it means nothing.
    pub(crate) fn end_adoption(&self, attempt: AttemptId, (launches, was_launching): (u32, bool)) -> bool {
        let mut all = lock(&self.tracked);
        // Taken away since: its end was told.
        let Some(tracked) = all.get_mut(&attempt) else { return false };
        tracked.adopting = false;
        // One that lies between the two looks is as good as one that is seen by them.
        let is_nothing = !was_launching && tracked.launching == 0 && tracked.launches == launches;
        if is_nothing || !(tracked.launching > 0 || tracked.begun) {
            all.remove(&attempt);
        }
        is_nothing
    }

    pub(crate) fn is_launching(&self, attempt: AttemptId) -> bool {
        lock(&self.tracked).get(&attempt).is_some_and(|t| t.launching > 0)
    }

    pub(crate) fn release_when_over(&self, attempt: AttemptId) {
        let mut all = lock(&self.tracked);
        let tracked = all.entry(attempt).or_default();
        (tracked.release_when_over, tracked.begun) = (true, true);
    }

    pub(crate) fn all_tracked(&self) -> Vec<AttemptId> {
        lock(&self.tracked).keys().copied().collect()
    }

    pub(crate) fn tell_started(&self, attempt: AttemptId, at: Timestamp, pid: Pid) {
        if lock(&self.tracked).contains_key(&attempt) {
            let pid = u32::try_from(pid.as_raw()).ok();
            let _ = self.events.send(ExecutorEvent::Started { attempt, at, pid });
        }
    }

    /// The nursery has cleaned up after a supervisor that died.
    pub(crate) fn supervisor_gone(&self, attempt: AttemptId) {
        if let Some(tracked) = lock(&self.tracked).get_mut(&attempt) {
            tracked.gone = true;
        }
    }

    /// Reads an attempt's folder and acts on what it says. Returns those whose remains are to be
    /// killed first: a slow thing that the caller does elsewhere.
    pub(crate) fn look_at(&self, attempt: AttemptId) -> Option<LostAttempt> {
        let tracked = lock(&self.tracked).get(&attempt).copied()?;
        if tracked.launching > 0 || tracked.adopting || tracked.concluding {
            // A fast program ends before its launch is acknowledged.
            self.tell_if_finished(attempt);
            return None;
        }
        let verdict = match place::inspect(&self.home.attempt(attempt)) {
            Ok(evidence) => judge(&evidence, false),
            Err(error) => {
                tracing::warn!(%attempt, %error, "its folder can't be read; will look again");
                return None;
            }
        };
        let (lost, supervisor_died) = match verdict {
            Verdict::Running { .. } => return None,
            Verdict::Finished(exit) => {
                self.tell_ended(attempt, exit);
                return None;
            }
            Verdict::Absent if self.home.released(attempt).exists() => {
                self.untrack(attempt);
                return None;
            }
            Verdict::Absent => (LostAttempt::new(attempt, true, None, "its folder was removed while it ran"), false),
            Verdict::Foreign { why } => {
                tracing::warn!(%attempt, why, "its end can't be read");
                return None;
            }
            Verdict::NeverStarted => (LostAttempt::new(attempt, false, None, "its supervisor died before it started"), true),
            Verdict::Lost { why, started_at } => (LostAttempt::new(attempt, true, started_at, &why), true),
        };
        // Its nursery is about to inherit and kill what is left, and will say when it has.
        let nursery_lives = tracked.nursery.is_some() && tracked.nursery == self.living_nursery().map(|(generation, _)| generation);
        if supervisor_died && nursery_lives && !tracked.gone {
            return None;
        }
        let mut all = lock(&self.tracked);
        all.get_mut(&attempt).filter(|t| !t.concluding)?.concluding = true;
        Some(lost)
    }

    /// What a hint of an end asks for: one read, nearly always.
    pub(crate) fn tell_if_finished(&self, attempt: AttemptId) {
        if !lock(&self.tracked).contains_key(&attempt) {
            return;
        }
        match place::read_exit(&self.home.attempt(attempt)) {
            Ok(Some(Ok(exit))) => self.tell_ended(attempt, exit),
            // A wrong hint; whatever is true instead, the sweep finds.
            Ok(None) => {}
            Ok(Some(Err(error))) => tracing::warn!(%attempt, %error, "its end can't be read"),
            Err(error) => tracing::warn!(%attempt, %error, "its end can't be read; will look again"),
        }
    }

    fn tell_ended(&self, attempt: AttemptId, exit: Box<Exit>) {
        let Some(tracked) = lock(&self.tracked).remove(&attempt) else { return };
        if tracked.release_when_over
            && let Err(error) = release_folder(&self.home, attempt)
        {
            tracing::warn!(%attempt, %error, "can't be released; will be found as an orphan");
        }
        // Nobody listens only while the daemon stops; the next one asks.
        let _ = self.events.send(ExecutorEvent::Ended { attempt, exit });
    }

    /// Kills what is left of lost attempts, writes their ends, and tells them.
    pub(crate) fn conclude(&self, lost: Vec<LostAttempt>) {
        for (lost, result) in self.settle_lost(lost) {
            match result {
                Ok(exit) => self.tell_ended(lost.attempt, exit),
                Err(why) => {
                    tracing::error!(attempt = %lost.attempt, why, "a lost attempt can't be concluded; will try again");
                    if let Some(tracked) = lock(&self.tracked).get_mut(&lost.attempt) {
                        tracked.concluding = false;
                    }
                }
            }
        }
    }

    /// Kills what is left of lost attempts and writes their ends, so that they are told the same way
    /// ever after.
    pub(crate) fn settle_lost(&self, lost: Vec<LostAttempt>) -> Vec<(LostAttempt, Result<Box<Exit>, String>)> {
        let ids: HashSet<AttemptId> = lost.iter().map(|lost| lost.attempt).collect();
        let swept = if ids.is_empty() { Ok(0) } else { processes::kill_by_environment(&ids) };
        if let Ok(killed @ 1..) = swept {
            tracing::warn!(killed, "killed processes that lost attempts left running");
        }
        lost.into_iter()
            .map(|lost| {
                let written = swept.clone().and_then(|_| self.write_lost(&lost).map_err(|e| e.to_string()));
                (lost, written)
            })
            .collect()
    }

    fn write_lost(&self, lost: &LostAttempt) -> io::Result<Box<Exit>> {
        let how = HowEnded::PlaceLost { started: lost.started, why: lost.why.clone() };
        let exit = Exit { how, started_at: lost.started_at, ended_at: now(), outputs: Default::default(), last_line: None, pid: None };
        let folder = self.home.attempt(lost.attempt);
        if folder.exists() {
            place::write_whole(&folder.join(place::EXIT), &ExitFile { format: WORKLOAD_FORMAT, exit: exit.clone() })?;
        }
        Ok(Box::new(exit))
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// Moves an attempt's folder to where its name stays reserved. One that is not there is no error.
pub(crate) fn release_folder(home: &Home, attempt: AttemptId) -> io::Result<()> {
    move_folder(&home.attempt(attempt), &home.released(attempt))
}

fn move_folder(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// An attempt whose supervisor is gone without an end.
#[derive(Debug, Clone)]
pub(crate) struct LostAttempt {
    pub(crate) attempt: AttemptId,
    pub(crate) started: bool,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) why: String,
}

impl LostAttempt {
    pub(crate) fn new(attempt: AttemptId, started: bool, started_at: Option<Timestamp>, why: &str) -> Self {
        Self { attempt, started, started_at, why: why.to_owned() }
    }
}

/// A launch under way. However it is left, also by a caller that gives up, the attempt is followed
/// normally afterwards.
pub(crate) struct Launching {
    shared: Arc<Shared>,
    attempt: AttemptId,
}

impl Launching {
    /// From now on there may be something of the attempt.
    pub(crate) fn begun(&self) {
        if let Some(tracked) = lock(&self.shared.tracked).get_mut(&self.attempt) {
            tracked.begun = true;
        }
    }
}

impl Drop for Launching {
    fn drop(&mut self) {
        let mut all = lock(&self.shared.tracked);
        let Some(tracked) = all.get_mut(&self.attempt) else { return };
        tracked.launching = tracked.launching.saturating_sub(1);
        if tracked.launching == 0 && !tracked.begun && !tracked.adopting {
            all.remove(&self.attempt);
        }
    }
}

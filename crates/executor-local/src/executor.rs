//! [`LocalExecutor`]: the daemon's side, an implementation of [`Executor`].

use std::{
    io,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use futures::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use jiff::SignedDuration;
use nix::{errno::Errno, sys::signal::Signal, unistd::Pid, unistd::Uid};
use tokio::{sync::Mutex, task::spawn_blocking, time::timeout};
use updraft_executor::{Capabilities, EventSink, Executor, LaunchError, TerminateError, boot_clock};
use updraft_model::{Adoption, AttemptHandle, AttemptId, NodeId, WORKLOAD_FORMAT, Workload};

use crate::{
    failpoint,
    hint::{Hint, Hints},
    home::{Home, HomeError, OWN_LOGS},
    janitor::Janitor,
    nursery::{NurseryCommand, NurseryHandle},
    place::{self, Evidence, Terminate},
    presence::Presence,
    processes, reconcile,
    shared::{Ack, Launching, Shared, lock},
    sys::PidFd,
    watch,
};

/// How long the nursery may take to fork.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);
/// Launches of one attempt must not overlap; those of different ones rarely share a lock.
const STRIPES: usize = 64;

/// What a [`LocalExecutor`] is given.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// The node's home folder, on a local disk; the same that the nursery was started with.
    pub home: PathBuf,
    /// Below which tasks' logs are, likewise.
    pub logs: PathBuf,
    /// How often the locks of running attempts are looked at, in case a hint was lost.
    pub sweep_every: Duration,
    /// How long a released attempt's name stays reserved.
    pub reserved_for: Duration,
    /// A task here is over when no daemon was heard of for so long: see [`LocalExecutor::heard`].
    pub node_lost_after: Option<Duration>,
    /// Nothing is launched before the first [heartbeat](LocalExecutor::heard).
    pub waits_for_heartbeat: bool,
    /// Starts another nursery if the first dies. Without it, launches are `Unavailable` from then on.
    pub replacement: Option<NurseryCommand>,
}

impl LocalConfig {
    /// The usual: logs in the home, sweeps every 5 s, names reserved for 10 s, tasks that outlast any daemon, no
    /// replacement nursery.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        Self {
            logs: home.join(OWN_LOGS),
            home,
            sweep_every: Duration::from_secs(5),
            reserved_for: Duration::from_secs(10),
            node_lost_after: None,
            waits_for_heartbeat: false,
            replacement: None,
        }
    }
}

/// Runs workloads as local processes. Dropping it leaves them running, for the next one to adopt.
pub struct LocalExecutor {
    shared: Arc<Shared>,
    stripes: [Mutex<()>; STRIPES],
    janitor: Janitor,
    presence: Presence,
    watcher: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl LocalExecutor {
    /// Opens the home and begins to listen. One per home at a time: the caller sees to that.
    pub fn new(config: LocalConfig, nursery: NurseryHandle, events: EventSink) -> Result<Self, HomeError> {
        let home = Home::open(&config.home, &config.logs)?;
        let path = home.hints();
        let io = |doing| {
            let path = path.clone();
            move |source| HomeError::Io { doing, path, source }
        };
        place::remove_drafts(&home).map_err(io("removing drafts beside"))?;
        let rebooted = reconcile::rebooted(&home).map_err(io("reading the boot marker beside"))?;
        let presence = Presence::open(&home, config.node_lost_after).map_err(io("reading the attempts beside"))?;
        let hints = Hints::open(&path).map_err(io("opening"))?;
        let shared = Arc::new(Shared::new(home, config, nursery, events, rebooted));
        let janitor = Janitor::start(shared.clone()).map_err(io("starting a thread for"))?;
        let watcher = watch::start(shared.clone(), hints).map_err(io("starting a thread for"))?;
        let stripes = std::array::from_fn(|_| Mutex::new(()));
        Ok(Self { shared, stripes, janitor, presence, watcher: std::sync::Mutex::new(Some(watcher)) })
    }

    /// The node this executor belongs to: what to record with each attempt it launches.
    pub fn node(&self) -> &NodeId {
        self.shared.home.node()
    }

    /// Where its logs are.
    pub fn home(&self) -> &Home {
        &self.shared.home
    }

    /// After what time without a heartbeat everything that runs here is over by itself: to be said with
    /// the next heartbeat. `None`: something here goes on for as long as it likes.
    pub fn lost_after(&self) -> Option<Duration> {
        self.presence.lost_after(&self.shared.home)
    }

    /// The store has a heartbeat of this node that was sent at this moment of the [boot clock](crate::boot_clock).
    ///
    /// # Errors
    /// It can't be written, so supervisors will not know it.
    pub fn heard(&self, sent: Duration) -> io::Result<()> {
        self.presence.heard(sent)
    }

    /// Ends it where its home is to be removed: afterwards nothing of it works there any more, its
    /// nursery included. Waits for what is alive. (Dropping it leaves that, and the nursery, running.)
    ///
    /// # Errors
    /// The system would not end the nursery.
    pub fn close(&self) -> io::Result<()> {
        if let Some(janitor) = self.janitor.stop() {
            // One that panicked has ended too.
            let _ = janitor.join();
        }
        self.stop_watching();
        self.shared.end_nursery()
    }

    fn stop_watching(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        Hint::Wake.send(&self.shared.home.hints());
        if let Some(watcher) = lock(&self.watcher).take() {
            let _ = watcher.join();
        }
    }

    fn stripe(&self, attempt: AttemptId) -> &Mutex<()> {
        &self.stripes[usize::from(attempt.0.as_bytes()[15]) % STRIPES]
    }

    async fn launch(&self, mut workload: Workload, not_after: Duration) -> Result<(), LaunchError> {
        check(&workload).map_err(LaunchError::Rejected)?;
        let LocalConfig { node_lost_after, waits_for_heartbeat, .. } = self.shared.config;
        workload.node_lost_after = node_lost_after.and_then(|after| after.try_into().ok());
        let grace = workload.termination_grace.try_into().unwrap_or_default();
        let attempt = workload.attempt;
        // Seen from here on by whoever asks what became of the attempt, and only then is the time looked at:
        // nobody who finds nothing of it finds it started later. Held by the thread that creates the
        // folder too, which a caller that gives up does not stop.
        let launching = Arc::new(self.shared.begin_launch(attempt));
        let _alone = self.stripe(attempt).lock().await;
        if boot_clock() >= not_after {
            return Err(LaunchError::Unavailable("it was too late for that".to_owned()));
        }
        if (waits_for_heartbeat || node_lost_after.is_some()) && self.presence.is_silent(grace) {
            return Err(LaunchError::Unavailable("this node could not say lately that it is there".to_owned()));
        }
        launching.begun();
        let (shared, held) = (self.shared.clone(), launching.clone());
        let asked = spawn_blocking(move || {
            let asked = ask_for_supervisor(&shared, &workload);
            drop(held);
            asked
        });
        let acked = match asked.await.map_err(|e| LaunchError::Indeterminate(e.to_string()))? {
            Ok(Some(acked)) => acked,
            Ok(None) => return Ok(()),
            Err(why) => return self.undo(launching, attempt, why).await,
        };
        failpoint::hit("asked");
        match timeout(ACK_TIMEOUT, acked).await {
            Ok(Ok(Ack::Forked)) => Ok(()),
            Ok(Ok(Ack::NotForked { errno })) => {
                let why = format!("no process can be started: {}", Errno::from_raw(errno).desc());
                self.undo(launching, attempt, why).await
            }
            Ok(Ok(Ack::NurseryDied) | Err(_)) => self.undo(launching, attempt, "the nursery died".to_owned()).await,
            Err(_) => Err(LaunchError::Indeterminate(format!("the nursery did not answer within {} s", ACK_TIMEOUT.as_secs()))),
        }
    }

    /// No supervisor was confirmed. The folder knows whether there is one nevertheless.
    async fn undo(&self, launching: Arc<Launching>, attempt: AttemptId, why: String) -> Result<(), LaunchError> {
        let shared = self.shared.clone();
        let undone = spawn_blocking(move || {
            let undone = remove_if_never_started(&shared, attempt);
            if matches!(undone, Ok(true)) {
                shared.launch_undone(attempt);
            }
            drop(launching);
            undone
        });
        match undone.await.unwrap_or_else(|e| Err(io::Error::other(e))) {
            Ok(true) => Err(LaunchError::Unavailable(why)),
            Ok(false) => Ok(()),
            Err(e) => Err(LaunchError::Indeterminate(format!("{why}; and its folder can't be read: {e}"))),
        }
    }
}

/// What can be known to be wrong before anything is done.
fn check(workload: &Workload) -> Result<(), String> {
    let Workload { format, argv, env, cwd, run_as_user, image, .. } = workload;
    if *format != WORKLOAD_FORMAT {
        return Err(format!("the workload has format {format}, this release runs {WORKLOAD_FORMAT}"));
    }
    if let Some(image) = image {
        return Err(format!("image {image}: the local executor runs no containers; choose another executor, or remove the image"));
    }
    if argv.first().is_none_or(String::is_empty) {
        return Err("the command is empty".to_owned());
    }
    if let Some(cwd) = cwd.as_ref().filter(|cwd| !cwd.starts_with('/')) {
        return Err(format!("the working directory {cwd} is not absolute"));
    }
    let texts = argv.iter().chain(env.iter().flat_map(|(name, value)| [name, value])).chain(cwd).chain(run_as_user);
    if let Some(text) = texts.into_iter().find(|text| text.contains('\0')) {
        return Err(format!("{text:?} contains a NUL byte"));
    }
    match env.keys().find(|name| name.is_empty() || name.contains('=')) {
        Some(name) => Err(format!("{name:?} is no name of an environment variable")),
        None => Ok(()),
    }
}

/// Creates the folder and asks the nursery; `None` if the attempt was launched before.
fn ask_for_supervisor(shared: &Shared, workload: &Workload) -> Result<Option<tokio::sync::oneshot::Receiver<Ack>>, String> {
    let create = || place::create(&shared.home, &shared.spares, workload).map_err(|e| format!("its folder can't be created: {e}"));
    let created = match create()? {
        Some(created) => created,
        // There is a folder, but of a launch that died half-way: this one takes its place.
        None if remove_if_never_started(shared, workload.attempt).is_ok_and(|removed| removed) => match create()? {
            Some(created) => created,
            None => return Ok(None),
        },
        None => return Ok(None),
    };
    failpoint::hit("before-asking");
    shared.request(workload.attempt, &created).map(Some)
    // Our copy of the lock is dropped here; the one under way holds it from now on.
}

/// Whether the attempt has certainly not started and never will; its folder is then removed.
fn remove_if_never_started(shared: &Shared, attempt: AttemptId) -> io::Result<bool> {
    match place::inspect(&shared.home.attempt(attempt))? {
        Evidence::Place { held: false, started: None, exit: None } if !shared.rebooted.load(Ordering::Acquire) => {
            place::discard(&shared.home, attempt)?;
            Ok(true)
        }
        Evidence::NoPlace => Ok(!shared.home.released(attempt).exists()),
        Evidence::Place { .. } => Ok(false),
    }
}

/// Leaves the wish in the attempt's folder and pokes its supervisor, whichever daemon's it was.
fn ask_to_end(shared: &Shared, attempt: AttemptId, grace: SignedDuration) -> io::Result<()> {
    let folder = shared.home.attempt(attempt);
    let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(0);
    match place::write_whole(&folder.join(place::TERMINATE), &Terminate { grace_ms }) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    }
    let started = match place::inspect(&folder)? {
        Evidence::Place { held: true, started: Some(Some(started)), exit: None } => started,
        // It looks for the wish before it starts.
        Evidence::Place { held: true, exit: None, .. } | Evidence::NoPlace => return Ok(()),
        // Over: its end is told again, so that whoever waits for it need not know that it was.
        Evidence::Place { .. } => {
            shared.track(attempt);
            shared.conclude(shared.look_at(attempt).into_iter().collect());
            return Ok(());
        }
    };
    let supervisor = Pid::from_raw(started.supervisor);
    let process = match PidFd::open(supervisor) {
        Err(e) if e.raw_os_error() == Some(Errno::ESRCH as i32) => return Ok(()),
        other => other?,
    };
    // Looked at after the pidfd is open: so this process, and no later one of the same number.
    if processes::start_ticks(supervisor) == Some(started.supervisor_start) { process.signal(Signal::SIGUSR1) } else { Ok(()) }
}

impl Executor for LocalExecutor {
    fn capabilities(&self) -> Capabilities {
        Capabilities { images: false, processes: true, run_as_user: Uid::effective().is_root(), bound_to_node: true }
    }

    fn launch(&self, workload: Workload, not_after: Duration) -> BoxFuture<'_, Result<(), LaunchError>> {
        self.launch(workload, not_after).boxed()
    }

    fn reconcile(&self, known: Vec<AttemptHandle>) -> BoxStream<'_, Adoption> {
        let shared = self.shared.clone();
        let attempts: Vec<AttemptId> = known.iter().map(|handle| handle.attempt).collect();
        let found = spawn_blocking(move || reconcile::reconcile(&shared, &known)).map(move |found| {
            found.unwrap_or_else(|e| {
                let why = format!("the local executor could not look: {e}");
                attempts.into_iter().map(|attempt| Adoption::Unreachable { attempt, why: why.clone() }).collect()
            })
        });
        stream::once(found).flat_map(stream::iter).boxed()
    }

    fn terminate(&self, attempt: AttemptId, grace: SignedDuration) -> BoxFuture<'_, Result<(), TerminateError>> {
        async move {
            let _alone = self.stripe(attempt).lock().await;
            let shared = self.shared.clone();
            let asked = spawn_blocking(move || ask_to_end(&shared, attempt, grace)).await.unwrap_or_else(|e| Err(io::Error::other(e)));
            asked.map_err(|e| TerminateError { attempt, why: e.to_string() })
        }
        .boxed()
    }

    fn release(&self, attempt: AttemptId) -> BoxFuture<'_, ()> {
        self.janitor.release(attempt).boxed()
    }
}

impl Drop for LocalExecutor {
    fn drop(&mut self) {
        self.janitor.stop();
        self.stop_watching();
    }
}

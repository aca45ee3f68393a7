//! The nursery: a small single-threaded process that outlives the daemon and forks supervisors.
//!
//! It decides nothing and keeps nothing but its children's ids. Forking from it costs a fraction of
//! forking from a daemon with threads and a large heap, and needs no exec.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, File},
    io,
    os::{
        fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::fs::OpenOptionsExt as _,
    },
    path::Path,
    process::{Command, Stdio},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, fcntl},
    poll::{PollFd, PollFlags, ppoll},
    sys::{
        prctl,
        signal::SigSet,
        socket::{AddressFamily, SockFlag, SockType, socketpair},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, setsid},
};
use updraft_model::AttemptId;
use uuid::Uuid;

use crate::{
    complain::complain,
    home::{Home, HomeError},
    processes, supervisor, sys,
    sys::Received,
    wire::{REQUEST_LEN, Reply},
};

/// Why there is no nursery.
#[derive(Debug, thiserror::Error)]
pub enum NurseryError {
    /// The home folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The system refused.
    #[error("the nursery, which starts tasks, can't be started: {0}")]
    System(#[from] io::Error),
    /// Called too late.
    #[error("the nursery must be started before any thread: call start_nursery first thing in main")]
    Threads,
}

/// The daemon's end of a nursery.
#[derive(Debug)]
pub struct NurseryHandle {
    pub(crate) socket: OwnedFd,
    pid: Pid,
}

impl NurseryHandle {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }
}

/// How to start a nursery when the first one has died: a program that calls
/// [`run_replacement_nursery`].
#[derive(Debug, Clone)]
pub struct NurseryCommand {
    /// The program, usually the daemon's own.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl NurseryCommand {
    /// Starts it. Slow (an exec) beside [`start_nursery`], but works in a process with threads.
    pub(crate) fn start(&self) -> io::Result<NurseryHandle> {
        let (ours, theirs) = socket_pair()?;
        let child =
            Command::new(&self.program).args(&self.args).stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        Ok(NurseryHandle { socket: ours, pid })
    }
}

fn socket_pair() -> nix::Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
}

/// Forks the nursery of the home at `home`, whose tasks' logs are below `logs`. Must be the first thing `main` does: the process may
/// have no other thread yet.
pub fn start_nursery(home: &Path, logs: &Path) -> Result<NurseryHandle, NurseryError> {
    let home = Home::open(home, logs)?;
    let (ours, theirs) = socket_pair().map_err(io::Error::from)?;
    match sys::fork_single_threaded() {
        Ok(ForkResult::Parent { child }) => Ok(NurseryHandle { socket: ours, pid: child }),
        Ok(ForkResult::Child) => {
            drop(ours);
            sys::exit_now(run_guarded(home, theirs))
        }
        Err(e) if e.raw_os_error() == Some(Errno::EDEADLK as i32) => Err(NurseryError::Threads),
        Err(e) => Err(e.into()),
    }
}

/// The body of a process started by a [`NurseryCommand`]; its standard input is the socket.
pub fn run_replacement_nursery(home: &Path, logs: &Path) -> ! {
    let socket = sys::own_standard_input();
    sys::exit_now(match Home::open(home, logs) {
        Ok(home) => run_guarded(home, socket),
        Err(_) => 1,
    })
}

fn run_guarded(home: Home, socket: OwnedFd) -> i32 {
    std::panic::catch_unwind(move || match Nursery::settle(home, socket) {
        Ok(mut nursery) => nursery.run(),
        Err(e) => {
            complain(format_args!("nursery: {e}"));
            1
        }
    })
    .unwrap_or(70)
}

struct Nursery {
    home: Home,
    /// Absent once the daemon is gone.
    daemon: Option<OwnedFd>,
    supervisors: HashMap<Pid, AttemptId>,
}

impl Nursery {
    /// Leaves everything of the daemon's behind: session, terminal, files, signals.
    fn settle(home: Home, socket: OwnedFd) -> io::Result<Self> {
        // An error only says that this process leads a session already (a replacement may).
        let _ = setsid();
        sys::install_signals()?;
        prctl::set_child_subreaper(true)?;
        prctl::set_name(c"updraft-nursery")?;
        let null = fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
        let log = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(home.nursery_log())?;
        let socket = above_standard(socket)?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&log)?;
        drop((null, log));
        sys::close_all_but(&socket);
        fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        chdir(home.root())?;
        Ok(Self { home, daemon: Some(socket), supervisors: HashMap::new() })
    }

    fn run(&mut self) -> i32 {
        loop {
            self.reap();
            match &self.daemon {
                None if self.supervisors.is_empty() => return 0,
                None => _ = ppoll(&mut [], None, Some(SigSet::empty())),
                Some(socket) => {
                    let mut polled = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
                    if ppoll(&mut polled, None, Some(SigSet::empty())).is_ok_and(|n| n > 0) {
                        self.take_requests();
                    }
                }
            }
        }
    }

    fn take_requests(&mut self) {
        let mut buffer = [0; REQUEST_LEN];
        while let Some(socket) = &self.daemon {
            match sys::receive(socket.as_fd(), &mut buffer) {
                Ok(Received::Nothing) => return,
                Ok(Received::Message(REQUEST_LEN, Some(folder))) => self.fork(AttemptId(Uuid::from_bytes(buffer)), folder),
                Ok(Received::Message(..)) => complain(format_args!("nursery: a request without its folder")),
                Ok(Received::Closed) => self.daemon = None,
                Err(e) => {
                    complain(format_args!("nursery: the daemon's socket: {e}"));
                    self.daemon = None;
                }
            }
        }
    }

    /// `folder` carries the lock; the copy here is closed when the supervisor has its own.
    fn fork(&mut self, attempt: AttemptId, folder: OwnedFd) {
        match sys::fork_unchecked() {
            Ok(ForkResult::Child) => {
                self.daemon = None;
                let home = &self.home;
                let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| supervisor::run(folder, attempt, home)));
                sys::exit_now(code.unwrap_or(70))
            }
            Ok(ForkResult::Parent { child }) => {
                drop(folder);
                self.supervisors.insert(child, attempt);
                self.say(Reply::Forked { attempt, supervisor: child });
            }
            Err(e) => {
                drop(folder);
                self.say(Reply::NotForked { attempt, errno: e.raw_os_error().unwrap_or(0) });
            }
        }
    }

    fn reap(&mut self) {
        let mut lost = Vec::new();
        loop {
            match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => break,
                Err(Errno::EINTR) => {}
                Err(e) => {
                    complain(format_args!("nursery: waitpid: {e}"));
                    break;
                }
                Ok(status) => {
                    let attempt = status.pid().and_then(|pid| self.supervisors.remove(&pid));
                    if !matches!(status, WaitStatus::Exited(_, 0)) {
                        lost.extend(attempt);
                    }
                }
            }
        }
        if !lost.is_empty() {
            self.clean_up_after(&lost);
        }
    }

    /// What a dead supervisor left is ours now (we are its nearest subreaper): whatever is our
    /// child and no supervisor was a task's, and goes.
    fn clean_up_after(&mut self, lost: &[AttemptId]) {
        match processes::kill_stray_children(|pid| self.supervisors.contains_key(&pid)) {
            Ok(strays) if strays.survivors.is_empty() => {}
            Ok(strays) => complain(format_args!("nursery: processes that can't be killed: {:?}", strays.survivors)),
            Err(e) => complain(format_args!("nursery: looking for what dead supervisors left: {e}")),
        }
        for attempt in lost {
            self.say(Reply::Gone { attempt: *attempt });
        }
    }

    fn say(&mut self, reply: Reply) {
        if let Some(socket) = &self.daemon
            && sys::send(socket.as_fd(), &reply.encode(), None).is_err()
        {
            self.daemon = None;
        }
    }
}

/// A copy of `fd` that is not 0, 1 or 2.
fn above_standard(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    let copy = fd.try_clone()?; // The standard library never hands out 0, 1 or 2 here.
    // Number 0 is overwritten by the caller; closing it first would only open a gap.
    std::mem::forget(fd);
    Ok(copy)
}

/// Used by the daemon: asks for a supervisor.
pub(crate) fn request(socket: BorrowedFd<'_>, attempt: AttemptId, folder: &File) -> io::Result<()> {
    sys::send(socket, attempt.0.as_bytes(), Some(folder.as_fd()))
}

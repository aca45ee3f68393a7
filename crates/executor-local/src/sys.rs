//! The system calls that need `unsafe`, each wrapped into something that can't be misused.
//!
//! No policy here: who forks, who is signalled and why is decided by the callers.
#![allow(unsafe_code)]

use std::{
    fs, io,
    io::IoSlice,
    io::IoSliceMut,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    sync::atomic::{AtomicBool, Ordering},
};

use nix::{
    cmsg_space,
    errno::Errno,
    libc,
    sys::{
        signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask},
        socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg},
    },
    unistd::{ForkResult, Pid},
};

/// Forks, in a process that has one thread: the child may then go on in ordinary Rust.
///
/// Fails with `EDEADLK` if there are more threads: a lock that another one holds (the allocator's,
/// say) would stay locked in the child for ever.
pub(crate) fn fork_single_threaded() -> io::Result<ForkResult> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(Errno::EDEADLK.into());
    }
    fork_unchecked()
}

/// [`fork_single_threaded`] for a process that is single-threaded by construction (nursery and
/// supervisors start no threads), where looking each time would cost more than the fork.
pub(crate) fn fork_unchecked() -> io::Result<ForkResult> {
    // SAFETY: the process has one thread, so the child inherits no lock held by another one.
    Ok(unsafe { nix::unistd::fork() }?)
}

/// How much stack the child of [`spawn_sharing_memory`] gets. It makes system calls and little else.
const CHILD_STACK: usize = 128 * 1024;

/// Starts a child that shares our memory and runs `child`, while we are suspended, until it execs
/// or ends: `vfork`, but on a stack of its own. Copies no page tables, which is most of a fork's
/// cost. If `child` returns, the child ends with code 127.
///
/// What `child` changes in memory is changed for us as well; its files, folder, user and signal
/// handlers are its own.
pub(crate) fn spawn_sharing_memory(child: &mut dyn FnMut()) -> io::Result<Pid> {
    extern "C" fn run(child: *mut libc::c_void) -> libc::c_int {
        // SAFETY: `child` is the pointer made below, and our parent is suspended inside that call,
        // so the closure is alive and used by nobody else. A panic can't leave this function: one
        // that tries to aborts.
        let child = unsafe { &mut *child.cast::<&mut dyn FnMut()>() };
        child();
        127
    }
    let mut stack = vec![std::mem::MaybeUninit::<u128>::uninit(); CHILD_STACK / size_of::<u128>()];
    let mut child = child;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: this process has one thread, which CLONE_VFORK suspends until the child has left our
    // memory; so nothing races, and stack and closure outlive their use. The stack grows down from
    // its aligned end. The child inherits blocked signals, so no handler runs on that stack.
    let pid = unsafe {
        let top = stack.as_mut_ptr_range().end.cast();
        libc::clone(run, top, flags, (&raw mut child).cast())
    };
    Ok(Pid::from_raw(Errno::result(pid)?))
}

/// Ends this process at once: no exit handlers, no flushing of buffers inherited from a parent.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Closes every file descriptor but the standard ones and `keep`, whoever opened it.
pub(crate) fn close_all_but(keep: &OwnedFd) {
    let keep = keep.as_raw_fd().unsigned_abs();
    let close = |first: u32, last: u32| {
        if first <= last {
            // SAFETY: called once, when the nursery begins: what the daemon had open is not used
            // here again, and nothing of the nursery's own is open yet but `keep`.
            unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        }
    };
    close(3, keep.saturating_sub(1));
    close(keep + 1, u32::MAX);
}

/// Standard input, owned; it is the socket of a nursery started by a command.
pub(crate) fn own_standard_input() -> OwnedFd {
    // SAFETY: file descriptor 0 is owned by nobody in Rust; the caller replaces it at once.
    unsafe { OwnedFd::from_raw_fd(0) }
}

static POKED: AtomicBool = AtomicBool::new(false);

extern "C" fn on_child(_: libc::c_int) {}

extern "C" fn on_poke(_: libc::c_int) {
    POKED.store(true, Ordering::Relaxed);
}

/// Whether SIGUSR1 came since the last call.
pub(crate) fn poked() -> bool {
    POKED.swap(false, Ordering::Relaxed)
}

/// The signals of nursery and supervisors: SIGCHLD and SIGUSR1 wake `ppoll` and nothing else;
/// what a terminal or a service manager sends to everyone is not for them.
pub(crate) fn install_signals() -> io::Result<()> {
    let set = |signal, handler| {
        let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
        // SAFETY: the handlers do nothing but store to an atomic.
        unsafe { sigaction(signal, &action) }
    };
    set(Signal::SIGCHLD, SigHandler::Handler(on_child))?;
    set(Signal::SIGUSR1, SigHandler::Handler(on_poke))?;
    // A log that reaches the limit of a file's size is an error like any other, not the end.
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGPIPE, Signal::SIGXFSZ] {
        set(signal, SigHandler::SigIgn)?;
    }
    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGCHLD);
    blocked.add(Signal::SIGUSR1);
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&blocked), None)?;
    Ok(())
}

/// Undoes [`install_signals`], and whatever was ignored before it, for the user's program.
pub(crate) fn reset_signals() {
    for signal in Signal::iterator() {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        // SAFETY: the default action runs none of our code. SIGKILL and SIGSTOP refuse, rightly.
        let _ = unsafe { sigaction(signal, &default) };
    }
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

/// Sends one message, with a file descriptor if there is one.
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let raw = fd.map(|fd| [fd.as_raw_fd()]);
    let rights = raw.as_ref().map(|raw| [ControlMessage::ScmRights(raw)]);
    let control: &[ControlMessage<'_>] = rights.as_ref().map_or(&[], |r| r);
    loop {
        match sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], control, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// What [`receive`] found.
pub(crate) enum Received {
    /// A message of so many bytes, with the file descriptor that came along.
    Message(usize, Option<OwnedFd>),
    /// Nothing now.
    Nothing,
    /// Nothing ever again.
    Closed,
}

/// Takes one message without waiting.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let mut space = cmsg_space!([RawFd; 1]);
    let mut slices = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = match recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut space), flags) {
        Ok(message) => message,
        Err(Errno::EAGAIN | Errno::EINTR) => return Ok(Received::Nothing),
        Err(Errno::ECONNRESET) => return Ok(Received::Closed),
        Err(e) => return Err(e.into()),
    };
    let mut fd = None;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(raw) = control {
            // SAFETY: the kernel just installed these descriptors for us; nobody else knows them.
            fd = raw.into_iter().map(|raw| unsafe { OwnedFd::from_raw_fd(raw) }).next();
        }
    }
    Ok(if message.bytes == 0 && fd.is_none() { Received::Closed } else { Received::Message(message.bytes, fd) })
}

/// A process that can be signalled without ever hitting another one that got its number.
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// Fails with `ESRCH` if there is no such process.
    pub(crate) fn open(pid: Pid) -> io::Result<Self> {
        // SAFETY: takes two integers; a non-negative result is a new descriptor that we own.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
        let fd = RawFd::try_from(Errno::result(fd)?).map_err(io::Error::other)?;
        // SAFETY: see above.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Sends `signal`; a process that is over is no error.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is a pidfd and the siginfo pointer may be null.
        let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_fd().as_raw_fd(), signal as libc::c_int, none, 0) };
        match Errno::result(sent) {
            Ok(_) | Err(Errno::ESRCH) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }
}

//! Watching a running program until nothing of it is left: its output, its end, its deadlines.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::AsFd as _,
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, ppoll},
    sys::{
        signal::{SigSet, Signal, killpg},
        time::{TimeSpec, TimeValLike as _},
        wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid},
    },
    unistd::Pid,
};
use updraft_model::{HowEnded, Timestamp, Workload};

use super::{
    log::Log,
    spawn::{Private, Task},
    vigil::Vigil,
};
use crate::{
    complain::complain,
    place::{self, Terminate},
    processes, sys,
};

/// How much output is read before deadlines are looked at again.
const READS_AT_ONCE: usize = 64;
/// How often a folder is read again whose `terminate` file could not be.
const POKE_AGAIN: Duration = Duration::from_millis(100);
/// How often a log that could not be written is tried again.
const FLUSH_AGAIN: Duration = Duration::from_secs(1);

/// Why we end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    TimedOut,
    Terminated,
    NoDaemon,
}

/// A program and its deadlines.
pub(crate) struct Watched {
    task: Task,
    output_open: bool,
    pub(crate) private: Private,
    pub(crate) started_at: Timestamp,
    times_out: Option<(Instant, Duration)>,
    grace: Duration,
    /// Set once SIGTERM is sent: why, and when SIGKILL follows.
    ending: Option<(Cause, Instant)>,
    /// Until the grace is over that it leaves.
    vigil: Option<Vigil>,
    /// Why that ended it.
    no_daemon: String,
}

fn positive(duration: jiff::SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}

impl Watched {
    pub(crate) fn new(task: Task, private: Private, started_at: Timestamp, workload: &Workload, vigil: Option<Vigil>) -> Self {
        // A timeout beyond what a clock can hold is none.
        let timeout = workload.execution_timeout.map(positive);
        let times_out = timeout.and_then(|timeout| Some((Instant::now().checked_add(timeout)?, timeout)));
        let grace = positive(workload.termination_grace);
        Self { task, output_open: true, private, started_at, times_out, grace, ending: None, vigil, no_daemon: String::new() }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.task.pid
    }

    /// Returns when the program and everything it left behind are gone and all output is in the log.
    pub(crate) fn watch(&mut self, log: &mut Log) -> HowEnded {
        // Whoever asked between the last look and the first wait has poked us, or we see it here.
        self.obey(log);
        let status = loop {
            if let Some(status) = self.reap() {
                break status;
            }
            self.wait(log);
            self.keep_deadlines(log);
        };
        self.wait_for_the_rest(log);
        self.kill_the_rest(log);
        self.copy_output(log, usize::MAX);
        match (self.ending, status) {
            (Some((Cause::TimedOut, _)), _) => HowEnded::TimedOut,
            (Some((Cause::Terminated, _)), _) => HowEnded::Terminated,
            (Some((Cause::NoDaemon, _)), _) => HowEnded::PlaceLost { started: true, why: std::mem::take(&mut self.no_daemon) },
            (None, WaitStatus::Signaled(_, signal, _)) => HowEnded::Signaled { signal: signal as i32 },
            (None, WaitStatus::Exited(_, code)) => HowEnded::Exited { code },
            (None, other) => HowEnded::PlaceLost { started: true, why: format!("its end could not be understood: {other:?}") },
        }
    }

    /// Reaps inherited processes as they end, and the program itself: then its status.
    fn reap(&mut self) -> Option<WaitStatus> {
        loop {
            // Looked at first and reaped afterwards: until then its group's number can't be reused.
            let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
            match waitid(Id::All, peek) {
                Ok(WaitStatus::StillAlive) => return None,
                Ok(status) if status.pid() == Some(self.task.pid) => {
                    if self.ending.is_none() {
                        // Everything of its own group, at once; what left the group comes later.
                        let _ = killpg(self.task.pid, Signal::SIGKILL);
                    }
                    let _ = waitpid(self.task.pid, None);
                    return Some(status);
                }
                Ok(status) => {
                    if let Some(pid) = status.pid() {
                        let _ = waitpid(pid, None);
                    }
                }
                Err(Errno::EINTR) => {}
                // Cannot be: the program is our child. Said rather than waited for, for ever.
                Err(_) => return Some(WaitStatus::StillAlive),
            }
        }
    }

    /// Until output, room for input, a signal or a deadline.
    fn wait(&mut self, log: &mut Log) {
        let deadline = self.ending.map(|(_, kill_at)| kill_at).or(self.times_out.map(|(at, _)| at));
        // Room for a log that is behind announces itself to nobody.
        let deadline = deadline.into_iter().chain(log.is_behind().then(|| Instant::now() + FLUSH_AGAIN)).min();
        let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = timeout.map(|left| TimeSpec::nanoseconds(i64::try_from(left.as_nanos()).unwrap_or(i64::MAX)));
        let mut polled = Vec::with_capacity(3);
        if let Some(vigil) = &self.vigil {
            polled.push(PollFd::new(vigil.timer(), PollFlags::POLLIN));
        }
        if self.output_open {
            polled.push(PollFd::new(self.task.output.as_fd(), PollFlags::POLLIN));
        }
        if let Some((pipe, _)) = &self.task.input {
            polled.push(PollFd::new(pipe.as_fd(), PollFlags::POLLOUT));
        }
        let ready = ppoll(&mut polled, timeout, Some(SigSet::empty()));
        let look = self.vigil.is_some() && polled.first().and_then(PollFd::any).is_some_and(|any| any);
        drop(polled);
        // Before anything is written: a disk may hang.
        if look {
            self.look_for_a_daemon(log);
        }
        if log.is_behind() {
            log.flush();
        }
        if ready.is_ok_and(|n| n > 0) {
            self.feed_input();
            self.copy_output(log, READS_AT_ONCE);
        }
        if sys::poked() {
            self.obey(log);
        }
    }

    fn keep_deadlines(&mut self, log: &mut Log) {
        let now = Instant::now();
        match (self.ending, self.times_out) {
            (Some((cause, kill_at)), _) if now >= kill_at => {
                let _ = killpg(self.task.pid, Signal::SIGKILL);
                // Not again at once: it takes a moment to die.
                self.ending = Some((cause, now + POKE_AGAIN));
            }
            (None, Some((at, timeout))) if now >= at => {
                log.note(&format!("execution_timeout of {:#} has passed", jiff::SignedDuration::try_from(timeout).unwrap_or_default()));
                self.end(Cause::TimedOut, self.grace);
            }
            _ => {}
        }
    }

    /// Looks whether it shall be terminated. Level-triggered: any poke, any number of times.
    fn obey(&mut self, log: &mut Log) {
        match place::read_json::<Terminate>(Path::new(place::TERMINATE)) {
            Ok(None) => {}
            Ok(Some(Terminate { grace_ms })) => {
                if self.ending.is_none() {
                    log.note("terminating");
                }
                self.end(Cause::Terminated, Duration::from_millis(grace_ms));
            }
            Err(e) => {
                complain(format_args!("supervisor: {}: {e}", place::TERMINATE));
                self.end(Cause::Terminated, self.grace);
            }
        }
    }

    /// Also while it is ending for another reason: then only a shorter grace counts.
    fn look_for_a_daemon(&mut self, log: &mut Log) {
        let Some(mut vigil) = self.vigil.take() else { return };
        let Some(grace) = vigil.look() else {
            self.vigil = Some(vigil);
            return;
        };
        let is_news = self.ending.is_none();
        self.end(Cause::NoDaemon, grace);
        if is_news {
            self.no_daemon = vigil.why();
            log.note(&self.no_daemon);
        }
        // Its own deadline does not count the time that the machine sleeps.
        if !grace.is_zero() && vigil.wake_in(grace).is_ok() {
            self.vigil = Some(vigil);
        }
    }

    /// SIGTERM to the whole group, once; asked again, only the shorter grace counts.
    fn end(&mut self, cause: Cause, grace: Duration) {
        let now = Instant::now();
        let kill_at = now.checked_add(grace).unwrap_or(now + Duration::from_secs(86_400));
        match &mut self.ending {
            Some((_, earlier)) => *earlier = kill_at.min(*earlier),
            None => {
                let _ = killpg(self.task.pid, Signal::SIGTERM);
                self.ending = Some((cause, kill_at));
            }
        }
    }

    /// When it was told to end, its other processes have the same grace as itself.
    fn wait_for_the_rest(&mut self, log: &mut Log) {
        while let Some((_, kill_at)) = self.ending {
            match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) if Instant::now() < kill_at => self.wait(log),
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return,
                _ => {}
            }
        }
    }

    /// We are the nearest subreaper, so without children there are no descendants.
    fn kill_the_rest(&self, log: &mut Log) {
        if waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) == Err(Errno::ECHILD) {
            return;
        }
        match processes::kill_stray_children(|_| false) {
            Ok(strays) => {
                if strays.killed > 0 {
                    log.note(&format!("killed processes it left running: {}", strays.killed));
                }
                if !strays.survivors.is_empty() {
                    log.note(&format!("processes it left running can't be killed: {:?}", strays.survivors));
                }
            }
            Err(e) => log.note(&format!("processes it may have left running can't be looked for: {e}")),
        }
    }

    fn copy_output(&mut self, log: &mut Log, reads: usize) {
        for _ in 0..reads {
            if !self.output_open {
                break;
            }
            match log.read_from(&mut self.task.output) {
                Ok(0) => self.output_open = false,
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.output_open = false,
            }
        }
        log.flush();
    }

    fn feed_input(&mut self) {
        if let Some((pipe, text)) = &mut self.task.input {
            match write_some(pipe, text) {
                Ok(()) if !text.is_empty() => {}
                // All written, or nobody reads it: either way the pipe is closed.
                Ok(()) | Err(_) => self.task.input = None,
            }
        }
    }
}

fn write_some(pipe: &mut File, text: &mut Vec<u8>) -> io::Result<()> {
    match pipe.write(text) {
        Ok(n) => {
            text.drain(..n);
            Ok(())
        }
        Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(()),
        Err(e) => Err(e),
    }
}

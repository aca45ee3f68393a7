//! Looking at other processes through `/proc`: whose child, since when, of which attempt.
//!
//! Never decides what is killed except by the two rules named here: stray children of a subreaper,
//! and processes whose environment names an attempt that is known to be lost.

use std::{
    collections::HashSet,
    fs, io,
    os::unix::ffi::OsStrExt as _,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use updraft_model::AttemptId;

use crate::sys::PidFd;

/// The variable by which a task's processes are recognised.
pub(crate) const ATTEMPT_VARIABLE: &str = "UPDRAFT_ATTEMPT_ID";

/// How long killed processes may take to be gone before this gives up on them.
const PATIENCE: Duration = Duration::from_secs(10);

/// This process's children, including those it inherited as a subreaper.
pub(crate) fn children() -> io::Result<Vec<Pid>> {
    let me = Pid::this();
    match fs::read_to_string(format!("/proc/self/task/{me}/children")) {
        Ok(text) => Ok(text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()),
        // A kernel without CONFIG_PROC_CHILDREN.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(all()?.filter(|pid| stat(*pid).is_some_and(|s| s.parent == me)).collect()),
        Err(e) => Err(e),
    }
}

/// Every process there is.
fn all() -> io::Result<impl Iterator<Item = Pid>> {
    let entries = fs::read_dir("/proc")?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().map(Pid::from_raw)))
}

struct Stat {
    parent: Pid,
    start: u64,
}

/// The fields of `/proc/<pid>/stat` that are needed, counted from behind the name (which may
/// contain anything).
fn stat(pid: Pid) -> Option<Stat> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let behind = text.iter().rposition(|b| *b == b')')? + 2;
    let mut fields = std::str::from_utf8(text.get(behind..)?).ok()?.split(' ');
    let parent = Pid::from_raw(fields.nth(1)?.parse().ok()?);
    let start = fields.nth(17)?.parse().ok()?;
    Some(Stat { parent, start })
}

/// When a process started, in clock ticks since boot: with its id, this names it uniquely.
pub(crate) fn start_ticks(pid: Pid) -> Option<u64> {
    stat(pid).map(|s| s.start)
}

/// What became of the strays of a subreaper.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Strays {
    /// So many were killed.
    pub(crate) killed: usize,
    /// These could not be (another user's, or stuck in the kernel).
    pub(crate) survivors: Vec<Pid>,
}

/// Kills and reaps every child that `keep` doesn't claim, and theirs as they are inherited, until
/// none is left.
pub(crate) fn kill_stray_children(keep: impl Fn(Pid) -> bool) -> io::Result<Strays> {
    let (mut found, give_up) = (HashSet::new(), Instant::now() + PATIENCE);
    loop {
        let strays: Vec<Pid> = children()?.into_iter().filter(|pid| !keep(*pid)).collect();
        if strays.is_empty() {
            return Ok(Strays { killed: found.len(), survivors: Vec::new() });
        }
        let mut refused = 0;
        for pid in &strays {
            found.insert(*pid);
            match kill(*pid, Signal::SIGKILL) {
                Err(Errno::EPERM) => refused += 1,
                _ => reap_soon(*pid),
            }
        }
        if refused == strays.len() || Instant::now() > give_up {
            let killed = found.len() - strays.len();
            return Ok(Strays { killed, survivors: strays });
        }
    }
}

/// Waits for a killed child, a moment at a time so that one stuck in the kernel can't hold us.
fn reap_soon(pid: Pid) {
    for _ in 0..1000 {
        match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_micros(200)),
            Err(Errno::EINTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

/// Kills every process whose environment says it belongs to one of `attempts`, until none is found.
///
/// The last resort, for tasks whose supervisor and nursery are both gone. Returns how many were
/// killed, or which would not die.
pub(crate) fn kill_by_environment(attempts: &HashSet<AttemptId>) -> Result<usize, String> {
    let (mut killed, give_up) = (HashSet::new(), Instant::now() + PATIENCE);
    loop {
        let found = find_by_environment(attempts).map_err(|e| format!("/proc can't be searched for leftover processes: {e}"))?;
        if found.is_empty() {
            return Ok(killed.len());
        }
        for (pid, process) in &found {
            process.signal(Signal::SIGKILL).map_err(|e| format!("leftover process {pid} can't be killed: {e}"))?;
            killed.insert(*pid);
        }
        if Instant::now() > give_up {
            return Err(format!("{} leftover processes do not die, e.g. {}", found.len(), found[0].0));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn find_by_environment(attempts: &HashSet<AttemptId>) -> io::Result<Vec<(Pid, PidFd)>> {
    let mut found = Vec::new();
    for pid in all()? {
        // Opened before it is looked at, so that what is killed is what was looked at.
        let Ok(process) = PidFd::open(pid) else { continue };
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { continue };
        if attempt_of(&environment).is_some_and(|attempt| attempts.contains(&attempt)) {
            found.push((pid, process));
        }
    }
    Ok(found)
}

/// The attempt that a `NUL`-separated environment names.
fn attempt_of(environment: &[u8]) -> Option<AttemptId> {
    environment.split(|b| *b == 0).find_map(|variable| {
        let value = variable.strip_prefix(ATTEMPT_VARIABLE.as_bytes())?.strip_prefix(b"=")?;
        std::ffi::OsStr::from_bytes(value).to_str()?.parse().ok()
    })
}

/// The machine's current boot.
pub(crate) fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_names_its_attempt() {
        let id = "6f2c0c1e-0000-4000-8000-000000000001";
        let environment = format!("PATH=/bin\0XUPDRAFT_ATTEMPT_ID=no\0UPDRAFT_ATTEMPT_ID={id}\0");
        assert_eq!(attempt_of(environment.as_bytes()), Some(id.parse().unwrap()));
        assert_eq!(attempt_of(b"PATH=/bin\0"), None);
        assert_eq!(attempt_of(b""), None);
    }

    #[test]
    fn the_own_start_is_known() {
        assert!(start_ticks(Pid::this()).is_some_and(|ticks| ticks > 0));
        assert_eq!(stat(Pid::this()).map(|s| s.parent), Some(Pid::parent()));
    }
}

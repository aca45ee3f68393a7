//! Watching for a daemon, where a task may not outlast its node's by long: see [`crate::presence`].

use std::{os::fd::AsFd, os::fd::BorrowedFd, path::PathBuf, time::Duration};

use jiff::SignedDuration;
use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use updraft_executor::boot_clock;
use updraft_model::Workload;

use crate::{
    home::Home,
    presence::{self, Limits, Look},
    processes,
};

/// Costs one look at a file each time that a heartbeat would be too old by now.
pub(crate) struct Vigil {
    /// On the boot clock: a machine that was suspended wakes us at once, which `ppoll`'s timeout does not.
    timer: TimerFd,
    file: PathBuf,
    boot: String,
    lost_after: Duration,
    limits: Limits,
    heard: Duration,
}

impl Vigil {
    /// `None` where no time is set. An error says why the task must not start: no daemon is here any more.
    pub(crate) fn begin(home: &Home, workload: &Workload) -> Result<Option<Self>, String> {
        let Some(lost_after) = workload.node_lost_after else { return Ok(None) };
        let lost_after = Duration::try_from(lost_after).unwrap_or_default();
        let limits = Limits::new(lost_after, Duration::try_from(workload.termination_grace).unwrap_or_default());
        let (file, boot) = (home.presence(), processes::boot_id().map_err(|e| format!("this boot's id can't be read: {e}"))?);
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, flags).map_err(|e| format!("there is no timer to watch for a daemon: {e}"))?;
        let mut vigil = Self { timer, file, boot, lost_after, limits, heard: Duration::ZERO };
        match vigil.look() {
            None => Ok(Some(vigil)),
            Some(_) => Err("no daemon could say lately that this node is there".to_owned()),
        }
    }

    /// Readable when it is time to [look](Self::look).
    pub(crate) fn timer(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }

    /// How much of its grace the task has left, if it ends now.
    pub(crate) fn look(&mut self) -> Option<Duration> {
        // What can't be read is no news, and no news for long enough is an end.
        if let Ok(Some(heard)) = presence::read(&self.file, &self.boot) {
            self.heard = self.heard.max(heard);
        }
        let now = boot_clock();
        match self.limits.look(self.heard, now) {
            // A timer that can't be set would never end it.
            Look::GoOn { until } => self.wake_at(until).err().map(|_| self.limits.grace),
            Look::End { grace } => Some(grace),
        }
    }

    /// Wakes us when the grace is over, however long the machine slept in between.
    pub(crate) fn wake_in(&self, grace: Duration) -> nix::Result<()> {
        self.wake_at(boot_clock().saturating_add(grace))
    }

    fn wake_at(&self, at: Duration) -> nix::Result<()> {
        // Zero would turn it off.
        let at = at.max(Duration::from_nanos(1));
        self.timer.set(Expiration::OneShot(TimeSpec::from_duration(at)), TimerSetTimeFlags::TFD_TIMER_ABSTIME)
    }

    /// For the end and the log.
    pub(crate) fn why(&self) -> String {
        let [patience, lost_after] = [self.limits.patience, self.lost_after].map(|d| SignedDuration::try_from(d).unwrap_or_default());
        format!("no daemon for {patience:#}: ended, since its run may go on elsewhere (node_lost_after is {lost_after:#})")
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use serde_json::json;

    use super::*;
    use crate::presence::Presence;

    fn workload(lost_after: Option<SignedDuration>) -> Workload {
        let labels = json!({"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1});
        let attempt = "6f2c0c1e-0000-4000-8000-000000000001";
        let workload = json!({"format": 1, "attempt": attempt, "labels": labels, "argv": ["true"], "env": {},
            "termination_grace": "5s", "node_lost_after": lost_after, "capture_last_line": false});
        serde_json::from_value(workload).unwrap()
    }

    fn fires(vigil: &Vigil) -> bool {
        poll(&mut [PollFd::new(vigil.timer(), PollFlags::POLLIN)], PollTimeout::from(60_000_u16)) == Ok(1)
    }

    #[test]
    fn a_task_starts_only_where_a_daemon_is_heard_of() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path(), &dir.path().join("logs")).unwrap();
        assert!(Vigil::begin(&home, &workload(None)).unwrap().is_none(), "where it is off nobody looks");
        let after = SignedDuration::from_millis(200);
        let begin = || Vigil::begin(&home, &workload(Some(after)));
        assert!(begin().is_err());
        let presence = Presence::open(&home, after.try_into().ok()).unwrap();
        presence.heard(boot_clock() - Duration::from_secs(1)).unwrap();
        assert!(begin().is_err());
        presence.heard(boot_clock() + Duration::from_secs(60)).unwrap();
        assert!(begin().unwrap().is_some());
    }

    #[test]
    fn its_timer_fires_when_nothing_was_heard_and_when_the_grace_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path(), &dir.path().join("logs")).unwrap();
        let presence = Presence::open(&home, Some(Duration::from_secs(1))).unwrap();
        presence.heard(boot_clock()).unwrap();
        let mut vigil = Vigil::begin(&home, &workload(Some(SignedDuration::from_secs(1)))).unwrap().unwrap();
        presence.heard(boot_clock() + Duration::from_millis(50)).unwrap();
        assert!(fires(&vigil));
        assert_eq!(vigil.look(), None, "there was another heartbeat");
        assert!(fires(&vigil));
        let grace = vigil.look().unwrap();
        assert!(grace <= Duration::from_millis(250), "a quarter at most: {grace:?}");
        vigil.wake_in(grace).unwrap();
        assert!(fires(&vigil));
        assert_eq!(vigil.look(), Some(Duration::ZERO));
    }
}

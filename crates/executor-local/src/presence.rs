//! Whether a daemon is here that the store hears of, and what follows for tasks when none is.
//!
//! Where `node_lost_after` is set, the leader takes a node that was not heard of for so long for lost,
//! and launches elsewhere what ran there. Before that, the node's supervisors end it. How both come to
//! the same, though neither can ask the other (all times are real ones, lengths are what clocks measure
//! that do not jump and that count a suspended machine's time, `CLOCK_BOOTTIME`):
//!
//! - `sent`: read before a heartbeat is sent, and written into `attempts/.daemon` after the store has it;
//! - `seen`: when the store has it, so `sent <= seen`;
//! - a supervisor sends SIGTERM at the last `sent` that it read + `patience`, SIGKILL `grace` later;
//! - the leader acts at `seen` + `lost_after` or later: it counts from when it has read the heartbeat.
//!
//! With `patience + grace + margin = lost_after` ([`Limits`]):
//!
//! ```text
//! sent + patience + grace + margin = sent + lost_after <= seen + lost_after <= the leader acts
//! ```
//!
//! `margin` is what remains for SIGKILL to be carried out, and for two machines' clocks to differ in speed.
//! A heartbeat that comes after that finds the tasks ended: what it wrote is of no use to them.
//!
//! Nothing else of a daemon is known here; what the leader does is no business of this crate.

use std::{
    collections::HashMap,
    fs::OpenOptions,
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use updraft_executor::boot_clock;
use updraft_model::{AttemptId, Workload};

use crate::{
    home::Home,
    place::{self, Evidence},
    processes,
    shared::lock,
};

/// How `lost_after` is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// A task goes on for so long after the last heartbeat.
    pub(crate) patience: Duration,
    /// Then it has so long between SIGTERM and SIGKILL.
    pub(crate) grace: Duration,
}

/// What a look at the clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// It goes on, at least until then.
    GoOn { until: Duration },
    /// It ends, with so much of its grace left.
    End { grace: Duration },
}

impl Limits {
    /// A task's own grace counts up to a quarter; a tenth is the margin. So between two heartbeats,
    /// 10 s apart, there is room for three that fail even where `lost_after` is a minute.
    pub(crate) fn new(lost_after: Duration, wanted_grace: Duration) -> Self {
        let grace = wanted_grace.min(lost_after / 4);
        let margin = lost_after / 10;
        Self { patience: lost_after.saturating_sub(grace + margin), grace }
    }

    pub(crate) fn look(&self, heard: Duration, now: Duration) -> Look {
        let until = heard.saturating_add(self.patience);
        if now < until {
            return Look::GoOn { until };
        }
        // One that comes late, since the machine slept, has less of its grace or none.
        Look::End { grace: until.saturating_add(self.grace).saturating_sub(now) }
    }
}

/// When a daemon of this boot was last heard of; `None` if none was, or if the file is just being written.
pub(crate) fn read(path: &Path, boot: &str) -> io::Result<Option<Duration>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(parse(&text, boot)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Written in place, which takes no room on a full disk; twice the same, so that half a change shows.
fn line(boot: &str, heard: Duration) -> String {
    let millis = heard.as_millis();
    format!("{boot} {millis:020} {millis:020}\n")
}

fn parse(text: &str, boot: &str) -> Option<Duration> {
    let mut fields = text.lines().next()?.split(' ');
    let (of_boot, first, second) = (fields.next()?, fields.next()?, fields.next()?);
    (of_boot == boot && first == second && first.len() == 20).then(|| first.parse().ok().map(Duration::from_millis))?
}

/// The daemon's side.
pub(crate) struct Presence {
    path: PathBuf,
    boot: String,
    lost_after: Option<Duration>,
    heard: Mutex<Option<Duration>>,
    /// What runs here and was told another time, or none, by a daemon before this one.
    others: Mutex<HashMap<AttemptId, Option<Duration>>>,
}

impl Presence {
    pub(crate) fn open(home: &Home, lost_after: Option<Duration>) -> io::Result<Self> {
        let mut others = HashMap::new();
        if let Some(lost_after) = lost_after {
            for attempt in place::list(&home.attempts())? {
                let workload = place::read_json::<Workload>(&home.attempt(attempt).join(place::WORKLOAD));
                let told = workload.ok().flatten().and_then(|workload| workload.node_lost_after?.try_into().ok());
                if told != Some(lost_after) {
                    others.insert(attempt, told);
                }
            }
        }
        let (path, boot) = (home.presence(), processes::boot_id()?);
        Ok(Self { path, boot, lost_after, heard: Mutex::default(), others: Mutex::new(others) })
    }

    /// After what time without a heartbeat all tasks here are over; `None` if one of them goes on.
    pub(crate) fn lost_after(&self, home: &Home) -> Option<Duration> {
        let lost_after = self.lost_after?;
        let mut others = lock(&self.others);
        others.retain(|attempt, _| match place::inspect(&home.attempt(*attempt)) {
            Ok(Evidence::NoPlace | Evidence::Place { exit: Some(_), .. }) => false,
            // One whose supervisor died may have left something; it is over when that is cleared away.
            Ok(Evidence::Place { exit: None, .. }) | Err(_) => true,
        });
        others.values().try_fold(lost_after, |longest, told| Some(longest.max((*told)?)))
    }

    /// The store has a heartbeat that was sent then.
    pub(crate) fn heard(&self, sent: Duration) -> io::Result<()> {
        // Where the time is off, tasks of a time when it was on still look.
        let file = OpenOptions::new().write(true).create(self.lost_after.is_some()).truncate(false).mode(0o600).open(&self.path);
        match file {
            Ok(file) => file.write_all_at(line(&self.boot, sent).as_bytes(), 0)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound && self.lost_after.is_none() => {}
            Err(e) => return Err(e),
        }
        *lock(&self.heard) = Some(sent);
        Ok(())
    }

    /// Whether a task with this grace that started now would be ended at once.
    pub(crate) fn is_silent(&self, grace: Duration) -> bool {
        match (self.lost_after, *lock(&self.heard)) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(lost_after), Some(heard)) => matches!(Limits::new(lost_after, grace).look(heard, boot_clock()), Look::End { .. }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_task_is_killed_before_its_node_counts_as_lost() {
        for lost_after in [60, 61, 90, 300, 3_600, 86_400].map(secs) {
            for wanted in [0, 1, 5, 30, 600, 100_000].map(secs) {
                let limits = Limits::new(lost_after, wanted);
                assert!(limits.grace <= wanted);
                // The inequality, with at least a tenth for the margin.
                assert!(limits.patience + limits.grace + lost_after / 10 <= lost_after, "{lost_after:?} {limits:?}");
                // Three heartbeats may fail.
                assert!(limits.patience >= secs(39), "{lost_after:?} {limits:?}");
            }
        }
    }

    #[test]
    fn a_task_goes_on_until_nothing_was_heard_for_too_long() {
        let limits = Limits::new(secs(100), secs(20));
        let looks = [1_000, 1_069, 1_070, 1_080, 1_090, 9_000].map(|now| limits.look(secs(1_000), secs(now)));
        let end = |grace| Look::End { grace: secs(grace) };
        let go_on = Look::GoOn { until: secs(1_070) };
        assert_eq!(looks, [go_on, go_on, end(20), end(10), end(0), end(0)]);
    }

    #[test]
    fn what_is_no_heartbeat_of_this_boot_is_none() {
        let whole = line("boot", Duration::from_millis(1_234));
        assert_eq!(parse(&whole, "boot"), Some(Duration::from_millis(1_234)));
        assert_eq!(parse(&whole, "next"), None);
        let next = line("boot", Duration::from_millis(9_999));
        for cut in 1..whole.len() {
            let torn = format!("{}{}", &next[..cut], &whole[cut..]);
            assert!(matches!(parse(&torn, "boot").map(|heard| heard.as_millis()), None | Some(1_234 | 9_999)), "{torn}");
            assert!(parse(&whole[..cut], "boot").is_none_or(|heard| heard.as_millis() == 1_234));
        }
    }

    #[test]
    fn a_node_promises_no_more_than_what_runs_there_was_told() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path(), &dir.path().join("logs")).unwrap();
        let promised = || Presence::open(&home, Some(secs(60))).unwrap().lost_after(&home);
        assert_eq!(promised(), Some(secs(60)));
        let attempt = AttemptId(uuid::Uuid::from_u128(1));
        let folder = home.attempt(attempt);
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(promised(), None, "nobody knows what it was told");
        std::fs::write(folder.join(place::EXIT), "{}").unwrap();
        assert_eq!(promised(), Some(secs(60)), "it is over");
    }

    #[test]
    fn nobody_is_heard_of_before_the_first_heartbeat() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path(), &dir.path().join("logs")).unwrap();
        let boot = processes::boot_id().unwrap();
        let off = Presence::open(&home, None).unwrap();
        off.heard(secs(1)).unwrap();
        assert!(!home.presence().exists(), "where it is off it costs no file");
        let on = Presence::open(&home, Some(secs(60))).unwrap();
        assert!(on.is_silent(secs(5)));
        on.heard(boot_clock()).unwrap();
        assert!(!on.is_silent(secs(5)));
        // A daemon for which it is off goes on telling what runs here and looks.
        off.heard(secs(7)).unwrap();
        assert_eq!(read(&home.presence(), &boot).unwrap(), Some(secs(7)));
    }
}

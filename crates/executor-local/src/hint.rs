//! Hints from supervisors to whichever daemon is there: "look at this attempt now".
//!
//! One named pipe per home, one short line per hint (shorter than `PIPE_BUF`, so never mixed). A
//! lost hint does no harm: the files are the truth, and a slow sweep looks at them anyway.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use nix::{
    libc,
    sys::stat::Mode,
    unistd::{Pid, mkfifo},
};
use updraft_model::{AttemptId, Timestamp};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    /// The program runs.
    Started { attempt: AttemptId, at: Timestamp, pid: Pid },
    /// `exit.json` is there.
    Ended { attempt: AttemptId },
    /// From the daemon to itself: something changed, look around.
    Wake,
}

impl Hint {
    fn line(self) -> String {
        match self {
            Self::Started { attempt, at, pid } => format!("S {attempt} {} {pid}\n", at.micros()),
            Self::Ended { attempt } => format!("E {attempt}\n"),
            Self::Wake => "W\n".to_owned(),
        }
    }

    /// `None` for what is no hint: any process of this user can write into the pipe.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        match words.next()? {
            "S" => {
                let attempt = words.next()?.parse().ok()?;
                let at = Timestamp::from_micros(words.next()?.parse().ok()?);
                Some(Self::Started { attempt, at, pid: Pid::from_raw(words.next()?.parse().ok()?) })
            }
            "E" => Some(Self::Ended { attempt: words.next()?.parse().ok()? }),
            "W" => Some(Self::Wake),
            _ => None,
        }
    }

    /// Sends it; false if no daemon listens, or it has not read for so long that the pipe is full.
    pub(crate) fn send(self, pipe: &Path) -> bool {
        let open = fs::OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(pipe);
        open.is_ok_and(|mut pipe| pipe.write_all(self.line().as_bytes()).is_ok())
    }
}

/// The daemon's end of the pipe.
pub(crate) struct Hints {
    pipe: fs::File,
    unfinished: Vec<u8>,
}

impl Hints {
    /// Creates the pipe if it is missing and opens it; also for writing, so that it never ends.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(()) | Err(nix::errno::Errno::EEXIST) => {}
            Err(e) => return Err(e.into()),
        }
        let pipe = fs::OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        Ok(Self { pipe, unfinished: Vec::new() })
    }

    /// All that have come; empty if none.
    pub(crate) fn read(&mut self) -> io::Result<Vec<Hint>> {
        let mut buffer = [0; 16 * 1024];
        match io::Read::read(&mut self.pipe, &mut buffer) {
            Ok(n) => self.unfinished.extend_from_slice(&buffer[..n]),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(e) => return Err(e),
        }
        let Some(end) = self.unfinished.iter().rposition(|b| *b == b'\n') else {
            // No hint is this long: somebody else wrote here.
            if self.unfinished.len() > 4096 {
                self.unfinished.clear();
            }
            return Ok(Vec::new());
        };
        let rest = self.unfinished.split_off(end + 1);
        let lines = std::mem::replace(&mut self.unfinished, rest);
        Ok(String::from_utf8_lossy(&lines).lines().filter_map(Hint::parse).collect())
    }
}

impl std::os::fd::AsFd for Hints {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_come_back_and_noise_does_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hints");
        assert!(!Hint::Wake.send(&path), "nobody listens yet");
        let mut hints = Hints::open(&path).unwrap();
        let attempt = "6f2c0c1e-0000-4000-8000-000000000001".parse().unwrap();
        let started = Hint::Started { attempt, at: Timestamp::from_micros(5), pid: Pid::from_raw(6) };
        assert!(started.send(&path));
        fs::OpenOptions::new().write(true).open(&path).unwrap().write_all(b"S nonsense\n\xff\n").unwrap();
        assert!(Hint::Ended { attempt }.send(&path));
        assert_eq!(hints.read().unwrap(), [started, Hint::Ended { attempt }]);
        assert_eq!(hints.read().unwrap(), []);
    }
}

//! A small disk of its own for a home: a `tmpfs` in a mount namespace that only the daemon and its
//! tasks are in, so that it goes with them. Needs root, or user namespaces.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write as _},
    path::PathBuf,
    process::Command,
};

use crate::daemon::{Daemon, Site};

/// The daemon's home, on a disk of [`SIZE`].
pub struct Disk {
    pub daemon: Daemon,
    /// The home as it is seen from outside.
    home: PathBuf,
}

/// Room for a database and a few hundred attempts.
const SIZE: &str = "24m";

/// Runs what follows in a mount namespace of its own.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.arg("--mount");
    command
}

impl Disk {
    /// Starts a daemon with its database on such a disk, and all else of its home; `None` (and a line that says
    /// so) if there can be none here.
    pub fn start(site: &Site) -> Option<Self> {
        Self::start_with(site, &["standalone"])
    }

    /// The same with these arguments.
    pub fn start_with(site: &Site, args: &[&str]) -> Option<Self> {
        let home = site.path("home");
        fs::create_dir(&home).unwrap();
        let mount = format!("mount -t tmpfs -o size={SIZE} updraft-test \"$0\"");
        let probe = unshare().args(["sh", "-c", &mount]).arg(&home).output();
        if !probe.as_ref().is_ok_and(|probe| probe.status.success()) {
            updraft_testing::skip(&format!("no disk can be mounted here: {probe:?}"));
            return None;
        }
        let plain = site.command(args);
        let mut command = unshare();
        command.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(site.path(""));
        command.arg("sh").arg("-c").arg(format!("{mount} && exec \"$@\"")).arg(&home).arg(plain.get_program()).args(plain.get_args());
        let daemon = Daemon::start(command);
        let seen = format!("/proc/{}/root{}", daemon.id(), home.display());
        Some(Self { daemon, home: seen.into() })
    }

    /// Takes all the room there is.
    pub fn fill(&self) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.home.join("filling")).unwrap();
        loop {
            match file.write_all(&[b'x'; 4096]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Gives it back.
    pub fn free(&self) {
        fs::remove_file(self.home.join("filling")).unwrap();
    }
}

/// Makes a file of the host unwritable, also for those who have it open, until it is dropped.
pub struct Immutable {
    files: Vec<PathBuf>,
}

impl Immutable {
    /// `None` (and a line that says so) if this user or this file system can't.
    pub fn make(files: Vec<PathBuf>) -> Option<Self> {
        let probe = files.first().map(|file| file.with_extension("probe"))?;
        let mut open = File::create(&probe).unwrap();
        let made = Self { files: vec![probe.clone()] };
        let is_immutable = attribute("+i", &made.files) && open.write_all(b"x").is_err();
        drop(made);
        fs::remove_file(probe).unwrap();
        if !is_immutable {
            updraft_testing::skip("a file that is open can't be made read-only here: that takes root, and ext4");
            return None;
        }
        assert!(attribute("+i", &files));
        Some(Self { files })
    }
}

fn attribute(change: &str, files: &[PathBuf]) -> bool {
    let files = files.iter().map(|file| file.as_os_str());
    Command::new("chattr").args([OsStr::new(change)].into_iter().chain(files)).status().is_ok_and(|status| status.success())
}

impl Drop for Immutable {
    fn drop(&mut self) {
        // Else the site could not be removed; a probe that failed has nothing to undo.
        attribute("-i", &self.files);
    }
}

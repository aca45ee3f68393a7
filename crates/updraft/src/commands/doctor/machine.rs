//! This machine: the home, the disk, the programs that tasks need, the limits of the system.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nix::sys::{
    resource::{Resource, getrlimit},
    statvfs::statvfs,
};
use tokio::process::Command;

use super::Check;
use crate::config::Config;

/// Below this much free disk, logs and the database are about to fail.
const LITTLE_DISK: u64 = 1 << 30;
const NO_DISK: u64 = 100 << 20;
/// A daemon's files: connections, logs that are read, the database.
const FILES: u64 = 4096;

/// All of it.
pub async fn checks(config: &Config) -> Vec<Check> {
    let parallel = u64::from(config.local_parallelism);
    let logs = Some(&config.base_log_folder).filter(|logs| !logs.starts_with(&config.home));
    let mut checks = vec![home(&config.home), disk(&config.home)];
    checks.extend(logs.map(|logs| disk(logs)));
    checks.extend([
        program("bash", "bash", "tasks with `bash` need it: install it, or put it on the daemon's PATH").await,
        program("python", &config.python, "tasks with `python` need it: install it, or set `python` in the configuration").await,
        limit("files", Resource::RLIMIT_NOFILE, FILES, "raise it with `ulimit -n`, or LimitNOFILE in the service's file"),
        limit(
            "processes",
            Resource::RLIMIT_NPROC,
            processes_of(parallel),
            "raise it with `ulimit -u`, or LimitNPROC in the service's file",
        ),
        cgroup(Path::new("/sys/fs/cgroup"), &fs::read_to_string("/proc/self/cgroup").unwrap_or_default(), processes_of(parallel)),
    ]);
    checks
}

/// A task is a supervisor, its program, and what that starts.
fn processes_of(parallel: u64) -> u64 {
    4 * parallel + 64
}

fn home(home: &Path) -> Check {
    if !home.exists() {
        let parent = existing(home);
        return match nix::unistd::access(&parent, nix::unistd::AccessFlags::W_OK) {
            Ok(()) => Check::ok("home", format!("{} does not exist yet; the first daemon makes it", home.display())),
            Err(error) => Check::error(
                "home",
                format!("{} can't be made: {} is not writable ({})", home.display(), parent.display(), error.desc()),
                "choose another --home",
            ),
        };
    }
    let probe = home.join(format!(".doctor-{}", std::process::id()));
    let written = fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => Check::ok("home", format!("{} is writable", home.display())),
        Err(error) => {
            let hint = "give it to the user who runs Updraft, or choose another --home";
            Check::error("home", format!("{} can't be written: {error}", home.display()), hint)
        }
    }
}

/// The path, or the nearest folder above it that exists.
fn existing(path: &Path) -> PathBuf {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_owned()
}

fn disk(folder: &Path) -> Check {
    let stat = match statvfs(&existing(folder)) {
        Ok(stat) => stat,
        Err(error) => return Check::warning("disk", format!("can't tell how much is free: {}", error.desc()), "look with `df`"),
    };
    let free = stat.blocks_available() as u64 * stat.fragment_size() as u64;
    let found = format!("{:.1} GiB free for {}", free as f64 / f64::from(1 << 30), folder.display());
    let hint = "free some, or move the folder; `updraft db clean` deletes old runs";
    match free {
        free if free < NO_DISK => Check::error("disk", found, hint),
        free if free < LITTLE_DISK => Check::warning("disk", found, hint),
        _ => Check::ok("disk", found),
    }
}

async fn program(name: &'static str, program: &str, hint: &str) -> Check {
    match Command::new(program).arg("--version").output().await {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            Check::ok(name, text.lines().next().unwrap_or(program).to_owned())
        }
        Ok(output) => Check::warning(name, format!("`{program} --version` ends with {}", output.status), hint),
        Err(error) => Check::warning(name, format!("{program} can't be started: {error}"), hint),
    }
}

fn limit(name: &'static str, resource: Resource, wanted: u64, hint: &str) -> Check {
    match getrlimit(resource) {
        Ok((soft, _)) if soft >= wanted => {
            let shown = if soft == nix::libc::RLIM_INFINITY { "as many as there are".to_owned() } else { soft.to_string() };
            Check::ok(name, format!("limit: {shown}"))
        }
        Ok((soft, _)) => Check::warning(name, format!("the limit is {soft}; {wanted} are advised with this parallelism"), hint),
        Err(error) => Check::warning(name, format!("the limit can't be read: {}", error.desc()), hint),
    }
}

/// The smallest `pids.max` from this process's group up. `own` is `/proc/self/cgroup`.
fn cgroup(root: &Path, own: &str, wanted: u64) -> Check {
    // Version 2 is `0::/path`; version 1 has a line per controller, `N:pids:/path`.
    let folders: Vec<PathBuf> = own
        .lines()
        .filter_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let base = match controllers {
                "" => root.to_owned(),
                controllers if controllers.split(',').any(|name| name == "pids") => root.join("pids"),
                _ => return None,
            };
            Some(base.join(path.trim_start_matches('/')))
        })
        .collect();
    let above = folders.iter().flat_map(|folder| folder.ancestors().take_while(|path| path.starts_with(root)));
    let limits = above.filter_map(|folder| fs::read_to_string(folder.join("pids.max")).ok()?.trim().parse::<u64>().ok());
    match limits.min() {
        None => Check::ok("cgroup", "no limit of processes"),
        Some(limit) if limit >= wanted => Check::ok("cgroup", format!("at most {limit} processes")),
        Some(limit) => {
            let hint = "raise it: --pids-limit of the container, TasksMax of the service; or lower `parallelism`";
            Check::warning("cgroup", format!("at most {limit} processes; {wanted} are advised with this parallelism"), hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Level;

    #[test]
    fn the_smallest_limit_above_counts() {
        let dir = tempfile::tempdir().unwrap();
        let group = dir.path().join("machine/service");
        fs::create_dir_all(&group).unwrap();
        fs::write(group.join("pids.max"), "max\n").unwrap();
        fs::write(dir.path().join("machine/pids.max"), "100\n").unwrap();
        let check = |wanted| cgroup(dir.path(), "0::/machine/service\n", wanted);
        assert_eq!((check(101).level, check(100).level), (Level::Warning, Level::Ok));
        assert_eq!(cgroup(dir.path(), "0::/elsewhere\n", 5).found, "no limit of processes");
        fs::create_dir_all(dir.path().join("pids/old")).unwrap();
        fs::write(dir.path().join("pids/old/pids.max"), "7").unwrap();
        assert_eq!(cgroup(dir.path(), "3:cpu:/x\n2:pids:/old\n", 5).found, "at most 7 processes");
    }

    #[test]
    fn a_home_that_can_not_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(home(dir.path()).level, Level::Ok);
        assert_eq!(home(&dir.path().join("new")).level, Level::Ok);
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(home(&file).level, Level::Error);
    }
}

//! One attempt's supervisor: runs the user's program, from its folder's lock to its `exit.json`.
//!
//! Needs no daemon: the timeout is enforced here, and what is asked of it is a file it looks at
//! when poked. It ends only after everything the program left behind is dead.

mod environment;
mod lines;
mod log;
mod output;
mod room;
mod spawn;
mod vigil;
mod watch;

use std::{
    fs::{self, File},
    io,
    os::fd::OwnedFd,
    path::Path,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::prctl,
    unistd::{Pid, fchdir},
};
use updraft_logs::log_file;
use updraft_model::{AttemptId, Exit, HowEnded, Timestamp, WORKLOAD_FORMAT, Workload};

use self::{log::Log, room::when_there_is_room, spawn::Private, vigil::Vigil, watch::Watched};
use crate::{complain::complain, failpoint, hint::Hint, home::Home, place, processes};

/// How often the rest of a log is tried, a second apart, when all else is done.
const LOG_TRIES: u32 = 600;

/// Now, to the microsecond.
pub(crate) fn now() -> Timestamp {
    Timestamp::from(jiff::Timestamp::now())
}

/// The whole life of a supervisor. `folder` is the attempt's, locked; its lock is held until this
/// process is gone. Returns the process's exit code: 0 means that an end was written.
pub(crate) fn run(folder: OwnedFd, attempt: AttemptId, home: &Home) -> i32 {
    failpoint::hit_in_supervisor("lock-handed");
    if let Err(e) = settle(&folder) {
        // Nothing has started; the free lock says so to whoever looks.
        complain(format_args!("supervisor {attempt}: {e}"));
        return 1;
    }
    let (exit, mut log) = match read_workload() {
        Ok(workload) => supervise(home, &workload),
        Err(error) => (never_started(HowEnded::CouldNotStart { error }), None),
    };
    write_end(attempt, &exit, log.as_mut());
    if !(Hint::Ended { attempt }).send(&home.hints()) {
        make_durable();
    }
    // Nobody waits for this any more.
    if let Some(log) = log {
        write_the_rest(attempt, log);
    }
    drop(folder);
    0
}

/// From here on, file names without a folder are the attempt's.
fn settle(folder: &OwnedFd) -> io::Result<()> {
    fchdir(folder)?;
    prctl::set_child_subreaper(true)?;
    prctl::set_name(c"updraft-task")?;
    Ok(())
}

fn read_workload() -> Result<Workload, String> {
    let bytes = fs::read(place::WORKLOAD).map_err(|e| format!("its workload can't be read: {e}"))?;
    let workload: Workload = serde_json::from_slice(&bytes).map_err(|e| format!("its workload is damaged: {e}"))?;
    match workload.format {
        WORKLOAD_FORMAT => Ok(workload),
        other => Err(format!("its workload has format {other}, this release runs {WORKLOAD_FORMAT}")),
    }
}

fn never_started(how: HowEnded) -> Exit {
    Exit { how, started_at: None, ended_at: now(), outputs: Default::default(), last_line: None, pid: None }
}

/// How it ended, and its log, of which some may still be unwritten.
fn supervise(home: &Home, workload: &Workload) -> (Exit, Option<Log>) {
    let path = log_file(home.logs(), &workload.labels);
    let mut log = match when_there_is_room(|| open_log(home, workload, &path)) {
        Ok(log) => log,
        Err(e) => return (never_started(room::not_started(&e, format!("its log {} can't be written: {e}", path.display()))), None),
    };
    for note in &workload.notes {
        log.note(note);
    }
    let how = match begin(home, workload, &mut log) {
        Ok(task) => return (see_through(task, &mut log), Some(log)),
        Err(how) => how,
    };
    match &how {
        HowEnded::CouldNotStart { error } => log.note(&format!("could not start: {error}")),
        HowEnded::PlaceLost { why, .. } => log.note(&format!("could not start, and will be launched again: {why}")),
        _ => log.note("terminated before it started"),
    }
    log.finish();
    (never_started(how), Some(log))
}

fn open_log(home: &Home, workload: &Workload, path: &Path) -> io::Result<Log> {
    let file = updraft_logs::begin(path, workload.attempt, home.node(), now(), workload.rendered_fields.clone())?;
    Ok(Log::new(file, &workload.masks, workload.capture_last_line))
}

/// Writes `started`, then starts the program: in this order, so that what may have run is known to.
fn begin(home: &Home, workload: &Workload, log: &mut Log) -> Result<Watched, HowEnded> {
    let could_not = |error| HowEnded::CouldNotStart { error };
    let private = when_there_is_room(|| Private::prepare(home, workload));
    let private = private.map_err(|e| room::not_started(&e, e.to_string()))?;
    log.flush();
    failpoint::hit_in_supervisor("before-started");
    let started_at = now();
    let supervisor = Pid::this();
    let start = processes::start_ticks(supervisor).unwrap_or(0);
    let started = place::Started { at: started_at, supervisor: supervisor.as_raw(), supervisor_start: start };
    when_there_is_room(|| place::write_whole(Path::new(place::STARTED), &started))
        .map_err(|e| room::not_started(&e, format!("its folder can't be written: {e}")))?;
    failpoint::hit_in_supervisor("after-started");
    // Looked at after `started` is there, and written by the daemon before it looks for `started`:
    // whoever comes second sees the other.
    if Path::new(place::TERMINATE).exists() {
        return Err(HowEnded::Terminated);
    }
    let vigil = Vigil::begin(home, workload).map_err(|why| HowEnded::PlaceLost { started: false, why })?;
    let task = spawn::spawn(workload, &private).map_err(could_not)?;
    (Hint::Started { attempt: workload.attempt, at: started_at, pid: task.pid }).send(&home.hints());
    Ok(Watched::new(task, private, started_at, workload, vigil))
}

fn see_through(mut task: Watched, log: &mut Log) -> Exit {
    let how = task.watch(log);
    let ended_at = now();
    let last_line = log.finish();
    let (how, outputs) = match output::read(&task.private.output, task.private.owner()) {
        Ok(outputs) => (how, outputs),
        // A killed program's half-written output is not what went wrong.
        Err(_) if !matches!(how, HowEnded::Exited { .. }) => (how, Default::default()),
        Err(error) => (HowEnded::BadOutput { error }, Default::default()),
    };
    let pid = Some(task.pid().as_raw().unsigned_abs());
    task.private.remove_foreign();
    Exit { how, started_at: Some(task.started_at), ended_at, outputs, last_line, pid }
}

/// Writes `exit.json`. A full disk must not lose the end, so this tries until it can. The log's rest goes
/// first, as long as it is on a disk that has no more room than this one.
fn write_end(attempt: AttemptId, exit: &Exit, mut log: Option<&mut Log>) {
    let file = place::ExitFile { format: WORKLOAD_FORMAT, exit: exit.clone() };
    failpoint::hit_in_supervisor("before-exit");
    for tries in 0_u64.. {
        if let Some(log) = &mut log {
            log.flush();
        }
        match place::write_whole(Path::new(place::EXIT), &file) {
            Ok(()) => return,
            // The folder was removed by hand: nobody will ever ask.
            Err(e) if e.raw_os_error() == Some(Errno::ENOENT as i32) => return,
            Err(e) => {
                if tries % 60 == 0 {
                    complain(format_args!("supervisor {attempt}: its end can't be written, trying on: {e}"));
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }
}

/// The log may be on a fuller disk than the end: it is tried for a while.
fn write_the_rest(attempt: AttemptId, mut log: Log) {
    for _ in 0..LOG_TRIES {
        log.flush();
        if !log.is_behind() {
            return;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    complain(format_args!("supervisor {attempt}: the end of its log could not be written"));
}

/// A daemon that listens makes the end durable in its store within milliseconds, cheaper than we
/// could; when none does, it may have to wait here for long.
fn make_durable() {
    let synced = File::open(place::EXIT).and_then(|file| file.sync_all()).and_then(|()| File::open(".")?.sync_all());
    if let Err(e) = synced {
        complain(format_args!("supervisor: {}: {e}", place::EXIT));
    }
}

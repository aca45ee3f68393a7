//! Starting the user's program: its private folder, its user, fork and exec.
//!
//! Whatever can't be had (program, folder, user) comes back as a sentence; nothing here panics.

use std::{
    ffi::{CString, OsStr, OsString},
    fs::{self, File},
    io,
    os::{
        fd::OwnedFd,
        unix::{
            ffi::OsStrExt as _,
            fs::{DirBuilderExt as _, PermissionsExt as _},
        },
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::{prctl, signal::Signal, wait::waitpid},
    unistd::{
        Gid, Pid, Uid, User, chdir, chown, dup2_stderr, dup2_stdin, dup2_stdout, execve, getgrouplist, pipe2, setgid, setgroups, setsid,
        setuid,
    },
};
use updraft_model::Workload;

use super::environment::{self, Login};
use crate::{
    complain::complain,
    home::Home,
    place::{OUTPUT, TMP},
    sys,
};

/// What one attempt has for itself: a temporary folder and its output file.
pub(crate) struct Private {
    pub(crate) tmp: PathBuf,
    pub(crate) output: PathBuf,
    /// The user it runs as, if that is not ours.
    user: Option<User>,
    /// A folder outside the home: another user can't pass through the home's own.
    foreign: Option<PathBuf>,
}

impl Private {
    /// Leaves nothing behind if it fails, so that it can be tried again.
    pub(crate) fn prepare(home: &Home, workload: &Workload) -> io::Result<Self> {
        // The kind of an error says whether it may pass.
        let of_folder = |folder: &Path| {
            let folder = folder.to_owned();
            move |e: io::Error| io::Error::new(e.kind(), format!("the folder {} can't be created: {e}", folder.display()))
        };
        let Some(user) = other_user(workload).map_err(io::Error::other)? else {
            let folder = home.attempt(workload.attempt);
            let tmp = folder.join(TMP);
            match make_private(&tmp) {
                // The attempt's folder is one that is used again.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.map_err(of_folder(&tmp))?,
            }
            return Ok(Self { tmp, output: folder.join(OUTPUT), user: None, foreign: None });
        };
        let folder = std::env::temp_dir().join(format!("updraft-{}", workload.attempt));
        let tmp = folder.join(TMP);
        make_private(&folder).map_err(of_folder(&folder))?;
        let made = make_private(&tmp)
            .and_then(|()| Ok(chown(&tmp, Some(user.uid), Some(user.gid))?))
            .and_then(|()| Ok(chown(&folder, Some(user.uid), Some(user.gid))?));
        // What remains is the system's to clean up, as all of its temporary folder is.
        made.inspect_err(|_| _ = fs::remove_dir_all(&folder)).map_err(of_folder(&folder))?;
        Ok(Self { tmp, output: folder.join(OUTPUT), user: Some(user), foreign: Some(folder) })
    }

    /// Who must own the output file.
    pub(crate) fn owner(&self) -> Uid {
        self.user.as_ref().map_or_else(Uid::effective, |user| user.uid)
    }

    /// Removes what is outside of the attempt's folder, and so would not go with it.
    pub(crate) fn remove_foreign(&self) {
        if let Some(folder) = &self.foreign
            && let Err(e) = fs::remove_dir_all(folder)
        {
            complain(format_args!("supervisor: {} can't be removed: {e}", folder.display()));
        }
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// The user to change to; `None` to stay who we are.
fn other_user(workload: &Workload) -> Result<Option<User>, String> {
    let Some(name) = &workload.run_as_user else { return Ok(None) };
    let found = User::from_name(name).map_err(|e| format!("user {name} can't be looked up: {e}"))?;
    let user = found.ok_or_else(|| format!("there is no user {name} on this machine (run_as_user)"))?;
    if user.uid == Uid::effective() {
        return Ok(None);
    }
    if Uid::effective().is_root() { Ok(Some(user)) } else { Err(format!("only root can run a task as user {name} (run_as_user)")) }
}

/// A user's program that runs.
pub(crate) struct Task {
    /// Its process id, which is also its session's and its process group's.
    pub(crate) pid: Pid,
    /// Its standard output and error, merged; never blocks.
    pub(crate) output: File,
    /// Its standard input and what is still to be written there; never blocks.
    pub(crate) input: Option<(File, Vec<u8>)>,
}

/// What the child was doing when it failed.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Setup,
    User,
    Folder,
    Program,
}

/// Whom the child becomes; looked up before, because looking up allocates.
struct Credentials {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl Credentials {
    fn of(user: &User) -> Result<Self, String> {
        let name = c_string("user", OsStr::new(&user.name))?;
        let groups = getgrouplist(&name, user.gid).map_err(|e| format!("the groups of user {} can't be looked up: {e}", user.name))?;
        Ok(Self { uid: user.uid, gid: user.gid, groups })
    }
}

/// What the child needs, made before the fork.
struct Plan {
    program: CString,
    argv: Vec<CString>,
    env: Vec<CString>,
    cwd: CString,
    stdin: OwnedFd,
    output: OwnedFd,
    user: Option<Credentials>,
    supervisor: Pid,
}

/// Starts the program, and returns when it has been exec'd.
pub(crate) fn spawn(workload: &Workload, private: &Private) -> Result<Task, String> {
    let cwd = workload.cwd.as_ref().map_or_else(|| private.tmp.clone(), PathBuf::from);
    let login = private.user.as_ref().map(|user| Login { name: &user.name, home: &user.dir, shell: &user.shell });
    let env = environment::build(std::env::vars_os(), workload, login.as_ref(), &private.tmp, &private.output);
    let program = find_program(&workload.argv, env.get(OsStr::new("PATH")))?;
    let pipe = |flags| pipe2(flags | OFlag::O_CLOEXEC).map_err(|e| format!("no pipe can be had: {e}"));
    let (output, output_end) = pipe(OFlag::empty())?;
    let (input, stdin) = match &workload.stdin {
        Some(text) => {
            let (stdin, input) = pipe(OFlag::empty())?;
            (Some((input, text.clone().into_bytes())), stdin)
        }
        None => (None, OwnedFd::from(File::open("/dev/null").map_err(|e| format!("/dev/null can't be opened: {e}"))?)),
    };
    let plan = Plan {
        program: c_string("program", program.as_os_str())?,
        argv: workload.argv.iter().map(|arg| c_string("argument", OsStr::new(arg))).collect::<Result<_, _>>()?,
        env: env.iter().map(|(name, value)| variable(name, value)).collect::<Result<_, _>>()?,
        cwd: c_string("working directory", cwd.as_os_str())?,
        stdin,
        output: output_end,
        user: private.user.as_ref().map(Credentials::of).transpose()?,
        supervisor: Pid::this(),
    };
    // Shared with the child until it has become the program: this is how it says what failed.
    let mut failed = None;
    let child =
        sys::spawn_sharing_memory(&mut || failed = become_program(&plan).err()).map_err(|e| format!("no process can be started: {e}"))?;
    if let Some((stage, errno)) = failed {
        // Reaped here, so that the watcher never sees it.
        waitpid(child, None).map_err(|e| format!("the process that failed to start can't be reaped: {e}"))?;
        return Err(explain(stage, errno, &cwd, &program, workload));
    }
    let input = input.map(|(pipe, text)| (File::from(pipe), text));
    let output = File::from(output);
    let ours = [Some(&output), input.as_ref().map(|(pipe, _)| pipe)];
    ours.into_iter().flatten().try_for_each(set_nonblocking).map_err(|e| format!("its pipes can't be set up: {e}"))?;
    Ok(Task { pid: child, output, input })
}

/// Only our end: the flag belongs to the pipe's end, and the program's must block as usual.
fn set_nonblocking(file: &File) -> io::Result<()> {
    fcntl(file, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

fn c_string(what: &str, text: &OsStr) -> Result<CString, String> {
    CString::new(text.as_bytes()).map_err(|_| format!("{what} {text:?} contains a NUL byte"))
}

fn variable(name: &OsString, value: &OsString) -> Result<CString, String> {
    let mut text = name.clone();
    text.push("=");
    text.push(value);
    c_string("environment variable", &text)
}

/// Looks a bare name up in the task's own PATH, so that the message can say where it was not.
fn find_program(argv: &[String], path: Option<&OsString>) -> Result<PathBuf, String> {
    let name = argv.first().filter(|name| !name.is_empty()).ok_or("the command is empty")?;
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let path = path.map(OsString::as_os_str).unwrap_or_default();
    let executable = |file: &PathBuf| fs::metadata(file).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    let mut candidates = std::env::split_paths(path).map(|folder| folder.join(name));
    candidates.find(executable).ok_or_else(|| format!("there is no program {name} in PATH {}", path.display()))
}

/// In the child: everything up to the exec. Returns only what failed. System calls and little
/// else: the memory is the supervisor's.
fn become_program(plan: &Plan) -> Result<(), (Stage, Errno)> {
    let at = |stage| move |errno| (stage, errno);
    setsid().map_err(at(Stage::Setup))?;
    dup2_stdin(&plan.stdin).map_err(at(Stage::Setup))?;
    dup2_stdout(&plan.output).map_err(at(Stage::Setup))?;
    dup2_stderr(&plan.output).map_err(at(Stage::Setup))?;
    sys::reset_signals();
    if let Some(Credentials { uid, gid, groups }) = &plan.user {
        setgroups(groups).map_err(at(Stage::User))?;
        setgid(*gid).map_err(at(Stage::User))?;
        setuid(*uid).map_err(at(Stage::User))?;
    }
    // After the change of user, which clears it. If the supervisor dies, so does the program.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(at(Stage::Setup))?;
    if Pid::parent() != plan.supervisor {
        return Err((Stage::Setup, Errno::ESRCH));
    }
    chdir(plan.cwd.as_c_str()).map_err(at(Stage::Folder))?;
    execve(&plan.program, &plan.argv, &plan.env).map_err(at(Stage::Program))?;
    Ok(())
}

/// A sentence for what failed.
fn explain(stage: Stage, errno: Errno, cwd: &Path, program: &Path, workload: &Workload) -> String {
    let (name, reason) = (&workload.argv[0], errno.desc());
    match (stage, errno) {
        (Stage::Setup, _) => format!("its process can't be set up: {reason}"),
        (Stage::User, _) => format!("it can't become user {}: {reason}", workload.run_as_user.as_deref().unwrap_or("?")),
        (Stage::Folder, _) => format!("its working directory {} can't be entered: {reason}", cwd.display()),
        (Stage::Program, Errno::ENOENT) if cwd.join(program).exists() => {
            format!("{name}: the interpreter its first line names does not exist")
        }
        (Stage::Program, Errno::ENOENT) => format!("there is no program {name} (working directory {})", cwd.display()),
        (Stage::Program, Errno::ENOEXEC) => format!("{name} is no program and no script that begins with #!"),
        (Stage::Program, Errno::E2BIG) => format!("{name}: its arguments and environment are longer than the system allows"),
        (Stage::Program, _) => format!("{name} can't be executed: {reason}"),
    }
}

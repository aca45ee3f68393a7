//! A private PostgreSQL: `UPDRAFT_TEST_POSTGRES_URL` if it is set, else a server that the first test
//! process starts and the last one stops. (nextest runs each test in a process of its own.)
//!
//! The processes agree through one file in the temporary folder. Each that uses the server holds a
//! shared lock on it. Whoever can get the exclusive lock is alone: at the start, it starts the
//! server; at the end, it stops it.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, Write},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sqlx::{Connection, Executor, PgConnection};

/// A database of its own, dropped with this value if the server goes on.
pub struct Database {
    /// `postgres://..`, of a superuser.
    pub url: String,
    _server: Option<Server>,
}

/// A share in the server.
struct Server {
    lock: File,
    folder: PathBuf,
}

/// A new, empty database; `None` (and a line that says so) if there is no PostgreSQL here.
///
/// # Panics
/// If there is none although `CI` is `true`, or if it can't be started.
pub async fn postgres() -> Option<Database> {
    let (base, server) = match std::env::var("UPDRAFT_TEST_POSTGRES_URL") {
        Ok(url) => (url, None),
        Err(_) => match binaries() {
            Some(binaries) => {
                let (url, server) = tokio::task::spawn_blocking(move || share(&binaries)).await.unwrap();
                (url, Some(server))
            }
            None => {
                skip("PostgreSQL is not installed and UPDRAFT_TEST_POSTGRES_URL is not set");
                return None;
            }
        },
    };
    let name = format!("updraft_{}", uuid::Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&base).await.expect("the test server answers");
    connection.execute(format!("CREATE DATABASE {name}").as_str()).await.unwrap();
    connection.close().await.unwrap();
    let (server_url, _) = base.rsplit_once('/').expect("a URL that ends with a database");
    Some(Database { url: format!("{server_url}/{name}"), _server: server })
}

/// Says that a test can't run here.
///
/// # Panics
/// If `CI` is `true`: there nothing may be left out.
pub fn skip(missing: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing}");
    eprintln!("SKIPPED: {missing}");
}

/// A server of this test alone, which may crash. Stopped when dropped.
pub struct OwnServer {
    binaries: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

impl OwnServer {
    /// Makes and starts one; `None` (and a line that says so) if PostgreSQL is not installed.
    ///
    /// # Panics
    /// If it is not installed although `CI` is `true`, or if it can't be started.
    pub fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            skip("PostgreSQL's programs are not installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("updraft-test-postgres-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        init(&binaries, folder.path());
        let server = Self { binaries, folder, port: free_port() };
        server.restart();
        Some(server)
    }

    /// `postgres://..`, of a superuser.
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// Ends it as a crash would: no session is told, nothing is written, and the next start recovers.
    pub fn crash(&self) {
        let mut stop = command(&self.binaries.join("pg_ctl"), unprivileged());
        stop.arg("--pgdata").arg(self.folder.path().join("data")).args(["--wait", "--mode=immediate", "stop"]).stdout(Stdio::null());
        assert!(stop.status().unwrap().success(), "pg_ctl stop");
    }

    /// Starts it again at the same place and waits until it takes connections.
    pub fn restart(&self) {
        launch(&self.binaries, self.folder.path(), self.port);
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        stop(self.folder.path());
    }
}

/// The newest PostgreSQL's programs.
fn binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut installed: Vec<PathBuf> =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin")).collect();
    installed.sort_by_key(|path| std::cmp::Reverse(path.parent().and_then(Path::file_name).and_then(|v| v.to_str()?.parse::<u32>().ok())));
    on_path.chain(installed).find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

fn share(binaries: &Path) -> (String, Server) {
    let user = nix::unistd::getuid();
    let folder = std::env::temp_dir().join(format!("updraft-test-postgres-{user}"));
    fs::create_dir_all(&folder).unwrap();
    // The server may run as another user than the tests.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.join("lock");
    let mut lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap();
    loop {
        if lock.try_lock().is_ok() {
            // Alone: whatever is there belongs to nobody.
            stop(&folder);
            let url = start(binaries, &folder);
            lock.set_len(0).unwrap();
            lock.rewind().unwrap();
            lock.write_all(url.as_bytes()).unwrap();
            // Between the two locks another process may come first, and find the server and its URL.
            lock.unlock().unwrap();
        }
        lock.lock_shared().unwrap();
        let mut url = String::new();
        lock.rewind().unwrap();
        lock.read_to_string(&mut url).unwrap();
        // The last user may have stopped it just before.
        if !url.is_empty() && folder.join("data/postmaster.pid").exists() {
            return (url, Server { lock, folder });
        }
        lock.unlock().unwrap();
    }
}

fn start(binaries: &Path, folder: &Path) -> String {
    init(binaries, folder);
    let port = free_port();
    launch(binaries, folder, port);
    url(port)
}

/// A port that nobody listens on at the moment.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

/// Makes the files of a new server.
fn init(binaries: &Path, folder: &Path) {
    let data = folder.join("data");
    let _ = fs::remove_dir_all(&data);
    fs::create_dir(&data).unwrap();
    let owner = unprivileged();
    if let Some((uid, gid)) = owner {
        nix::unistd::chown(&data, Some(uid.into()), Some(gid.into())).unwrap();
    }
    let mut init = command(&binaries.join("initdb"), owner);
    init.arg("--pgdata").arg(&data).args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]);
    let made = init.output().unwrap();
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
}

/// Starts the server in `folder` and waits until it takes connections.
fn launch(binaries: &Path, folder: &Path, port: u16) {
    let data = folder.join("data");
    let settings = format!("-h 127.0.0.1 -p {port} -c unix_socket_directories= -c max_connections=300");
    let log = File::create(folder.join("log")).unwrap();
    let mut server = command(&binaries.join("pg_ctl"), unprivileged());
    server.arg("--pgdata").arg(&data).args(["--wait", "--options", &settings, "start"]);
    server.stdout(log.try_clone().unwrap()).stderr(log);
    // Of its own group, so that a Ctrl-C for the tests leaves it to whoever comes last.
    server.process_group(0);
    let status = server.status().unwrap();
    assert!(status.success(), "pg_ctl start: see {}", folder.join("log").display());
}

/// Stops the server in `folder`, if one runs there: SIGQUIT, since nobody needs its data any more.
fn stop(folder: &Path) {
    let Ok(text) = fs::read_to_string(folder.join("data/postmaster.pid")) else { return };
    let Some(pid) = text.lines().next().and_then(|line| line.trim().parse().ok()) else { return };
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    // The number may belong to another program by now.
    if command.contains(&*folder.to_string_lossy()) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGQUIT);
    }
    let _ = fs::remove_dir_all(folder.join("data"));
}

/// PostgreSQL refuses to run as root: the user `postgres` if there is one, else `nobody`.
fn unprivileged() -> Option<(u32, u32)> {
    if !nix::unistd::getuid().is_root() {
        return None;
    }
    let find = |name| nix::unistd::User::from_name(name).ok().flatten();
    let user = find("postgres").or_else(|| find("nobody")).expect("a user to run PostgreSQL as");
    Some((user.uid.as_raw(), user.gid.as_raw()))
}

fn command(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").stdin(Stdio::null());
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only the last one gets it; for the others the server goes on.
        let _ = self.lock.unlock();
        if self.lock.try_lock().is_ok() {
            stop(&self.folder);
        }
    }
}

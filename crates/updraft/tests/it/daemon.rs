//! A daemon of the real program in a temporary home, and a client of its API.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use nix::{sys::signal::Signal, unistd::Pid};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than anything takes, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const PASSWORD: &str = "a password of these tests";

/// A home and a folder of DAGs, which outlive daemons.
pub struct Site {
    dir: TempDir,
}

impl Site {
    pub fn new() -> Self {
        let mut dir = tempfile::tempdir().unwrap();
        // To look at what a failed test has left: UPDRAFT_TEST_KEEP=1.
        dir.disable_cleanup(std::env::var_os("UPDRAFT_TEST_KEEP").is_some());
        fs::create_dir(dir.path().join("dags")).unwrap();
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a DAG file as editors do: whole, under another name, then renamed.
    pub fn write_dag(&self, file: &str, text: &str) {
        let draft = self.path("draft");
        fs::write(&draft, text).unwrap();
        fs::rename(draft, self.path("dags").join(file)).unwrap();
    }

    /// The program, with everything of it in this site and nothing of the environment.
    pub fn command(&self, args: &[&str]) -> Command {
        self.command_in("home", args)
    }

    /// The same with a home of this name.
    pub fn command_in(&self, home: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_updraft"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("UPDRAFT_ADMIN_PASSWORD", PASSWORD);
        command.current_dir(self.dir.path());
        command.arg("--home").arg(self.path(home)).arg("--dags").arg(self.path("dags")).args(["--port", "0"]).args(args);
        command
    }

    /// Starts a daemon and waits until it says where it is.
    pub fn start(&self) -> Daemon {
        Daemon::start(self.command(&["standalone"]))
    }
}

/// A running daemon. Dropping it kills it.
pub struct Daemon {
    child: Child,
    pub address: String,
    token: String,
    client: reqwest::blocking::Client,
    log: Mutex<mpsc::Receiver<String>>,
}

impl Daemon {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, log) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        // Reads to the end, so that the daemon never waits for a reader.
        thread::spawn(move || stderr.lines().map_while(Result::ok).all(|line| lines.send(line).is_ok()));
        let mut said = Vec::new();
        let address = loop {
            let Ok(line) = log.recv_timeout(PATIENCE) else { panic!("the daemon did not come up; it said:\n{}", said.join("\n")) };
            if let Some(address) = line.trim().strip_prefix("API").and_then(|rest| rest.trim().strip_suffix("/api/v2")) {
                break address.to_owned();
            }
            said.push(line);
        };
        let client = reqwest::blocking::Client::builder().timeout(PATIENCE).build().unwrap();
        let credentials = json!({"username": "admin", "password": PASSWORD});
        let answer: Value = client.post(format!("{address}/auth/token")).json(&credentials).send().unwrap().json().unwrap();
        let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned();
        Self { child, address, token, client, log: Mutex::new(log) }
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.client.get(format!("{}/api/v2/{path}", self.address)).bearer_auth(&self.token).send().unwrap();
        (answer.status().as_u16(), answer.json().unwrap())
    }

    /// An answer whose body may go on for long.
    pub fn open(&self, path: &str) -> reqwest::blocking::Response {
        self.client.get(format!("{}/api/v2/{path}", self.address)).bearer_auth(&self.token).send().unwrap()
    }

    /// An answer that is no JSON.
    pub fn text(&self, path: &str) -> (u16, String) {
        let answer = self.open(path);
        (answer.status().as_u16(), answer.text().unwrap())
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.client.post(format!("{}/api/v2/{path}", self.address)).bearer_auth(&self.token).json(body).send().unwrap();
        (answer.status().as_u16(), answer.json().unwrap())
    }

    pub fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.client.patch(format!("{}/api/v2/{path}", self.address)).bearer_auth(&self.token).json(body).send().unwrap();
        (answer.status().as_u16(), answer.json().unwrap())
    }

    pub fn delete(&self, path: &str) -> u16 {
        self.client.delete(format!("{}/api/v2/{path}", self.address)).bearer_auth(&self.token).send().unwrap().status().as_u16()
    }

    /// Triggers a run and returns its id.
    pub fn trigger(&self, dag_id: &str) -> String {
        let (status, run) = self.post(&format!("dags/{dag_id}/dagRuns"), &json!({"logical_date": null}));
        assert_eq!(status, 200, "{run}");
        run["dag_run_id"].as_str().unwrap().to_owned()
    }

    /// Waits until a run has ended; its state.
    pub fn end_of(&self, dag_id: &str, run_id: &str) -> String {
        wait_for("the run to end", || {
            let (_, run) = self.get(&format!("dags/{dag_id}/dagRuns/{run_id}"));
            run["state"].as_str().filter(|state| matches!(*state, "success" | "failed")).map(str::to_owned)
        })
    }

    /// Waits until a DAG is known.
    pub fn wait_for_dag(&self, dag_id: &str) {
        wait_for(&format!("DAG {dag_id}"), || (self.get(&format!("dags/{dag_id}")).0 == 200).then_some(()));
    }

    /// Waits until it has said something with these words; the line.
    pub fn wait_to_say(&self, words: &str) -> String {
        let (log, mut said) = (self.log.lock().unwrap(), Vec::new());
        loop {
            match log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => said.push(line),
                Err(_) => panic!("it did not say {words:?}, but:\n{}", said.join("\n")),
            }
        }
    }

    /// From now on nobody reads what it says: soon its writes to standard error fail.
    pub fn stop_listening(&mut self) {
        self.log = Mutex::new(mpsc::channel().1);
    }

    /// What `monitor/health` says of the database and of the scheduler.
    pub fn health(&self) -> (String, String) {
        let (status, health) = self.get("monitor/health");
        assert_eq!(status, 200, "{health}");
        let of = |part: &str| health[part]["status"].as_str().unwrap_or_default().to_owned();
        (of("metadatabase"), of("scheduler"))
    }

    /// Waits until the database is `healthy` or `unhealthy`.
    pub fn wait_for_database_to_be(&self, state: &str) {
        wait_for(&format!("an {state} database"), || (self.health().0 == state).then_some(()));
    }

    /// Waits until the database is healthy, and a scheduler leads.
    pub fn wait_for_good_health(&self) {
        wait_for("good health", || (self.health() == ("healthy".to_owned(), "healthy".to_owned())).then_some(()));
    }

    /// A number of `/metrics`.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let page = self.client.get(format!("{}/metrics", self.address)).bearer_auth(&self.token).send().unwrap().text().unwrap();
        page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal and waits for the end.
    pub fn end_with(mut self, signal: Signal) -> (ExitStatus, String) {
        nix::sys::signal::kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        let status = wait_for("the daemon to end", || self.child.try_wait().unwrap());
        (status, self.log.lock().unwrap().iter().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until there is an answer.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Runs a command that is expected to fail; what it says.
pub fn failure(command: &mut Command) -> String {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let status = wait_for("the command to end", || child.try_wait().unwrap());
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    text
}

/// A file's text, if it is there.
pub fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

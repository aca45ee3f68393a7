//! A daemon in a process of its own, which tests can kill: the example `local-daemon`.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it is test code, in which what fails must panic")]

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use jiff::SignedDuration;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    sync::{mpsc, oneshot},
};
use updraft_executor::{Capabilities, Executor, LaunchError, TerminateError, conformance::Harness};
use updraft_logs::log_file;
use updraft_model::{Adoption, AttemptHandle, AttemptId, AttemptLabels, ExecutorEvent, NodeId, Workload};

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// Speaks to the daemon; an executor like any other.
pub struct Remote {
    requests: mpsc::UnboundedSender<String>,
    waiting: Waiting,
    next: AtomicU64,
}

impl Remote {
    /// `None` if the daemon dies before it answers.
    pub async fn ask(&self, mut request: Value) -> Option<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        request["id"] = json!(id);
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, answer);
        self.requests.send(request.to_string()).ok()?;
        answered.await.ok()
    }

    async fn must(&self, request: Value) -> Value {
        self.ask(request).await.expect("the daemon died instead of answering")
    }
}

impl Executor for Remote {
    fn capabilities(&self) -> Capabilities {
        Capabilities { images: false, processes: true, run_as_user: nix::unistd::Uid::effective().is_root(), bound_to_node: true }
    }

    fn launch(&self, workload: Workload, not_after: Duration) -> BoxFuture<'_, Result<(), LaunchError>> {
        async move {
            let answer = self.must(json!({"op": "launch", "workload": workload, "not_after": not_after})).await;
            let error = answer["error"].as_str().unwrap_or_default().to_owned();
            match answer["kind"].as_str() {
                None => Ok(()),
                Some("rejected") => Err(LaunchError::Rejected(error)),
                Some("unavailable") => Err(LaunchError::Unavailable(error)),
                Some(_) => Err(LaunchError::Indeterminate(error)),
            }
        }
        .boxed()
    }

    fn reconcile(&self, known: Vec<AttemptHandle>) -> BoxStream<'_, Adoption> {
        let found = self.must(json!({"op": "reconcile", "known": known}));
        let found = found.map(|answer| Vec::<Adoption>::deserialize(&answer["adoptions"]).expect("adoptions"));
        stream::once(found).flat_map(stream::iter).boxed()
    }

    fn terminate(&self, attempt: AttemptId, grace: SignedDuration) -> BoxFuture<'_, Result<(), TerminateError>> {
        async move {
            let answer = self.must(json!({"op": "terminate", "attempt": attempt, "grace_ms": grace.as_millis() as i64})).await;
            answer["error"].as_str().map_or(Ok(()), |why| Err(TerminateError { attempt, why: why.to_owned() }))
        }
        .boxed()
    }

    fn release(&self, attempt: AttemptId) -> BoxFuture<'_, ()> {
        self.must(json!({"op": "release", "attempt": attempt})).map(drop).boxed()
    }
}

/// A daemon, its home, and what is left of its predecessors.
pub struct Daemon {
    pub home: PathBuf,
    _folder: Arc<tempfile::TempDir>,
    env: Vec<(String, String)>,
    process: Option<Child>,
    pub remote: Arc<Remote>,
    events: mpsc::UnboundedReceiver<ExecutorEvent>,
    pub nursery: i32,
    node: NodeId,
}

impl Daemon {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these variables in the daemon's environment.
    pub async fn start_with(env: &[(&str, &str)]) -> Self {
        // The long folder name makes the home's paths longer than a socket's may be.
        let folder = Arc::new(tempfile::Builder::new().prefix(&"long-".repeat(25)).tempdir().unwrap());
        let home = folder.path().canonicalize().unwrap().join("home");
        let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::in_home(folder, home, env).await
    }

    async fn in_home(folder: Arc<tempfile::TempDir>, home: PathBuf, env: Vec<(String, String)>) -> Self {
        let (process, remote, events) = spawn(&home, &env);
        let hello = remote.must(json!({"op": "hello"})).await;
        let nursery = hello["nursery"].as_i64().unwrap() as i32;
        let node = NodeId::new(hello["node"].as_str().unwrap()).unwrap();
        Self { home, _folder: folder, env, process: Some(process), remote, events, nursery, node }
    }

    /// SIGKILL, and gone when this returns.
    pub async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().await.unwrap();
        }
    }

    /// Waits until the daemon has died by itself, e.g. at a failpoint.
    pub async fn wait_for_death(&mut self) {
        let mut process = self.process.take().unwrap();
        tokio::time::timeout(Duration::from_secs(60), process.wait()).await.expect("the daemon did not die").unwrap();
    }

    /// A new daemon in the same home, with these variables instead.
    pub async fn restart_with(&mut self, env: &[(&str, &str)]) {
        self.kill().await;
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let next = Self::in_home(self._folder.clone(), self.home.clone(), env).await;
        let mut last = std::mem::replace(self, next);
        last.home = PathBuf::new();
    }

    pub fn folder(&self, attempt: AttemptId) -> PathBuf {
        self.home.join(format!("attempts/{attempt}"))
    }

    /// The supervisor's process id, from the file it wrote before starting the program.
    pub fn supervisor(&self, attempt: AttemptId) -> Pid {
        let started: Value = serde_json::from_slice(&fs::read(self.folder(attempt).join("started")).unwrap()).unwrap();
        Pid::from_raw(started["supervisor"].as_i64().unwrap() as i32)
    }

    pub fn log_path(&self, labels: &AttemptLabels) -> PathBuf {
        log_file(&self.home.join("logs"), labels)
    }

    pub fn kill_nursery(&self) {
        self.signal_nursery(Signal::SIGKILL);
    }

    pub fn signal_nursery(&self, signal: Signal) {
        kill(Pid::from_raw(self.nursery), signal).unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.start_kill();
        }
        // Whatever a failed test left running names our home in its environment.
        if !self.home.as_os_str().is_empty() {
            for pid in processes_that_name(&self.home) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        }
    }
}

/// Processes with this path in their environment: a home's tasks, with whatever they started.
pub fn processes_that_name(path: &Path) -> Vec<Pid> {
    let needle = path.as_os_str().as_encoded_bytes();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let names = |pid: &i32| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|env| env.windows(needle.len()).any(|w| w == needle));
    pids.filter(names).map(Pid::from_raw).collect()
}

fn spawn(home: &Path, env: &[(String, String)]) -> (Child, Arc<Remote>, mpsc::UnboundedReceiver<ExecutorEvent>) {
    let here = std::env::current_exe().unwrap();
    let program = here.parent().unwrap().parent().unwrap().join("examples/local-daemon");
    assert!(program.exists(), "{} is missing: build the examples", program.display());
    let mut process = Command::new(program)
        .arg(home)
        .envs(env.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut stdin, stdout) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
    let (requests, mut to_send) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        while let Some(request) = to_send.recv().await {
            if stdin.write_all(format!("{request}\n").as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let (event, events) = mpsc::unbounded_channel();
    let waiting = Waiting::default();
    let answers = waiting.clone();
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut line: Value = serde_json::from_str(&line).unwrap();
            if let Some(answer) = line.get_mut("answer") {
                let id = answer["id"].as_u64().unwrap();
                if let Some(waiting) = answers.lock().unwrap().remove(&id) {
                    let _ = waiting.send(answer["answer"].take());
                }
            } else {
                let _ = event.send(serde_json::from_value(line["event"].take()).unwrap());
            }
        }
        // Whoever still waits for an answer learns that there will be none.
        answers.lock().unwrap().clear();
    });
    (process, Arc::new(Remote { requests, waiting, next: AtomicU64::new(1) }), events)
}

impl Harness for Daemon {
    fn executor(&self) -> &dyn Executor {
        &*self.remote
    }

    fn next_event(&mut self) -> BoxFuture<'_, ExecutorEvent> {
        async { self.events.recv().await.expect("the daemon is gone") }.boxed()
    }

    fn restart(&mut self) -> BoxFuture<'_, ()> {
        async {
            let env = self.env.clone();
            let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            self.restart_with(&env).await;
        }
        .boxed()
    }

    fn stop(&mut self) -> BoxFuture<'_, ()> {
        self.kill().boxed()
    }

    fn log<'a>(&'a self, labels: &'a AttemptLabels) -> BoxFuture<'a, String> {
        async { fs::read_to_string(self.log_path(labels)).unwrap_or_default() }.boxed()
    }

    fn node(&self) -> Option<NodeId> {
        Some(self.node.clone())
    }

    fn wait_for_end<'a>(&'a self, attempt: AttemptId) -> BoxFuture<'a, ()> {
        let lock = fs::File::open(self.folder(attempt)).unwrap();
        // The supervisor's lock is free when it is gone.
        async { tokio::task::spawn_blocking(move || lock.lock_shared()).await.unwrap().unwrap() }.boxed()
    }
}

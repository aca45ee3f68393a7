//! Engine, local executor and bundle, wired together.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::{JoinHandle, JoinSet},
};
use updraft_engine::{Engine, EngineConfig, Role, Runtime, SeededMint, Shell, ShellHandle};
use updraft_executor::Executor;
use updraft_executor_local::{LocalConfig, LocalExecutor, NurseryCommand};
use updraft_model::{ExecutorName, NodeId};

use super::{
    bundle::Bundle,
    home::{HomeLock, Place},
    logs,
    lost::LostNodes,
    node::{self, Courier, EngineView, Heart},
    random, retention,
    store::Store,
};
use crate::config::Config;

/// A commit holds at most about so many rows: it shall take no longer than 100 ms.
const PLAN_ROWS: usize = 1_500;
/// A commit under way is waited for so long at the end.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Where this daemon answers.
pub struct Addresses {
    /// People and programs, if it has an API.
    pub api: Option<String>,
    /// Other nodes.
    pub node: String,
}

/// A scheduler at work.
pub struct Scheduling {
    engine: ShellHandle,
    stopped: JoinHandle<()>,
    node: NodeId,
    name: ExecutorName,
    parallelism: u32,
    tasks: JoinSet<()>,
    /// Declared last: the home is free only after all else has ended.
    _lock: HomeLock,
}

impl Scheduling {
    /// The engine, to be asked how it is.
    pub fn engine(&self) -> ShellHandle {
        self.engine.clone()
    }

    /// Starts all of it.
    pub async fn start(config: &Config, place: Place, store: &Store, addresses: Addresses) -> anyhow::Result<Self> {
        let Place { lock, nursery } = place;
        let program = env::current_exe().context("finding this program, which tasks are started with")?;
        let (sink, events) = mpsc::unbounded_channel();
        let args = vec!["nursery".into(), config.home.clone().into(), config.base_log_folder.clone().into()];
        let local = LocalConfig {
            logs: config.base_log_folder.clone(),
            replacement: Some(NurseryCommand { program: program.clone().into(), args }),
            node_lost_after: config.node_lost_after,
            waits_for_heartbeat: true,
            ..LocalConfig::new(&config.home)
        };
        let executor = Arc::new(LocalExecutor::new(local, nursery, sink)?);
        let name = ExecutorName::new("local")?;
        // Before anything is launched: what the store has of this node may be of another configuration.
        let (digest, digests) = watch::channel(None);
        let row = node::row(&executor, addresses.node);
        let mut heart = Heart { reader: store.reader(), executor: executor.clone(), row, digest: digests, was_heard: true };
        heart.beat().await;

        let (rescan, rescans) = mpsc::unbounded_channel();
        let executors: BTreeMap<ExecutorName, Arc<dyn Executor>> = BTreeMap::from([(name.clone(), executor.clone() as Arc<dyn Executor>)]);
        // The home's lock lets one daemon at a time have this name, so one that comes back after a crash
        // need not wait for the lease of the one before to run out.
        let holder = executor.node().to_string();
        let shell = Shell { store: store.engine(), executors, holder, address: addresses.api, rescan };
        let runtime = Runtime { dags_folder: text_of(&config.dags)?, program: text_of(&program)?, python: config.python.clone() };
        let scheduler = updraft_scheduler::Config {
            executors: BTreeMap::from([(name.clone(), config.local_parallelism)]),
            default_executor: config.default_executor.clone(),
            dags_are_paused_at_creation: config.dags_are_paused_at_creation,
            node: Some(executor.node().clone()),
            plan_rows: PLAN_ROWS,
        };
        let (engine, stopped) = shell.start(Engine::new(EngineConfig::new(scheduler, runtime), SeededMint::new(random::bytes()?)));

        let mut tasks = JoinSet::new();
        if let Err(error) = fs::metadata(&config.dags) {
            tracing::warn!(folder = %config.dags.display(), %error, "the folder of DAG files is not there yet; it is waited for");
        }
        tasks.spawn(Bundle { root: config.dags.clone(), engine: engine.clone(), rescan: rescans, digest }.run());
        tasks.spawn(heart.run());
        let deleted = Arc::new(Notify::new());
        tasks.spawn(logs::Sweeper { logs: config.base_log_folder.clone(), reader: store.reader(), deleted: deleted.clone() }.run());
        if let Some(age) = config.retention {
            tasks.spawn(retention::run(store.engine(), engine.status(), age, deleted));
        }
        let node = executor.node().clone();
        if let Some(after) = config.node_lost_after {
            tasks.spawn(LostNodes::new(store.reader(), engine.status(), node.clone(), after).run());
        }
        tasks.spawn(
            Courier { executor, name: name.clone(), events, engine: engine.clone(), reader: store.reader(), unwanted: BTreeSet::new() }
                .run(),
        );
        Ok(Self { engine, stopped, node, name, parallelism: config.local_parallelism, tasks, _lock: lock })
    }

    /// What the API shows of it.
    pub fn view(&self) -> Arc<EngineView> {
        Arc::new(EngineView {
            status: self.engine.status(),
            commit_times: self.engine.commit_times(),
            executor: (self.name.clone(), self.parallelism),
        })
    }

    /// The node it runs on.
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Returns when the engine, or a task that it needs, has ended without being asked.
    pub async fn ended(&mut self) {
        tokio::select! {
            _ = &mut self.stopped => {}
            Some(_) = self.tasks.join_next() => {}
        }
    }

    /// Decides nothing more, gives the lease back, ends. Running tasks stay under their supervisors.
    pub async fn stop(mut self) {
        self.engine.stop();
        let mut status = self.engine.status();
        let stopped = status.wait_for(|status| status.role == Role::Stopped);
        match tokio::time::timeout(STOP_WITHIN, stopped).await {
            // The sender is gone with the engine: it has stopped as well.
            Ok(_) => {}
            Err(_) => tracing::warn!("the database has not answered; the lease runs out by itself"),
        }
        self.tasks.shutdown().await;
    }
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("the path {} is not UTF-8", path.display()))
}

//! The engine, its store and its executor, for one run.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use jiff::SignedDuration;
use tempfile::TempDir;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use updraft_engine::{Engine, EngineConfig, Role, Runtime, SeededMint, Shell, ShellHandle, Status};
use updraft_executor::Executor;
use updraft_executor_local::{LocalConfig, LocalExecutor};
use updraft_model::{
    Answer, AttemptId, Dag, DagId, ExecutorName, Packed, PoolName, PoolRow, Request, RunId, RunKey, RunRow, RunState, Schedule, TaskId,
    TaskInstanceRow, Timestamp, TriggerRun, TriggeredBy,
};
use updraft_scheduler::{FileChange, FileContent, ReadDag};
use updraft_store::memory::MemoryStore;
use updraft_timetable::Timetable;

use super::{Foreground, logs::Logs};
use crate::{commands::dag_file::DagFile, config::Config, daemon::random};

/// What is run.
pub struct Plan<'a> {
    /// The file. Its other DAGs are there too, for tasks that trigger them.
    pub file: &'a DagFile,
    /// Which of its DAGs.
    pub dag: &'a Dag,
    /// Only these tasks, without what is upstream of them; all if empty.
    pub only: &'a [TaskId],
    /// Whether a failed try is followed by another.
    pub retries: bool,
    /// The run's conf.
    pub conf: serde_json::Map<String, serde_json::Value>,
    /// The run's logical date.
    pub logical_date: Timestamp,
    /// Variables that templates may ask for.
    pub variables: &'a [(String, String)],
    /// The slots of pools; the others have no limit.
    pub pools: &'a [(PoolName, i32)],
}

/// A running engine with one run.
pub struct World {
    store: Arc<MemoryStore>,
    executor: Arc<LocalExecutor>,
    engine: ShellHandle,
    status: watch::Receiver<Status>,
    shell: JoinHandle<()>,
    dag_id: DagId,
    run_id: RunId,
    run: RunKey,
    logs: Logs,
    // Dropped last: the executor's files are in it.
    home: TempDir,
}

/// Rows of one commit, as in the daemon.
const PLAN_ROWS: usize = 5_000;

impl World {
    /// Starts the engine and, in it, the run.
    pub async fn start(foreground: Foreground, config: &Config, plan: &Plan<'_>) -> anyhow::Result<Self> {
        let Foreground { home, nursery } = foreground;
        let dags = dags_of(plan);
        let pools = pools_of(&dags, plan.pools)?;
        let store = Arc::new(MemoryStore::new(Arc::new(|| jiff::Timestamp::now().into())));
        for (key, value) in plan.variables {
            store.set_variable(key, value);
        }
        let (sink, mut events) = mpsc::unbounded_channel();
        let executor = Arc::new(LocalExecutor::new(LocalConfig::new(home.path()), nursery, sink)?);
        let local = ExecutorName::new("local")?;
        let (folder, file) = place_of(&plan.file.path, &config.dags)?;
        let (rescan, mut rescans) = mpsc::unbounded_channel();
        let engine = Engine::new(engine_config(config, &local, &executor, &folder)?, SeededMint::new(random::bytes()?));
        let executors = BTreeMap::from([(local.clone(), executor.clone() as Arc<dyn Executor>)]);
        let shell = Shell { store: store.clone(), executors, holder: "foreground".to_owned(), address: None, rescan };
        let (engine, shell) = shell.start(engine);
        let handle = engine.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                handle.executor_event(local.clone(), event);
            }
        });
        rescans.recv().await.context("the engine ended before it led")?;
        let content = FileContent {
            source: Arc::new(Packed::new(plan.file.source.clone())),
            dags: dags.into_iter().map(ReadDag::new).collect(),
            error: None,
        };
        engine.files(vec![FileChange { file, content: Some(content) }]);
        let logs = Logs::new(executor.home().logs().to_owned());
        let run_id = RunId::new(format!("manual__{}", plan.logical_date.isoformat()))?;
        let (dag_id, status) = (plan.dag.dag_id.clone(), engine.status());
        let mut world = Self { store, executor, status, engine, shell, dag_id, run_id, run: RunKey(0), logs, home };
        world.begin(plan, pools).await?;
        Ok(world)
    }

    /// Makes the pools, then the run.
    async fn begin(&mut self, plan: &Plan<'_>, pools: Vec<PoolRow>) -> anyhow::Result<()> {
        for pool in pools {
            self.ask(Request::SetPool(pool)).await?;
        }
        let trigger = TriggerRun {
            dag_id: self.dag_id.clone(),
            run_id: Some(self.run_id.clone()),
            logical_date: Some(plan.logical_date),
            data_interval: Some(Timetable::new(&plan.dag.schedule)?.manual_interval(plan.logical_date)),
            run_after: None,
            conf: plan.conf.clone().into(),
            note: None,
            triggered_by: TriggeredBy::Test,
        };
        match self.ask(Request::TriggerRun(trigger)).await? {
            Answer::Run { run } => self.run = run,
            other => bail!("the run was not started: {other:?}"),
        }
        Ok(())
    }

    /// Leaves a request and waits for its answer.
    async fn ask(&mut self, request: Request) -> anyhow::Result<Answer> {
        let id = self.store.submit(request);
        loop {
            // An answer comes with a commit, and a commit changes the status.
            self.status.borrow_and_update();
            match self.store.answer(id) {
                Some(Answer::Rejected { detail, .. }) => bail!(detail),
                Some(answer) => return Ok(answer),
                None => self.changed().await?,
            }
        }
    }

    /// Waits until the engine has committed something.
    pub async fn changed(&mut self) -> anyhow::Result<()> {
        self.status.changed().await.context("the engine ended by itself; this is a defect of Updraft")
    }

    /// The run as it is.
    pub fn run(&self) -> anyhow::Result<RunRow> {
        self.store.runs().into_iter().find(|run| run.key == self.run).context("the run is gone; this is a defect of Updraft")
    }

    /// Its task instances as they are, in the order they started.
    pub fn task_instances(&self) -> Vec<TaskInstanceRow> {
        let mut rows: Vec<_> = self.store.task_instances().into_iter().filter(|row| row.run == self.run).collect();
        rows.sort_by_key(|row| (row.start_date.or(row.end_date).unwrap_or(Timestamp::MAX), row.task_id.clone(), row.map_index));
        rows
    }

    /// The lines that the logs have more than at the last call.
    pub fn read_logs(&mut self, rows: &[TaskInstanceRow], mut tell: impl FnMut(&TaskInstanceRow, &str)) -> anyhow::Result<()> {
        let attempts = self.store.attempts().into_iter().filter(|attempt| attempt.ended_at.is_none());
        let alive: BTreeSet<AttemptId> = attempts.map(|attempt| attempt.id).collect();
        for row in rows {
            let is_alive = row.attempt.is_some_and(|attempt| alive.contains(&attempt));
            self.logs.read(row, is_alive, |line| tell(row, line)).context("reading a task's log")?;
        }
        Ok(())
    }

    /// Whether the run has ended and nothing of it is alive any more.
    pub fn is_over(&self) -> anyhow::Result<bool> {
        let status = self.engine.status();
        let live = status.borrow().live_attempts;
        Ok(live == 0 && self.run()?.state.is_finished())
    }

    /// Fails the run: its tasks are told to end.
    pub fn cancel(&self) {
        self.store.submit(Request::SetRunState { dag_id: self.dag_id.clone(), run_id: self.run_id.clone(), state: RunState::Failed });
    }

    /// Ends what runs at once.
    pub async fn kill(&self) {
        for attempt in self.store.attempts().into_iter().filter(|attempt| attempt.ended_at.is_none()) {
            // One that can't be told now is told again by the engine.
            let _ = self.executor.terminate(attempt.id, SignedDuration::ZERO).await;
        }
    }

    /// Stops the engine and the executor, and removes the home.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.engine.stop();
        while !matches!(self.status.borrow_and_update().role, Role::Stopped) {
            // An engine that has dropped its end has stopped.
            if self.status.changed().await.is_err() {
                break;
            }
        }
        self.shell.await.context("the engine broke; this is a defect of Updraft")?;
        let (executor, home) = (self.executor, self.home);
        let ended = tokio::task::spawn_blocking(move || {
            executor.close().context("ending the processes that start tasks")?;
            let path = home.path().display().to_string();
            home.close().with_context(|| format!("removing {path}"))
        });
        ended.await.context("the executor broke; this is a defect of Updraft")?
    }
}

fn engine_config(config: &Config, local: &ExecutorName, executor: &LocalExecutor, folder: &Path) -> anyhow::Result<EngineConfig> {
    let scheduler = updraft_scheduler::Config {
        executors: BTreeMap::from([(local.clone(), config.local_parallelism)]),
        default_executor: local.clone(),
        dags_are_paused_at_creation: false,
        node: Some(executor.node().clone()),
        plan_rows: PLAN_ROWS,
    };
    let program = std::env::current_exe().context("this program can't find itself")?;
    let runtime = Runtime {
        dags_folder: folder.to_string_lossy().into_owned(),
        program: program.to_string_lossy().into_owned(),
        python: config.python.clone(),
    };
    Ok(EngineConfig::new(scheduler, runtime))
}

/// The DAGs of the file as they are run here: only when told, on this machine, whatever the date.
fn dags_of(plan: &Plan<'_>) -> Vec<Dag> {
    let mut dags = plan.file.dags.clone();
    for dag in &mut dags {
        if dag.dag_id == plan.dag.dag_id && !plan.only.is_empty() {
            dag.tasks.retain(|id, _| plan.only.contains(id));
        }
        let known: BTreeSet<TaskId> = dag.tasks.keys().cloned().collect();
        for task in dag.tasks.values_mut() {
            task.upstream.retain(|id| known.contains(id));
            task.executor = None;
            (task.start_date, task.end_date) = (None, None);
            if !plan.retries {
                task.retry.retries = 0;
            }
        }
        dag.schedule = Schedule::Never;
        dag.executor = None;
        dag.is_paused_upon_creation = Some(false);
        dag.catchup = false;
        (dag.start_date, dag.end_date) = (None, None);
    }
    dags
}

/// The pools that the tasks name. A run that could never end is refused here: in a test nobody would
/// make the pool larger while it waits.
fn pools_of(dags: &[Dag], given: &[(PoolName, i32)]) -> anyhow::Result<Vec<PoolRow>> {
    let mut slots: BTreeMap<&PoolName, i32> = dags.iter().flat_map(|dag| dag.tasks.values()).map(|task| (&task.pool, -1)).collect();
    for (name, size) in given {
        let names = || slots.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if !slots.contains_key(name) {
            bail!("--pool {name}={size}: no task is in that pool; the tasks are in {}", names());
        }
        slots.insert(name, *size);
    }
    for dag in dags {
        for task in dag.tasks.values() {
            let (size, needed) = (slots[&task.pool], i64::from(task.pool_slots));
            if size >= 0 && needed > i64::from(size) {
                bail!(
                    "task {} of DAG {} needs {needed} of the {size} slots of pool {}, so it would never start",
                    task.task_id,
                    dag.dag_id,
                    task.pool
                );
            }
        }
    }
    let row = |(name, slots): (&PoolName, i32)| PoolRow { name: name.clone(), slots, description: None, include_deferred: false };
    Ok(slots.into_iter().map(row).collect())
}

/// The folder that paths are relative to, and the file in it: the folder of DAG files if the file is
/// below that (so that Python finds the same modules as under a daemon), else its own.
fn place_of(file: &Path, dags: &Path) -> anyhow::Result<(PathBuf, String)> {
    let file = file.canonicalize().with_context(|| format!("can't find {}", file.display()))?;
    let own = file.parent().unwrap_or(Path::new("/")).to_owned();
    let folder = dags.canonicalize().ok().filter(|dags| file.starts_with(dags)).unwrap_or(own);
    let relative = file.strip_prefix(&folder).unwrap_or(&file).to_string_lossy().into_owned();
    Ok((folder, relative))
}

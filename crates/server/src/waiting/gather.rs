//! Reads the facts for whole lists: a number of queries per distinct run, DAG and limit on the
//! page, none for what runs or has ended.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use updraft_model::{DagId, DagVersion, PoolName, RunKey, RunRow, RunState, RunType, Task, TaskId, TaskState, VersionId, WaitingFor};
use updraft_store::{Between, Cursor, DagView, Page, PoolView, RunFilter, StateCounts, TaskInstanceFilter, TaskInstanceView};

use super::{Facts, Past, RunFacts, explain, explain_run};
use crate::{app::App, config::ExecutorUse, error::ApiError};

/// More upstream task instances of one page's tasks than this are not looked at.
const MAX_UPSTREAMS: u32 = 5_000;
const MAX_POOLS: u32 = 10_000;

/// The states that count against `max_active_tis_per_dag` (Airflow: all that are under way).
const ACTIVE: [TaskState; 5] =
    [TaskState::Queued, TaskState::Running, TaskState::Restarting, TaskState::Deferred, TaskState::AwaitingInput];

/// Why each of these does not run, in their order.
pub async fn task_instances(app: &App, views: &[TaskInstanceView]) -> Result<Vec<Option<WaitingFor>>, ApiError> {
    let waiting: Vec<&TaskInstanceView> = views.iter().filter(|view| is_waiting(view.row.state)).collect();
    if waiting.is_empty() {
        return Ok(vec![None; views.len()]);
    }
    let known = Known::read(app, &waiting).await?;
    let mut reasons = Vec::with_capacity(views.len());
    for view in views {
        reasons.push(if is_waiting(view.row.state) { known.explain(app, view).await? } else { None });
    }
    Ok(reasons)
}

/// Why each of these runs has not started, in their order.
pub async fn runs(app: &App, runs: &[RunRow]) -> Result<Vec<Option<WaitingFor>>, ApiError> {
    let queued: BTreeSet<&DagId> = runs.iter().filter(|run| run.state == RunState::Queued).map(|run| &run.dag_id).collect();
    if queued.is_empty() {
        return Ok(vec![None; runs.len()]);
    }
    let has_scheduler = has_scheduler(app).await?;
    let dags = read_dags(app, queued).await?;
    let now = app.now();
    let reason = |run: &RunRow| explain_run(now, &run_facts(run, dags.get(&run.dag_id)?, has_scheduler));
    Ok(runs.iter().map(reason).collect())
}

fn is_waiting(state: TaskState) -> bool {
    state != TaskState::Running && !state.is_finished()
}

async fn has_scheduler(app: &App) -> Result<bool, ApiError> {
    Ok(app.reader.lease().await?.is_some_and(|lease| !lease.remaining.is_negative()))
}

async fn read_dags<'a>(app: &App, ids: impl IntoIterator<Item = &'a DagId>) -> Result<HashMap<DagId, DagView>, ApiError> {
    let mut dags = HashMap::new();
    for id in ids {
        if let Some(dag) = app.reader.dag(id).await? {
            dags.insert(id.clone(), dag);
        }
    }
    Ok(dags)
}

fn run_facts<'a>(run: &'a RunRow, dag: &DagView, has_scheduler: bool) -> RunFacts<'a> {
    RunFacts {
        run,
        is_paused: dag.row.is_paused,
        has_scheduler,
        running: dag.run_counts.get(&RunState::Running).copied().unwrap_or_default(),
        max_active_runs: dag.version.dag.max_active_runs,
    }
}

/// Versions by their id.
pub(super) type Versions = HashMap<VersionId, Arc<DagVersion>>;
/// The state of a task of a run: of a mapped one that of a copy which has not ended, if there is one.
pub(super) type States = HashMap<(RunKey, TaskId), TaskState>;

/// The runs and the versions of some task instances.
pub(super) async fn read_runs(app: &App, views: &[&TaskInstanceView]) -> Result<(HashMap<RunKey, RunRow>, Versions), ApiError> {
    let (mut runs, mut versions) = (HashMap::new(), Versions::new());
    for key in views.iter().map(|view| view.row.run).collect::<BTreeSet<_>>() {
        if let Some(run) = app.reader.run_by_key(key).await? {
            runs.insert(key, run);
        }
    }
    for version in views.iter().map(|view| view.row.version).collect::<HashSet<_>>() {
        versions.insert(version, app.version(version).await?);
    }
    Ok((runs, versions))
}

/// The task instances upstream of some: one query per run.
pub(super) async fn read_upstreams(
    app: &App,
    runs: &HashMap<RunKey, RunRow>,
    versions: &Versions,
    views: &[&TaskInstanceView],
) -> Result<States, ApiError> {
    let mut wanted: BTreeMap<RunKey, BTreeSet<&TaskId>> = BTreeMap::new();
    for view in views {
        let task = versions.get(&view.row.version).and_then(|version| version.dag.tasks.get(&view.row.task_id));
        wanted.entry(view.row.run).or_default().extend(task.iter().flat_map(|task| &task.upstream));
    }
    let mut upstream = States::new();
    for (key, tasks) in wanted.into_iter().filter(|(_, tasks)| !tasks.is_empty()) {
        let Some(run) = runs.get(&key) else { continue };
        for view in tasks_of(app, run, tasks.into_iter().cloned().collect()).await? {
            let state = upstream.entry((key, view.row.task_id)).or_insert(view.row.state);
            if !view.row.state.is_finished() {
                *state = view.row.state;
            }
        }
    }
    Ok(upstream)
}

/// The task instances of some tasks of a run.
async fn tasks_of(app: &App, run: &RunRow, tasks: Vec<TaskId>) -> Result<Vec<TaskInstanceView>, ApiError> {
    let filter = TaskInstanceFilter {
        dag_ids: Some(vec![run.dag_id.clone()]),
        run_ids: Some(vec![run.run_id.clone()]),
        task_ids: Some(tasks),
        ..TaskInstanceFilter::default()
    };
    let page = Page { limit: MAX_UPSTREAMS, cursor: Some(Cursor::First), ..Page::default() };
    Ok(app.reader.task_instances(filter, page).await?.items)
}

/// What a task that depends on its past finds there: in the run with the next smaller logical date,
/// which is not a manual one if the DAG catches up (as the scheduler has it).
async fn read_past(app: &App, run: &RunRow, dag: &DagView, version: &DagVersion, task: &Task) -> Result<Option<Past>, ApiError> {
    let Some(before) = run.logical_date.filter(|_| task.depends_on_past || task.wait_for_downstream) else { return Ok(None) };
    let catchup = dag.version.dag.catchup;
    let filter = RunFilter {
        dag_ids: Some(vec![run.dag_id.clone()]),
        run_types: if catchup { RunType::ALL.into_iter().filter(|kind| *kind != RunType::Manual).collect() } else { Vec::new() },
        logical_date: Between { lt: Some(before), ..Between::default() },
        ..RunFilter::default()
    };
    let page = Page { limit: 1, order_by: vec!["-logical_date".to_owned()], cursor: Some(Cursor::First), ..Page::default() };
    let Some(previous) = app.reader.runs(filter, page).await?.items.pop() else { return Ok(None) };
    let is_downstream = |other: &&Task| task.wait_for_downstream && other.upstream.contains(&task.task_id);
    let downstream: Vec<TaskId> = version.dag.tasks.values().filter(is_downstream).map(|other| other.task_id.clone()).collect();
    let wanted = downstream.iter().chain([&task.task_id]).cloned().collect();
    let mut states: BTreeMap<TaskId, Vec<TaskState>> = BTreeMap::new();
    for view in tasks_of(app, &previous, wanted).await? {
        states.entry(view.row.task_id).or_default().push(view.row.state);
    }
    Ok(Some(Past { run_id: previous.run_id, downstream, states }))
}

/// What several task instances of a list share.
struct Known {
    has_scheduler: bool,
    runs: HashMap<RunKey, RunRow>,
    dags: HashMap<DagId, DagView>,
    versions: Versions,
    pools: HashMap<PoolName, PoolView>,
    counts: BTreeMap<RunKey, StateCounts>,
    upstream: States,
    executors: Vec<ExecutorUse>,
}

impl Known {
    async fn read(app: &App, waiting: &[&TaskInstanceView]) -> Result<Self, ApiError> {
        let reader = &app.reader;
        let run_keys: BTreeSet<RunKey> = waiting.iter().map(|view| view.row.run).collect();
        let (runs, versions) = read_runs(app, waiting).await?;
        let dag_ids: BTreeSet<&DagId> = waiting.iter().map(|view| &view.row.dag_id).collect();
        let page = Page { limit: MAX_POOLS, ..Page::default() };
        let pools = reader.pools(Vec::new(), page).await?.items;
        let mut known = Self {
            has_scheduler: has_scheduler(app).await?,
            dags: read_dags(app, dag_ids).await?,
            pools: pools.into_iter().map(|pool| (pool.row.name.clone(), pool)).collect(),
            counts: reader.state_counts(run_keys.into_iter().collect()).await?,
            executors: app.engine().map(|engine| engine.executors).unwrap_or_default(),
            upstream: HashMap::new(),
            runs,
            versions,
        };
        let schedulable: Vec<_> = waiting.iter().copied().filter(|view| view.row.state.is_schedulable()).collect();
        known.upstream = read_upstreams(app, &known.runs, &known.versions, &schedulable).await?;
        Ok(known)
    }

    async fn explain(&self, app: &App, view: &TaskInstanceView) -> Result<Option<WaitingFor>, ApiError> {
        let row = &view.row;
        let (Some(run), Some(dag), Some(version)) = (self.runs.get(&row.run), self.dags.get(&row.dag_id), self.versions.get(&row.version))
        else {
            return Ok(None); // deleted between two queries
        };
        let task = version.dag.tasks.get(&row.task_id);
        // An upstream task without a row yet is one in `no_status`.
        let state_of = |id: &TaskId| self.upstream.get(&(row.run, id.clone())).copied().unwrap_or(TaskState::NoStatus);
        let upstream = task.map(|task| task.upstream.iter().map(|id| (id.clone(), state_of(id))).collect()).unwrap_or_default();
        let slots = |counts: &StateCounts| counts.iter().filter(|(state, _)| state.holds_slot()).map(|(_, count)| count).sum::<i64>();
        let limited = row.state == TaskState::Scheduled;
        let per_dag = task.is_some_and(|task| limited && task.max_active_tis_per_dag.is_some());
        let per_run = task.is_some_and(|task| limited && task.max_active_tis_per_dagrun.is_some());
        // Without a name it is the first of the configuration.
        let named = row.executor.as_ref().or_else(|| task?.executor.as_ref()).or(version.dag.executor.as_ref());
        let executor = self.executors.iter().find(|executor| named.is_none_or(|name| name.as_str() == executor.name));
        let past = match task {
            Some(task) if row.state.is_schedulable() => read_past(app, run, dag, version, task).await?,
            _ => None,
        };
        let facts = Facts {
            row,
            run: run_facts(run, dag, self.has_scheduler),
            task,
            upstream: &upstream,
            past: past.as_ref(),
            pool: self.pools.get(&row.pool),
            active_in_run: (self.counts.get(&row.run).map(slots).unwrap_or_default(), version.dag.max_active_tasks),
            active_of_task: if per_dag { Some(count_active(app, view, false).await?) } else { None },
            active_of_task_in_run: if per_run { Some(count_active(app, view, true).await?) } else { None },
            executor,
            missing_executor: named.filter(|_| executor.is_none() && !self.executors.is_empty()),
            executor_says: view.waiting.as_deref(),
            has_open_attempt: view.has_open_attempt,
        };
        Ok(explain(app.now(), &facts))
    }
}

async fn count_active(app: &App, view: &TaskInstanceView, in_run: bool) -> Result<i64, ApiError> {
    let filter = TaskInstanceFilter {
        dag_ids: Some(vec![view.row.dag_id.clone()]),
        run_ids: in_run.then(|| vec![view.row.run_id.clone()]),
        task_ids: Some(vec![view.row.task_id.clone()]),
        states: ACTIVE.to_vec(),
        ..TaskInstanceFilter::default()
    };
    Ok(app.reader.task_instances(filter, Page::default()).await?.total)
}

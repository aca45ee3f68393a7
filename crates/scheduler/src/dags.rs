//! DAGs as the scheduler holds them, and what changed files mean for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::json;
use updraft_model::{
    ContentHash, Dag, DagId, DagRow, DagVersion, ImportErrorRow, NewVersion, Packed, RunKey, TaskState, Timestamp, Upsert, VersionId,
};
use updraft_timetable::{Restriction, Timetable};

use crate::{
    end::without_nul,
    graph::{CycleError, Graph},
    scheduler::{Cx, Scheduler},
};

/// A DAG file that was read, or is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct FileChange {
    /// Its path below the bundle.
    pub file: String,
    /// What it holds now; absent if it is gone.
    pub content: Option<FileContent>,
}

/// What a DAG file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct FileContent {
    /// Its text, for people to read.
    pub source: Arc<Packed>,
    /// Its DAGs.
    pub dags: Vec<ReadDag>,
    /// What is wrong with it.
    pub error: Option<ImportErrorRow>,
}

/// A DAG as it was read, with what takes long to compute for a large one: not in the loop that decides.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadDag {
    dag: Dag,
    content: Packed,
    hash: ContentHash,
    graph: Result<Graph, CycleError>,
    place: Option<Place>,
}

/// A version of a DAG that the store does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedDag {
    /// Of which DAG.
    pub dag_id: DagId,
    /// What was read.
    pub hash: ContentHash,
    /// Its file's text.
    pub source: Arc<Packed>,
    /// The database's words.
    pub error: String,
}

impl RefusedDag {
    pub(crate) fn reason(&self) -> String {
        without_nul(format!("the database does not take it: {}", self.error))
    }
}

/// Where in its file a DAG begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
}

impl ReadDag {
    /// The same, and where it is, for what may have to be said about it.
    pub fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Computes what the scheduler needs of `dag`.
    pub fn new(dag: Dag) -> Self {
        let hash = ContentHash::of(&dag);
        let tasks = dag.tasks.values().map(|task| (Arc::new(task.clone()), VersionId(uuid::Uuid::nil())));
        let graph = Graph::new(tasks);
        let content = dag.packed();
        Self { dag, content, hash, graph, place: None }
    }

    /// Its id.
    pub fn dag_id(&self) -> &DagId {
        &self.dag.dag_id
    }
}

/// What is known of a file.
#[derive(Debug, Default)]
pub(crate) struct FileState {
    pub dags: BTreeSet<DagId>,
    pub has_error: bool,
}

/// A stored DAG whose latest version this release can't read.
#[derive(Debug)]
pub(crate) struct Shelved {
    pub row: DagRow,
    pub number: u32,
}

/// One DAG.
#[derive(Debug)]
pub(crate) struct DagEntry {
    pub row: DagRow,
    pub version: Arc<DagVersion>,
    pub graph: Arc<Graph>,
    pub timetable: Timetable,
    pub restriction: Restriction,
    /// Queued runs, in the order they start.
    pub queued: BTreeSet<(Timestamp, RunKey)>,
    pub running: BTreeSet<RunKey>,
    /// Its row will be written.
    pub touched: bool,
    /// The last logical date that a task which triggers it was given.
    pub last_triggered: Option<Timestamp>,
}

impl DagEntry {
    /// Builds an entry; the error says what about the DAG can't be scheduled.
    pub fn new(row: DagRow, version: Arc<DagVersion>) -> Result<Self, String> {
        let graph = Graph::of_version(&version).map_err(|e| e.to_string())?;
        Self::with_graph(row, version, Arc::new(graph))
    }

    fn with_graph(row: DagRow, version: Arc<DagVersion>, graph: Arc<Graph>) -> Result<Self, String> {
        let dag = &version.dag;
        let timetable = Timetable::new(&dag.schedule).map_err(|e| e.to_string())?;
        let restriction = Restriction::of(dag);
        Ok(Self {
            row,
            version,
            graph,
            timetable,
            restriction,
            queued: BTreeSet::new(),
            running: BTreeSet::new(),
            touched: false,
            last_triggered: None,
        })
    }

    /// Queued and running runs: what `max_active_runs` counts when runs are made.
    pub fn active(&self) -> usize {
        self.queued.len() + self.running.len()
    }
}

impl Scheduler {
    pub(crate) fn files_changed(&mut self, cx: &mut Cx<'_>, changes: Vec<FileChange>) {
        // What is gone first, so that a DAG that moved to another file is free to be taken there.
        let (gone, read): (Vec<_>, Vec<_>) = changes.into_iter().partition(|c| c.content.is_none());
        for change in gone {
            self.file_gone(&change.file);
        }
        for FileChange { file, content } in read {
            if let Some(content) = content {
                self.file_read(cx, file, content);
            }
        }
    }

    fn file_gone(&mut self, file: &str) {
        let Some(state) = self.files.remove(file) else { return };
        for dag_id in &state.dags {
            self.set_stale(dag_id);
        }
        if state.has_error {
            self.batch().import_errors.push(Upsert::Delete(file.to_owned()));
        }
    }

    fn file_read(&mut self, cx: &mut Cx<'_>, file: String, content: FileContent) {
        let FileContent { source, dags, mut error } = content;
        let broken = error.is_some();
        let mut kept = BTreeSet::new();
        for dag in dags {
            let dag_id = dag.dag_id().clone();
            if let Some(other) =
                self.dags.get(&dag_id).filter(|d| !d.row.is_stale && d.row.file != file && self.files.contains_key(&d.row.file))
            {
                let problem = format!("DAG \"{dag_id}\" is already defined in {}", other.row.file);
                add_error(&mut error, &file, cx.now, dag.place.as_ref(), &problem, Some("give one of them another `dag_id`"));
                continue;
            }
            let place = dag.place.clone();
            match self.dag_read(cx, &file, &source, dag) {
                Ok(()) => {
                    kept.insert(dag_id);
                }
                Err(problem) => {
                    add_error(&mut error, &file, cx.now, place.as_ref(), &format!("DAG \"{dag_id}\": {problem}"), None);
                    // It goes on as it was, as with any other mistake in its file.
                    if self.dags.get(&dag_id).is_some_and(|d| !d.row.is_stale && d.row.file == file) {
                        kept.insert(dag_id);
                    }
                }
            }
        }
        let before = self.files.remove(&file).unwrap_or_default();
        let had_error = before.has_error;
        // While the file is broken its DAGs stay as they are, as in Airflow: a typo stops nothing.
        for dag_id in before.dags {
            if broken {
                kept.insert(dag_id);
            } else if !kept.contains(&dag_id) {
                self.set_stale(&dag_id);
            }
        }
        let has_error = error.is_some();
        match error {
            Some(error) => self.batch().import_errors.push(Upsert::Set(error)),
            None if had_error => self.batch().import_errors.push(Upsert::Delete(file.clone())),
            None => {}
        }
        self.files.insert(file, FileState { dags: kept, has_error });
    }

    fn dag_read(&mut self, cx: &mut Cx<'_>, file: &str, source: &Arc<Packed>, read: ReadDag) -> Result<(), String> {
        let ReadDag { dag, content, hash, graph, place: _ } = read;
        let dag_id = dag.dag_id.clone();
        let old = self.dags.get(&dag_id);
        if old.is_some_and(|d| d.version.hash == hash && !d.row.is_stale && d.row.file == file) {
            // Nothing new but the time of reading: not worth a commit.
            return Ok(());
        }
        let same = old.filter(|d| d.version.hash == hash).map(|d| (d.version.clone(), d.graph.clone()));
        let is_new_version = same.is_none();
        let shelved = self.shelved.get(&dag_id);
        let number = old.map(|d| d.version.number).or(shelved.map(|s| s.number)).map_or(1, |last| last + 1);
        let before = old.map(|d| &d.row).or(shelved.map(|s| &s.row));
        let (version, graph) = match same {
            Some(same) => same,
            None => {
                if let Some(refused) = self.refused_dags.get(&dag_id).filter(|r| r.hash == hash && r.source == *source) {
                    return Err(refused.reason());
                }
                let graph = graph.map_err(|cycle| cycle.to_string())?;
                let version = Arc::new(DagVersion { id: VersionId(cx.mint.uuid()), number, hash, created_at: cx.now, dag });
                let graph = Arc::new(graph.all_from(&version));
                (version, graph)
            }
        };
        let paused = || version.dag.is_paused_upon_creation.unwrap_or(self.config.dags_are_paused_at_creation);
        let row = DagRow {
            dag_id: dag_id.clone(),
            is_paused: before.map_or_else(paused, |row| row.is_paused),
            is_stale: false,
            latest: version.id,
            file: file.to_owned(),
            last_parsed_at: cx.now,
            last_automated: before.and_then(|row| row.last_automated),
            next: None,
        };
        let mut entry = DagEntry::with_graph(row, version.clone(), graph)?;
        if let Some(old) = self.dags.get_mut(&dag_id) {
            entry.queued = std::mem::take(&mut old.queued);
            entry.running = std::mem::take(&mut old.running);
            entry.last_triggered = old.last_triggered;
        }
        entry.touched = true;
        let was_shelved = self.shelved.remove(&dag_id).is_some();
        self.touched_dags.insert(dag_id.clone());
        let executor = entry.version.dag.executor.clone();
        let before = self.dags.insert(dag_id.clone(), entry);
        if before.is_some_and(|before| before.version.dag.executor != executor) {
            self.reenter(&dag_id);
        }
        if is_new_version {
            self.batch().versions.push(NewVersion { version, content, source: source.clone() });
        }
        self.set_dag_gates(&dag_id);
        if was_shelved {
            // Its runs had no DAG to be listed in.
            let runs: Vec<RunKey> = self.runs.values().filter(|run| run.row.dag_id == dag_id).map(|run| run.row.key).collect();
            runs.into_iter().for_each(|run| self.index_run(run));
            self.reenter(&dag_id);
        }
        self.apply_run_limits(&dag_id);
        self.dirty_dags.insert(dag_id);
        Ok(())
    }

    /// Limits and timeouts are those of the latest version, for runs that are active too.
    fn apply_run_limits(&mut self, dag_id: &DagId) {
        let Some(entry) = self.dags.get(dag_id) else { return };
        let limit = i64::from(entry.version.dag.max_active_tasks);
        for key in entry.running.iter().chain(entry.queued.iter().map(|(_, key)| key)).copied().collect::<Vec<_>>() {
            self.gates.set_limit(crate::gates::GateName::Run(key), Some(limit));
            self.set_run_timeout(key);
        }
    }

    /// A DAG whose file is gone: no new runs, while active ones finish on what they have.
    fn set_stale(&mut self, dag_id: &DagId) {
        let Some(entry) = self.dags.get_mut(dag_id) else { return };
        entry.row.is_stale = true;
        entry.row.next = None;
        entry.touched = true;
        self.touched_dags.insert(dag_id.clone());
    }

    pub(crate) fn set_paused(&mut self, dag_id: &DagId, paused: bool) {
        let Some(entry) = self.dags.get_mut(dag_id) else { return };
        if entry.row.is_paused == paused {
            return;
        }
        entry.row.is_paused = paused;
        entry.touched = true;
        let runs: Vec<RunKey> = entry.running.iter().copied().collect();
        self.touched_dags.insert(dag_id.clone());
        self.set_dag_gates(dag_id);
        self.dirty_dags.insert(dag_id.clone());
        if !paused {
            for key in runs {
                let held: Vec<_> = self.runs.get_mut(&key).map(|r| std::mem::take(&mut r.held)).unwrap_or_default().into_iter().collect();
                for node in held {
                    self.mark_dirty(key, node);
                }
                self.dirty_runs.insert(key);
            }
        }
    }

    /// Whether a DAG has instances at work.
    pub(crate) fn is_at_work(&self, dag_id: &DagId) -> bool {
        let busy =
            |run: &crate::run::Run| run.live_attempts > 0 || run.count(TaskState::Running) > 0 || run.count(TaskState::Restarting) > 0;
        self.runs.values().any(|run| run.row.dag_id == *dag_id && busy(run))
    }

    /// DAGs in memory by name, for diagnostics.
    pub fn dag_versions(&self) -> BTreeMap<DagId, u32> {
        self.dags.iter().map(|(id, entry)| (id.clone(), entry.version.number)).collect()
    }
}

/// One more error of a file, as those of its reader are: file, line, column, the line itself and a hint.
fn add_error(error: &mut Option<ImportErrorRow>, file: &str, now: Timestamp, place: Option<&Place>, problem: &str, help: Option<&str>) {
    let row = error.get_or_insert_with(|| ImportErrorRow {
        file: file.to_owned(),
        timestamp: now,
        stack_trace: String::new(),
        diagnostics: json!([]),
    });
    let line = place.map_or(1, |place| place.line);
    let mut text = format!("{file}:{line}:1: {problem}");
    if let Some(Place { line, text: said }) = place {
        text.push_str(&format!("\n  {line} | {}", said.replace('\0', "\u{2400}")));
    }
    if let Some(help) = help {
        text.push_str(&format!("\n  help: {help}"));
    }
    if !row.stack_trace.is_empty() {
        row.stack_trace.push('\n');
    }
    row.stack_trace.push_str(&text);
    if let Some(list) = row.diagnostics.as_array_mut() {
        list.push(json!({"message": problem, "help": help, "span": null, "line": line, "column": 1, "severity": "error"}));
    }
}

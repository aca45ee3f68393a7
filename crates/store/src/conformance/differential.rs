//! The same random operations on several stores: all of them must always say and hold the same.
#![allow(missing_docs, clippy::unwrap_used)]

use serde_json::json;
use updraft_model::{
    Answer, AnsweredRequest, AttemptRow, Batch, ImportErrorRow, MapIndex, PoolRow, Question, Request, RequestId, RunKey, RunRow, RunState,
    RunType, TaskInstanceRow, TaskState, Term, Upsert,
};

use super::{
    Subject,
    samples::{attempt, dag, dag_id, pool_name, run, run_id, run_update, task_id, task_instance, time, update, uuid, version, xcom},
};
use crate::{CommitError, Cursor, Page, RunFilter, TaskInstanceFilter, XComFilter};

/// A generator of random numbers (SplitMix64): the same seed, the same story.
pub struct Random(pub u64);

impl Random {
    /// The next number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.below(items.len() as u64)).unwrap_or(0)]
    }

    fn some<T>(&mut self, most: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| make(self))
    }
}

const DAGS: [&str; 3] = ["a", "B", "c.ü"];
const TASKS: [&str; 3] = ["t", "U", "t.1"];

fn a_run(random: &mut Random) -> RunRow {
    let dag = random.pick(&DAGS);
    let key = i64::try_from(random.below(12)).unwrap_or(0) + 1;
    let dateless = random.below(3) == 0;
    let row = run(dag, key);
    RunRow {
        run_id: run_id(format!("r{}", random.below(9))),
        run_type: random.pick(&RunType::ALL),
        state: random.pick(&RunState::ALL),
        logical_date: if dateless { None } else { Some(time(i64::try_from(random.below(9)).unwrap_or(0))) },
        data_interval: if dateless { None } else { row.data_interval },
        end_date: random.maybe(|random| time(i64::try_from(random.below(50)).unwrap_or(0))),
        note: random.maybe(|random| format!("note {}", random.below(5))),
        ..row
    }
}

fn a_task_instance(random: &mut Random) -> TaskInstanceRow {
    let row = task_instance(&run("a", i64::try_from(random.below(12)).unwrap_or(0) + 1), random.pick(&TASKS));
    let map_index = random.pick(&[-1, -1, 0, 3]);
    TaskInstanceRow {
        map_index: MapIndex(map_index),
        id: updraft_model::TaskInstanceId(uuid(u64::from(map_index.unsigned_abs()), row.id.0.as_u128() as i64 >> 24)),
        state: random.pick(&[TaskState::NoStatus, TaskState::NoStatus, TaskState::Running, TaskState::Success]),
        try_number: u32::try_from(random.below(3)).unwrap_or(0),
        start_date: random.maybe(|random| time(i64::try_from(random.below(9)).unwrap_or(0))),
        note: random.maybe(|random| format!("note {}", random.below(5))),
        reason: random.maybe(|random| random.pick(&["", "x", "'\"\\"]).to_owned()),
        ..row
    }
}

/// A batch that may well be refused; half of the time it holds one kind of change only.
fn a_batch(random: &mut Random, requests: &[RequestId]) -> Batch {
    let mut batch = Batch::default();
    let only = random.below(26);
    let wants = |kind: u64, random: &mut Random| if only < 13 { only == kind } else { random.below(4) == 0 };
    if wants(0, random) {
        batch.deleted_runs = random.some(2, |random| RunKey(i64::try_from(random.below(12)).unwrap_or(0) + 1));
    }
    if random.below(30) == 0 {
        batch.deleted_dags = vec![dag_id(random.pick(&DAGS))];
    }
    if wants(1, random) {
        batch.versions = random.some(2, |random| version(random.pick(&DAGS), u32::try_from(random.below(3)).unwrap_or(0) + 1));
        batch.dags = random.some(2, |random| {
            let mut row = dag(random.pick(&DAGS));
            row.is_paused = random.below(2) == 0;
            row
        });
    }
    if wants(2, random) {
        batch.import_errors = random.some(3, |random| {
            let file = random.pick(&["x", "y"]).to_owned();
            let error = ImportErrorRow { file: file.clone(), timestamp: time(1), stack_trace: "s".into(), diagnostics: json!([]) };
            if random.below(2) == 0 { Upsert::Set(error) } else { Upsert::Delete(file) }
        });
        batch.pools = random.some(3, |random| {
            let name = pool_name(random.pick(&["p", "Q"]));
            let pool = PoolRow { name: name.clone(), slots: 3, description: None, include_deferred: random.below(2) == 0 };
            if random.below(2) == 0 { Upsert::Set(pool) } else { Upsert::Delete(name) }
        });
    }
    if wants(3, random) || wants(4, random) {
        batch.new_runs = random.some(3, a_run);
    }
    if wants(5, random) {
        batch.runs = random.some(2, |random| {
            let from = random.pick(&RunState::ALL);
            run_update(from, a_run(random))
        });
    }
    if wants(6, random) || wants(7, random) {
        batch.new_task_instances = random.some(4, a_task_instance);
    }
    if wants(8, random) {
        batch.task_instances = random.some(3, |random| {
            let from = random.pick(&[TaskState::NoStatus, TaskState::Running]);
            update(from, a_task_instance(random))
        });
    }
    if wants(9, random) {
        batch.archived_tries = random.some(2, a_task_instance);
        batch.attempts = random.some(3, |random| {
            let row = attempt(i64::try_from(random.below(20)).unwrap_or(0), a_task_instance(random).key());
            AttemptRow { ended_at: random.maybe(|_| time(3)), ..row }
        });
    }
    if wants(10, random) {
        batch.deleted_xcoms = random.some(2, |random| a_task_instance(random).key());
        batch.xcoms = random.some(3, |random| {
            let value = json!({"n": random.below(100)});
            xcom(a_task_instance(random).key(), random.pick(&["k", "K"]), value)
        });
    }
    if wants(11, random) && !requests.is_empty() {
        batch.answers = random.some(2, |random| AnsweredRequest { id: random.pick(requests), answer: Answer::Done });
    }
    // Never one that the same commit answers: the order of the two would matter.
    if wants(12, random) && !requests.is_empty() {
        let answered = |id: &RequestId| batch.answers.iter().any(|a| a.id == *id);
        batch.taken_requests = Some(random.pick(requests)).filter(|id| !answered(id)).into_iter().collect();
    }
    batch
}

/// What a commit came to, without the words.
fn outcome(result: Result<i64, CommitError>) -> String {
    match result {
        Ok(seq) => format!("committed {seq}"),
        Err(CommitError::Stale(_)) => "stale".to_owned(),
        Err(CommitError::Poisoned(_)) => "poisoned".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

/// Runs `steps` random operations on all of `subjects` and compares after each.
///
/// # Panics
/// At the first difference, with the seed's story so far.
pub async fn run_all(subjects: &[Subject], seed: u64, steps: usize) {
    let mut random = Random(seed);
    let mut terms = vec![Term(0); subjects.len()];
    for (term, subject) in terms.iter_mut().zip(subjects) {
        *term = subject.lead("a").await;
    }
    let mut requests: Vec<RequestId> = Vec::new();
    let mut committed = 0;
    for step in 0..steps {
        let at = format!("seed {seed}, step {step}");
        match random.below(10) {
            0 => {
                let request = Request::SetPaused { dag_id: dag_id(random.pick(&DAGS)), is_paused: true };
                let ids = all(subjects, &at, async |s| s.inbox.submit(request.clone()).await.unwrap()).await;
                requests.push(ids);
            }
            1 if !requests.is_empty() => {
                let id = random.pick(&requests);
                all(subjects, &at, async |s| s.inbox.withdraw(id).await.unwrap()).await;
            }
            2 => {
                let (before, limit) = (time(i64::try_from(random.below(50)).unwrap_or(0)), 2);
                all(subjects, &at, async |s| s.engine.clean(before, limit).await.unwrap()).await;
            }
            _ => {
                let batch = a_batch(&mut random, &requests);
                let story = format!("{at}: {batch:#?}");
                let term = terms[0];
                let result = all(subjects, &story, async |s| outcome(s.try_commit(term, batch.clone()).await)).await;
                committed += usize::from(result.starts_with("committed"));
            }
        }
        all(subjects, &at, async |s| s.engine.load(terms[0]).await.unwrap()).await;
        all(subjects, &at, async |s| s.engine.pending_requests(3).await.unwrap()).await;
        let question = a_question(&mut random);
        all(subjects, &format!("{at}: {question:?}"), async |s| s.engine.ask(question.clone()).await.unwrap()).await;
        let readers: Vec<Subject> = subjects.iter().filter(|subject| subject.reader.is_some()).cloned().collect();
        if readers.len() > 1 {
            compare_lists(&readers, &mut random, &at).await;
        }
    }
    assert!(committed > steps / 10, "only {committed} of {steps} operations were commits that succeeded");
}

fn a_question(random: &mut Random) -> Question {
    let (dag_id, at) = (dag_id(random.pick(&DAGS)), time(i64::try_from(random.below(10)).unwrap_or(0)));
    let run_id = run_id(format!("r{}", random.below(9)));
    let run = RunKey(i64::try_from(random.below(12)).unwrap_or(0) + 1);
    match random.below(10) {
        0 | 1 => Question::Run { dag_id, run_id },
        2 => Question::PreviousRun { dag_id, before: at, include_manual: random.below(2) == 0 },
        3 => Question::Neighbours { dag_id, of: at, past: random.below(2) == 0 },
        4 => Question::NewestRuns { dag_id, limit: 3 },
        5 => Question::External { dag_id, task_id: random.maybe(|random| task_id(random.pick(&TASKS))), logical_date: at },
        6 => Question::RunState { dag_id, run_id },
        7 => {
            let map_index = random.maybe(|random| MapIndex(random.pick(&[-1, 0])));
            let (task_id, key) = (task_id(random.pick(&TASKS)), "k".to_owned());
            match random.below(3) {
                0 => Question::XCom { run, task_id, map_index, key },
                which => Question::XComOfRun { dag_id, run_id, task_id, map_index, key, include_prior_dates: which == 1 },
            }
        }
        8 => Question::PreviousSuccess { dag_id, before: at },
        _ => Question::DagExists { dag_id },
    }
}

async fn compare_lists(readers: &[Subject], random: &mut Random, at: &str) {
    let page = |random: &mut Random, names: &[&str]| {
        let mut order_by = vec![random.pick(names).to_owned(), random.pick(names).to_owned()];
        if random.below(2) == 0 {
            order_by[0].insert(0, '-');
        }
        let cursor = (random.below(2) == 0).then_some(Cursor::First);
        Page { limit: 5, offset: u32::try_from(random.below(3)).unwrap_or(0), order_by, cursor }
    };
    let mut runs = page(random, &["id", "dag_id", "run_id", "logical_date", "run_after", "end_date", "state", "run_type"]);
    // By cursor from page to page to the end, or one page by offset.
    loop {
        let found = all(readers, at, async |s| s.reader().runs(RunFilter::default(), runs.clone()).await.unwrap()).await;
        let Some(next) = found.next else { break };
        runs.cursor = Some(next);
    }
    let mut instances = page(random, &["id", "task_id", "map_index", "state", "start_date", "duration", "try_number", "logical_date"]);
    loop {
        let ask = async |s: &Subject| s.reader().task_instances(TaskInstanceFilter::default(), instances.clone()).await.unwrap();
        let Some(next) = all(readers, at, ask).await.next else { break };
        instances.cursor = Some(next);
    }
    let xcoms = Page { cursor: None, ..page(random, &["key", "task_id", "timestamp"]) };
    all(readers, at, async |s| s.reader().xcoms(XComFilter::default(), xcoms.clone()).await.unwrap()).await;
}

/// Asks all and demands the same of all.
async fn all<T: PartialEq + std::fmt::Debug>(subjects: &[Subject], at: &str, ask: impl AsyncFn(&Subject) -> T) -> T {
    let mut first: Option<(&str, T)> = None;
    for subject in subjects {
        let found = ask(subject).await;
        match &first {
            None => first = Some((subject.name, found)),
            Some((name, expected)) => assert!(*expected == found, "{at}\n{name}: {expected:#?}\n{}: {found:#?}", subject.name),
        }
    }
    first.map(|(_, found)| found).unwrap()
}

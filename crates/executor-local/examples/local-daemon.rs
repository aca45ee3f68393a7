//! A daemon reduced to its local executor, for tests that kill it: requests come as JSON lines on
//! standard input, answers and events go as JSON lines to standard output.
//!
//! `local-daemon <home>` runs it, `local-daemon nursery <home>` is its replacement nursery.
//! The variables `UPDRAFT_FAILPOINT` and `UPDRAFT_SUPERVISOR_FAILPOINT` say where they die.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::StreamExt as _;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use updraft_executor::Executor as _;
use updraft_executor_local::{LocalConfig, LocalExecutor, NurseryCommand, NurseryHandle, run_replacement_nursery, start_nursery};
use updraft_model::{Adoption, AttemptHandle, AttemptId, ExecutorEvent, Workload};
use uuid::Uuid;

#[derive(Deserialize)]
struct Request {
    id: u64,
    #[serde(flatten)]
    op: Op,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Op {
    Hello,
    Launch { workload: Box<Workload>, not_after: Duration },
    Reconcile { known: Vec<AttemptHandle> },
    Terminate { attempt: AttemptId, grace_ms: i64 },
    Release { attempt: AttemptId },
    Heard,
    Bench { workload: Box<Workload>, count: usize, parallel: usize },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Hello { nursery: u32, node: String },
    Done { ok: bool },
    Failed { kind: &'static str, error: String },
    Adoptions { adoptions: Vec<Adoption> },
    Bench { seconds: f64, launch_to_end_ms: Vec<f64>, end_to_event_ms: Vec<f64> },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Answer { id: u64, answer: Answer },
    Event(ExecutorEvent),
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["nursery", home] => run_replacement_nursery(Path::new(home), &Path::new(home).join("logs")),
        [home] => {
            let nursery = start_nursery(Path::new(home), &Path::new(home).join("logs")).context("starting the nursery")?;
            // Only now may there be threads.
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(home, nursery))
        }
        _ => anyhow::bail!("usage: local-daemon [nursery] <home>"),
    }
}

async fn serve(home: &str, nursery: NurseryHandle) -> anyhow::Result<()> {
    let nursery_pid = nursery.pid();
    let (events, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let mut config = LocalConfig::new(home);
    config.sweep_every = Duration::from_millis(200);
    if let Some(millis) = std::env::var("RESERVED_FOR_MS").ok().and_then(|text| text.parse().ok()) {
        config.reserved_for = Duration::from_millis(millis);
    }
    config.node_lost_after = std::env::var("LOST_AFTER_MS").ok().and_then(|text| text.parse().ok()).map(Duration::from_millis);
    if std::env::var_os("REPLACE_NURSERY").is_some() {
        config.replacement = Some(NurseryCommand { program: std::env::current_exe()?.into(), args: vec!["nursery".into(), home.into()] });
    }
    let executor = Arc::new(LocalExecutor::new(config, nursery, events)?);
    let (lines, mut to_write) = tokio::sync::mpsc::unbounded_channel::<Line>();
    tokio::spawn(async move {
        let mut out = tokio::io::stdout();
        while let Some(line) = to_write.recv().await {
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            out.write_all(&text).await?;
            out.flush().await?;
        }
        anyhow::Ok(())
    });
    let mut input = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            Some(event) = heard.recv() => lines.send(Line::Event(event))?,
            line = input.next_line() => {
                let Some(line) = line? else { return Ok(()) };
                let Request { id, op } = serde_json::from_str(&line)?;
                if let Op::Bench { workload, count, parallel } = op {
                    let answer = bench(&executor, &mut heard, *workload, count, parallel).await?;
                    lines.send(Line::Answer { id, answer })?;
                    continue;
                }
                let (executor, lines) = (executor.clone(), lines.clone());
                tokio::spawn(async move {
                    let answer = answer(&executor, nursery_pid, op).await;
                    lines.send(Line::Answer { id, answer })
                });
            }
        }
    }
}

async fn answer(executor: &LocalExecutor, nursery: u32, op: Op) -> Answer {
    use updraft_executor::LaunchError;
    match op {
        Op::Hello => Answer::Hello { nursery, node: executor.node().to_string() },
        Op::Launch { workload, not_after } => match updraft_executor::Executor::launch(executor, *workload, not_after).await {
            Ok(()) => Answer::Done { ok: true },
            Err(LaunchError::Rejected(error)) => Answer::Failed { kind: "rejected", error },
            Err(LaunchError::Unavailable(error)) => Answer::Failed { kind: "unavailable", error },
            Err(LaunchError::Indeterminate(error)) => Answer::Failed { kind: "indeterminate", error },
        },
        Op::Reconcile { known } => Answer::Adoptions { adoptions: executor.reconcile(known).collect().await },
        Op::Terminate { attempt, grace_ms } => match executor.terminate(attempt, SignedDuration::from_millis(grace_ms)).await {
            Ok(()) => Answer::Done { ok: true },
            Err(e) => Answer::Failed { kind: "terminate", error: e.to_string() },
        },
        Op::Release { attempt } => {
            executor.release(attempt).await;
            Answer::Done { ok: true }
        }
        Op::Heard => match executor.heard(updraft_executor_local::boot_clock()) {
            Ok(()) => Answer::Done { ok: true },
            Err(e) => Answer::Failed { kind: "heard", error: e.to_string() },
        },
        Op::Bench { .. } => Answer::Failed { kind: "bench", error: "answered elsewhere".to_owned() },
    }
}

/// Launches `count` copies, at most `parallel` alive at once, releasing each when it has ended.
async fn bench(
    executor: &Arc<LocalExecutor>,
    heard: &mut tokio::sync::mpsc::UnboundedReceiver<ExecutorEvent>,
    workload: Workload,
    count: usize,
    parallel: usize,
) -> anyhow::Result<Answer> {
    let begin = std::time::Instant::now();
    let (mut launched, mut ended) = (0, 0);
    let mut since = BTreeMap::new();
    let (mut launch_to_end_ms, mut end_to_event_ms) = (Vec::new(), Vec::new());
    while ended < count {
        while launched < count && launched - ended < parallel {
            let attempt = AttemptId(Uuid::from_u128(0xb000_0000_0000 + launched as u128));
            let workload = Workload { attempt, ..workload.clone() };
            since.insert(attempt, std::time::Instant::now());
            let executor = executor.clone();
            tokio::spawn(async move {
                updraft_executor::Executor::launch(&*executor, workload, Duration::MAX).await.map_err(|e| eprintln!("{e}"))
            });
            launched += 1;
        }
        match heard.recv().await.context("the executor is gone")? {
            ExecutorEvent::Ended { attempt, exit } => {
                ended += 1;
                let late = updraft_model::Timestamp::from(jiff::Timestamp::now()).since(exit.ended_at);
                end_to_event_ms.push(late.as_secs_f64() * 1000.0);
                launch_to_end_ms.extend(since.remove(&attempt).map(|at| at.elapsed().as_secs_f64() * 1000.0));
                let executor = executor.clone();
                tokio::spawn(async move { executor.release(attempt).await });
            }
            ExecutorEvent::Started { .. } | ExecutorEvent::Waiting { .. } => {}
        }
    }
    Ok(Answer::Bench { seconds: begin.elapsed().as_secs_f64(), launch_to_end_ms, end_to_event_ms })
}

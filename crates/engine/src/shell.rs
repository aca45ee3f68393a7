//! The engine's thin shell: carries effects out with tokio and brings their answers back.
//!
//! There is no decision here. Every effect is a task of its own, so that a slow executor or a slow
//! question holds up nothing else; only commits are one at a time, because the engine says so.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt};
use tokio::sync::{mpsc, watch};
use updraft_executor::{Executor, LaunchError, TerminateError, boot_clock};
use updraft_model::{ExecutorEvent, ExecutorName, Term, Timestamp, Workload};
use updraft_scheduler::FileChange;
use updraft_store::EngineStore;

use crate::{CommitTimes, Effect, Engine, Event, Now, Rescan, Status, event::Report};

/// What takes longer keeps other DAGs' tasks waiting: worth a line for whoever looks for the cause.
const SLOW: Duration = Duration::from_millis(20);

/// What the shell needs to carry effects out.
pub struct Shell {
    /// The store.
    pub store: Arc<dyn EngineStore>,
    /// The executors by name.
    pub executors: BTreeMap<ExecutorName, Arc<dyn Executor>>,
    /// This daemon's name in the lease.
    pub holder: String,
    /// Where this daemon's API answers.
    pub address: Option<String>,
    /// Hears of [`Effect::Rescan`].
    pub rescan: mpsc::UnboundedSender<Rescan>,
}

/// How others speak with a running engine.
#[derive(Debug, Clone)]
pub struct ShellHandle {
    events: mpsc::UnboundedSender<Event>,
    status: watch::Receiver<Status>,
    commit_times: Arc<CommitTimes>,
    beats: Arc<AtomicU64>,
}

impl ShellHandle {
    /// DAG files were read, or are gone.
    pub fn files(&self, changes: Vec<FileChange>) {
        self.send(Event::Files(changes));
    }

    /// An executor reports.
    pub fn executor_event(&self, executor: ExecutorName, event: ExecutorEvent) {
        self.send(Event::Executor { executor, event });
    }

    /// There may be new requests.
    pub fn hint(&self) {
        self.send(Event::Hint);
    }

    /// Decide nothing more, give the lease back, end.
    pub fn stop(&self) {
        self.send(Event::Stop);
    }

    /// What the engine is and has.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// How often the loop has turned: at least once a second, unless it hangs.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// How long its commits took.
    pub fn commit_times(&self) -> Arc<CommitTimes> {
        self.commit_times.clone()
    }

    fn send(&self, event: Event) {
        // An engine that has stopped hears nothing more; what it would have heard is found again
        // from the store and the executors by the next leader.
        let _ = self.events.send(event);
    }
}

impl Shell {
    /// Runs `engine` until it has stopped. The handle works at once.
    pub fn start(self, engine: Engine) -> (ShellHandle, tokio::task::JoinHandle<()>) {
        let (events, inbox) = mpsc::unbounded_channel();
        let (status_sender, status) = watch::channel(engine.status());
        let commit_times = Arc::new(CommitTimes::default());
        let beats = Arc::new(AtomicU64::new(0));
        let handle = ShellHandle { events: events.clone(), status, commit_times: commit_times.clone(), beats: beats.clone() };
        let task = tokio::spawn(self.run(engine, events, inbox, status_sender, commit_times, beats));
        (handle, task)
    }

    async fn run(
        self,
        mut engine: Engine,
        events: mpsc::UnboundedSender<Event>,
        mut inbox: mpsc::UnboundedReceiver<Event>,
        status: watch::Sender<Status>,
        commit_times: Arc<CommitTimes>,
        beats: Arc<AtomicU64>,
    ) {
        let mut hints = self.store.hints();
        let mut event = Event::Tick;
        loop {
            beats.fetch_add(1, Ordering::Relaxed);
            let began = now();
            let kind = event.kind();
            let effects = engine.handle(began, event);
            let took = now().boot.saturating_sub(began.boot);
            if took > SLOW {
                tracing::debug!(kind, ?took, "a step of the engine was slow");
            }
            for effect in effects {
                if effect == Effect::Stopped {
                    status.send_replace(engine.status());
                    return;
                }
                self.carry_out(effect, &events, &commit_times);
            }
            let current = engine.status();
            status.send_if_modified(|last| std::mem::replace(last, current) != current);
            let at = now();
            // At least each second, since the wall clock may be moved under us.
            let nap = engine.wake_at(at).map_or(Duration::from_secs(1), |wake| wake.saturating_sub(at.boot)).min(Duration::from_secs(1));
            event = tokio::select! {
                biased;
                received = inbox.recv() => received.unwrap_or(Event::Stop),
                Some(()) = hints.next() => Event::Hint,
                () = tokio::time::sleep(nap) => Event::Tick,
            };
        }
    }

    fn carry_out(&self, effect: Effect, events: &mpsc::UnboundedSender<Event>, commit_times: &Arc<CommitTimes>) {
        let (store, events) = (self.store.clone(), events.clone());
        let send = move |event| {
            let _ = events.send(event);
        };
        match effect {
            Effect::AcquireLease { ttl } => {
                let (holder, address) = (self.holder.clone(), self.address.clone());
                spawn(async move {
                    send(Event::LeaseAcquired(store.acquire_lease(&holder, address.as_deref(), ttl).await));
                });
            }
            Effect::RenewLease { term, sent, ttl } => spawn(async move {
                send(Event::LeaseRenewed { sent, result: store.renew_lease(term, ttl).await });
            }),
            Effect::ReleaseLease { term } => spawn(async move {
                if let Err(error) = store.release_lease(term).await {
                    tracing::warn!(%error, "the lease could not be given back; it runs out by itself");
                }
            }),
            Effect::Load { term } => {
                spawn(async move { send(Event::Loaded { term, result: store.load(term).await.map(Box::new) }) });
            }
            Effect::Commit { term, batch } => {
                let times = commit_times.clone();
                let size = batch.len();
                spawn(async move {
                    let began = now().boot;
                    let result = store.commit(term, batch).await;
                    let took = now().boot.saturating_sub(began);
                    times.record(took);
                    if took > SLOW {
                        tracing::debug!(?took, size, "a commit was slow");
                    }
                    send(Event::Committed { term, result });
                });
            }
            Effect::Probe { term, batch } => {
                spawn(async move { send(Event::Probed { term, result: store.probe(term, batch).await }) });
            }
            Effect::FetchRequests { term, limit } => {
                spawn(async move { send(Event::Requests { term, result: store.pending_requests(limit).await }) });
            }
            Effect::Ask { term, question } => spawn(async move {
                let result = store.ask(question.clone()).await;
                send(Event::Answered { term, question, result });
            }),
            Effect::Rescan(which) => {
                let _ = self.rescan.send(which);
            }
            Effect::Reconcile { executor, round, known } => self.reconcile(executor, round, known, send),
            Effect::Launch { term, executor, workload, not_after } => self.launch(term, executor, *workload, not_after, send),
            Effect::Terminate { executor, attempt, grace } => {
                let place = self.executors.get(&executor).cloned();
                spawn(async move {
                    let result = match place {
                        Some(place) => place.terminate(attempt, grace).await,
                        None => Err(TerminateError { attempt, why: format!("executor {executor} is not configured") }),
                    };
                    if let Err(error) = &result {
                        tracing::warn!(%error, "will be tried again");
                    }
                    send(Event::Terminated { attempt, result });
                });
            }
            Effect::Release { executor, attempt } => {
                if let Some(place) = self.executors.get(&executor).cloned() {
                    spawn(async move { place.release(attempt).await });
                }
            }
            Effect::Report(report) => say(report),
            Effect::Stopped => {}
        }
    }

    fn launch(&self, term: Term, executor: ExecutorName, workload: Workload, not_after: Duration, send: impl Fn(Event) + Send + 'static) {
        let place = self.executors.get(&executor).cloned();
        spawn(async move {
            let attempt = workload.attempt;
            let left = not_after.saturating_sub(now().boot);
            let result = match place {
                None => Err(LaunchError::Rejected(format!("executor {executor} is not configured"))),
                Some(_) if left.is_zero() => Err(LaunchError::Unavailable("the lease was not renewed in time".to_owned())),
                // The answer may come later than the fence, but a place's creation is atomic.
                Some(place) => match tokio::time::timeout(left + Duration::from_secs(30), place.launch(workload, not_after)).await {
                    Ok(result) => result,
                    Err(_) => Err(LaunchError::Indeterminate(format!("executor {executor} did not answer"))),
                },
            };
            send(Event::Launched { term, attempt, result });
        });
    }

    fn reconcile(
        &self,
        executor: ExecutorName,
        round: u64,
        known: Vec<updraft_model::AttemptHandle>,
        send: impl Fn(Event) + Send + 'static,
    ) {
        let place = self.executors.get(&executor).cloned();
        spawn(async move {
            let Some(place) = place else {
                let why = format!("executor {executor} is not configured");
                for handle in known {
                    let adoption = updraft_model::Adoption::Unreachable { attempt: handle.attempt, why: why.clone() };
                    send(Event::Adoption { executor: executor.clone(), round, adoption });
                }
                return;
            };
            let mut adoptions = place.reconcile(known);
            while let Some(adoption) = adoptions.next().await {
                send(Event::Adoption { executor: executor.clone(), round, adoption });
            }
        });
    }
}

/// An effect that panics would leave the engine waiting for its answer for ever. A crash is what everything
/// here is made for, so the daemon ends, and the next one goes on.
fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(async {
        if AssertUnwindSafe(future).catch_unwind().await.is_err() {
            tracing::error!("an effect of the engine has panicked, which is a bug of Updraft; this daemon ends");
            std::process::abort();
        }
    }));
}

fn say(report: Report) {
    match report {
        Report::Leading(term) => tracing::info!(term = term.0, "this scheduler leads"),
        Report::NotLeading(why) => tracing::warn!(%why, "this scheduler does not lead any more"),
        Report::StoreTrouble(why) => {
            tracing::error!(%why, "the store makes trouble; running tasks go on, and so does this daemon when it can")
        }
        Report::StoreWell => tracing::info!("the store works again"),
        Report::Problem(problem) => tracing::error!(%problem, "left as it was"),
    }
}

/// The time on both clocks.
pub fn now() -> Now {
    Now { wall: Timestamp::from(jiff::Timestamp::now()), boot: boot_clock() }
}

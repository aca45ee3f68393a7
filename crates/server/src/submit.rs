//! Leaves a request for the scheduler and waits for its answer, which is committed together with
//! its effects: whoever calls sees them from whichever server they ask next. Decides nothing.
//!
//! A database that restarts meanwhile is waited for: a caller who is told "failed" of what happens
//! nevertheless tries again, and has it twice.

use std::time::Duration;

use futures::{StreamExt, stream::BoxStream};
use tokio::time::{Instant, sleep_until, timeout_at};
use updraft_model::{Answer, Request, RequestId};
use updraft_store::StoreError;

use crate::{
    app::App,
    auth::Identity,
    error::{ApiError, accepted},
};

/// The safety net under lost hints.
const POLL: Duration = Duration::from_millis(250);

/// Submits `request` and returns its answer; a rejection is an error with the status that fits.
///
/// If no scheduler answers in time the request is withdrawn: then nothing has happened (503). If it
/// can't be withdrawn any more, it has been answered, or begun: a very large one is done in several
/// commits, and the answer comes with the last. It is waited for as long again.
pub async fn submit(app: &App, who: &Identity, request: Request) -> Result<Answer, ApiError> {
    // Before the request exists, so that no hint is missed.
    let mut hints = Hints(Some(app.reader.feed_hints()));
    let begin = Instant::now();
    let id = app.reader.submit(request, Some(who.username.clone())).await?;
    if let Some(answer) = answer_until(app, id, begin + app.config.answer_timeout, &mut hints).await? {
        return accepted(answer);
    }
    if app.reader.withdraw(id).await.map_err(unknown)? {
        let waited = app.config.answer_timeout.as_secs();
        return Err(ApiError::Unavailable(format!(
            "No scheduler answered within {waited} s. The request was withdrawn and nothing has happened; try again later"
        )));
    }
    // The first look finds the answer of one that was answered in the meantime.
    if let Some(answer) = answer_until(app, id, Instant::now() + app.config.answer_timeout, &mut hints).await? {
        return accepted(answer);
    }
    let answer = app.reader.answer(id).await.map_err(unknown)?;
    accepted(answer.ok_or_else(|| begun(begin.elapsed()))?)
}

/// The answer, if it comes until `deadline`.
async fn answer_until(app: &App, id: RequestId, deadline: Instant, hints: &mut Hints) -> Result<Option<Answer>, ApiError> {
    while Instant::now() < deadline {
        match app.reader.answer(id).await {
            Ok(Some(answer)) => return Ok(Some(answer)),
            Ok(None) => {}
            Err(StoreError::Unavailable(error)) => tracing::debug!(error, request = id.0, "the answer can't be read yet"),
            Err(error) => return Err(error.into()),
        }
        hints.until((Instant::now() + POLL).min(deadline)).await;
    }
    Ok(None)
}

/// The stream of hints; when it is over only the clock tells.
struct Hints(Option<BoxStream<'static, ()>>);

impl Hints {
    /// Waits for a hint, or until `at`.
    async fn until(&mut self, at: Instant) {
        match &mut self.0 {
            None => sleep_until(at).await,
            Some(stream) => {
                if let Ok(None) = timeout_at(at, stream.next()).await {
                    self.0 = None;
                }
            }
        }
    }
}

/// The request is taken, and its answer does not come.
fn begun(waited: Duration) -> ApiError {
    ApiError::Unavailable(format!(
        "After {} s a part of this is done, and not all of it. The scheduler goes on with it, also after a restart: look before you try again",
        waited.as_secs()
    ))
}

/// The request can't be taken back, and its answer can't be read.
fn unknown(error: StoreError) -> ApiError {
    match error {
        StoreError::Unavailable(error) => ApiError::Unavailable(format!(
            "The database is not available ({error}), so it is not known whether this was done or will be: look before you try again"
        )),
        error => error.into(),
    }
}

//! Leaves a request for the scheduler and waits for its answer, which is committed together with
//! its effects: whoever calls sees them from whichever server they ask next. Decides nothing.
//!
//! A database that restarts meanwhile is waited for: a caller who is told "failed" of what happens
//! nevertheless tries again, and has it twice.

use std::time::Duration;

use futures::StreamExt;
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
/// If no scheduler answers in time the request is withdrawn: then nothing has happened (503). If
/// it can't be withdrawn any more it has been answered, and the answer is read.
pub async fn submit(app: &App, who: &Identity, request: Request) -> Result<Answer, ApiError> {
    let deadline = Instant::now() + app.config.answer_timeout;
    // Before the request exists, so that no hint is missed.
    let mut hints = app.reader.feed_hints();
    let id = app.reader.submit(request, Some(who.username.clone())).await?;
    let mut hinted = true;
    while Instant::now() < deadline {
        match app.reader.answer(id).await {
            Ok(Some(answer)) => return accepted(answer),
            Ok(None) => {}
            Err(StoreError::Unavailable(error)) => tracing::debug!(error, request = id.0, "the answer can't be read yet"),
            Err(error) => return Err(error.into()),
        }
        let next_look = (Instant::now() + POLL).min(deadline);
        if !hinted {
            sleep_until(next_look).await;
        } else if let Ok(None) = timeout_at(next_look, hints.next()).await {
            // The stream is over; from here on only the clock tells.
            hinted = false;
        }
    }
    give_up(app, id).await
}

async fn give_up(app: &App, id: RequestId) -> Result<Answer, ApiError> {
    if app.reader.withdraw(id).await.map_err(unknown)? {
        let waited = app.config.answer_timeout.as_secs();
        return Err(ApiError::Unavailable(format!(
            "No scheduler answered within {waited} s. The request was withdrawn and nothing has happened; try again later"
        )));
    }
    let answer = app.reader.answer(id).await.map_err(unknown)?;
    accepted(answer.ok_or_else(|| ApiError::Internal(format!("request {} is neither open nor answered", id.0)))?)
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

//! Whose log it is, what its parts are, how the try ended, and reading all of that as one text.

use std::path::PathBuf;

use updraft_logs::log_file;
use updraft_model::{AttemptLabels, TaskInstanceKey, TaskInstanceRow, TaskState};
use updraft_store::TaskInstanceView;

use super::{
    Chunk, Line, Position,
    chunk::{lines, whole_lines},
    part::{Part, parts},
    peers::Away,
};
use crate::{app::App, error::ApiError, lookup::TaskInstancePath, shape::is_try_over};

/// One try, as far as its log is concerned.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Whose.
    pub key: TaskInstanceKey,
    /// Whether nothing more is written to it.
    pub is_over: bool,
    try_number: u32,
    log: PathBuf,
    parts: Vec<Part>,
    /// Why it failed, if it did: what the log ends with.
    verdict: Vec<Line>,
}

impl Subject {
    /// The try of that number; 404 if there is none (yet).
    pub async fn find(app: &App, path: TaskInstancePath<'_>, try_number: u32) -> Result<Self, ApiError> {
        let view = path.find(app).await?;
        if try_number == 0 || try_number > view.row.try_number {
            let TaskInstancePath { dag_id, run_id, task_id, .. } = path;
            let names = format!("dag_id: `{dag_id}`, run_id: `{run_id}` and task_id: `{task_id}`");
            return Err(ApiError::not_found(format!("The Task Instance with {names} has no try {try_number}")));
        }
        let row = &view.row;
        let labels = AttemptLabels { try_number, ..row.labels() };
        let log = log_file(&app.config.logs_dir, &labels);
        let mut subject = Self { key: row.key(), is_over: false, try_number, log, parts: Vec::new(), verdict: Vec::new() };
        subject.update(app, view).await?;
        Ok(subject)
    }

    /// Looks again whether it is over, and where it goes on; a task instance that is gone is over.
    pub async fn refresh(&mut self, app: &App) -> Result<(), ApiError> {
        match app.reader.task_instance(&self.key).await? {
            Some(view) => self.update(app, view).await,
            None => {
                self.is_over = true;
                Ok(())
            }
        }
    }

    /// The attempts are asked for after the state: those of a try that is over are then all there.
    async fn update(&mut self, app: &App, view: TaskInstanceView) -> Result<(), ApiError> {
        let is_over = view.row.try_number > self.try_number || is_try_over(view.row.state);
        self.parts = parts(&app.reader.attempts(&self.key).await?, self.try_number);
        if is_over {
            let earlier = app.reader.archived_tries(&self.key).await?;
            let of_this_try = |row: &TaskInstanceRow| row.try_number == self.try_number;
            let row = earlier.into_iter().find(of_this_try).or_else(|| Some(view.row).filter(of_this_try));
            self.verdict = row.as_ref().map(verdict).unwrap_or_default();
        }
        self.is_over = is_over;
        Ok(())
    }

    /// The whole lines in about `limit` bytes from `from` on, a line longer than that in parts. An
    /// unfinished last line is left for later as long as more may follow. A part whose node can't be
    /// asked is a line that says so, once. A failed try ends with why.
    pub async fn read(&self, app: &App, from: Position, limit: usize) -> Result<Chunk, ApiError> {
        let mut chunk = Chunk { lines: Vec::new(), next: from, at_end: false, is_begun: from != Position::START };
        let mut room = limit;
        while let Some(part) = self.parts.get(chunk.next.part) {
            let is_complete = self.is_over || chunk.next.part + 1 < self.parts.len();
            match self.bytes(app, part, chunk.next.log_pos, room).await? {
                Ok(bytes) => {
                    chunk.is_begun |= bytes.is_some();
                    let bytes = bytes.unwrap_or_default();
                    let at_end = bytes.len() < room;
                    let whole = whole_lines(&bytes, at_end, is_complete);
                    chunk.lines.extend(lines(&bytes[..whole]));
                    chunk.next.log_pos = chunk.next.log_pos.saturating_add(whole as u64);
                    chunk.next.told = false;
                    room = room.saturating_sub(whole);
                    if !at_end {
                        return Ok(chunk);
                    }
                }
                Err(away) => {
                    chunk.is_begun = true;
                    if !chunk.next.told {
                        chunk.lines.push(away.line());
                        chunk.next.told = true;
                    }
                }
            }
            if !is_complete {
                return Ok(Chunk { at_end: true, ..chunk });
            }
            chunk.next = chunk.next.next_part();
        }
        // Behind the last part: what the store knows of the end, counted as a part of length 1.
        if self.is_over && chunk.next.log_pos == 0 {
            chunk.lines.extend_from_slice(&self.verdict);
            chunk.next.log_pos = 1;
        }
        Ok(Chunk { at_end: true, ..chunk })
    }

    async fn bytes(&self, app: &App, part: &Part, from: u64, limit: usize) -> Result<Result<Option<Vec<u8>>, Away>, ApiError> {
        let failed = |error| ApiError::Internal(format!("the log {} can't be read: {error}", self.log.display()));
        let here = part.read_here(self.log.clone(), from, limit).await.map_err(failed)?;
        if here.is_some() || app.config.node.as_ref() == Some(&part.node) {
            return Ok(Ok(here));
        }
        app.peers.read(app, part, from, limit).await
    }

    /// Whether what comes at this place lies on another node.
    pub fn is_elsewhere(&self, app: &App, at: Position) -> bool {
        self.parts.get(at.part).is_some_and(|part| app.config.node.as_ref() != Some(&part.node))
    }

    /// A line to show where nothing was ever written.
    pub fn missing(&self) -> Line {
        Line::bare(match self.is_over {
            true => "There is no log: the try ended without writing one, or the log was deleted",
            false => "There is no log yet: the try has not started",
        })
    }
}

/// Why a try failed. The store knows it; what the program printed need not tell.
fn verdict(row: &TaskInstanceRow) -> Vec<Line> {
    if !matches!(row.state, TaskState::Failed | TaskState::UpForRetry) {
        return Vec::new();
    }
    let reason = match (&row.reason, row.exit_code) {
        (Some(reason), _) => format!(": {}", reason.trim_end()),
        (None, Some(code)) => format!(": exit code {code}"),
        (None, None) => String::new(),
    };
    let timestamp = row.end_date.map(|at| at.to_string());
    let line = |text: &str| Line { timestamp: timestamp.clone(), event: text.to_owned() };
    format!("[updraft] the try failed{reason}").lines().map(line).collect()
}

//! A run as it goes on: a line per change and per line of a log, and a bar on a terminal.
//!
//! Knows nothing of where the states come from: a daemon, or an engine in this process.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Output, Paint};

/// A task instance as it is now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// Task, and copy if it is mapped: `extract`, `load[3]`.
    pub name: String,
    /// Its state, as Airflow spells it.
    pub state: String,
    /// Which try.
    pub try_number: u32,
    /// How long that took, in seconds, once it has ended.
    pub seconds: Option<f64>,
    /// Why it is in its state.
    pub reason: Option<String>,
}

/// Shows a run.
pub struct Progress {
    out: io::Stdout,
    /// Where a list as JSON is wanted, standard output is for that alone.
    to_stderr: bool,
    paint: Paint,
    bar: Option<ProgressBar>,
    last: BTreeMap<String, Seen>,
}

/// The bar, what is done, and what runs.
const BAR: &str = "{spinner} [{bar:24}] {pos}/{len} tasks, {elapsed} {wide_msg}";

impl Progress {
    /// A display that has seen nothing yet.
    pub fn new(out: &Output) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bar
        });
        Self { out: io::stdout(), to_stderr: !out.is_table(), paint: out.paint(), bar, last: BTreeMap::new() }
    }

    /// Tells what changed since the last call, and brings the bar up to date.
    pub fn observe(&mut self, all: &[Seen]) {
        for now in all {
            let before = self.last.get(&now.name);
            if before == Some(now) {
                continue;
            }
            if let Some(change) = change(before, now) {
                self.task_line(&now.name, &format!("-> {}", self.coloured(&now.state, &change)));
            }
            self.last.insert(now.name.clone(), now.clone());
        }
        if let Some(bar) = &self.bar {
            let done = all.iter().filter(|task| is_finished(&task.state)).count();
            let running: Vec<&str> = all.iter().filter(|task| task.state == "running").map(|task| task.name.as_str()).collect();
            bar.set_length(all.len() as u64);
            bar.set_position(done as u64);
            bar.set_message(running.join(", "));
        }
    }

    fn coloured(&self, state: &str, change: &str) -> String {
        format!("{}{}", self.paint.state(state), change.strip_prefix(state).unwrap_or(change))
    }

    /// A line about a task, or of its log.
    pub fn task_line(&self, name: &str, text: &str) {
        self.line(&format!("{} {text}", self.paint.label(name, &format!("[{name}]"))));
    }

    /// A line.
    pub fn line(&self, text: &str) {
        let write = || {
            // What can't be told must not end the run.
            let _ = if self.to_stderr { writeln!(io::stderr(), "{text}") } else { writeln!(&self.out, "{text}") };
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What is worth a line; waiting for a slot is not.
fn change(before: Option<&Seen>, now: &Seen) -> Option<String> {
    let is_new = before.is_none_or(|before| before.state != now.state || before.try_number != now.try_number);
    if !is_new || matches!(now.state.as_str(), "" | "no_status" | "scheduled" | "queued") {
        return None;
    }
    let reason = now.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
    let number = if now.try_number > 1 { format!(" (try {})", now.try_number) } else { String::new() };
    Some(match now.seconds {
        Some(seconds) if is_finished(&now.state) => format!("{} in {seconds:.2} s{number}{reason}", now.state),
        _ if now.state == "running" => format!("running{number}"),
        _ => format!("{}{number}{reason}", now.state),
    })
}

/// Whether nothing more happens to a task instance by itself (Airflow's `State.finished`).
fn is_finished(state: &str) -> bool {
    matches!(state, "success" | "failed" | "skipped" | "upstream_failed" | "removed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_worth_a_line_get_one() {
        let seen = |state: &str, try_number, seconds, reason: Option<&str>| Seen {
            name: "a".into(),
            state: state.into(),
            try_number,
            seconds,
            reason: reason.map(str::to_owned),
        };
        let story = [
            seen("no_status", 0, None, None),
            seen("queued", 1, None, None),
            seen("running", 1, None, None),
            seen("running", 1, None, None),
            seen("up_for_retry", 1, Some(0.5), Some("exited 1")),
            seen("running", 2, None, None),
            seen("success", 2, Some(1.25), None),
        ];
        let mut before = None;
        let mut told = Vec::new();
        for now in &story {
            told.extend(change(before, now));
            before = Some(now);
        }
        assert_eq!(told, ["running", "up_for_retry: exited 1", "running (try 2)", "success in 1.25 s (try 2)"]);
    }
}

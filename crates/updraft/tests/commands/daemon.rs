//! A daemon that commands ask.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::place::Place;

/// A daemon on a free port, ended with the test.
pub struct Daemon<'a> {
    place: &'a Place,
    child: Child,
    pub url: String,
}

impl<'a> Daemon<'a> {
    pub fn start(place: &'a Place) -> Self {
        let mut command = place.command(&["standalone", "--port", "0"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.find_map(|line| line.trim().strip_prefix("page").map(|url| url.trim().to_owned())).expect("a page");
        // Its log is read on, or it would stop when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Self { place, child, url }
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.place.command(args).env("UPDRAFT_URL", &self.url).output().unwrap()
    }

    /// As [`Place::story`], without times.
    pub fn story(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.run(args);
        let text = format!("{}--- stderr\n{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        format!("{}--- exit code {}", text.replace(&self.url, "URL/"), status.code().unwrap_or(-1))
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["-o", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}: {output:?}"))
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

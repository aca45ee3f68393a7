//! A folder, and the program in it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

/// A folder with a home, DAG files and nothing of the environment's `UPDRAFT_*`.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_updraft"));
        command.args(args).current_dir(self.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        // A port that nobody listens on, so that no daemon of this machine is asked.
        command.env("UPDRAFT_PORT", "1").env("TMPDIR", self.path());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Standard output, standard error and exit code as one text, without what differs each time.
    pub fn story(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.run(args);
        let text = |bytes| String::from_utf8_lossy(bytes).replace(&*self.path().to_string_lossy(), "~");
        format!("{}--- stderr\n{}--- exit code {}", text(&stdout), text(&stderr), status.code().unwrap_or(-1))
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}: {output:?}"))
    }
}

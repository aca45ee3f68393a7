//! How answers are printed: a table for people, JSON for programs, YAML for both.
//!
//! Rows and objects are JSON values in the API's shapes; a table shows the columns it is asked for,
//! JSON and YAML all there is. Nothing here knows what the values mean, but for the colours of states.

mod paint;
mod table;

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write},
};

use serde_json::Value;

pub use paint::Paint;
use table::Table;

use crate::cli::Output as Format;

/// Standard output, in the format that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    format: Format,
    paint: Paint,
}

impl Output {
    /// In this format; with colours if standard output is a terminal and `NO_COLOR` is not set.
    pub fn new(format: Format) -> Self {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { format, paint: Paint::new(colours) }
    }

    /// Whether a person reads it.
    pub fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// The colours.
    pub fn paint(&self) -> Paint {
        self.paint
    }

    /// A list: these columns of each row as a table, or the rows as they are.
    pub fn list(&self, columns: &[&str], rows: &[Value]) -> anyhow::Result<()> {
        match self.format {
            Format::Table => self.text(&Table::new(columns, rows).render(self.paint)),
            Format::Json | Format::Yaml => self.value(&Value::Array(rows.to_vec())),
        }
    }

    /// One object: a line per field in a table.
    pub fn object(&self, object: &Value) -> anyhow::Result<()> {
        match self.format {
            Format::Table => self.text(&table::fields(object, self.paint)),
            Format::Json | Format::Yaml => self.value(object),
        }
    }

    /// A value as JSON (also where a table was asked for) or YAML.
    pub fn value(&self, value: &Value) -> anyhow::Result<()> {
        match self.format {
            Format::Table | Format::Json => self.line(&serde_json::to_string_pretty(value)?),
            Format::Yaml => self.text(&updraft_template::yaml_document(value)),
        }
    }

    /// A line of text.
    pub fn line(&self, text: &str) -> anyhow::Result<()> {
        self.text(&format!("{text}\n"))
    }

    /// Text as it is.
    pub fn text(&self, text: &str) -> anyhow::Result<()> {
        Ok(write(io::stdout().lock(), text)?)
    }
}

/// Prints a line to standard output, where no format was asked for.
pub fn print(line: impl Display) -> io::Result<()> {
    write(io::stdout().lock(), &format!("{line}\n"))
}

/// Says a line beside the answer, on standard error.
pub fn note(line: impl Display) {
    // What can't be said here can be said nowhere, and is no reason to give up what was asked for.
    let _ = write(io::stderr().lock(), &format!("{line}\n"));
}

/// All that this program prints goes through here: `println!` and `eprintln!` panic where a reader
/// has gone away (`| head`), which is no error.
fn write(mut out: impl Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

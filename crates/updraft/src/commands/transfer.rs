//! JSON files of `import` and `export`: one object; `-` is standard input or output.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use crate::output::{note, print};

/// Reads an object.
pub fn read(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let mut text = String::new();
    let read = if is_standard(path) {
        io::stdin().read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.with_context(|| format!("can't read {}", path.display()))?;
    match serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))? {
        Value::Object(map) => Ok(map),
        _ => bail!("{}: an object is expected, with a name for each entry", path.display()),
    }
}

/// Writes an object, and says how many entries it has.
pub fn write(path: &Path, map: &Map<String, Value>, what: &str) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(map)? + "\n";
    let written = if is_standard(path) { print(text.trim_end()) } else { fs::write(path, text) };
    written.with_context(|| format!("can't write {}", path.display()))?;
    note(format_args!("Exported {} {what}{} to {}", map.len(), if map.len() == 1 { "" } else { "s" }, path.display()));
    Ok(())
}

fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

//! What a program wrote to `UPDRAFT_OUTPUT`: lines `key=text` and `key:=json`.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use nix::{libc, unistd::Uid};
use serde_json::Value;
use updraft_model::XCOM_LIMIT;

/// The longest output file, in bytes: it is read into memory.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;
/// The longest key, in characters (Airflow's limit of an id).
const KEY_LIMIT: usize = 250;

/// Reads and checks the file at `path`, which may be missing. The program owns its folder, so the
/// file must be an ordinary one of `owner`'s: not a link to somebody else's, not a pipe that blocks.
pub(crate) fn read(path: &Path, owner: Uid) -> Result<BTreeMap<String, Value>, String> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match fs::OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(format!("UPDRAFT_OUTPUT can't be read: {e}")),
    };
    let facts = file.metadata().map_err(|e| format!("UPDRAFT_OUTPUT can't be read: {e}"))?;
    if !facts.is_file() || facts.uid() != owner.as_raw() {
        return Err("UPDRAFT_OUTPUT is no ordinary file of the task's user any more".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(|e| format!("UPDRAFT_OUTPUT can't be read: {e}"))?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(format!("UPDRAFT_OUTPUT is longer than {FILE_LIMIT} bytes; pass large data by path, not by value"));
    }
    parse(&bytes)
}

/// The last of a key counts. Errors name the line.
fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Value>, String> {
    let mut outputs = BTreeMap::new();
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.is_empty() {
            let (key, value) = parse_line(line).map_err(|why| format!("UPDRAFT_OUTPUT, line {}: {why}", number + 1))?;
            outputs.insert(key, value);
        }
    }
    Ok(outputs)
}

fn parse_line(line: &[u8]) -> Result<(String, Value), String> {
    let line = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
    let (key, text) = line.split_once('=').ok_or("neither key=text nor key:=json")?;
    let (key, value) = match key.strip_suffix(':') {
        Some(key) => (key, serde_json::from_str(text).map_err(|e| format!("the value of {key:?} is not JSON: {e}"))?),
        None => (key, Value::String(text.to_owned())),
    };
    let valid = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if key.is_empty() || key.chars().count() > KEY_LIMIT || !key.chars().all(valid) {
        let shown: String = key.chars().take(50).collect();
        return Err(format!("{shown:?} is no key: allowed are 1 to {KEY_LIMIT} letters, digits, dashes, dots and underscores"));
    }
    let length = value.to_string().len();
    if length > XCOM_LIMIT {
        return Err(format!("the value of {key:?} is {length} bytes long as JSON; at most {XCOM_LIMIT} are allowed"));
    }
    Ok((key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_values() {
        let outputs = parse(b"a=1\r\n\nb:={\"x\": [1, null]}\na=two = 2\nempty=\n").unwrap();
        assert_eq!(serde_json::to_string(&outputs).unwrap(), r#"{"a":"two = 2","b":{"x":[1,null]},"empty":""}"#);
    }

    #[test]
    fn mistakes_name_their_line() {
        let long = format!("big={}", "x".repeat(XCOM_LIMIT - 1));
        let cases: [&[u8]; 7] = [b"a=1\nb", b"=x", b"a b=x", b"j:={", b"ok=1\nx=\xff", long.as_bytes(), b"j:=1 2"];
        let errors: Vec<String> = cases.iter().map(|text| parse(text).unwrap_err()).collect();
        insta::assert_debug_snapshot!(errors);
        assert!(parse(format!("fits={}", "x".repeat(XCOM_LIMIT - 2)).as_bytes()).is_ok());
    }

    #[test]
    fn only_an_ordinary_file_of_the_user_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("output");
        assert_eq!(read(&path, Uid::effective()), Ok(BTreeMap::new()));
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert!(read(&path, Uid::effective()).is_err());
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(read(&path, Uid::effective()).unwrap_err().contains("ordinary file"));
        fs::remove_file(&path).unwrap();
        fs::write(&path, "a=1").unwrap();
        assert!(read(&path, Uid::from_raw(Uid::effective().as_raw() + 1)).is_err());
        assert_eq!(read(&path, Uid::effective()).unwrap().len(), 1);
    }
}

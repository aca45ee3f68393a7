//! Whether a file is there.

use std::path::Path;

use anyhow::Context as _;

use super::Answer;

use crate::output::print;

/// `pattern` is a path or a glob, relative to the working directory. A folder counts if there is a
/// file in it, at any depth (as for Airflow's `FileSensor`).
pub fn exists(pattern: &str) -> anyhow::Result<Answer> {
    // A name with brackets in it may be just that.
    let found = if has_file(Path::new(pattern)) {
        Some(pattern.to_owned())
    } else {
        let paths = glob::glob(pattern).with_context(|| format!("\"{pattern}\" is not a file name pattern"))?;
        paths.filter_map(Result::ok).find(|path| has_file(path)).map(|path| path.display().to_string())
    };
    Ok(match found {
        Some(path) => {
            print(format_args!("{path} is there"))?;
            Answer::Done
        }
        None => {
            print(format_args!("no file {pattern} yet"))?;
            Answer::NotYet
        }
    })
}

fn has_file(path: &Path) -> bool {
    if !path.is_dir() {
        return path.exists();
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                // Links to folders are not followed: they could lead back.
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(_) => return true,
                Err(_) => {}
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn paths_globs_and_folders() {
        let dir = tempfile::tempdir().unwrap();
        let look = |name: &str| exists(dir.path().join(name).to_str().unwrap()).unwrap();
        fs::create_dir_all(dir.path().join("empty/deeper")).unwrap();
        fs::create_dir_all(dir.path().join("full/deeper")).unwrap();
        fs::write(dir.path().join("full/deeper/a.csv"), "").unwrap();
        fs::write(dir.path().join("b[1].csv"), "").unwrap();
        assert_eq!(["full/deeper/a.csv", "full/*/*.csv", "full", "b[1].csv", "b*"].map(look), [Answer::Done; 5]);
        assert_eq!(["a.csv", "full/*.csv", "empty", "e*"].map(look), [Answer::NotYet; 4]);
    }

    #[test]
    fn a_broken_pattern_is_an_error() {
        assert!(exists("a[").is_err());
    }
}

//! Python files in the folder of DAG files. Tasks may need them, so they are no mistake; one that
//! imports Airflow was probably brought along as a DAG file, and nothing would ever say why it is none.

use std::{fs::File, io::Read as _, path::Path};

/// Imports stand at the start.
const READ: u64 = 64 << 10;

/// What is said of a file that was meant as a DAG file.
pub const NOT_READ: &str = "Updraft reads DAG files in YAML, not in Python";

/// Whether a Python file is one of Airflow's. One that can't be read is not ours to complain of.
pub fn imports_airflow(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(READ).read_to_end(&mut bytes));
    read.is_ok() && String::from_utf8_lossy(&bytes).lines().any(is_import)
}

fn is_import(line: &str) -> bool {
    let mut words = line.split(|c: char| c.is_whitespace() || matches!(c, '.' | ',')).filter(|word| !word.is_empty());
    matches!(words.next(), Some("import" | "from")) && words.next() == Some("airflow")
}

#[cfg(test)]
mod tests {
    use super::is_import;

    #[test]
    fn only_imports_of_airflow_count() {
        for line in ["import airflow", "from airflow import DAG", "from airflow.sdk import dag", "    from airflow.decorators import task"]
        {
            assert!(is_import(line), "{line}");
        }
        for line in ["import airflow_helpers", "from x import airflow", "# import airflow", "airflow = 1", ""] {
            assert!(!is_import(line), "{line}");
        }
    }
}

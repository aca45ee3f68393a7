//! Where logs are: Airflow's layout.

use std::path::{Path, PathBuf};

use updraft_model::AttemptLabels;

/// The longest name of a file or folder on the file systems of Linux, in bytes (`NAME_MAX`).
const NAME_MAX: usize = 255;
/// What is put behind a log's name for the list of its segments.
pub(crate) const LIST: &str = ".segments";

/// Where an attempt's log is, below a home's `logs` folder.
///
/// [`AttemptLabels::log_path`], except that a component too long for a file system (names may have
/// 250 characters of up to four bytes) is cut, and made unique again by a hash of the whole. Ids are
/// validated and each is one component with a prefix of its own, so none of them can lead elsewhere.
pub fn log_file(logs: &Path, labels: &AttemptLabels) -> PathBuf {
    let mut path = logs.to_owned();
    for component in labels.log_path().split('/') {
        path.push(short_name(component));
    }
    path
}

/// Where the segments of the log at `log` are listed: beside it.
pub(crate) fn list_of(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(LIST);
    PathBuf::from(name)
}

pub(crate) fn short_name(name: &str) -> String {
    if name.len() <= NAME_MAX {
        return name.to_owned();
    }
    let keep = (0..=NAME_MAX - 17).rev().find(|i| name.is_char_boundary(*i)).unwrap_or(0);
    format!("{}~{:016x}", &name[..keep], fnv1a(name.as_bytes()))
}

/// FNV-1a, 64 bits: stable for ever, unlike the standard library's hasher.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use updraft_model::{DagId, MapIndex, RunId, TaskId};

    use super::*;

    fn labels(dag_id: &str) -> AttemptLabels {
        AttemptLabels {
            dag_id: DagId::new(dag_id).unwrap(),
            run_id: RunId::new("r".repeat(250)).unwrap(),
            task_id: TaskId::new("t").unwrap(),
            map_index: MapIndex::UNMAPPED,
            try_number: 1,
        }
    }

    #[test]
    fn long_names_still_have_a_log_of_their_own() {
        let file = |last: &str| log_file(Path::new("/logs"), &labels(&format!("{}{last}", "ü".repeat(249))));
        let (a, b) = (file("a"), file("b"));
        assert_ne!(a, b);
        assert!(a.components().all(|c| c.as_os_str().len() <= NAME_MAX));
    }

    #[test]
    fn no_id_leads_elsewhere() {
        let file = log_file(Path::new("/logs"), &labels(".."));
        assert!(file.starts_with("/logs") && !file.components().any(|part| part == Component::ParentDir), "{file:?}");
    }
}

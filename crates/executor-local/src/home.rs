//! A node's home: where the attempts' folders, the logs and the node's id are.
//!
//! Must be on a local disk: `flock` on NFS is emulated and does not survive as this crate needs it.

use std::{
    fmt::Write as _,
    fs, io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use updraft_model::{AttemptId, AttemptLabels, NodeId, Segment};

/// The longest name of a file or folder on the file systems of Linux, in bytes (`NAME_MAX`).
const NAME_MAX: usize = 255;

/// Why a home can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A file or folder in it can't be created or read.
    #[error("the home folder can't be used: {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// `node-id` holds something else.
    #[error("{} does not hold a node's id: {why}; restore it, or remove it to make this home a new node", path.display())]
    NodeId {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A node's home folder, opened.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
    node: NodeId,
}

impl Home {
    /// Creates what is missing of it, including `node-id`, which is drawn once and never changes.
    pub fn open(root: &Path) -> Result<Self, HomeError> {
        create_private(root)?;
        let root = fs::canonicalize(root).map_err(|source| HomeError::Io { doing: "resolving", path: root.to_owned(), source })?;
        for folder in ["attempts", "released", "logs"] {
            create_private(&root.join(folder))?;
        }
        let node = node_id(&root)?;
        Ok(Self { root, node })
    }

    /// The node that lives here.
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// The folder itself, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the attempts are.
    pub(crate) fn attempts(&self) -> PathBuf {
        self.root.join("attempts")
    }

    /// Where an attempt is until it is released.
    pub(crate) fn attempt(&self, attempt: AttemptId) -> PathBuf {
        self.root.join(format!("attempts/{attempt}"))
    }

    /// Where released attempts keep their names reserved.
    pub(crate) fn released_folder(&self) -> PathBuf {
        self.root.join("released")
    }

    /// Where one released attempt is.
    pub(crate) fn released(&self, attempt: AttemptId) -> PathBuf {
        self.root.join(format!("released/{attempt}"))
    }

    /// The pipe that supervisors write hints to.
    pub(crate) fn hints(&self) -> PathBuf {
        self.root.join("attempts/.hints")
    }

    /// The machine's boot during which this home was last reconciled.
    pub(crate) fn boot_marker(&self) -> PathBuf {
        self.root.join("attempts/.boot")
    }

    /// Below which all logs are.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }
}

fn create_private(path: &Path) -> Result<(), HomeError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| HomeError::Io { doing: "creating", path: path.to_owned(), source })
}

fn node_id(root: &Path) -> Result<NodeId, HomeError> {
    let path = root.join("node-id");
    let io = |doing| {
        let path = path.clone();
        move |source| HomeError::Io { doing, path, source }
    };
    if !path.exists() {
        let draft = root.join(format!(".node-id.{}", std::process::id()));
        fs::write(&draft, fresh_node_name().map_err(io("drawing"))?).map_err(io("writing"))?;
        // A link, not a rename: of two processes that start at once, both end up with the first's id.
        let linked = fs::hard_link(&draft, &path);
        fs::remove_file(&draft).map_err(io("writing"))?;
        linked.or_else(|e| if e.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(e) }).map_err(io("writing"))?;
    }
    let text = fs::read_to_string(&path).map_err(io("reading"))?;
    NodeId::new(text.trim()).map_err(|e| HomeError::NodeId { path, why: e.to_string() })
}

/// The host's name, for people, and eight random hex digits, for uniqueness.
fn fresh_node_name() -> io::Result<String> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut name: String = host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).take(64).collect();
    if name.is_empty() {
        name.push_str("node");
    }
    let mut random = [0_u8; 4];
    io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut random)?;
    name.push('-');
    for byte in random {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}

/// Where an attempt's log is, below a home's `logs` folder.
///
/// [`AttemptLabels::log_path`], except that a component too long for a file system (names may have
/// 250 characters of up to four bytes) is cut, and made unique again by a hash of the whole.
pub fn log_file(logs: &Path, labels: &AttemptLabels) -> PathBuf {
    let mut path = logs.to_owned();
    for component in labels.log_path().split('/') {
        path.push(short_name(component));
    }
    path
}

fn short_name(name: &str) -> String {
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

/// Adds it to the list beside `log`, whole or not at all.
pub(crate) fn append_segment(segment: &Segment, log: &Path) -> io::Result<()> {
    let mut line = serde_json::to_vec(segment)?;
    line.push(b'\n');
    let mut list = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(Segment::list_of(log))?;
    let length = list.metadata()?.len();
    io::Write::write_all(&mut list, &line).inspect_err(|_| _ = list.set_len(length))
}

/// The segments of the log file at `log`, in the order in which they were begun. Empty if there is
/// no log. A line cut short by a crash is left out.
pub fn read_segments(log: &Path) -> io::Result<Vec<Segment>> {
    match fs::read_to_string(Segment::list_of(log)) {
        Ok(text) => Ok(Segment::parse_list(&text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use updraft_model::{DagId, MapIndex, RunId, TaskId};

    use super::*;

    #[test]
    fn a_node_keeps_its_id() {
        let dir = tempfile::tempdir().unwrap();
        let first = Home::open(dir.path()).unwrap();
        assert_eq!(first.node(), Home::open(dir.path()).unwrap().node());
    }

    #[test]
    fn a_damaged_node_id_is_said_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("node-id"), "").unwrap();
        assert!(matches!(Home::open(dir.path()), Err(HomeError::NodeId { .. })));
    }

    #[test]
    fn long_names_still_have_a_log_of_their_own() {
        let labels = |last: &str| AttemptLabels {
            dag_id: DagId::new(format!("{}{last}", "ü".repeat(249))).unwrap(),
            run_id: RunId::new("r".repeat(250)).unwrap(),
            task_id: TaskId::new("t").unwrap(),
            map_index: MapIndex::UNMAPPED,
            try_number: 1,
        };
        let (a, b) = (log_file(Path::new("/logs"), &labels("a")), log_file(Path::new("/logs"), &labels("b")));
        assert_ne!(a, b);
        assert!(a.components().all(|c| c.as_os_str().len() <= NAME_MAX));
    }
}

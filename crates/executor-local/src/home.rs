//! A node's home: where the attempts' folders, the node's id and, unless they are elsewhere, the logs are.
//!
//! Must be on a local disk: `flock` on NFS is emulated and does not survive as this crate needs it.

use std::{
    fmt::Write as _,
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use updraft_model::{AttemptId, NodeId};

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
    logs: PathBuf,
    node: NodeId,
}

impl Home {
    /// Creates what is missing of it and of the folder of its tasks' logs, which may be elsewhere, including
    /// `node-id`, which is drawn once and never changes.
    pub fn open(root: &Path, logs: &Path) -> Result<Self, HomeError> {
        let made = |path: &Path| {
            create_private(path)?;
            fs::canonicalize(path).map_err(|source| HomeError::Io { doing: "resolving", path: path.to_owned(), source })
        };
        let (root, logs) = (made(root)?, made(logs)?);
        for folder in ["attempts", "released", OWN_LOGS] {
            create_private(&root.join(folder))?;
        }
        let node = node_id(&root)?;
        Ok(Self { root, logs, node })
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

    /// When a daemon here was last heard of by the store: see [`crate::presence`].
    pub(crate) fn presence(&self) -> PathBuf {
        self.root.join("attempts/.daemon")
    }

    /// Below which all tasks' logs are.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// What the nursery has to complain about. Always here: another home may have the same folder of logs.
    pub(crate) fn nursery_log(&self) -> PathBuf {
        self.root.join(OWN_LOGS).join("nursery.log")
    }
}

/// The folder in a home where logs are unless they are to be elsewhere.
pub(crate) const OWN_LOGS: &str = "logs";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_id() {
        let dir = tempfile::tempdir().unwrap();
        let first = Home::open(dir.path(), &dir.path().join(OWN_LOGS)).unwrap();
        assert_eq!(first.node(), Home::open(dir.path(), &dir.path().join(OWN_LOGS)).unwrap().node());
    }

    #[test]
    fn a_damaged_node_id_is_said_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("node-id"), "").unwrap();
        assert!(matches!(Home::open(dir.path(), &dir.path().join(OWN_LOGS)), Err(HomeError::NodeId { .. })));
    }
}

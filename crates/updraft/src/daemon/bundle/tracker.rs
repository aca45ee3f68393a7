//! What looks at the folder mean: which files to read, and which are gone. No I/O; time is an
//! argument.
//!
//! A folder may be swapped under us (git-sync's link, a ConfigMap's `..data`) or be empty for a
//! moment, so that one look that misses a file proves nothing: only two complete looks of a folder
//! with files, [`GONE_AFTER`] apart, do.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use updraft_engine::Rescan;
use updraft_model::DagId;

use super::look::{Found, Look, Stamp};

/// How long a file must be missing.
pub const GONE_AFTER: Duration = Duration::from_secs(5);

/// SHA-256 of a file's bytes, or of why it has none.
pub type Hash = [u8; 32];

/// What is known of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    /// As it was before it was last read; absent if it must be read.
    stamp: Option<Stamp>,
    /// Of what was last read; absent if nobody was told about it.
    hash: Option<Hash>,
    /// Its DAGs; absent if only the store knows them.
    dags: Option<BTreeSet<DagId>>,
    /// Since when it is missing.
    missing_since: Option<Duration>,
}

/// What follows from a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Todo {
    /// To be read: they may have changed.
    pub read: Vec<String>,
    /// These files are no more.
    pub gone: Vec<String>,
    /// Look again after this, since a file is missing.
    pub look_again: Option<Duration>,
}

/// All files, and since when which are missing.
#[derive(Debug, Default)]
pub struct Tracker {
    files: BTreeMap<String, Known>,
}

impl Tracker {
    /// Forgets what was told, so that the next look tells it again. A new leader knows only what the store
    /// has: of the files that only the store has it must turn out whether they are gone.
    pub fn tell_again(&mut self, which: Rescan) {
        match which {
            Rescan::All { known } => self.files = known.into_iter().map(|file| (file, Known::default())).collect(),
            // Also of a file that is missing for a moment.
            Rescan::Dags(dags) => {
                let has = |known: &&mut Known| known.dags.as_ref().is_some_and(|theirs| !theirs.is_disjoint(&dags));
                self.files.values_mut().filter(has).for_each(|known| (known.stamp, known.hash) = (None, None));
            }
        }
    }

    /// Takes in a look.
    pub fn look(&mut self, now: Duration, look: &Look) -> Todo {
        let mut todo = Todo::default();
        let gone = self.find_gone(now, look, &mut todo.look_again);
        for file in &gone {
            let dags = self.files.remove(file).map(|known| known.dags);
            self.forget_others_with(file, dags.unwrap_or_default());
        }
        for (file, found) in &look.files {
            let known = self.files.entry(file.clone()).or_default();
            let is_unchanged = match (found, &known.stamp) {
                (Found::File { stamp, .. }, Some(before)) => stamp.proves_unchanged_since(before),
                // What could not be read may be readable now.
                (Found::File { .. }, None) | (Found::Problem(_), _) => false,
            };
            if !is_unchanged {
                todo.read.push(file.clone());
            }
        }
        todo.gone = gone;
        todo
    }

    fn find_gone(&mut self, now: Duration, look: &Look, look_again: &mut Option<Duration>) -> Vec<String> {
        let mut gone = Vec::new();
        if look.files.is_empty() {
            // An empty folder is more likely a moment of a swap than the wish to have no DAGs;
            // what was missing before it may have been part of the same swap.
            self.files.values_mut().for_each(|known| known.missing_since = None);
            return gone;
        }
        for (file, known) in &mut self.files {
            if look.files.contains_key(file) {
                known.missing_since = None;
            } else if !look.hides(file) {
                let missing_for = now.saturating_sub(*known.missing_since.get_or_insert(now));
                match GONE_AFTER.checked_sub(missing_for).filter(|rest| !rest.is_zero()) {
                    None => gone.push(file.clone()),
                    Some(rest) => *look_again = Some(look_again.map_or(rest, |sooner| sooner.min(rest))),
                }
            }
        }
        gone
    }

    /// A file was read: with this stamp before, this hash, and (if it was parsed) these DAGs.
    /// Returns the files to be told again, since they share a DAG that this one gives up.
    pub fn was_read(
        &mut self,
        file: &str,
        stamp: Option<Stamp>,
        hash: Hash,
        dags: Option<BTreeSet<DagId>>,
        is_broken: bool,
    ) -> Vec<String> {
        let Some(known) = self.files.get_mut(file) else { return Vec::new() };
        (known.stamp, known.hash) = (stamp, Some(hash));
        let Some(mut dags) = dags else { return Vec::new() };
        let before = known.dags.take();
        if is_broken {
            // A broken file keeps its DAGs until it is whole again.
            dags.extend(before.iter().flatten().cloned());
        }
        let given_up: BTreeSet<DagId> = before.into_iter().flatten().filter(|dag| !dags.contains(dag)).collect();
        known.dags = Some(dags);
        if given_up.is_empty() { Vec::new() } else { self.forget_others_with(file, Some(given_up)) }
    }

    /// The DAGs that several files have, which only one of them can keep.
    pub fn shared(&self) -> BTreeMap<DagId, Vec<String>> {
        let mut files: BTreeMap<DagId, Vec<String>> = BTreeMap::new();
        for (file, known) in self.files.iter().filter(|(_, known)| known.missing_since.is_none()) {
            for dag in known.dags.iter().flatten() {
                files.entry(dag.clone()).or_default().push(file.clone());
            }
        }
        files.retain(|_, files| files.len() > 1);
        files
    }

    /// What was last told of a file.
    pub fn hash_of(&self, file: &str) -> Option<Hash> {
        self.files.get(file).and_then(|known| known.hash)
    }

    /// The folder's digest: the same on two nodes if their files are.
    pub fn digest(&self) -> String {
        let mut sha = Sha256::new();
        for (file, Known { hash, .. }) in self.files.iter().filter(|(_, known)| known.missing_since.is_none()) {
            sha.update(file.len().to_be_bytes());
            sha.update(file);
            sha.update(hash.unwrap_or_default());
        }
        sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Other files with one of these DAGs (all that have any, if it is not known which): one of them
    /// may have been refused as a double, and is to be told again.
    fn forget_others_with(&mut self, file: &str, dags: Option<BTreeSet<DagId>>) -> Vec<String> {
        let shares = |known: &Known| match (&dags, &known.dags) {
            (Some(dags), Some(theirs)) => !dags.is_disjoint(theirs),
            (None, Some(theirs)) => !theirs.is_empty(),
            (_, None) => false,
        };
        let mut again = Vec::new();
        for (other, known) in self.files.iter_mut().filter(|(other, _)| *other != file) {
            if shares(known) && known.missing_since.is_none() {
                (known.stamp, known.hash) = (None, None);
                again.push(other.clone());
            }
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A complete look; a file is `name=number`, and another number is another content.
    fn look(files: &[&str]) -> Look {
        let found = |text: &&str| {
            let (name, number) = text.split_once('=').unwrap_or((text, "0"));
            (name.to_owned(), Found::File { path: name.into(), stamp: Stamp::numbered(number.parse().unwrap()) })
        };
        Look { files: files.iter().map(found).collect(), is_complete: true, ..Look::default() }
    }

    /// Looks, and reads all that is asked for; every file has one DAG of its stem's first letter.
    fn step(tracker: &mut Tracker, at: Duration, look: &Look) -> Todo {
        let todo = tracker.look(at, look);
        for file in &todo.read {
            let Some(Found::File { stamp, .. }) = look.files.get(file) else { continue };
            let dag = DagId::new(&file[..1]).unwrap();
            tracker.was_read(file, Some(*stamp), [7; 32], Some(BTreeSet::from([dag])), false);
        }
        todo
    }

    fn reads(files: &[&str]) -> Todo {
        Todo { read: files.iter().map(|&f| f.to_owned()).collect(), ..Todo::default() }
    }

    #[test]
    fn only_what_changed_is_read() {
        let mut tracker = Tracker::default();
        assert_eq!(step(&mut tracker, SECOND, &look(&["a", "b"])), reads(&["a", "b"]));
        assert_eq!(step(&mut tracker, SECOND * 2, &look(&["a", "b"])), reads(&[]));
        assert_eq!(step(&mut tracker, SECOND * 3, &look(&["a", "b=2", "c"])), reads(&["b", "c"]));
    }

    #[test]
    fn a_file_is_gone_after_two_looks_five_seconds_apart() {
        let mut tracker = Tracker::default();
        step(&mut tracker, SECOND, &look(&["a", "b"]));
        let missing = step(&mut tracker, SECOND * 2, &look(&["a"]));
        assert_eq!(missing, Todo { look_again: Some(GONE_AFTER), ..Todo::default() });
        assert_eq!(step(&mut tracker, SECOND * 6, &look(&["a"])).look_again, Some(SECOND));
        assert_eq!(step(&mut tracker, SECOND * 7, &look(&["a"])), Todo { gone: vec!["b".to_owned()], ..Todo::default() });
        assert_eq!(step(&mut tracker, SECOND * 8, &look(&["a"])), Todo::default());
    }

    #[test]
    fn a_file_that_comes_back_is_no_news() {
        let mut tracker = Tracker::default();
        step(&mut tracker, SECOND, &look(&["a", "b"]));
        step(&mut tracker, SECOND * 2, &look(&["a"]));
        assert_eq!(step(&mut tracker, SECOND * 4, &look(&["a", "b"])), Todo::default());
        assert_eq!(step(&mut tracker, SECOND * 8, &look(&["a"])).gone, Vec::<String>::new());
    }

    #[test]
    fn an_empty_or_incomplete_look_removes_nothing() {
        let mut tracker = Tracker::default();
        step(&mut tracker, SECOND, &look(&["a", "b"]));
        for second in [2, 20, 40] {
            assert_eq!(step(&mut tracker, SECOND * second, &look(&[])), Todo::default());
        }
        let partial = Look { is_complete: false, ..look(&["a"]) };
        for second in [50, 60] {
            assert_eq!(step(&mut tracker, SECOND * second, &partial), Todo::default());
        }
        let hidden = Look { hidden: BTreeSet::from(["b".to_owned()]), ..look(&["a"]) };
        assert_eq!(step(&mut tracker, SECOND * 65, &hidden).look_again, Some(GONE_AFTER));
        step(&mut tracker, SECOND * 66, &look(&["a", "b"]));
        // An empty moment begins the waiting anew.
        step(&mut tracker, SECOND * 70, &look(&["a"]));
        step(&mut tracker, SECOND * 74, &look(&[]));
        assert_eq!(step(&mut tracker, SECOND * 76, &look(&["a"])).gone, Vec::<String>::new());
    }

    #[test]
    fn a_new_leader_is_told_everything_and_what_only_the_store_knows() {
        let mut tracker = Tracker::default();
        step(&mut tracker, SECOND, &look(&["a"]));
        tracker.tell_again(Rescan::All { known: vec!["a".to_owned(), "old".to_owned()] });
        assert_eq!(step(&mut tracker, SECOND * 2, &look(&["a"])), Todo { look_again: Some(GONE_AFTER), ..reads(&["a"]) });
        // Which DAGs the lost file had is not known: what is there is told again after it.
        assert_eq!(step(&mut tracker, SECOND * 7, &look(&["a"])), Todo { gone: vec!["old".to_owned()], ..reads(&["a"]) });
    }

    #[test]
    fn a_deleted_dag_is_told_again_and_nothing_else() {
        let mut tracker = Tracker::default();
        step(&mut tracker, SECOND, &look(&["a", "b"]));
        tracker.tell_again(Rescan::Dags(BTreeSet::from([DagId::new("a").unwrap()])));
        assert_eq!(step(&mut tracker, SECOND * 2, &look(&["a", "b"])), reads(&["a"]));
    }

    #[test]
    fn a_dag_that_moves_to_another_file_is_told_again_when_the_old_one_is_gone() {
        let mut tracker = Tracker::default();
        step(&mut tracker, SECOND, &look(&["a1", "b"]));
        assert_eq!(step(&mut tracker, SECOND * 2, &look(&["a2", "b"])).read, ["a2"]);
        assert_eq!(step(&mut tracker, SECOND * 7, &look(&["a2", "b"])), Todo { gone: vec!["a1".to_owned()], ..reads(&["a2"]) });
    }

    #[test]
    fn a_dag_that_a_file_gives_up_is_told_by_the_other_that_has_it() {
        let mut tracker = Tracker::default();
        step(&mut tracker, SECOND, &look(&["a1", "a2"]));
        let none = || Some(BTreeSet::new());
        assert_eq!(tracker.was_read("a1", Some(Stamp::numbered(1)), [8; 32], none(), true), Vec::<String>::new());
        assert_eq!(tracker.was_read("a1", Some(Stamp::numbered(1)), [9; 32], none(), false), ["a2"]);
        assert_eq!(tracker.hash_of("a2"), None);
    }

    #[test]
    fn a_dag_of_two_files_is_shared_until_one_gives_it_up_or_goes() {
        let mut tracker = Tracker::default();
        step(&mut tracker, SECOND, &look(&["a1", "a2", "b"]));
        let shared = tracker.shared();
        assert_eq!(shared.values().collect::<Vec<_>>(), [&["a1".to_owned(), "a2".to_owned()]]);
        tracker.look(SECOND * 2, &look(&["a2", "b"]));
        assert_eq!(tracker.shared(), BTreeMap::new());
        tracker.look(SECOND * 3, &look(&["a1", "a2", "b"]));
        assert_eq!(tracker.shared(), shared);
        tracker.was_read("a1", Some(Stamp::numbered(1)), [9; 32], Some(BTreeSet::new()), false);
        assert_eq!(tracker.shared(), BTreeMap::new());
    }

    #[test]
    fn the_digest_follows_the_files() {
        let (mut one, mut other) = (Tracker::default(), Tracker::default());
        step(&mut one, SECOND, &look(&["a", "b"]));
        step(&mut other, SECOND, &look(&["a=5", "b=6"]));
        assert_eq!(one.digest(), other.digest());
        other.was_read("b", Some(Stamp::numbered(1)), [8; 32], None, false);
        assert_ne!(one.digest(), other.digest());
    }
}

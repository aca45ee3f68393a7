//! What the store can't do at the moment: said once when it begins, and once when all is well again.

use std::collections::BTreeMap;

use crate::{Effect, event::Report};

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// Taking or prolonging the lease.
    Lease,
    /// Writing, or reading all again after a commit of which nobody knows the end.
    Commit,
}

/// Why which work can't be done.
#[derive(Debug, Default)]
pub(crate) struct Troubles(BTreeMap<Work, String>);

impl Troubles {
    pub fn any(&self) -> bool {
        !self.0.is_empty()
    }

    pub fn begin(&mut self, work: Work, why: String, out: &mut Vec<Effect>) {
        if self.0.insert(work, why.clone()).is_none() {
            out.push(Effect::Report(Report::StoreTrouble(why)));
        }
    }

    pub fn end(&mut self, work: Work, out: &mut Vec<Effect>) {
        if self.0.remove(&work).is_some() && self.0.is_empty() {
            out.push(Effect::Report(Report::StoreWell));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_said_once_and_so_is_its_end() {
        let (mut troubles, mut out) = (Troubles::default(), Vec::new());
        for why in ["refused", "timed out"] {
            troubles.begin(Work::Lease, why.to_owned(), &mut out);
            troubles.begin(Work::Commit, why.to_owned(), &mut out);
        }
        troubles.end(Work::Lease, &mut out);
        assert!(troubles.any());
        troubles.end(Work::Commit, &mut out);
        troubles.end(Work::Commit, &mut out);
        let said = |why: &str| Effect::Report(Report::StoreTrouble(why.to_owned()));
        assert_eq!(out, [said("refused"), said("refused"), Effect::Report(Report::StoreWell)]);
        assert!(!troubles.any());
    }
}

//! After a restart: what has become of the attempts the store knows, and what else is here.

use std::{collections::HashSet, fs, io, path::Path, sync::atomic::Ordering};

use updraft_model::{Adoption, AttemptHandle, AttemptId};

use crate::{
    home::Home,
    place, processes,
    shared::{LostAttempt, Shared},
    verdict::{Verdict, judge},
};

/// Whether the machine restarted since this home was last reconciled. Missing files prove nothing
/// then: those of its last seconds may not have reached the disk.
pub(crate) fn rebooted(home: &Home) -> io::Result<bool> {
    let current = processes::boot_id()?;
    match fs::read_to_string(home.boot_marker()) {
        Ok(marked) => Ok(marked != current),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            // A new home; or one whose marker was lost with everything else of its last seconds.
            let fresh = place::list(&home.attempts())?.is_empty();
            if fresh {
                mark_boot(&home.boot_marker(), &current)?;
            }
            Ok(!fresh)
        }
        Err(e) => Err(e),
    }
}

fn mark_boot(marker: &Path, boot: &str) -> io::Result<()> {
    let draft = marker.with_extension("new");
    fs::write(&draft, boot)?;
    fs::File::open(&draft)?.sync_all()?;
    fs::rename(&draft, marker)
}

/// One [`Adoption`] for each known attempt, and an orphan for each other one found.
pub(crate) fn reconcile(shared: &Shared, known: &[AttemptHandle]) -> Vec<Adoption> {
    // Listed first: what is launched from now on is no orphan.
    let here = place::list(&shared.home.attempts());
    let rebooted = shared.rebooted.load(Ordering::Acquire);
    let (mut adoptions, mut lost) = (Vec::with_capacity(known.len()), Vec::new());
    for handle in known {
        match adopt(shared, handle, rebooted) {
            Adopted::Now(adoption) => adoptions.push(adoption),
            Adopted::AfterCleaning(attempt) => lost.push(attempt),
        }
    }
    for (LostAttempt { attempt, .. }, exit) in shared.settle_lost(lost) {
        adoptions.push(match exit {
            Ok(exit) => Adoption::Finished { attempt, exit },
            Err(why) => Adoption::Unreachable { attempt, why },
        });
    }
    match here {
        Ok(here) => adoptions.extend(orphans(shared, here, known, rebooted)),
        Err(error) => tracing::warn!(%error, "orphans can't be looked for"),
    }
    if rebooted && let Err(error) = processes::boot_id().and_then(|boot| mark_boot(&shared.home.boot_marker(), &boot)) {
        tracing::warn!(%error, "this boot can't be marked; the next daemon will be as careful as this one");
    } else {
        shared.rebooted.store(false, Ordering::Release);
    }
    adoptions
}

enum Adopted {
    Now(Adoption),
    AfterCleaning(LostAttempt),
}

fn adopt(shared: &Shared, handle: &AttemptHandle, rebooted: bool) -> Adopted {
    let attempt = handle.attempt;
    let node = shared.home.node();
    if let Some(other) = handle.node.as_ref().filter(|other| *other != node) {
        let why = format!("it belongs to node {other}, this is node {node}");
        return Adopted::Now(Adoption::Unreachable { attempt, why });
    }
    // Followed before it is read: an end in between is then told as an event as well.
    let was_launching = shared.begin_adoption(attempt);
    let verdict = match place::inspect(&shared.home.attempt(attempt)) {
        Ok(evidence) => judge(&evidence, rebooted),
        Err(e) => {
            shared.end_adoption(attempt, was_launching);
            return Adopted::Now(Adoption::Unreachable { attempt, why: format!("its folder can't be read: {e}") });
        }
    };
    Adopted::Now(match verdict {
        Verdict::Running { started_at } => {
            shared.adopted(attempt);
            Adoption::Running { attempt, started_at }
        }
        Verdict::Finished(exit) => {
            shared.untrack(attempt);
            Adoption::Finished { attempt, exit }
        }
        // It waits in line, its folder is about to appear, or its lock about to be handed over: nobody knows
        // yet what will become of it.
        _ if !shared.end_adoption(attempt, was_launching) => Adoption::Unreachable { attempt, why: "its launch is under way".to_owned() },
        Verdict::Foreign { why } => Adoption::Unreachable { attempt, why },
        Verdict::Absent => Adoption::Absent { attempt },
        Verdict::NeverStarted => match place::discard(&shared.home, attempt) {
            Ok(()) => Adoption::Absent { attempt },
            Err(e) => Adoption::Unreachable { attempt, why: format!("its folder, in which nothing ran, can't be removed: {e}") },
        },
        Verdict::Lost { why, started_at } => return Adopted::AfterCleaning(LostAttempt::new(attempt, true, started_at, &why)),
    })
}

/// What is here and nobody asked about. Followed, so that its end is told; a folder in which
/// nothing ran and nothing will is no orphan and goes.
fn orphans(shared: &Shared, here: Vec<AttemptId>, known: &[AttemptHandle], rebooted: bool) -> Vec<Adoption> {
    let known: HashSet<AttemptId> = known.iter().map(|handle| handle.attempt).collect();
    let unknown = here.into_iter().filter(|attempt| !known.contains(attempt) && !shared.is_launching(*attempt));
    let is_orphan = |attempt: &AttemptId| match place::inspect(&shared.home.attempt(*attempt)).map(|e| judge(&e, rebooted)) {
        Ok(Verdict::NeverStarted) => place::discard(&shared.home, *attempt).is_err(),
        Ok(Verdict::Absent) => false,
        Ok(Verdict::Running { .. }) => {
            shared.track(*attempt);
            true
        }
        Ok(_) | Err(_) => true,
    };
    unknown.filter(is_orphan).map(|attempt| Adoption::Orphan { attempt }).collect()
}

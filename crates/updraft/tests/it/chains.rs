//! Chains of tasks that write a journal, from which it can be proved what ran and how often.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use crate::daemon::{Site, text_of, wait_for};

/// So many tasks in chains, 30 beside each other; each says when it starts and when it ends.
pub fn write_chains(site: &Site, tasks: usize) {
    let journal = site.path("journal");
    let mut text = "max_active_tasks: 32\ntasks:\n".to_owned();
    for i in 0..tasks {
        let up = i.checked_sub(30).map(|up| format!("    upstream: [t{up:03}]\n")).unwrap_or_default();
        let say = |what: &str| format!("echo \"{what} {{{{ ti.task_id }}}} {{{{ ti.try_number }}}}\" >> {}", journal.display());
        writeln!(text, "  t{i:03}:\n    bash: |\n      {}\n      sleep 0.{}\n      {}\n{up}", say("start"), i % 5 + 1, say("end")).unwrap();
    }
    site.write_dag("chains.yaml", &text);
}

/// How often each line is in the journal that begins with `what`.
pub fn counts(site: &Site, what: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in text_of(&site.path("journal")).lines().filter_map(|line| line.strip_prefix(what)) {
        *counts.entry(line.trim().to_owned()).or_default() += 1;
    }
    counts
}

/// Proves by the journal that each of so many tasks began once and ended once.
pub fn each_try_ran_once(site: &Site, tasks: usize) {
    for what in ["start", "end"] {
        let counts = counts(site, what);
        let doubled: Vec<_> = counts.iter().filter(|(_, n)| **n != 1).collect();
        assert!(doubled.is_empty(), "{what} more than once: {doubled:?}");
        assert_eq!(counts.len(), tasks, "{what}");
    }
}

/// Pauses that have no pattern, and are the same in each run of the test.
pub fn pauses(count: usize) -> impl Iterator<Item = Duration> {
    let mut state = 0x9E37_79B9_u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((state >> 33) % 700)
    })
    .take(count)
}

/// Waits until every task that has begun has ended: nothing new begins while the store can't be
/// written to, and what runs needs no store.
pub fn wait_for_running_tasks_to_end(site: &Site) {
    wait_for("running tasks to end", || (counts(site, "start").len() == counts(site, "end").len()).then_some(()));
}

//! A map that can take back what was done to it since its last commit.

use std::{
    collections::{BTreeMap, btree_map},
    ops::RangeBounds,
};

/// A map with a journal: every change since [`Table::keep`] can be undone by [`Table::undo`].
#[derive(Debug, Clone)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    before: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), before: Vec::new() }
    }
}

impl<K: Ord + Clone, V> Table<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    pub(super) fn set(&mut self, key: K, value: V) {
        let old = self.rows.insert(key.clone(), value);
        self.before.push((key, old));
    }

    pub(super) fn remove(&mut self, key: &K) {
        if let Some(old) = self.rows.remove(key) {
            self.before.push((key.clone(), Some(old)));
        }
    }

    /// Removes all rows that `matches` picks.
    pub(super) fn remove_where(&mut self, matches: impl Fn(&K, &V) -> bool) {
        let keys: Vec<K> = self.rows.iter().filter(|(k, v)| matches(k, v)).map(|(k, _)| k.clone()).collect();
        keys.iter().for_each(|key| self.remove(key));
    }

    pub(super) fn range(&self, range: impl RangeBounds<K>) -> btree_map::Range<'_, K, V> {
        self.rows.range(range)
    }

    pub(super) fn iter(&self) -> btree_map::Iter<'_, K, V> {
        self.rows.iter()
    }

    pub(super) fn values(&self) -> btree_map::Values<'_, K, V> {
        self.rows.values()
    }

    /// Makes all changes final.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// Takes all changes back, the last one first.
    pub(super) fn undo(&mut self) {
        while let Some((key, old)) = self.before.pop() {
            match old {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undo_goes_back_to_the_last_keep() {
        let mut table = Table::default();
        table.set("a", 1);
        table.keep();
        table.set("a", 2);
        table.set("b", 3);
        table.remove(&"a");
        table.set("a", 4);
        table.undo();
        assert_eq!(table.iter().collect::<Vec<_>>(), [(&"a", &1)]);
    }
}

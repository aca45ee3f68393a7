//! Versions of DAGs.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Dag, Timestamp, VersionId};

/// SHA-256 of a DAG's canonical form, as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(pub String);

impl ContentHash {
    /// The hash of `dag`. Reformatting or reordering a file does not change it.
    pub fn of(dag: &Dag) -> Self {
        // Through a `Value` whose maps are sorted, so that neither the order of a file nor that of
        // a free-form JSON value (a param's default) matters.
        let canonical = serde_json::to_value(dag).map(sorted).unwrap_or_default();
        let digest = Sha256::digest(canonical.to_string().as_bytes());
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// One content of one DAG. Never changes once stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DagVersion {
    /// Its key.
    pub id: VersionId,
    /// 1 for a DAG's first content, then 2, ...
    pub number: u32,
    /// What it contains, hashed.
    pub hash: ContentHash,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// The content.
    pub dag: Dag,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DagId, Packed, Param};
    use serde_json::json;

    #[test]
    fn params_keep_their_order_which_is_no_part_of_the_content() {
        let with = |names: [&str; 3]| {
            let mut dag = Dag::new(DagId::new("d").unwrap());
            for name in names {
                dag.params.insert(name.into(), Param { default: None, description: None, schema: json!({}) });
            }
            dag
        };
        let (dag, other) = (with(["z", "a", "m"]), with(["a", "m", "z"]));
        let stored: Dag = serde_json::from_str(&Packed::unpack(dag.packed().as_stored().to_owned()).unwrap()).unwrap();
        assert_eq!(stored.params.keys().collect::<Vec<_>>(), ["z", "a", "m"]);
        assert_eq!((ContentHash::of(&dag), &dag), (ContentHash::of(&other), &other));
    }

    #[test]
    fn the_hash_ignores_the_order_of_free_form_values() {
        let with = |schema: serde_json::Value| {
            let mut dag = Dag::new(DagId::new("d").unwrap());
            dag.params.insert("p".into(), Param { default: None, description: None, schema });
            ContentHash::of(&dag)
        };
        assert_eq!(with(json!({"type": "string", "format": "date"})), with(json!({"format": "date", "type": "string"})));
        assert_ne!(with(json!({"type": "string"})), with(json!({"type": "number"})));
    }
}

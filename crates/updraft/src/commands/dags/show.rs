//! `dags show`: a DAG's settings, and its tasks as a tree.

use std::{collections::BTreeSet, fmt::Write as _};

use clap::Args;
use serde_json::{Value, json};
use updraft_model::{Dag, Schedule, Task, TaskId};
use updraft_timetable::Timetable;

use crate::commands::{Context, dag_file};

/// Which DAG.
#[derive(Debug, Args)]
pub struct Show {
    /// A DAG's id, or a DAG file
    dag: String,
    /// Which DAG of a file that has several
    #[arg(long)]
    dag_id: Option<String>,
}

impl Show {
    /// Prints it.
    pub async fn run(&self, cx: &Context) -> anyhow::Result<()> {
        let dag = dag_file::find(cx, &self.dag, self.dag_id.as_deref()).await?;
        if !cx.out.is_table() {
            return cx.out.value(&serde_json::to_value(&dag)?);
        }
        cx.out.object(&summary(&dag)?)?;
        cx.out.text(&format!("\n{}", tree(&dag)))
    }
}

fn summary(dag: &Dag) -> anyhow::Result<Value> {
    let timetable = Timetable::new(&dag.schedule)?;
    let schedule = match timetable.description() {
        text if text.is_empty() => timetable.summary(),
        text => format!("{} ({text})", timetable.summary()),
    };
    let schedule = match &dag.schedule {
        Schedule::Cron { timezone, .. } if *timezone != dag.timezone => format!("{schedule} in {timezone}"),
        _ => schedule,
    };
    let mut shown = json!({ "dag_id": dag.dag_id, "description": dag.description, "schedule": schedule, "timezone": dag.timezone });
    let optional = [
        ("start_date", json!(dag.start_date)),
        ("end_date", json!(dag.end_date)),
        ("catchup", json!(dag.catchup)),
        ("max_active_runs", json!(dag.max_active_runs)),
        ("max_active_tasks", json!(dag.max_active_tasks)),
        ("dagrun_timeout", json!(dag.dagrun_timeout.map(|timeout| format!("{timeout:#}")))),
        ("tags", json!(dag.tags)),
        ("params", json!(dag.params.keys().collect::<Vec<_>>())),
        ("tasks", json!(dag.tasks.len())),
    ];
    for (name, value) in optional {
        let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !is_empty {
            shown[name] = value;
        }
    }
    if dag.description.is_none()
        && let Some(shown) = shown.as_object_mut()
    {
        shown.shift_remove("description");
    }
    Ok(shown)
}

/// The tasks as a tree, roots first. A task with several upstreams is drawn where it is met first,
/// with all it waits for; where it is met again only its name stands.
pub fn tree(dag: &Dag) -> String {
    let mut out = String::new();
    let mut drawn = BTreeSet::new();
    let roots: Vec<&Task> = dag.tasks.values().filter(|task| task.upstream.is_empty()).collect();
    // An explicit stack: a chain of tasks may be longer than a thread's stack is deep.
    let mut stack: Vec<(usize, &TaskId)> = roots.iter().rev().map(|task| (0, &task.task_id)).collect();
    let downstream = downstream(dag);
    while let Some((depth, id)) = stack.pop() {
        let Some(task) = dag.tasks.get(id) else { continue };
        let indent = "    ".repeat(depth);
        if !drawn.insert(id) {
            let _ = writeln!(out, "{indent}{id} (see above)");
            continue;
        }
        let others: Vec<&str> = task.upstream.iter().map(TaskId::as_str).collect();
        let waits = if others.len() > 1 { format!(" <- {}", others.join(", ")) } else { String::new() };
        let _ = writeln!(out, "{indent}{id} ({}){waits}", task.operator.airflow_name());
        let below = downstream.get(id).into_iter().flatten().rev();
        stack.extend(below.map(|id| (depth + 1, *id)));
    }
    out
}

fn downstream(dag: &Dag) -> std::collections::BTreeMap<&TaskId, Vec<&TaskId>> {
    let mut downstream = std::collections::BTreeMap::<&TaskId, Vec<&TaskId>>::new();
    for task in dag.tasks.values() {
        for upstream in &task.upstream {
            downstream.entry(upstream).or_default().push(&task.task_id);
        }
    }
    downstream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_drawn_once_with_all_it_waits_for() {
        let text = "
tasks:
  extract: {bash: 'true'}
  clean: {bash: 'true', upstream: [extract]}
  audit: {empty: {}, upstream: [extract]}
  load: {bash: 'true', upstream: [clean, audit]}
  report: {bash: 'true', upstream: [load]}
";
        let parsed = updraft_dagfile::parse("sales.yaml", text.as_bytes());
        assert_eq!(parsed.diagnostics, []);
        insta::assert_snapshot!(tree(&parsed.dags[0].dag), @"
        extract (BashOperator)
            audit (EmptyOperator)
                load (BashOperator) <- audit, clean
                    report (BashOperator)
            clean (BashOperator)
                load (see above)
        ");
        insta::assert_snapshot!(serde_json::to_string_pretty(&summary(&parsed.dags[0].dag).unwrap()).unwrap(), @r#"
        {
          "dag_id": "sales",
          "schedule": "None (Never, external triggers only)",
          "timezone": "UTC",
          "catchup": false,
          "max_active_runs": 16,
          "max_active_tasks": 16,
          "tasks": 5
        }
        "#);
    }

    #[test]
    fn a_long_chain_is_no_deep_recursion() {
        let task =
            |i: usize| format!("  t{i}: {{bash: 'true'{}}}\n", if i == 0 { String::new() } else { format!(", upstream: [t{}]", i - 1) });
        let text = format!("tasks:\n{}", (0..3000).map(task).collect::<String>());
        let parsed = updraft_dagfile::parse("chain.yaml", text.as_bytes());
        assert_eq!(tree(&parsed.dags[0].dag).lines().count(), 3000);
    }
}

//! What the tests share: a context, and facts.
#![allow(clippy::unwrap_used, missing_docs)]
#![allow(dead_code)]

use serde_json::{Value, json};
use updraft_model::DataInterval;
use updraft_template::{Context, Facts, RenderError, render_text};

/// A scheduled run of 2026-01-31 06:00:00.5 UTC with some params.
pub fn context() -> Context {
    let at = "2026-01-31T06:00:00.5Z".parse().unwrap();
    let mut context = Context::new("sales_daily", "scheduled__2026-01-31T06:00:00+00:00", "load", at);
    context.run_type = "scheduled".to_owned();
    context.logical_date = Some(at);
    context.data_interval = Some(DataInterval { start: "2026-01-30T06:00:00Z".parse().unwrap(), end: at });
    context.attempt_id = "0198a3a0-0000-7000-8000-000000000001".to_owned();
    context.try_number = 2;
    context.max_tries = 3;
    context.now = "2026-01-31T06:00:07Z".parse().unwrap();
    context.task.operator = "BashOperator".to_owned();
    context.task.upstream_task_ids = ["extract".to_owned(), "clean".to_owned()].into();
    context.dag.tags = ["sales".to_owned()].into();
    context.conf = json!({"region": "eu", "nested": {"a": [1, 2]}});
    let Value::Object(params) = json!({"day": "2026-01-01", "n": 3, "ratio": 0.5, "flag": true, "none": null, "list": ["a b", "c"], "dict": {"k": "v"}, "quote": "it's \"x\""})
    else {
        unreachable!("written as an object")
    };
    context.params = params;
    context
}

/// The rendered text, or the error's text behind `!`.
pub fn text(template: &str) -> String {
    text_in(template, &context(), &Facts::new())
}

pub fn text_in(template: &str, context: &Context, facts: &Facts) -> String {
    match render_text(template, context, facts) {
        Ok(text) => text,
        Err(RenderError::Failed(error)) => format!("!{error}"),
        Err(RenderError::Needs(needs)) => format!("?{needs:?}"),
    }
}

//! Lists that are read page by page from a place on.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt::Debug;

use futures::future::BoxFuture;
use updraft_model::{Batch, RunRow, RunState, RunType, TaskInstanceRow, TaskState};

use super::{
    Subject,
    samples::{dag_id, dags, run, task_instance, time},
};
use crate::{
    CURSOR_TOTAL_LIMIT, Cursor, Listed, Orders, Page, RUN_ORDERS, RunFilter, StoreError, TASK_INSTANCE_ORDERS, TaskInstanceFilter,
    XComFilter,
};

type Ask<'a, T> = &'a (dyn Fn(Page) -> BoxFuture<'a, Result<Listed<T>, StoreError>> + Sync);

/// Reads the whole list in every order, forwards and back, in pages of some sizes.
async fn every_order<T: Clone + PartialEq + Debug>(orders: Orders, ask: Ask<'_, T>) {
    let names: Vec<String> = orders.names.iter().flat_map(|order| [order.name.to_owned(), format!("-{}", order.name)]).collect();
    let mut wanted = vec![vec![]];
    wanted.extend(names.iter().map(|name| vec![name.clone()]));
    // The second name has rows without a value too, and goes the other way in half of them.
    wanted.extend(names.iter().map(|name| vec![name.clone(), "-end_date".to_owned()]));
    wanted.push(vec!["-start_date".to_owned(), "end_date".to_owned(), "-state".to_owned()]);
    for order_by in wanted {
        let whole = ask(Page { limit: 100, order_by: order_by.clone(), ..Page::default() }).await.unwrap();
        assert!(whole.items.len() > 8 && whole.next.is_none() && whole.previous.is_none(), "{order_by:?}");
        for limit in [1, 2, 5, 100] {
            there_and_back(orders, ask, &whole, Page { limit, order_by: order_by.clone(), ..Page::default() }).await;
        }
    }
}

async fn there_and_back<T: Clone + PartialEq + Debug>(orders: Orders, ask: Ask<'_, T>, whole: &Listed<T>, page: Page) {
    let context = format!("{:?} by {}", page.order_by, page.limit);
    let check = |cursor: &Option<Cursor>| match cursor {
        Some(Cursor::After(place) | Cursor::Before(place)) => orders.check(&page.order_by, place).unwrap(),
        Some(Cursor::First) | None => {}
    };
    // An offset is not looked at where there is a cursor.
    let at = |cursor: Cursor| Page { cursor: Some(cursor), offset: 3, ..page.clone() };
    let mut pages = vec![ask(at(Cursor::First)).await.unwrap()];
    assert_eq!(pages[0].previous, None, "{context}");
    while let Some(next) = pages.last().unwrap().next.clone() {
        check(&Some(next.clone()));
        pages.push(ask(at(next)).await.unwrap());
        assert!(pages.len() < 100, "{context}: the pages do not end");
    }
    let read: Vec<T> = pages.iter().flat_map(|page| page.items.clone()).collect();
    assert_eq!(read, whole.items, "{context}");
    assert!(pages.iter().all(|page| page.total == whole.total), "{context}");
    for (before, after) in pages.iter().zip(&pages[1..]).rev() {
        check(&after.previous);
        let back = ask(at(after.previous.clone().unwrap())).await.unwrap();
        assert_eq!(back.items, before.items, "{context}: back");
        assert_eq!((back.next.is_some(), back.previous.is_some()), (true, before.previous.is_some()), "{context}: back");
    }
}

/// Runs with and without each date, some of them the same.
fn some_runs() -> Vec<RunRow> {
    let at = |second: i64| (second > 0).then(|| time(second));
    let row = |key: i64| RunRow {
        logical_date: at(if key % 4 == 0 { 0 } else { key / 2 }),
        data_interval: None,
        run_after: time(key % 3),
        start_date: at(key % 3),
        end_date: at((key / 2) % 3),
        queued_at: at(key % 2),
        state: if key % 4 == 0 { RunState::Failed } else { RunState::Success },
        run_type: if key % 5 == 0 { RunType::Backfill } else { RunType::Manual },
        ..run(if key % 2 == 0 { "d" } else { "e" }, key)
    };
    (1..=11).map(row).collect()
}

fn some_task_instances(runs: &[RunRow]) -> Vec<TaskInstanceRow> {
    let at = |second: usize| (second > 0).then(|| time(i64::try_from(second).unwrap()));
    let named = |run: &RunRow, number: usize| TaskInstanceRow {
        start_date: at(number % 3),
        end_date: at(number % 2 * 4),
        queued_at: at(number % 4),
        try_number: u32::try_from(number % 2).unwrap(),
        state: if number.is_multiple_of(3) { TaskState::Success } else { TaskState::Failed },
        ..task_instance(run, ["b", "B", "a"][number % 3])
    };
    runs.iter().enumerate().flat_map(|(at, run)| (at..at + 1 + at % 2).map(|number| named(run, number))).collect()
}

async fn with_rows(subject: &Subject) {
    let term = subject.lead("a").await;
    let runs = some_runs();
    let batch = Batch { new_task_instances: some_task_instances(&runs), new_runs: runs, ..dags(&["d", "e"]) };
    subject.commit(term, batch).await;
}

pub async fn runs_page_by_page_in_every_order(subject: Subject) {
    with_rows(&subject).await;
    let reader = subject.reader();
    every_order(RUN_ORDERS, &|page| reader.runs(RunFilter::default(), page)).await;
    // With conditions of its own, a place changes nothing of what the filter says.
    let filter = RunFilter { dag_ids: Some(vec![dag_id("d")]), ..RunFilter::default() };
    let ask = |page| reader.runs(filter.clone(), page);
    let whole = ask(Page { limit: 100, order_by: vec!["-start_date".into()], ..Page::default() }).await.unwrap();
    assert_eq!(whole.total, 5);
    there_and_back(RUN_ORDERS, &ask, &whole, Page { limit: 2, order_by: vec!["-start_date".into()], ..Page::default() }).await;
}

pub async fn task_instances_page_by_page_in_every_order(subject: Subject) {
    with_rows(&subject).await;
    let reader = subject.reader();
    every_order(TASK_INSTANCE_ORDERS, &|page| reader.task_instances(TaskInstanceFilter::default(), page)).await;
    let filter = TaskInstanceFilter { dag_ids: Some(vec![dag_id("e")]), states: vec![TaskState::Failed], ..TaskInstanceFilter::default() };
    let ask = |page| reader.task_instances(filter.clone(), page);
    for order_by in [vec![], vec!["-run_after".to_owned()], vec!["start_date".to_owned()]] {
        let page = Page { limit: 100, order_by, ..Page::default() };
        let whole = ask(page.clone()).await.unwrap();
        assert!((3..10).contains(&whole.total), "{whole:?}");
        there_and_back(TASK_INSTANCE_ORDERS, &ask, &whole, Page { limit: 2, ..page }).await;
    }
}

pub async fn what_comes_and_goes_moves_nothing(subject: Subject) {
    let term = subject.lead("a").await;
    subject.commit(term, Batch { new_runs: [2, 4, 6, 8].map(|key| run("d", key)).to_vec(), ..dags(&["d"]) }).await;
    let reader = subject.reader();
    let page = |cursor| Page { limit: 2, order_by: vec!["-id".into()], cursor: Some(cursor), ..Page::default() };
    let keys = |listed: &Listed<RunRow>| listed.items.iter().map(|run| run.key.0).collect::<Vec<_>>();
    let first = reader.runs(RunFilter::default(), page(Cursor::First)).await.unwrap();
    assert_eq!(keys(&first), [8, 6]);
    // Newer runs come, and the row that the place was made of goes.
    let batch = Batch { new_runs: vec![run("d", 9), run("d", 10)], deleted_runs: vec![run("d", 6).key], ..Batch::default() };
    subject.commit(term, batch).await;
    let second = reader.runs(RunFilter::default(), page(first.next.unwrap())).await.unwrap();
    assert_eq!((keys(&second), second.next), (vec![4, 2], None));
    let back = reader.runs(RunFilter::default(), page(second.previous.unwrap())).await.unwrap();
    assert_eq!(keys(&back), [9, 8], "the two that are next to them");
}

pub async fn a_long_list_is_not_counted(subject: Subject) {
    let term = subject.lead("a").await;
    let (one, limit) = (run("d", 1), CURSOR_TOTAL_LIMIT);
    let rows = (0..limit + 5).map(|number| TaskInstanceRow {
        id: updraft_model::TaskInstanceId(super::samples::uuid(9, i64::from(number))),
        ..task_instance(&one, format!("t{number}"))
    });
    subject.commit(term, Batch { new_task_instances: rows.collect(), new_runs: vec![one], ..dags(&["d"]) }).await;
    let total = async |cursor| {
        let page = Page { limit: 1, cursor, ..Page::default() };
        subject.reader().task_instances(TaskInstanceFilter::default(), page).await.unwrap().total
    };
    assert_eq!(total(None).await, i64::from(limit) + 5);
    assert_eq!(total(Some(Cursor::First)).await, i64::from(limit));
}

pub async fn only_lists_with_places_have_cursors(subject: Subject) {
    let page = Page { limit: 1, cursor: Some(Cursor::First), ..Page::default() };
    let refused = subject.reader().xcoms(XComFilter::default(), page).await;
    assert!(matches!(&refused, Err(StoreError::Broken { what, why }) if what == "xcoms" && why.contains("cursor")), "{refused:?}");
}

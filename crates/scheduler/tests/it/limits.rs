use crate::harness::*;
use updraft_model::*;

fn wide(count: usize, change: impl Fn(&mut Task)) -> Dag {
    dag((0..count).map(|i| {
        let mut task = bash(&format!("t{i}"), &[]);
        change(&mut task);
        task
    }))
}

fn queued(w: &World, run: RunKey) -> Vec<String> {
    w.instances.values().filter(|i| i.run == run && i.state == TaskState::Queued).map(|i| i.task_id.to_string()).collect()
}

#[test]
fn max_active_tasks_is_per_run() {
    let mut d = wide(4, |_| {});
    d.max_active_tasks = 2;
    let mut w = World::new(d);
    let (one, two) = (w.trigger(), w.trigger());
    assert_eq!((queued(&w, one).len(), queued(&w, two).len()), (2, 2));
    w.ok(one, "t0");
    assert_eq!(queued(&w, one), ["t1", "t2"]);
}

#[test]
fn a_pool_lets_small_ones_pass_big_ones_and_a_missing_pool_nobody() {
    let mut d = wide(3, |t| t.pool = PoolName::new("p").unwrap());
    d.tasks.get_mut("t0").unwrap().pool_slots = 3;
    let mut w = World::new(d);
    let run = w.trigger();
    assert_eq!(queued(&w, run), Vec::<String>::new());
    let pool = |slots| PoolRow { name: PoolName::new("p").unwrap(), slots, description: None, include_deferred: false };
    w.request(Request::SetPool(pool(2)));
    assert_eq!(queued(&w, run), ["t1", "t2"]);
    w.ok(run, "t1");
    w.ok(run, "t2");
    assert_eq!(queued(&w, run), Vec::<String>::new());
    w.request(Request::SetPool(pool(-1)));
    assert_eq!(queued(&w, run), ["t0"]);
}

#[test]
fn the_higher_priority_goes_first_also_when_it_comes_later() {
    let mut d = wide(3, |t| t.pool = PoolName::new("p").unwrap());
    d.tasks.get_mut("t2").unwrap().priority_weight = 9;
    let mut w = World::new(d);
    w.request(Request::SetPool(PoolRow { name: PoolName::new("p").unwrap(), slots: 1, description: None, include_deferred: false }));
    let run = w.trigger();
    assert_eq!(queued(&w, run), ["t2"]);
    w.ok(run, "t2");
    assert_eq!(queued(&w, run), ["t0"]);
}

#[test]
fn task_limits_count_over_runs_and_in_a_run() {
    let mut w = World::new(wide(1, |t| t.max_active_tis_per_dag = Some(1)));
    let (one, two) = (w.trigger(), w.trigger());
    assert_eq!((queued(&w, one).len(), queued(&w, two).len()), (1, 0));
    w.ok(one, "t0");
    assert_eq!(queued(&w, two).len(), 1);
}

#[test]
fn the_executor_takes_no_more_than_its_parallelism() {
    let mut d = wide(40, |_| {});
    d.max_active_tasks = 100;
    let mut w = World::new(d);
    let run = w.trigger();
    assert_eq!(queued(&w, run).len(), 32);
    w.ok(run, "t0");
    assert_eq!(w.launches.len(), 33);
}

#[test]
fn slots_are_counted_again_after_a_restart() {
    let mut d = wide(4, |_| {});
    d.max_active_tasks = 2;
    let mut w = World::new(d);
    let run = w.trigger();
    w.restart();
    assert_eq!((queued(&w, run).len(), w.launches.len()), (2, 2));
    let first = queued(&w, run)[0].clone();
    w.ok(run, &first);
    assert_eq!(queued(&w, run).len(), 2);
}

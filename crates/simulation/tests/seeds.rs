//! Five hundred stories, and those that once failed.

#![allow(missing_docs)]

#[test]
fn five_hundred_seeds_keep_every_promise() {
    let began = std::time::Instant::now();
    let failures: Vec<String> = std::thread::scope(|scope| {
        let halves: Vec<_> = [0..250u64, 250..500]
            .into_iter()
            .map(|seeds| scope.spawn(move || seeds.filter_map(|seed| updraft_simulation::run(seed).violation).collect::<Vec<_>>()))
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "tell the story with `cargo run -p updraft-simulation -- --seed N`:\n{}", failures.join("\n"));
    println!("500 seeds in {:.1} s", began.elapsed().as_secs_f64());
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    assert_eq!(updraft_simulation::run(7).story, updraft_simulation::run(7).story);
}

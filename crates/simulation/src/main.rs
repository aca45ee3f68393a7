//! `updraft-simulation --seed N` tells the story of a seed; `--seeds FROM..TO` plays many.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let seeds = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--seed", seed] => seed.parse().map(|seed: u64| (seed..seed + 1, true)).ok(),
        ["--seeds", range] => range.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?..to.parse().ok()?, false))),
        _ => None,
    };
    let Some((seeds, tell)) = seeds else {
        eprintln!("usage: updraft-simulation --seed N | --seeds FROM..TO");
        return ExitCode::from(2);
    };
    let (mut played, mut failed, mut steps, mut attempts, mut faults) = (0u64, 0u64, 0u64, 0usize, 0u64);
    for seed in seeds {
        let outcome = updraft_simulation::run(seed);
        if tell {
            outcome.story.iter().for_each(|line| println!("{line}"));
        }
        if let Some(violation) = &outcome.violation {
            println!("{violation}");
            failed += 1;
        }
        played += 1;
        steps += outcome.steps;
        attempts += outcome.attempts;
        faults += outcome.faults;
    }
    println!("{played} seeds, {steps} steps, {attempts} attempts, {faults} faults, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

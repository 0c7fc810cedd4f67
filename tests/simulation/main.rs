//! The promises, in runs where everything that can go wrong does. `cargo xtask simulate` runs more of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;

use testkit::simulation::{Broken, Mutation, Plan, Played, play, shrink};

const SEEDS: u64 = 1_000;

/// The runs that are kept.
const FOUND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/simulation/found");

/// Plays the runs of many seeds on all cores. The first broken promise ends the test with its seed.
fn play_all(seeds: u64) -> Played {
    let threads = u64::try_from(thread::available_parallelism().unwrap().get()).unwrap();
    let play_some = |first: u64| {
        let mut all = Played::default();
        for seed in (first..seeds).step_by(usize::try_from(threads).unwrap()) {
            match play(&Plan::of(seed), None) {
                Ok(played) => add(&mut all, played),
                Err(broken) => {
                    panic!("seed {seed}: {broken:?}; `cargo xtask simulate --seed {seed}` shrinks it")
                }
            }
        }
        all
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|first| scope.spawn(move || play_some(first))).collect();
        let mut all = Played::default();
        for thread in threads {
            add(&mut all, thread.join().unwrap());
        }
        all
    })
}

fn add(all: &mut Played, played: Played) {
    for (counts, more) in [(&mut all.ended, played.ended), (&mut all.faults, played.faults)] {
        for (name, count) in more {
            *counts.entry(name).or_default() += count;
        }
    }
}

#[test]
fn whatever_goes_wrong_the_promises_are_kept() {
    let played = play_all(SEEDS);
    println!("{SEEDS} seeds\nended: {:?}\nfaults: {:?}", played.ended, played.faults);
    let states: Vec<&str> = played.ended.keys().copied().collect();
    assert_eq!(states, ["credited", "enrolled", "expired", "unverified"], "every end that there is");
}

#[test]
fn a_seed_plays_the_same_run_every_time() {
    for seed in [3, 14, 159, 438] {
        let one = play(&Plan::of(seed), None);
        for _again in 0..4 {
            assert!(one == play(&Plan::of(seed), None), "seed {seed} differs");
        }
    }
}

/// The first seed whose run breaks a promise in a system that lacks a rule.
fn caught(mutation: Mutation) -> (Plan, Broken) {
    let found = (0..SEEDS).find_map(|seed| {
        let plan = Plan::of(seed);
        play(&plan, Some(mutation)).err().map(|broken| (plan, broken))
    });
    found.unwrap_or_else(|| panic!("{mutation:?} goes unnoticed"))
}

/// The promise that a kept run breaks in a system without the rule.
fn noticed_by(name: &str, mutation: Mutation) -> Broken {
    play(&kept(&Path::new(FOUND).join(name)), Some(mutation)).unwrap_err()
}

#[test]
fn a_store_that_checks_no_version_is_noticed() {
    let broken = noticed_by("two-at-one-participation.json", Mutation::NoCondition);
    assert_eq!(broken.promise, caught(Mutation::NoCondition).1.promise);
    assert_eq!(broken.promise, "an event is logged once");
}

#[test]
fn not_waiting_for_braze_to_settle_is_noticed() {
    let broken = noticed_by("an-event-sent-before-the-last-has-settled.json", Mutation::NoSettling);
    assert_eq!(broken.promise, caught(Mutation::NoSettling).1.promise);
    assert_eq!(broken.promise, "an event is logged once");
}

#[test]
fn a_tick_that_finds_nothing_due_is_noticed() {
    let broken = noticed_by("a-poll-that-only-the-tick-makes.json", Mutation::NoDueTime);
    assert_eq!(broken.promise, "every participation ends");
}

#[test]
fn a_credit_without_a_question_to_braze_is_noticed() {
    let (_, broken) = caught(Mutation::NoAsking);
    assert_eq!(broken.promise, "SMS is credited only once Braze has said subscribed");
}

#[test]
fn a_callback_that_is_not_made_is_noticed() {
    let (_, broken) = caught(Mutation::NoTelling);
    assert_eq!(broken.promise, "Quikly is told what became of everyone");
}

#[test]
fn a_broken_run_is_shrunk_to_what_breaks_it() {
    let (plan, broken) = caught(Mutation::NoDueTime);
    let least = shrink(&plan, &broken, Some(Mutation::NoDueTime));
    assert!(least.happens.len() < plan.happens.len(), "{least}");
    assert_eq!(play(&least, Some(Mutation::NoDueTime)).unwrap_err().promise, broken.promise);
}

/// Every run that once broke a promise, of this system or of one that lacked a rule.
#[test]
fn no_run_that_once_broke_a_promise_breaks_it_again() {
    let mut broken = BTreeMap::new();
    let files: Vec<_> = fs::read_dir(FOUND).unwrap().map(|file| file.unwrap().path()).collect();
    for path in &files {
        if let Err(found) = play(&kept(path), None) {
            broken.insert(path, found);
        }
    }
    assert!(!files.is_empty() && broken.is_empty(), "{broken:?}");
}

fn kept(path: &Path) -> Plan {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

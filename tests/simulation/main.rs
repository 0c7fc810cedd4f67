//! The promises, in runs where everything that can go wrong does. `cargo xtask simulate` runs more of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use testkit::simulation::{Broken, Mutation, Plan, play, play_all, shrink};

const SEEDS: u64 = 1_000;

/// Runs in which profiles change often.
const PEOPLE_SEEDS: u64 = 100;

/// A mutation that concerns profiles that change is noticed within so many seeds.
const A_FEW: u64 = 10;

/// What happens to profiles.
const CHANGES: [&str; 11] = [
    "bulk merges",
    "changed addresses",
    "changed numbers",
    "deletions",
    "identifications",
    "merges",
    "profiles that the app created",
    "renames",
    "sign-ins",
    "swaps",
    "unsubscribes by link",
];

/// The runs that are kept.
const FOUND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/simulation/found");

#[test]
fn whatever_goes_wrong_the_promises_are_kept() {
    let (played, broken) = play_all(0..SEEDS, Plan::of);
    println!(
        "{SEEDS} seeds\nended: {:?}\nfaults: {:?}\npeople: {:?}",
        played.ended, played.faults, played.people
    );
    assert!(
        broken.is_empty(),
        "{broken:#?}; `cargo xtask simulate --seed {}` shrinks the first",
        broken[0].0
    );
    let states: Vec<&str> = played.ended.keys().copied().collect();
    for state in ["credited", "enrolled", "expired", "unverified"] {
        assert!(states.contains(&state), "no run ends {state}");
    }
    assert!(played.faults.contains_key("glimpses that were kept"), "no poll goes by what was read before");
}

#[test]
fn whatever_happens_to_profiles_the_promises_are_kept() {
    let (played, broken) = play_all(0..PEOPLE_SEEDS, Plan::of_people);
    println!("{PEOPLE_SEEDS} seeds\npeople: {:?}", played.people);
    assert!(
        broken.is_empty(),
        "{broken:#?}; `cargo xtask simulate --people --seed {}` shrinks the first",
        broken[0].0
    );
    for change in CHANGES {
        assert!(played.people.contains_key(change), "there are no {change}");
    }
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

/// The first seed whose run breaks this promise in a system that lacks a rule.
fn caught(mutation: Mutation, promise: &str) -> (Plan, Broken) {
    let found = (0..SEEDS).find_map(|seed| {
        let plan = Plan::of(seed);
        let broken = play(&plan, Some(mutation)).err().filter(|broken| broken.promise == promise);
        broken.map(|broken| (plan, broken))
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
    assert_eq!(broken.promise, "an event is logged once");
    caught(Mutation::NoCondition, broken.promise);
}

#[test]
fn not_waiting_for_braze_to_settle_is_noticed() {
    let broken = noticed_by("an-event-sent-before-the-last-has-settled.json", Mutation::NoSettling);
    assert_eq!(broken.promise, "an event is logged once");
    caught(Mutation::NoSettling, broken.promise);
}

#[test]
fn a_tick_that_finds_nothing_due_is_noticed() {
    let broken = noticed_by("a-poll-that-only-the-tick-makes.json", Mutation::NoDueTime);
    assert_eq!(broken.promise, "every participation ends");
}

#[test]
fn a_credit_without_a_question_to_braze_is_noticed() {
    caught(Mutation::NoAsking, "SMS is credited only once Braze has said subscribed");
}

#[test]
fn a_callback_that_is_not_made_is_noticed() {
    caught(Mutation::NoTelling, "Quikly is told what became of everyone");
}

/// The promise that is broken within a few seeds where profiles change and the system lacks a rule.
fn caught_within_a_few(mutation: Mutation) -> &'static str {
    let found = (0..A_FEW).find_map(|seed| play(&Plan::of_people(seed), Some(mutation)).err());
    found.unwrap_or_else(|| panic!("{mutation:?} goes unnoticed")).promise
}

#[test]
fn a_remembered_profile_that_is_not_confirmed_is_noticed() {
    assert_eq!(caught_within_a_few(Mutation::NoConfirming), "no write goes to a profile that is long gone");
}

#[test]
fn writes_that_are_not_read_back_are_noticed() {
    let promise = "what was logged is on a profile of the consumer, or reported";
    assert_eq!(caught_within_a_few(Mutation::NoReadingBack), promise);
}

#[test]
fn a_broken_run_is_shrunk_to_what_breaks_it() {
    let (plan, broken) = caught(Mutation::NoDueTime, "every participation ends");
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

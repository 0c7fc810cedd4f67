//! The whole state machine: every way of taking part, in every state, with every fact. Each step is checked
//! against the promises, and all steps are written to `docs/state-machine.md`.
//!
//! If the page differs from the code, the test writes the page anew and fails: read the difference, and
//! commit it if it is intended.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod cases;
mod page;
mod promises;
mod words;
mod world;

use std::env;
use std::fs;
use std::path::Path;

use domain::participation::{Impossible, Open, Participation, Snapshot, State};

use cases::cases;
use world::{WaySetup, World};

#[test]
fn every_step_keeps_the_promises() {
    let mut steps = 0;
    for flow in WaySetup::all() {
        let world = World::of(flow);
        for case in cases(&world) {
            promises::hold(&world, &case);
            steps += 1;
        }
    }
    assert!(steps > 500, "only {steps} steps were checked");
}

/// A participation is only ever in a state of its own way, and an open one is always due at some time.
#[test]
fn an_impossible_participation_cannot_be_made() {
    let worlds: Vec<World> = WaySetup::all().into_iter().map(World::of).collect();
    for world in &worlds {
        for state in worlds.iter().flat_map(World::states) {
            let accepted = world.participation.snapshot().clone();
            let earned_at = accepted.earned_at.filter(|_| !world.flow.is_by_number());
            let restored = Participation::restore(Snapshot { state: state.clone(), earned_at, ..accepted });
            let mut same_way = worlds.iter().filter(|other| other.channel() == world.channel());
            let suits = same_way.any(|other| other.states().iter().any(|one| kind(one) == kind(&state)));
            assert_eq!(restored.is_ok(), suits, "{:?} {state:?}: {restored:?}", world.flow);
        }
        let never = Snapshot { due_at: None, ..world.participation.snapshot().clone() };
        assert_eq!(Participation::restore(never), Err(Impossible::NeverDue { state: "received" }));
    }
}

/// The kind of a state without its content: a mismatch has the name of a rejection, and two ways have states
/// of the same name.
fn kind(state: &State) -> (&'static str, bool, bool) {
    (state.name(), state.unanswered().is_some(), matches!(state, State::Open(Open::Sms(_))))
}

#[test]
fn the_page_says_what_the_code_does() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/state-machine.md");
    let expected = page::write();
    let found = fs::read_to_string(&page).unwrap_or_default();
    if found != expected {
        // A mutant must not leave its page to the next one: cargo-mutants says with this, as insta's users know it, to write nothing.
        assert!(
            env::var("INSTA_UPDATE").as_deref() != Ok("no"),
            "docs/state-machine.md differs from the code"
        );
        fs::write(&page, &expected).unwrap();
        panic!("docs/state-machine.md differed from the code and was written anew: read the difference");
    }
}

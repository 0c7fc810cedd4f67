//! `docs/state-machine.md`: for each way a diagram of its states and a table of its steps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use domain::decide::Step;
use domain::participation::{Open, State};

use crate::cases::{About, StateCase, cases};
use crate::promises::next;
use crate::words;
use crate::world::{WaySetup, World};

const INTRODUCTION: &str = "\
# The state machine

This page is written by a test (`cargo test -p domain --test state_machine`) that asks `domain::decide::decide` for the next step of every
way of taking part, in every state, with every fact. The test also checks each step against the promises. Do not edit the page: change the
code, run the test, and read the difference.

A participation takes part in one *way*: by e-mail, by mobile number (SMS), or by an event that Braze reported. It is *open* until its
flow ends. After that, the reward may still have to be written to the profile. Each row says what is known when a participation is
processed and what the next step is; `→` names the state that the step leads to, and an end is in bold.

Waits in these tables follow from `settle = \"120s\"` and from the default polls. A step that is the same for every fact is in one row:
*anything else*. Every open participation also follows these rules, which the tables leave out:

- A brand file that cannot be used, or that no longer has the brand, activation or way, makes it wait. Terms that are missing for a
  day end it as `failed`, and its place is released.
- A consumer who asks to be forgotten ends it as `rejected`.
- An event whose profile Braze named is written to that profile without any look-up.
";

/// The page that describes the current code.
pub(crate) fn write() -> String {
    let mut page = INTRODUCTION.to_owned();
    for flow in WaySetup::all() {
        let world = World::of(flow);
        let rows = rows(&world);
        let _infallible = write!(page, "\n## {}\n\n{}\n", title(flow), about(flow));
        let _infallible = write!(page, "\n{}\n{}", diagram(&rows), table(&rows));
    }
    page
}

fn title(flow: WaySetup) -> &'static str {
    match flow {
        WaySetup::Email => "By e-mail",
        WaySetup::DoubleByEmail => "By e-mail, double opt-in",
        WaySetup::Event => "By an event",
        WaySetup::SingleOptIn => "By mobile number, single opt-in",
        WaySetup::SingleWithProfile => "By mobile number, single opt-in with the profile's write",
        WaySetup::DoubleByEvent => "By mobile number, double opt-in started by an event",
        WaySetup::DoubleByBraze => "By mobile number, double opt-in started by Braze",
    }
}

fn about(flow: WaySetup) -> &'static str {
    match flow {
        WaySetup::Email => {
            "The activation logs a custom event and gives the credit on enrollment (`credit = \"on_enrollment\"`). With the default,\n\
             `on_receipt`, the credit is earned when the participation is accepted."
        }
        WaySetup::DoubleByEmail => {
            "`opt_in = \"double\"`: the custom event makes the brand's campaign send a mail with a link. The credit is earned when Braze itself\n\
             says that the address is subscribed. The connector does not ask a consumer who is already subscribed."
        }
        WaySetup::Event => {
            "Braze reports the event after it has happened, so the credit is earned when the participation is accepted."
        }
        WaySetup::SingleOptIn => {
            "The profile gets the number first; once Braze has built it, we subscribe the number. The credit is earned when Braze itself\n\
             says that the number is subscribed."
        }
        WaySetup::SingleWithProfile => {
            "`subscribe = \"with_profile\"`: the write that gives the profile its number subscribes it, too. If Braze does not show the\n\
             subscription within a minute, we subscribe the number with a separate request."
        }
        WaySetup::DoubleByEvent => {
            "`double_opt_in = { event = \"…\" }`: a custom event makes the brand's Canvas ask the consumer. The event is sent once."
        }
        WaySetup::DoubleByBraze => "`double_opt_in = { braze_logic = true }`: Braze asks the consumer.",
    }
}

struct TableRow {
    from: State,
    known: &'static str,
    step: Step,
    said: String,
}

/// The steps of the states that the flow can reach, with the facts that matter in them.
fn rows(world: &World) -> Vec<TableRow> {
    let mut reached = BTreeSet::from([words::state(world.participation.state())]);
    let all: Vec<(StateCase, Step)> = cases(world)
        .into_iter()
        .map(|case| (next(world, &case), case))
        .map(|(step, case)| (case, step))
        .collect();
    loop {
        let before = reached.len();
        for (case, step) in &all {
            if reached.contains(&words::state(case.participation.state())) && matters(case) {
                let mut after = case.participation.clone();
                after.apply(step, case.now);
                reached.insert(words::state(after.state()));
            }
        }
        if reached.len() == before {
            break;
        }
    }
    let shown = |(case, _): &(StateCase, Step)| {
        matters(case) && reached.contains(&words::state(case.participation.state()))
    };
    let row = |(case, step): (StateCase, Step)| {
        let said = words::step(&step, case.now);
        TableRow { from: case.participation.state().clone(), known: case.known, step, said }
    };
    all.into_iter().filter(shown).map(row).collect()
}

/// Whether such a fact can be known in this state.
fn matters(case: &StateCase) -> bool {
    let state = case.participation.state();
    match (case.about, state) {
        (About::Time | About::Ledger, _) | (_, State::Ended(_)) => true,
        (About::Event, State::Open(_)) => state.has_open_attempt(),
        // By number, no hint is relied on.
        (About::Profile, State::Open(open)) => {
            let by_number = matches!(open, Open::Sms(_));
            state.name() == State::RECEIVED && !(by_number && case.known.starts_with("our store"))
        }
        // Nothing has been waited for yet.
        (About::Subscription, State::Open(_)) if case.known.contains(',') => state.name() != State::RECEIVED,
        (About::Write, State::Open(_)) => matches!(state.name(), "enrolling" | "subscribing"),
        (About::Subscription, State::Open(_)) => {
            matches!(state.name(), State::RECEIVED | "awaiting_subscription" | "awaiting_opt_in")
        }
        (About::Subscribed, State::Open(_)) => state.name() == "subscribing",
    }
}

/// The states, and the transitions between them.
fn diagram(rows: &[TableRow]) -> String {
    let mut edges: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        let to = match &row.step {
            Step::Tell { state, .. } | Step::Wait { state, .. } => state.name(),
            Step::Done(outcome) => outcome.name(),
            Step::Ask(_)
            | Step::Resolve(_)
            | Step::Show { .. }
            | Step::Defer { .. }
            | Step::NoProfile { .. }
            | Step::GiveUp(_)
            | Step::StopWaiting
            | Step::Consent(..)
            | Step::Rest
            | Step::NotOffered(_) => continue,
        };
        let from = row.from.name();
        if from != to {
            edges.entry((from.to_owned(), to.to_owned())).or_default().insert(row.known);
        }
    }
    let mut lines = vec!["```mermaid".to_owned(), "stateDiagram-v2".to_owned()];
    lines.push(format!("    [*] --> {}", State::RECEIVED));
    for ((from, to), why) in &edges {
        let reasons: Vec<&str> = why.iter().copied().collect();
        lines.push(format!("    {from} --> {to}: {}", reasons.join(" / ")));
    }
    let ends: BTreeSet<&str> =
        rows.iter().filter(|row| row.from.is_end()).map(|row| row.from.name()).collect();
    lines.extend(ends.into_iter().map(|end| format!("    {end} --> [*]")));
    lines.push("```\n".to_owned());
    lines.join("\n")
}

fn table(rows: &[TableRow]) -> String {
    let mut table = "| state | what is known | next step |\n| --- | --- | --- |\n".to_owned();
    for (state, rows) in by_state(rows) {
        // Facts that lead to the same step as the first one share its row.
        let otherwise = rows.first().map_or("", |row| row.said.as_str());
        let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
        for row in rows.iter().filter(|row| row.said != otherwise) {
            match steps.iter_mut().find(|(said, _)| *said == row.said) {
                Some((_, known)) => known.push(row.known),
                None => steps.push((&row.said, vec![row.known])),
            }
        }
        let last = if steps.is_empty() { "anything" } else { "anything else" };
        for (said, known) in steps {
            let _infallible = writeln!(table, "| {state} | {} | {said} |", known.join("; "));
        }
        let _infallible = writeln!(table, "| {state} | {last} | {otherwise} |");
    }
    table
}

fn by_state(rows: &[TableRow]) -> Vec<(String, Vec<&TableRow>)> {
    let mut states: Vec<(String, Vec<&TableRow>)> = Vec::new();
    for row in rows {
        let state = words::state(&row.from);
        match states.last_mut() {
            Some((last, rows)) if *last == state => rows.push(row),
            Some(_) | None => states.push((state, vec![row])),
        }
    }
    states
}

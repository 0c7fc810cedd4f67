//! Tests that every log line has a field `event`, and that docs/runbook.md has an entry for each event.

use std::collections::BTreeSet;

use domain::brand_file::TABLES;
use proc_macro2::TokenTree;
use pulldown_cmark::HeadingLevel;

use crate::markdown::Document;
use crate::sources::{self, LogCall, is_punct};

/// The prefixes of event names: the crate, or the process.
const PREFIXES: [&str; 8] =
    ["aws", "brands", "connector", "embedded", "intake", "lambda", "serve", "supervision"];

/// Every event in the code: the string literals that have the form of an event name.
fn events() -> BTreeSet<String> {
    let texts = sources::all().into_iter().flat_map(|source| sources::texts(&source.tokens));
    texts.filter(|text| is_event(text)).collect()
}

fn is_event(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    let Some((prefix, name)) = text.split_once('.') else { return false };
    PREFIXES.contains(&prefix) && !name.is_empty() && name.chars().all(plain) && !is_key(prefix, name)
}

/// Whether a name is a key of a brand file, such as `intake.signing_secret`.
fn is_key(prefix: &str, name: &str) -> bool {
    TABLES.iter().any(|table| table.title == format!("[{prefix}]") && table.keys.contains(&name))
}

#[test]
fn every_event_has_an_entry_in_the_runbook_and_every_entry_an_event() {
    let runbook = Document::read("docs/runbook.md");
    let entries = runbook.headings.iter().filter(|heading| heading.level == HeadingLevel::H3);
    let entries: Vec<String> = entries.map(|heading| heading.text.clone()).collect();
    assert!(entries.is_sorted(), "the entries of docs/runbook.md are in the order of names");
    let (entries, events) = (entries.into_iter().collect::<BTreeSet<_>>(), events());
    let undescribed: Vec<_> = events.difference(&entries).collect();
    assert!(undescribed.is_empty(), "docs/runbook.md has no entry for {undescribed:?}");
    let unknown: Vec<_> = entries.difference(&events).collect();
    assert!(unknown.is_empty(), "docs/runbook.md has entries for {unknown:?}, which no code logs");
}

#[test]
fn every_log_line_names_its_event_in_a_field_and_has_a_sentence() {
    let (mut checked, mut faults) = (0, Vec::new());
    for source in sources::all() {
        for call in sources::log_lines(&source.tokens) {
            checked += 1;
            if let Err(fault) = check(&call) {
                faults.push(format!("{}: {}!: {fault}", source.path.display(), call.level));
            }
        }
    }
    assert!(checked > 50, "only {checked} log lines were found");
    assert!(faults.is_empty(), "log lines:\n  {}", faults.join("\n  "));
}

/// Checks one log line: `event = "connector.key_refused", …, "Braze refuses the brand's API key."`, or `event, …` where the event is
/// chosen elsewhere.
fn check(call: &LogCall) -> Result<(), String> {
    let (name, next) = (call.arguments.first(), call.arguments.get(1));
    if name.is_none_or(|name| name.to_string() != "event") {
        return Err("the first field is not `event`".to_owned());
    }
    let is_value = next.is_some_and(|next| is_punct(next, '='));
    let texts = sources::texts(&call.arguments);
    if is_value && !texts.first().is_some_and(|event| is_event(event)) {
        return Err(format!("{:?} is not an event's name", texts.first()));
    }
    let Some(TokenTree::Literal(message)) = call.arguments.iter().rfind(|token| !is_punct(token, ',')) else {
        return Err("there is no message".to_owned());
    };
    let message = message.to_string().trim_matches('"').to_owned();
    let begins = message.starts_with(|c: char| c.is_uppercase() || c == '{');
    if begins && message.contains(' ') || message == "{consequence}" || message == "{text}" {
        Ok(())
    } else {
        Err(format!("{message:?} is not a sentence"))
    }
}

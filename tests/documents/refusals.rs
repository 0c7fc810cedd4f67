//! Tests that everything for which a request can be refused has words in each language.

use std::fs;

use reports::intake::reason;
use reports::language::Language;

use crate::markdown::{Document, root};

/// The codes of fields, as the front end's page lists them. A test of `intake` holds that list against the code.
fn codes_of_fields() -> Vec<String> {
    let page = Document::read("docs/front-end.md");
    let mut tables = page.tables.into_iter().map(|table| table.first_cells);
    tables.find(|cells| cells.iter().any(|cell| cell == "email-empty")).unwrap()
}

fn of_intake(file: &str) -> String {
    fs::read_to_string(root().join("crates/intake/src").join(file)).unwrap()
}

/// The codes that only Braze's webhooks meet.
fn codes_of_webhooks() -> Vec<String> {
    let source = of_intake("codes.rs");
    let (_, list) = source.split_once("const OF_WEBHOOKS: &[&str] =").unwrap();
    let (list, _) = list.split_once(';').unwrap();
    list.split('"').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

/// The types of problems that are the caller's fault. The others are not counted.
fn kinds_of_problems() -> Vec<String> {
    let ours = ["INTERNAL_SERVER_ERROR", "NOT_IMPLEMENTED", "SERVICE_UNAVAILABLE"];
    let source = of_intake("problem.rs");
    let made =
        source.split("pub(crate) fn ").filter(|function| !ours.iter().any(|name| function.contains(name)));
    let kinds = made.flat_map(|function| function.split("\"urn:quikly-braze:").skip(1));
    kinds.filter_map(|rest| rest.split('"').next()).map(ToOwned::to_owned).collect()
}

#[test]
fn every_reason_of_a_refusal_has_french_words() {
    let lists = [codes_of_fields(), codes_of_webhooks(), kinds_of_problems()];
    assert!(lists.iter().all(|codes| codes.len() > 4), "{lists:?}");
    let without: Vec<&String> = lists
        .iter()
        .flatten()
        .filter(|code| reason(code, Language::French) == reason(code, Language::English))
        .collect();
    assert!(without.is_empty(), "crates/reports/src/intake/french.rs does not know {without:?}");
}

//! Tests of the examples: brand files and pieces of them are read by the reader of brand files, JSON by a JSON parser.

use std::collections::BTreeSet;
use std::fs;

use domain::brand_file::{AssumePresent, BrandFile, Strictness, read_each};
use toml::de::{DeTable, DeValue};

use crate::markdown::{all, files, root};

/// The text in front of a piece of a brand file that makes it a whole file.
const ID: &str = "id = \"acme\"\n";
const BRAZE: &str =
    "[braze]\nendpoint = \"https://rest.iad-03.braze.com\"\napi_key = { env = \"ACME_BRAZE_API_KEY\" }\n";
const INTAKE: &str = "[intake]\nsigning_secret = { env = \"ACME_INTAKE_SECRET\" }\n";
const ACTIVATION: &str =
    "[[activation]]\nscope = \"acme-spring\"\nopens = 2026-11-01T00:00:00Z\ncloses = 2026-12-01T00:00:00Z\n";

/// Every example of a brand file, as a whole file: its name, and its text.
fn brand_files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in files("toml").into_iter().filter(|path| path.starts_with("examples/brands")) {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        found.push((path.display().to_string(), text));
    }
    assert!(found.len() > 3, "examples/brands has {} brand files", found.len());
    for document in all() {
        for block in document.blocks.iter().filter(|block| block.language == "toml") {
            found.push((document.path.display().to_string(), whole(&block.text)));
        }
    }
    found
}

/// A whole brand file around a piece of one.
fn whole(piece: &str) -> String {
    let has = |beginning: &str| piece.lines().any(|line| line.starts_with(beginning));
    let mut file = String::new();
    if !has("id = ") || has("[[activation.incentive]]") {
        file.push_str(ID);
    }
    for (table, text) in [("[braze]", BRAZE), ("[intake]", INTAKE)] {
        if !has(table) {
            file.push_str(text);
        }
    }
    if (has("[activation.") || has("[[activation.")) && !has("[[activation]]") {
        file.push_str(ACTIVATION);
    }
    file.push_str(piece);
    for named in piece.split("incentive = \"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let is_name_of_attribute = named.starts_with("quikly_");
        if !is_name_of_attribute && !piece.contains(&format!("id = \"{named}\"")) {
            file.push_str(&format!(
                "\n[[activation.incentive]]\nid = \"{named}\"\nkind = \"first\"\nquantity = 10\nreward = \"SPRING20\"\n"
            ));
        }
    }
    file
}

#[test]
fn every_example_of_a_brand_file_is_accepted() {
    for (name, text) in brand_files() {
        let file = BrandFile { name: name.clone(), text: text.clone() };
        let loaded = read_each(&[Ok(file)], &AssumePresent, Strictness::Strict, None);
        let refused = loaded.refused().next().is_some();
        let findings: Vec<String> = loaded.into_findings().iter().map(ToString::to_string).collect();
        assert!(!refused, "{name}:\n{text}\n{}", findings.join("\n"));
    }
}

#[test]
fn every_example_of_json_is_json() {
    let mut checked = 0;
    for document in all() {
        let path = document.path.display();
        for block in &document.blocks {
            let mut texts: Vec<&str> = Vec::new();
            if block.language == "json" {
                texts.push(&block.text);
            }
            texts.extend(bodies(&block.text));
            for text in texts {
                let values: Result<Vec<serde_json::Value>, _> =
                    serde_json::Deserializer::from_str(text).into_iter().collect();
                let values = values.unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
                assert!(!values.is_empty(), "{path}: an example without JSON");
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "only {checked} examples of JSON were found");
}

/// The bodies that `curl` commands send.
fn bodies(block: &str) -> impl Iterator<Item = &str> {
    let behind = |mark: &'static str| block.split(mark).skip(1).filter_map(|rest| rest.split('\'').next());
    behind("-d '").chain(behind("BODY='"))
}

/// The keys that the examples use, each with the title of its table.
pub(crate) fn keys_in_use() -> BTreeSet<(&'static str, String)> {
    let mut used = BTreeSet::new();
    for (name, text) in brand_files() {
        let table = DeTable::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        collect(table.get_ref(), &mut Vec::new(), &mut used);
    }
    used
}

fn collect(table: &DeTable<'_>, path: &mut Vec<String>, used: &mut BTreeSet<(&'static str, String)>) {
    let title = title(&path.iter().map(String::as_str).collect::<Vec<_>>());
    for (key, value) in table.iter() {
        used.extend(title.map(|title| (title, key.get_ref().to_string())));
        path.push(key.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(inner) => collect(inner, path, used),
            DeValue::Array(items) => {
                for item in items.iter() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        collect(inner, path, used);
                    }
                }
            }
            _ => {}
        }
        path.pop();
    }
}

/// The title of a table by its path, as in crates/domain/src/brand_file/keys.rs; `None` where the brand chooses the names.
fn title(path: &[&str]) -> Option<&'static str> {
    Some(match path {
        [] => "Top of the file",
        ["braze"] => "[braze]",
        ["braze", "limits"] => "[braze.limits]",
        ["braze", "api_key"] | ["intake", "signing_secret"] | ["callback", "secret"] => "A secret",
        ["webhook"] => "[webhook]",
        ["intake"] => "[intake]",
        ["callback"] => "[callback]",
        ["activation"] => "[[activation]]",
        ["activation", "email"] => "[activation.email]",
        ["activation", "sms"] => "[activation.sms]",
        ["activation", "sms", "double_opt_in"] => "double_opt_in",
        ["activation", "sms", "poll"] => "A stage of poll",
        ["activation", "events", _] => "[activation.events.NAME]",
        ["activation", "events", _, "extras"] => "An entry of extras",
        ["activation", "attributes"] => "[activation.attributes]",
        ["activation", "attributes", _] => "[activation.attributes.NAME]",
        ["activation", "consent"] => "[activation.consent]",
        ["activation", "consent", "email"] => "[activation.consent.email]",
        ["activation", "consent", "sms"] => "[activation.consent.sms]",
        ["activation", "rewards_to_braze"] => "[activation.rewards_to_braze]",
        ["activation", "incentive"] => "[[activation.incentive]]",
        ["activation", "incentive", "tiers"] => "An entry of tiers",
        ["activation", "incentive", "steps"] => "An entry of steps",
        _ => return None,
    })
}

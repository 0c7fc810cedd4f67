//! What can still be read of a file that cannot be used: which brand it belongs to, and which requests are
//! for that brand.

use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use crate::brand::BrokenBrand;
use crate::ids::{BrandId, Scope};
use crate::token::TokenHash;

/// Collects what remains of a file, from the parsed table and from the lines: the parser stops early in a
/// file that is not TOML, and the lines do not show every form that TOML allows.
pub(super) fn of(file: &str, text: &str, table: Option<&DeTable<'_>>, legible: bool) -> BrokenBrand {
    let mut broken = BrokenBrand {
        file: file.to_owned(),
        id: None,
        scopes: BTreeSet::new(),
        tokens: Vec::new(),
        origins: Vec::new(),
        legible,
    };
    if let Some(table) = table {
        of_table(&mut broken, table);
    }
    if !legible {
        of_lines(&mut broken, text);
    }
    broken.tokens.sort();
    broken.tokens.dedup();
    broken
}

fn of_table(broken: &mut BrokenBrand, table: &DeTable<'_>) {
    broken.id = member(table, "id").and_then(text).and_then(|id| BrandId::parse(id).ok());
    let list = |section: &str, key: &str| -> Vec<String> {
        let Some(DeValue::Table(section)) = member(table, section) else { return Vec::new() };
        let Some(DeValue::Array(items)) = member(section, key) else { return Vec::new() };
        items.iter().filter_map(|item| text(item.get_ref())).map(str::to_owned).collect()
    };
    broken.tokens = list("webhook", "tokens_sha256").iter().filter_map(|item| hash(item)).collect();
    broken.origins = list("intake", "origins");
    let Some(DeValue::Array(activations)) = member(table, "activation") else { return };
    let scope = |activation: &DeValue<'_>| match activation {
        DeValue::Table(activation) => member(activation, "scope").and_then(text).map(Scope::parse)?.ok(),
        _ => None,
    };
    broken.scopes = activations.iter().filter_map(|activation| scope(activation.get_ref())).collect();
}

fn of_lines(broken: &mut BrokenBrand, text: &str) {
    let mut in_section = false;
    for line in text.lines().map(str::trim) {
        in_section |= line.starts_with('[');
        let quoted: Vec<&str> = line.split(['"', '\'']).skip(1).step_by(2).collect();
        broken.tokens.extend(quoted.iter().filter_map(|text| hash(text)));
        let Some(value) = quoted.first() else { continue };
        match line.split_once('=').map(|(key, _)| key.trim()) {
            Some("id") if !in_section && broken.id.is_none() => broken.id = BrandId::parse(value).ok(),
            Some("scope") => broken.scopes.extend(Scope::parse(value)),
            _ => {}
        }
    }
}

fn member<'a, 'b>(table: &'a DeTable<'b>, key: &str) -> Option<&'a DeValue<'b>> {
    table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value.get_ref())
}

fn text<'a>(value: &'a DeValue<'_>) -> Option<&'a str> {
    match value {
        DeValue::String(text) => Some(text.as_ref()),
        _ => None,
    }
}

fn hash(text: &str) -> Option<TokenHash> {
    TokenHash::parse(text).ok()
}

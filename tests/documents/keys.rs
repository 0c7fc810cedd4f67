//! Tests that docs/brand-file.md has a row for each key that the reader of brand files knows, and that the examples use each key.

use std::collections::BTreeSet;

use domain::brand_file::TABLES;

use crate::examples;
use crate::markdown::Document;

#[test]
fn every_key_of_a_brand_file_has_a_row_and_every_row_is_a_key() {
    let document = Document::read("docs/brand-file.md");
    for table in TABLES {
        let keys: BTreeSet<&str> = table.keys.iter().copied().collect();
        assert_eq!(keys.len(), table.keys.len(), "{} has a key twice", table.title);
        let described = document.tables.iter().find(|described| described.under == table.title);
        let described =
            described.unwrap_or_else(|| panic!("docs/brand-file.md has no table under {}", table.title));
        let rows: BTreeSet<&str> = described.first_cells.iter().map(String::as_str).collect();
        assert_eq!(
            rows, keys,
            "under {} of docs/brand-file.md, compared with crates/domain/src/brand_file/keys.rs",
            table.title
        );
    }
}

#[test]
fn every_key_of_a_brand_file_stands_in_an_example_that_is_accepted() {
    let used = examples::keys_in_use();
    let keys = TABLES.iter().flat_map(|table| table.keys.iter().map(|key| (table.title, (*key).to_owned())));
    let unused: Vec<_> = keys.filter(|key| !used.contains(key)).collect();
    assert!(unused.is_empty(), "no example has {unused:?}");
}

//! Every test that a document names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::markdown::{files, root};
use crate::sources::is_punct;

/// A test, and the parts of the path to it: directories, and the file's name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct KnownTest {
    path: Vec<String>,
    name: String,
}

#[test]
fn every_test_that_covers_a_promise_exists() {
    let known = all();
    let text = fs::read_to_string(root().join("tests/README.md")).unwrap();
    let (_, table) = text.split_once("## Which test covers which promise").unwrap();
    let named: BTreeSet<&str> = in_backticks(table).filter(|name| is_path_of_a_test(name)).collect();
    assert!(named.len() > 60, "only {} tests are named", named.len());
    let missing: Vec<&str> = named.into_iter().filter(|name| !exists(&known, name)).collect();
    assert!(missing.is_empty(), "tests/README.md names tests that do not exist:\n  {}", missing.join("\n  "));
}

#[test]
fn every_test_that_reliability_names_exists() {
    let known = all();
    let text = fs::read_to_string(root().join("RELIABILITY.md")).unwrap();
    let named: BTreeSet<&str> = in_backticks(&text).filter(|name| is_sentence(name)).collect();
    assert!(named.len() > 50, "only {} tests are named", named.len());
    let missing: Vec<&str> =
        named.into_iter().filter(|name| !known.iter().any(|test| test.name == *name)).collect();
    assert!(missing.is_empty(), "RELIABILITY.md names tests that do not exist:\n  {}", missing.join("\n  "));
}

fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// `set::file::test`.
fn is_path_of_a_test(text: &str) -> bool {
    text.split("::").count() > 1 && text.rsplit("::").next().is_some_and(is_sentence)
}

/// The name of a test is a sentence: many words, and nothing but words.
fn is_sentence(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.chars().all(is_plain) && text.matches('_').count() > 2
}

/// Whether there is a test of this name, on a path that has all other parts, in their order.
fn exists(known: &BTreeSet<KnownTest>, named: &str) -> bool {
    let Some((path, name)) = named.rsplit_once("::") else { return false };
    known.iter().filter(|test| test.name == name).any(|test| {
        let mut parts = test.path.iter();
        path.split("::").all(|wanted| parts.any(|part| part == wanted))
    })
}

/// Every test of the repository.
fn all() -> BTreeSet<KnownTest> {
    let mut known = BTreeSet::new();
    for file in files("rs") {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        let tokens =
            TokenStream::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        known.extend(tests_in(&tokens).into_iter().map(|name| KnownTest { path: parts(&file), name }));
        known.extend(promised_in(&tokens, &file));
    }
    known
}

fn parts(file: &Path) -> Vec<String> {
    let directories = file.with_extension("");
    directories.iter().map(|part| part.to_string_lossy().into_owned()).collect()
}

/// The functions that stand under `#[test]` or `#[tokio::test]`, however deep.
fn tests_in(tokens: &[TokenTree]) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_test = false;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                found.extend(tests_in(&group.stream().into_iter().collect::<Vec<_>>()));
                let is_attribute = group.delimiter() == Delimiter::Bracket
                    && at.checked_sub(1).is_some_and(|before| is_punct(&tokens[before], '#'));
                is_test |= is_attribute && says_test(group.stream());
            }
            TokenTree::Ident(word) if word == "fn" => {
                if std::mem::take(&mut is_test) {
                    found.extend(tokens.get(at + 1).map(ToString::to_string));
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    found
}

/// Whether an attribute is `test`, or a path that ends so.
fn says_test(attribute: TokenStream) -> bool {
    let words = attribute.into_iter().take_while(|token| !matches!(token, TokenTree::Group(_)));
    words.last().is_some_and(|last| last.to_string() == "test")
}

/// The tests that `promises!` makes, by the module that has their bodies: `room: test, test;`.
fn promised_in(tokens: &[TokenTree], file: &Path) -> Vec<KnownTest> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        let is_call = at.checked_sub(2).is_some_and(|before| {
            tokens[before].to_string() == "promises" && is_punct(&tokens[before + 1], '!')
        });
        if !is_call {
            found.extend(promised_in(&inner, file));
            continue;
        }
        let mut room = PathBuf::new();
        for (at, token) in inner.iter().enumerate() {
            let TokenTree::Ident(word) = token else { continue };
            match inner.get(at + 1) {
                Some(next) if is_punct(next, ':') => room = file.with_file_name(word.to_string()),
                Some(next) if is_punct(next, ',') || is_punct(next, ';') => {
                    found.push(KnownTest { path: parts(&room), name: word.to_string() });
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn a_test_is_found_wherever_it_stands() {
    let text = "#[test] fn a() {} fn b() {} mod c { #[tokio::test(start_paused = true)] async fn d() {} }\n\
                promises! { make(); store: one_is_kept, two_are_kept; limits: three_are_kept; }";
    let tokens: Vec<TokenTree> = TokenStream::from_str(text).unwrap().into_iter().collect();
    assert_eq!(tests_in(&tokens), ["a", "d"]);
    let promised = promised_in(&tokens, Path::new("tests/contract/main.rs"));
    let told: Vec<String> =
        promised.iter().map(|test| format!("{} {}", test.path.join("/"), test.name)).collect();
    assert_eq!(
        told,
        [
            "tests/contract/store one_is_kept",
            "tests/contract/store two_are_kept",
            "tests/contract/limits three_are_kept",
        ]
    );
}

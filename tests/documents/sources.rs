//! The source code, parsed into tokens.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::markdown::{files, root};

/// A source file of ours that is not a test.
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) tokens: Vec<TokenTree>,
}

/// Every source file of the crates, without their tests.
pub(crate) fn all() -> Vec<SourceFile> {
    let is_code = |path: &PathBuf| {
        let is_test = path.iter().any(|part| part == "tests")
            || path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
        let is_tool = ["crates/testkit", "crates/xtask"].iter().any(|tool| path.starts_with(tool));
        path.starts_with("crates") && !is_tool && !is_test
    };
    let sources: Vec<SourceFile> = files("rs").into_iter().filter(is_code).map(|path| read(&path)).collect();
    assert!(sources.len() > 100, "only {} source files were found", sources.len());
    sources
}

fn read(path: &Path) -> SourceFile {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let tokens = TokenStream::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    SourceFile { path: path.to_owned(), tokens: without_tests(tokens.into_iter().collect()) }
}

/// Removes items under `#[cfg(test)]`.
fn without_tests(tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_test = is_punct(&token, '#')
            && tokens.peek().is_some_and(|next| next.to_string().replace(' ', "") == "[cfg(test)]");
        if !is_test {
            kept.push(token);
            continue;
        }
        for skipped in tokens.by_ref() {
            let ends = matches!(&skipped, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
            if ends || is_punct(&skipped, ';') {
                break;
            }
        }
    }
    kept
}

/// A call of one of `tracing`'s macros.
pub(crate) struct LogCall {
    /// The name of the macro, such as `warn`.
    pub(crate) level: String,
    pub(crate) arguments: Vec<TokenTree>,
}

/// Every log line in some tokens, at any depth.
pub(crate) fn log_lines(tokens: &[TokenTree]) -> Vec<LogCall> {
    const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
    let mut calls = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        calls.extend(log_lines(&inner));
        let before = at.checked_sub(2).and_then(|at| tokens.get(at..at + 2));
        let Some([TokenTree::Ident(name), mark]) = before else { continue };
        let path = at.checked_sub(5).and_then(|at| tokens.get(at));
        let of_tracing = path.is_some_and(|path| path.to_string() == "tracing");
        if is_punct(mark, '!') && of_tracing && LEVELS.iter().any(|level| name == level) {
            calls.push(LogCall { level: name.to_string(), arguments: inner });
        }
    }
    calls
}

/// Every string literal in some tokens, at any depth.
pub(crate) fn texts(tokens: &[TokenTree]) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                found.extend(texts(&group.stream().into_iter().collect::<Vec<_>>()));
            }
            TokenTree::Literal(literal) => found.extend(text(&literal.to_string())),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
    found
}

fn text(literal: &str) -> Option<String> {
    Some(literal.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

pub(crate) fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

#[test]
fn log_lines_are_found_wherever_they_stand_and_tests_are_left_out() {
    let text = "fn a() { if b { tracing::warn!(event = \"x.y\", \"Text.\"); } }\n#[cfg(test)]\nmod tests { fn c() { tracing::info!(\"z\"); } }\n";
    let tokens = without_tests(TokenStream::from_str(text).unwrap().into_iter().collect());
    let calls = log_lines(&tokens);
    assert_eq!((calls.len(), calls[0].level.as_str()), (1, "warn"));
    assert_eq!(texts(&calls[0].arguments), ["x.y", "Text."]);
}

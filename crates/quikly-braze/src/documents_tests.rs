//! Tests of the commands in the documents: every command is valid, and every example of a brand file passes `check`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use pulldown_cmark::{Event, Tag, TagEnd};

use crate::arguments::{Arguments, Check};
use crate::check;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every Markdown document of the repository, with its name.
fn documents() -> Vec<(String, String)> {
    let (mut found, mut directories) = (Vec::new(), vec![root()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let (path, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
            if path.is_dir() && name != "target" && name != ".git" {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// The lines of code blocks, and the inline code.
fn code(document: &str) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut spans, mut in_block) = (Vec::new(), Vec::new(), false);
    for event in pulldown_cmark::Parser::new_ext(document, pulldown_cmark::Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_block = true,
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::Text(text) if in_block => lines.extend(text.lines().map(|line| line.trim().to_owned())),
            Event::Code(span) => spans.push(span.to_string()),
            _ => {}
        }
    }
    (lines, spans)
}

/// The arguments of a command line, without the shell's syntax; `None` when it is another program's command.
fn arguments(line: &str) -> Option<Vec<&str>> {
    let line = line.split(" #").next()?.split(" | ").next()?;
    let is_variable = |word: &&str| word.contains('=') && word.starts_with(|c: char| c.is_ascii_uppercase());
    let words: Vec<&str> = line.split_whitespace().skip_while(is_variable).collect();
    let ours = match words.as_slice() {
        ["quikly-braze", rest @ ..] => rest,
        ["cargo", "run", "--", rest @ ..] => rest,
        _ => return None,
    };
    Some(ours.iter().map(|word| word.trim_matches('"')).collect())
}

#[test]
fn every_command_in_a_block_of_code_is_understood() {
    let mut checked = 0;
    for (name, document) in documents() {
        for line in code(&document).0 {
            let Some(arguments) = arguments(&line) else { continue };
            let parsed = Arguments::try_parse_from(["quikly-braze"].into_iter().chain(arguments));
            assert!(parsed.is_ok(), "{name}: {line}\n{}", parsed.unwrap_err());
            checked += 1;
        }
    }
    assert!(checked > 15, "only {checked} commands were found");
}

#[test]
fn every_command_in_a_sentence_exists_and_has_the_options_that_are_named() {
    let mut checked = 0;
    for (name, document) in documents() {
        for span in code(&document).1 {
            let mut words = span.split_whitespace().peekable();
            let named = words.next_if_eq(&"quikly-braze").is_some();
            let mut command = Arguments::command();
            let mut is_command = named;
            while let Some(inner) = words.peek().and_then(|word| command.find_subcommand(word)).cloned() {
                (command, is_command) = (inner, true);
                words.next();
            }
            let only_options = words.peek().is_none_or(|word| word.starts_with("--"));
            // Inline code such as `status: ok` is not a command.
            if !is_command || !(named || only_options) {
                continue;
            }
            assert!(
                only_options || command.get_name() != "quikly-braze",
                "{name}: `{span}` is not a command"
            );
            for option in words.filter_map(|word| word.strip_prefix("--")) {
                let option = option.split(['=', '[']).next().unwrap_or_default();
                let known = command.get_arguments().any(|argument| argument.get_long() == Some(option));
                assert!(known || option == "help", "{name}: `{span}`: there is no --{option}");
            }
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} commands were found");
}

#[tokio::test]
async fn every_example_of_a_brand_file_passes_check() {
    let brands = root().join("examples/brands");
    check::run(Check { brands, live: false, offline: true, json: true }).await.unwrap();
}

/// Commands without a result of their own, and those whose result is JSON in any case.
const WITHOUT_JSON: [&str; 5] = ["serve", "sim", "completions", "man", "person export"];

#[test]
fn every_command_with_a_result_prints_json_on_request() {
    fn look(command: &clap::Command, name: &str, missing: &mut Vec<String>) {
        let inner: Vec<_> = command.get_subcommands().filter(|inner| inner.get_name() != "help").collect();
        for one in &inner {
            look(one, format!("{name} {}", one.get_name()).trim(), missing);
        }
        let has_json = command.get_arguments().any(|argument| argument.get_long() == Some("json"));
        if inner.is_empty() && has_json == WITHOUT_JSON.contains(&name) {
            missing.push(name.to_owned());
        }
    }
    let mut missing = Vec::new();
    look(&Arguments::command(), "", &mut missing);
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_command_about_what_is_stored_works_on_a_file_and_on_aws() {
    for command in Arguments::command().get_subcommands() {
        let of = |command: &clap::Command, long| {
            command.get_arguments().any(|argument| argument.get_long() == Some(long))
        };
        let all: Vec<_> = command.get_subcommands().chain([command]).collect();
        for one in all.into_iter().filter(|one| one.get_name() != "serve" && of(one, "data")) {
            assert!(of(one, "environment"), "{}", one.get_name());
        }
    }
}

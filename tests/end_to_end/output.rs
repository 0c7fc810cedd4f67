//! The output of commands when nobody reads it or it cannot be written.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::process::{run, run_into, write};

const BRAND: &str = "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { ssm = \"/quikly-braze/dev/braze/acme\" }\n";

/// One command of every kind that prints something and ends.
fn commands(directory: &Path) -> Vec<Vec<String>> {
    write(&directory.join("brands/acme.toml"), BRAND);
    let data = directory.join("data.sqlite");
    drop(embedded::DataFile::open(&data, Arc::new(ports::clock::SystemClock)).unwrap());
    let (brands, data) = (directory.join("brands").display().to_string(), data.display().to_string());
    let of = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    vec![
        of(&["--help"]),
        of(&["--version"]),
        of(&["dead", "list", "--help"]),
        of(&["token"]),
        of(&["status", "--data", &data]),
        of(&["status", "--json", "--data", &data]),
        of(&["dead", "list", "--data", &data]),
        of(&["dead", "retry", "--all", "--data", &data]),
        of(&["check", "--brands", &brands]),
        of(&["check", "--json", "--brands", &brands]),
    ]
}

#[test]
fn a_command_whose_reader_goes_away_ends_quietly() {
    let directory = tempfile::tempdir().unwrap();
    for command in commands(directory.path()) {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let (nobody, closed) = io::pipe().unwrap();
        drop(nobody);
        assert_eq!(run_into(closed, &command), (Some(0), String::new()), "{command:?}");
    }
}

#[test]
fn a_full_disk_is_reported_and_is_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    for command in commands(directory.path()) {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, said) = run_into(full, &command);
        assert_eq!(code, Some(1), "{command:?}: {said}");
        assert!(said.contains("standard output cannot be written: No space left"), "{command:?}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{command:?}: {said}");
    }
}

#[test]
fn a_wrong_word_is_an_error_with_a_suggestion() {
    for (wrong, right) in [
        (["dead", "list", "--data", "any", "--kind", "calback"], "callback"),
        (["dead", "list", "--data", "any", "--kind", "schedule"], "schedules"),
        (["dead", "retry", "--data", "any", "--kind", "email-enrolments"], "email-enrollments"),
    ] {
        let (code, said) = run(&wrong);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(&format!("'{right}'")), "{said}");
    }
    let (code, said) = run(&["statsu"]);
    assert!(code == Some(2) && said.contains("'status'"), "{said}");
}

#[test]
fn an_error_says_its_cause_once() {
    let directory = tempfile::tempdir().unwrap();
    write(&directory.path().join("brands/acme.toml"), BRAND);
    let brands = directory.path().join("brands").display().to_string();
    for data in [directory.path().to_owned(), directory.path().join("brands/acme.toml/data.sqlite")] {
        let data = data.display().to_string();
        let serve = ["serve", "--brands", &brands, "--data", &data, "--listen", "127.0.0.1:0"];
        for command in [serve.as_slice(), &["status", "--data", &data]] {
            let (code, said) = run(command);
            assert_eq!(code, Some(1), "{said}");
            for cause in ["irectory (os error", "os error 20", "unable to open", "Unable to open"] {
                assert!(said.matches(cause).count() <= 1, "{said}");
            }
        }
    }
}

#[test]
fn a_shell_learns_every_command_and_a_person_reads_them_in_the_manual() {
    let (code, script) = run(&["completions", "bash"]);
    assert_eq!(code, Some(0));
    let (code, page) = run(&["man"]);
    assert_eq!(code, Some(0));
    for command in ["serve", "status", "report", "find", "show", "import", "person"] {
        assert!(script.contains(command), "{command} is not completed");
        assert!(page.contains(command), "{command} is not in the manual");
    }
}

#[test]
fn a_command_that_is_misspelled_is_answered_with_the_one_that_was_meant() {
    let (code, said) = run(&["reprot"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("'report'"), "{said}");
}

#[test]
fn help_is_no_wider_than_a_page() {
    let (code, help) = run(&["report", "--help"]);
    assert_eq!(code, Some(0));
    let widest = help.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}");
}

//! The command line with AWS, on an emulator.

use std::sync::Arc;
use std::time::Duration;

use aws::dynamo::{BrandTable, Dynamo, Tables};
use aws::sqs::Sqs;
use aws::ssm::Parameters;
use ports::clock::SystemClock;
use ports::ledger::Stock;
use ports::{Ledger, Store};
use serde_json::{Value, json};
use testkit::brand_text::BrandText;
use testkit::emulator::{endpoint, prefix};
use testkit::participation;

use crate::process::{run_with, write};

fn good(environment: &str) -> String {
    let key = format!("{{ ssm = \"/quikly-braze/{environment}/braze/acme\" }}");
    let acme = BrandText::of("acme", "http://127.0.0.1:1", &key).activation("spring");
    acme.first("first", 2, "codes = \"codes.txt\"").to_string()
}

/// An environment with its tables.
pub(crate) async fn made(endpoint: &str, environment: &str) -> (aws::SdkConfig, Dynamo) {
    let config = aws::emulator(endpoint).await;
    let dynamo = Dynamo::new(&config, Tables::of(environment));
    dynamo.make_tables().await.unwrap();
    (config, dynamo)
}

#[tokio::test]
async fn brands_are_pushed_with_their_codes_and_refused_files_stay_as_they_were() {
    let (endpoint, environment) = (endpoint().await, prefix());
    let (config, ledgers) = made(endpoint, &environment).await;
    let table = BrandTable::new(&config, &environment);
    table.make().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| write(&directory.path().join(name), text);
    let good = good(&environment);
    file("acme.toml", &good);
    file("codes.txt", "A-1\nB-2\nC-3\n");
    let path = directory.path().display().to_string();
    let push = || {
        said_to(
            endpoint,
            &["brands", "push", "--allow-private", "--brands", &path, "--environment", &environment],
        )
    };
    let (code, said) = push();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("codes.txt has 3 codes, 0 given out") && said.contains("1 written"), "{said}");
    assert!(push().1.contains("0 written, 0 removed, 1 unchanged"));
    file("zest.toml", "id = \"zest\"\ncolour = 1\n");
    let (code, said) = push();
    assert_eq!(code, Some(1));
    assert!(said.contains("zest.toml:2: colour: is not a known key"), "{said}");
    file(
        "zest.toml",
        &good.replace("acme", "zest").replace("/braze/", "/intake/").replace("spring", "summer"),
    );
    let (code, said) = push();
    assert_eq!(code, Some(1));
    assert!(said.contains("braze.api_key: must be the parameter …/braze/zest"), "{said}");
    let kept = async || -> Vec<(String, String)> {
        let files = table.read().await.unwrap().into_iter().map(Result::unwrap);
        files.map(|file| (file.name, file.text)).collect()
    };
    let pushed = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(kept().await, [pushed("acme.toml", &good)]);
    // A file that is broken now affects no other file. What was pushed of its brand stays, whatever the file's name is now.
    let zest = good.replace("acme", "zest").replace("spring", "summer").replace("codes.txt", "more.txt");
    file("zest.toml", &zest);
    file("more.txt", "Z-1\nZ-2\n");
    file("acme.toml", &format!("colour = 1\n{good}"));
    let (code, said) = push();
    assert!(code == Some(1) && said.contains("1 written, 0 removed, 0 unchanged"), "{said}");
    assert!(said.contains("acme.toml:1: colour: is not a known key"), "{said}");
    let both = [pushed("acme.toml", &good), pushed("zest.toml", &zest)];
    assert_eq!(kept().await, both);
    std::fs::rename(directory.path().join("acme.toml"), directory.path().join("acme-2.toml")).unwrap();
    std::fs::write(directory.path().join("bytes.toml"), b"id = \"\xff\"\n").unwrap();
    assert_eq!(push().0, Some(1));
    assert_eq!(kept().await, both);
    std::fs::remove_file(directory.path().join("bytes.toml")).unwrap();
    std::fs::remove_file(directory.path().join("acme-2.toml")).unwrap();
    let (code, said) = push();
    assert!(code == Some(0) && said.contains("0 written, 1 removed, 1 unchanged"), "{said}");
    let brand = domain::ids::BrandId::parse("acme").unwrap();
    let pool = domain::incentive::Pool::of_file("codes.txt").unwrap();
    let stock = ledgers.import_codes(&brand, &pool, &[]).await.unwrap();
    assert_eq!(stock, Stock { codes: 3, given: 0 });
}

#[tokio::test]
async fn a_brand_whose_winners_would_get_no_codes_is_not_pushed_and_odd_codes_are_reported() {
    let (endpoint, environment) = (endpoint().await, prefix());
    let config = aws::emulator(endpoint).await;
    Dynamo::new(&config, Tables::of(&environment)).make_tables().await.unwrap();
    let table = BrandTable::new(&config, &environment);
    table.make().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| write(&directory.path().join(name), text);
    let acme = good(&environment);
    let path = directory.path().display().to_string();
    let push = || {
        let to = ["--brands", &path, "--environment", &environment];
        said_to(endpoint, &[&["brands", "push", "--allow-private"], to.as_slice()].concat())
    };
    file("acme.toml", &acme);
    file("codes.txt", "\u{feff}Code\r\nA-1\r\nB-2\r\n");
    let (code, said) = push();
    assert!(code == Some(0) && said.contains("codes \"codes.txt\": line 1 looks like a heading"), "{said}");
    // Codes that were imported under one name are given out under that name only.
    file("spring.txt", "A-1\nB-2\n");
    file("acme.toml", &acme.replace("codes.txt", "spring.txt"));
    let (code, said) = push();
    assert!(
        code == Some(1) && said.contains("has 2 codes, but only 0 can be given out under this name"),
        "{said}"
    );
    let kept: Vec<String> = table.read().await.unwrap().into_iter().map(|file| file.unwrap().text).collect();
    assert_eq!(kept, [acme]);
}

/// Runs a command with credentials for the emulator.
pub(crate) fn said_to(endpoint: &str, command: &[&str]) -> (Option<i32>, String) {
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "emulated"),
        ("AWS_SECRET_ACCESS_KEY", "emulated"),
    ];
    run_with(command, &variables)
}

#[tokio::test]
async fn the_commands_show_an_environment_and_forget_a_person_in_it() {
    let (endpoint, environment) = (endpoint().await, prefix());
    let (config, dynamo) = made(endpoint, &environment).await;
    Sqs::make(&config, &environment, Duration::from_secs(30), 5).await.unwrap();
    let parameters = Parameters::new(&config, Arc::new(SystemClock));
    let key = "09".repeat(32);
    parameters.put(&format!("/quikly-braze/{environment}/intake/id-key"), &key).await.unwrap();
    dynamo.insert(&participation("acme", "spring", "ada@example.com"), None).await.unwrap();
    let asked = |command: &[&str]| -> Value {
        let (code, said) = said_to(endpoint, &[command, &["--environment", &environment, "--json"]].concat());
        assert_eq!(code, Some(0), "{said}");
        serde_json::from_str(&said).unwrap()
    };
    let status = asked(&["status"]);
    assert_eq!(status["participations"], json!({ "received": 1 }));
    let enrollments = "email-enrollments";
    assert_eq!((&status["messages"][enrollments], &status["dead"][enrollments]), (&json!(0), &json!(0)));
    assert_eq!(asked(&["dead", "list"]), json!([]));
    assert_eq!(asked(&["forget", "--email", "ada@example.com"])["participations"], 1);
    assert_eq!(asked(&["forget", "--email", "ada@example.com"])["participations"], 0);
}

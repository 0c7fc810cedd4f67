//! The command line against AWS, emulated.

use std::sync::Arc;
use std::time::Duration;

use aws::dynamo::{BrandTable, Dynamo, Tables};
use aws::sqs::Sqs;
use aws::ssm::Parameters;
use ports::clock::SystemClock;
use ports::ledger::Stock;
use ports::{Ledger, Store};
use serde_json::{Value, json};
use tests::emulator::{endpoint, prefix};
use tests::participation;

use crate::process::{run_with, write};

const GOOD: &str = "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { ssm = \"/quikly-braze/ENVIRONMENT/braze/acme\" }\n\
    [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n\
    [[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 2\ncodes = \"codes.txt\"\n";

#[tokio::test]
async fn brands_are_pushed_with_their_codes_and_only_if_all_are_right() {
    let (endpoint, environment) = (endpoint().await, prefix());
    let config = aws::emulator(endpoint).await;
    let ledgers = Dynamo::new(&config, Tables::of(&environment));
    ledgers.make_tables().await.unwrap();
    let table = BrandTable::new(&config, &environment);
    table.make().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| write(&directory.path().join(name), text);
    let good = GOOD.replace("ENVIRONMENT", &environment);
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
    let kept = table.read().await.unwrap();
    assert_eq!((kept.len(), kept[0].name.as_str(), kept[0].text.as_str()), (1, "acme.toml", good.as_str()));
    let brand = domain::identity::BrandId::parse("acme").unwrap();
    let pool = domain::incentive::Pool::of_file("codes.txt").unwrap();
    let stock = ledgers.import_codes(&brand, &pool, &[]).await.unwrap();
    assert_eq!(stock, Stock { codes: 3, given: 0 });
}

/// Runs a command of somebody whose credentials lead to the emulator.
fn said_to(endpoint: &str, command: &[&str]) -> (Option<i32>, String) {
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "emulated"),
        ("AWS_SECRET_ACCESS_KEY", "emulated"),
    ];
    run_with(command, &variables)
}

#[tokio::test]
async fn an_environment_is_looked_at_and_somebody_forgotten_in_it() {
    let (endpoint, environment) = (endpoint().await, prefix());
    let config = aws::emulator(endpoint).await;
    let dynamo = Dynamo::new(&config, Tables::of(&environment));
    dynamo.make_tables().await.unwrap();
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
    assert_eq!((&status["messages"]["awards"], &status["dead"]["awards"]), (&json!(0), &json!(0)));
    assert_eq!(asked(&["dead", "list"]), json!([]));
    assert_eq!(asked(&["forget", "--email", "ada@example.com"])["participations"], 1);
    assert_eq!(asked(&["forget", "--email", "ada@example.com"])["participations"], 0);
}

//! The reports, next to the process that serves.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{run, run_told};
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const LATER: Duration = Duration::from_secs(60);

const FIRST: &str = "\
[[activation.incentive]]
id = \"first\"
kind = \"first\"
quantity = 2
reward = \"SPRING20\"
";

/// A server on which three people took part in turn, for an incentive with two places.
async fn campaign(workspace: &SimProcess) -> ServeProcess {
    let brand = BrandFixture {
        braze: "limits = { export_ids_per_minute = 6000 }",
        email: "attributes = { quikly_participant = true }\nincentive = \"first\"",
        access: "[intake]\nopen_to_anybody = true",
        more: FIRST,
        ..BrandFixture::at(workspace)
    };
    let server = ServeProcess::start(&brand).await;
    for number in 0..3 {
        let id = server.take_part("spring", &format!("c{number}@example.com")).await;
        server.reaches(&id, "enrolled", LATER).await;
    }
    server
}

fn on_the_file(server: &ServeProcess, command: &[&str]) -> Vec<String> {
    let (data, brands) = (server.data().display().to_string(), server.brands().display().to_string());
    let place = ["--data", &data, "--brands", &brands].map(str::to_owned);
    command.iter().map(|word| (*word).to_owned()).chain(place).collect()
}

fn ran(server: &ServeProcess, command: &[&str]) -> String {
    let arguments = on_the_file(server, command);
    let (code, said) = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code, Some(0), "{said}");
    said
}

#[tokio::test]
async fn a_report_beside_a_running_server_adds_up_and_says_what_is_left() {
    let workspace = SimProcess::start("0s").await;
    let server = campaign(&workspace).await;
    let report: Value = serde_json::from_str(&ran(&server, &["report", "spring", "--json"])).unwrap();
    let funnel = &report["funnel"];
    assert_eq!(
        (&funnel["accepted"], &funnel["credited"], &funnel["rewarded"]),
        (&json!(3), &json!(3), &json!(2))
    );
    assert_eq!((&funnel["under_way"], &funnel["may_still_win"]), (&json!(0), &json!(1)));
    assert_eq!(report["ways"]["email"]["accepted"], 3);
    let incentive = &report["incentives"][0];
    assert_eq!(
        (&incentive["given"], &incentive["left"], &incentive["waiting"]),
        (&json!(2), &json!(0), &json!(1))
    );
    let accepted: u64 =
        report["minutes"].as_array().unwrap().iter().filter_map(|one| one["accepted"].as_u64()).sum();
    assert_eq!((accepted, &report["speed"]["credited"]["count"]), (3, &json!(3)));
    let braze = &report["braze"];
    assert!(braze["requests"]["/users/export/ids"].as_u64().unwrap() >= 3, "{braze}");
    assert!(braze["data_points_sent"].as_u64().unwrap() >= 3, "{braze}");
    let text = ran(&server, &["report", "spring"]);
    assert!(text.contains("requests to /users/track"), "{text}");
    assert!(text.contains("took part") && text.contains("2 given, 0 held, 0 left, 1 in line"), "{text}");
}

#[tokio::test]
async fn the_figures_of_a_report_survive_a_kill() {
    let workspace = SimProcess::start("0s").await;
    let mut server = campaign(&workspace).await;
    let funnel = |server: &ServeProcess| -> Value {
        let report: Value = serde_json::from_str(&ran(server, &["report", "spring", "--json"])).unwrap();
        report["funnel"].clone()
    };
    let before = funnel(&server);
    server.kill_and_restart().await;
    assert_eq!(funnel(&server), before);
}

#[tokio::test]
async fn a_report_as_a_page_is_one_file_without_a_contact() {
    let workspace = SimProcess::start("0s").await;
    let server = campaign(&workspace).await;
    let page = server.data().with_file_name("report.html");
    ran(&server, &["report", "spring", "--html", &page.display().to_string()]);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("All 2 places are given") && page.contains("<svg"), "{page}");
    assert!(!page.contains("@example.com"));
}

#[tokio::test]
async fn a_scope_in_which_nobody_took_part_is_said_to_be_perhaps_misspelled() {
    let workspace = SimProcess::start("0s").await;
    let server = campaign(&workspace).await;
    let data = server.data().display().to_string();
    let (code, said) = run(&["report", "sprung", "--data", &data]);
    assert_eq!(code, Some(1));
    assert!(said.contains("nobody took part in sprung"), "{said}");
}

#[tokio::test]
async fn a_consumer_is_found_by_address_with_the_answer_why_there_is_no_reward() {
    let workspace = SimProcess::start("0s").await;
    let server = campaign(&workspace).await;
    let find = |address: &str| -> Value {
        let arguments = on_the_file(&server, &["find", "--email", "-", "--json"]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, said) = run_told(&arguments, &format!("{address}\n"));
        assert_eq!(code, Some(0), "{said}");
        serde_json::from_str(&said).unwrap()
    };
    let found = find("C2@Example.com");
    let found = found.as_array().unwrap();
    assert_eq!(
        (found.len(), &found[0]["scope"], &found[0]["state"]),
        (1, &json!("spring"), &json!("enrolled"))
    );
    let answer = found[0]["answer"]["en"].as_str().unwrap();
    assert!(answer.contains("in line") || answer.contains("waiting"), "{answer}");
    assert_eq!(find("nobody@example.com"), json!([]));
}

/// What a command that succeeds prints as JSON.
fn ran_as_json(server: &ServeProcess, command: &[&str]) -> Value {
    serde_json::from_str(&ran(server, &[command, &["--json"]].concat())).unwrap()
}

#[tokio::test]
async fn a_participation_is_found_by_its_number_its_place_and_its_id() {
    let workspace = SimProcess::start("0s").await;
    let server = campaign(&workspace).await;
    let third = ran_as_json(&server, &["find", "--scope", "spring", "--arrival", "3"]);
    assert_eq!((&third[0]["arrival"], &third[0]["position"]), (&json!(3), &Value::Null));
    assert!(third[0]["answer"]["fr"].as_str().unwrap().contains("liste d’attente"), "{third}");
    let first = ran_as_json(&server, &["find", "--scope", "spring", "--position", "1"]);
    assert_eq!((&first[0]["arrival"], &first[0]["position"]), (&json!(1), &json!(1)));
    let id = first[0]["id"].as_str().unwrap();
    assert_eq!(ran_as_json(&server, &["find", "--id", id]), first);
    assert_eq!(ran_as_json(&server, &["find", "--scope", "spring", "--arrival", "4"]), json!([]));
    let nobody = ran(&server, &["find", "--scope", "spring", "--position", "3"]);
    assert!(nobody.contains("nobody has the place 3"), "{nobody}");
}

#[tokio::test]
async fn whoever_got_a_code_is_found_and_a_code_of_everybody_is_said_to_be_one() {
    let workspace = SimProcess::start("0s").await;
    let incentives = FIRST.replace("reward = \"SPRING20\"", "codes = \"codes.txt\"");
    let brand = BrandFixture {
        email: "attributes = { quikly_participant = true }\nincentive = \"first\"",
        access: "[intake]\nopen_to_anybody = true",
        more: &incentives,
        // Each of the four activations may give out two.
        codes: 8,
        ..BrandFixture::at(&workspace)
    };
    let server = ServeProcess::start(&brand).await;
    let id = server.take_part("spring", "ada@example.com").await;
    server.reaches(&id, "enrolled", LATER).await;
    let codes = fs::read_to_string(server.brands().join("codes.txt")).unwrap();
    let codes: Vec<&str> = codes.lines().collect();
    assert_eq!(ran_as_json(&server, &["find", "--code", codes[0]])[0]["id"], json!(id));
    let unused = ran(&server, &["find", "--code", codes[1]]);
    assert!(unused.contains("was not given out yet"), "{unused}");
    let unknown = ran(&server, &["find", "--code", "NOT-A-CODE"]);
    assert!(unknown.contains("no pool has given out this code"), "{unknown}");

    let server = campaign(&workspace).await;
    let finds = |more: &[&str]| {
        let arguments = on_the_file(&server, &[&["find", "--code", "SPRING20"], more].concat());
        run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (code, said) = finds(&["--scope", "spring"]);
    assert!(
        code == Some(1) && said.contains("everybody who wins `first` in spring gets this code"),
        "{said}"
    );
    let (_, said) = finds(&[]);
    assert!(said.contains("`first` in spring, or `first` in summer"), "{said}");
}

#[tokio::test]
async fn the_winners_are_listed_as_text_as_csv_and_as_json() {
    let workspace = SimProcess::start("0s").await;
    let server = campaign(&workspace).await;
    let data = server.data().display().to_string();
    let winners = |more: &[&str]| {
        let (code, said) = run(&[&["winners", "spring", "--data", &data], more].concat());
        assert_eq!(code, Some(0), "{said}");
        said
    };
    let text = winners(&[]);
    assert!(text.contains("     1  c***@e***.com") && text.contains("2 winners"), "{text}");
    let csv = winners(&["--csv"]);
    assert!(csv.starts_with("id,scope,incentive,position,") && csv.lines().count() == 3, "{csv}");
    let json: Vec<Value> =
        winners(&["--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let places: Vec<&Value> = json.iter().map(|winner| &winner["position"]).collect();
    assert_eq!(places, [&json!(1), &json!(2)]);
    assert!(winners(&["--incentive", "another"]).contains("0 winners"));
}

#[tokio::test]
async fn requests_that_were_refused_are_in_the_report_and_in_intake_once_the_server_has_stopped() {
    let workspace = SimProcess::start("0s").await;
    let mut server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    for body in [r#"{"scope":"spring","email":"nobody"}"#, r#"{"scope":"winter","email":"ada@example.com"}"#]
    {
        let json = Some("application/json");
        assert_eq!(server.send("POST", "/participations", json, body.into()).await.0, 422);
    }
    server.end_in_order().await;
    let shown: Value = serde_json::from_str(&ran(&server, &["intake", "--json"])).unwrap();
    let of = |scope: Value| shown.as_array().unwrap().iter().find(|one| one["scope"] == scope).unwrap();
    assert_eq!(of(json!("spring"))["refused"], json!({ "email-invalid": 1 }));
    assert_eq!(of(Value::Null)["refused"], json!({ "unknown-scope": 1 }));
    assert_eq!(of(json!("spring"))["minutes"].as_array().unwrap().len(), 1);
    let text = ran(&server, &["intake"]);
    assert!(text.contains("spring of acme: 1 refused\n           1  email invalid"), "{text}");
    let report: Value = serde_json::from_str(&ran(&server, &["report", "spring", "--json"])).unwrap();
    assert_eq!(
        (&report["refused"], &report["funnel"]["accepted"]),
        (&json!({ "email-invalid": 1 }), &json!(0))
    );
}

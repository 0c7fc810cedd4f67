//! Commands that answer questions about an environment, which is emulated.

use std::sync::Arc;
use std::time::Duration;

use aws::dynamo::{BrandTable, Dynamo};
use aws::sqs::Sqs;
use aws::ssm::Parameters;
use domain::award::{Award, Resolution, SiblingLines};
use domain::call::{BrazeCall, CallBatch, Endpoint};
use domain::decide::{Question, Step};
use domain::id_key::IdKey;
use domain::ids::{Channel, LedgerKey, Scope};
use domain::incentive::Offer;
use domain::ledger::{Entry, Rules};
use domain::participation::{Cause, Participation};
use domain::rollup::{CountedEvent, Rollup};
use ports::clock::SystemClock;
use ports::{CallLog, Clock, Ledger, Rollups, Store};
use serde_json::{Value, json};
use testkit::brand_text::BrandText;
use testkit::emulator::{endpoint, prefix};
use testkit::{changed, participation};

use crate::aws::{made, said_to};
use crate::process::write;

/// An environment in which Ada has the only place of an incentive.
struct EmulatedEnvironment {
    endpoint: &'static str,
    name: String,
    dynamo: Dynamo,
    ada: Participation,
}

fn brand(environment: &str) -> BrandText {
    let key = format!("{{ ssm = \"/quikly-braze/{environment}/braze/acme\" }}");
    let acme = BrandText::of("acme", "http://127.0.0.1:1", &key).with("[intake]\nopen_to_anybody = true");
    acme.activation("spring").email("incentive = \"first\"").first("first", 1, "reward = \"SPRING20\"")
}

/// Ada, who took part just now and was looked up.
fn ada() -> Participation {
    let (ada, now) = (participation("acme", "spring", "ada@example.com"), SystemClock.now());
    let mut ada = changed(&ada, |kept| {
        kept.has_award = true;
        (kept.accepted_at, kept.updated_at) = (now, now);
    });
    ada.apply(&Step::Ask(Question::FindProfile), now);
    ada.failed(Cause::Throttled, now + Duration::from_secs(1));
    ada
}

impl EmulatedEnvironment {
    async fn with_a_winner() -> Self {
        let (endpoint, name) = (endpoint().await, prefix());
        let (config, dynamo) = made(endpoint, &name).await;
        Sqs::make(&config, &name, Duration::from_secs(30), 5).await.unwrap();
        BrandTable::new(&config, &name).make().await.unwrap();
        let parameters = Parameters::new(&config, Arc::new(SystemClock));
        parameters.put(&format!("/quikly-braze/{name}/intake/id-key"), &"09".repeat(32)).await.unwrap();
        let environment = Self { endpoint, name, dynamo, ada: ada() };
        environment.push().await;
        environment.wins().await;
        environment
    }

    async fn push(&self) {
        let directory = tempfile::tempdir().unwrap();
        write(&directory.path().join("acme.toml"), &brand(&self.name).to_string());
        let path = directory.path().display().to_string();
        let (code, said) = self.said(&["brands", "push", "--allow-private", "--brands", &path]);
        assert_eq!(code, Some(0), "{said}");
    }

    async fn wins(&self) {
        let brands = brand(&self.name).brands();
        let (_, activation) = brands.activation(self.ada.scope()).unwrap();
        let (incentive, rule) = activation.incentives.iter().next().unwrap();
        let ledger = LedgerKey { scope: self.ada.scope().clone(), incentive: Some(incentive.clone()) };
        let rules = Rules {
            ledger: ledger.clone(),
            incentive: Some(rule.clone()),
            call_back: false,
            commitment: None,
        };
        let participant = self.ada.contact_key(&IdKey::new([9; 32])).unwrap();
        let owner = (self.ada.id(), self.ada.brand().clone());
        let award = Award {
            others: SiblingLines::Perhaps(Vec::new()),
            ..Award::new(owner, ledger, participant, Offer::ByPlace)
        };
        let (id, now) = (self.ada.id(), SystemClock.now());
        self.dynamo.insert(&self.ada, Some(&Entry { award, rules: rules.clone() })).await.unwrap();
        self.dynamo.enter(&rules, &[id], now).await.unwrap();
        self.dynamo.resolve(&rules, &[(id, Resolution::Credit)], now).await.unwrap();
        let award = self.dynamo.awards(&[id]).await.unwrap().found.remove(0);
        let counted = self.ada.clone().rollup(Some(&award), now);
        self.dynamo.add_rollup(&counted, now).await.unwrap();
    }

    fn said(&self, command: &[&str]) -> (Option<i32>, String) {
        said_to(self.endpoint, &[command, &["--environment", &self.name]].concat())
    }

    /// What a command prints as text.
    fn told(&self, command: &[&str]) -> String {
        let (code, said) = self.said(command);
        assert_eq!(code, Some(0), "{command:?}: {said}");
        said
    }

    /// The objects that a command prints as JSON, one on each line.
    fn asked(&self, command: &[&str]) -> Vec<Value> {
        let said = self.told(&[command, &["--json"]].concat());
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn whoever_won_in_an_environment_is_found_shown_and_listed() {
    let environment = EmulatedEnvironment::with_a_winner().await;
    let id = environment.ada.id().to_string();
    for by in [
        vec!["--email", "ada@example.com"],
        vec!["--id", &id],
        vec!["--scope", "spring", "--arrival", "1", "--scan"],
        vec!["--scope", "spring", "--position", "1", "--scan"],
    ] {
        let found = environment.asked(&[&["find"], by.as_slice()].concat()).remove(0);
        assert_eq!((&found[0]["id"], &found[0]["position"]), (&json!(id), &json!(1)), "{by:?}: {found}");
        assert_eq!(found.as_array().unwrap().len(), 1, "{by:?}");
    }
    let (code, said) = environment.said(&["find", "--scope", "spring", "--position", "1"]);
    assert!(code == Some(1) && said.contains("--scan"), "it says what a pass over everything costs: {said}");
    let shown = environment.asked(&["show", &id]).remove(0);
    assert_eq!((&shown["position"], &shown["knows_the_brand_file"]), (&json!(1), &json!(true)), "{shown}");
    let winners = environment.told(&["winners", "spring", "--csv"]);
    assert!(winners.lines().count() == 2 && winners.contains(&id), "{winners}");
    let report = environment.asked(&["report", "spring"]).remove(0);
    assert_eq!(
        (&report["funnel"]["rewarded"], &report["incentives"][0]["left"]),
        (&json!(1), &json!(0)),
        "{report}"
    );
}

#[tokio::test]
async fn the_calls_of_an_environment_and_what_it_refused_are_shown() {
    let environment = EmulatedEnvironment::with_a_winner().await;
    let (id, now) = (environment.ada.id(), SystemClock.now());
    let call = BrazeCall {
        at: environment.ada.accepted_at(),
        endpoint: Endpoint::ExportIds,
        objects: 1,
        refused: 0,
        status: Some(429),
        cause: Some(Cause::Throttled),
        took: Duration::from_millis(12),
        left: Some(0),
        message: None,
        participations: vec![id],
    };
    let batch = CallBatch { brand: environment.ada.brand().clone(), kept_at: now, calls: vec![call] };
    environment.dynamo.keep_calls(&[batch]).await.unwrap();
    let calls = environment.asked(&["calls"]);
    assert_eq!((calls.len(), &calls[0]["status"]), (1, &json!(429)), "{calls:?}");
    assert_eq!(environment.asked(&["calls", "--brand", "acme", "--failed"]), calls);
    assert_eq!(environment.asked(&["show", &id.to_string()])[0]["calls"], json!(calls));

    let mut refused = Rollup::default();
    let event = CountedEvent::Refused("activation-closed");
    let spring = Scope::parse("spring").unwrap();
    event.figures((&spring, Channel::Email), 3, now).for_each(|(key, count)| refused.add(key, count));
    environment.dynamo.add_rollup(&refused, now).await.unwrap();
    let intake = environment.asked(&["intake"]).remove(0);
    assert_eq!(intake[0]["refused"], json!({ "activation-closed": 3 }), "{intake}");
    assert!(environment.told(&["intake", "--lang", "fr"]).starts_with("spring de acme : 3 refusées\n"));
    assert_eq!(environment.asked(&["report", "spring"])[0]["refused"], json!({ "activation-closed": 3 }));
}

#[tokio::test]
async fn an_activation_of_an_environment_is_paused_and_resumed() {
    let environment = EmulatedEnvironment::with_a_winner().await;
    let id = environment.ada.id().to_string();
    let since = || {
        let of = |command: &[&str]| environment.asked(command).remove(0);
        let status = of(&["status"])["paused"]["spring"].clone();
        [
            status,
            of(&["report", "spring"])["paused_since"].clone(),
            of(&["show", &id])["paused_since"].clone(),
        ]
    };
    assert!(since().iter().all(Value::is_null));
    let paused = environment.asked(&["pause", "spring"]).remove(0)["paused_since"].clone();
    assert!(paused.is_string() && since().iter().all(|since| *since == paused), "{:?}", since());
    let (code, said) = environment.said(&["pause", "summer"]);
    assert!(code == Some(0) && said.contains("nobody has taken part in summer"), "{said}");
    assert_eq!(environment.asked(&["resume", "spring"])[0]["was_paused_since"], paused);
    assert!(since().iter().all(Value::is_null));
    let audit = environment.told(&["audit"]);
    assert!(audit.contains("  pause  spring") && audit.contains("  resume  spring"), "{audit}");
}

//! What an environment's tables record about themselves, and what a newer version stores in them.

use std::time::Duration;

use aws::dynamo::{Dynamo, Tables};
use aws::operations::Environment;
use domain::id_key::IdKey;
use domain::reservation::Allowance;
use ports::limits::{ContractLane, Endpoint, Lane};
use serde_json::{Value, json};
use testkit::emulator::{config, prefix};

use crate::dynamo_api::call;
use crate::emulator::on_dynamo_at;
use crate::game::{Game, acme, first};

/// The first key that was used in an environment stays its key.
#[tokio::test]
async fn an_environment_keeps_the_fingerprint_of_its_first_id_key() {
    let (config, prefix) = (config().await, prefix());
    let dynamo = Dynamo::new(&config, Tables::of(&prefix));
    dynamo.make_tables().await.unwrap();
    let unmarked = dynamo.marks().await.unwrap();
    assert_eq!(unmarked.fingerprint, None);
    let [first, other] = [1, 2].map(|byte| IdKey::new([byte; 32]));
    let marked = dynamo.mark(unmarked.clone(), &first).await.unwrap();
    assert_eq!(marked.fingerprint, Some(first.fingerprint().to_string()));
    assert_eq!(dynamo.mark(unmarked, &other).await.unwrap(), marked);
    assert_eq!(Environment::new(&config, &prefix).dynamo().marks().await.unwrap(), marked);
}

/// Writes the item that records the form of an environment's tables.
async fn marks_with(prefix: &str, form: Option<&str>) {
    let mut item = json!({
        "ledger": { "S": "id key" }, "line": { "S": "fingerprint" }, "key": { "S": IdKey::new([1; 32]).fingerprint().to_string() }
    });
    if let Some(form) = form {
        item["form"] = json!({ "N": form });
    }
    call("PutItem", &json!({ "TableName": format!("{prefix}-ledgers"), "Item": item })).await;
}

async fn marked_form(prefix: &str) -> Value {
    let key = json!({ "ledger": { "S": "id key" }, "line": { "S": "fingerprint" } });
    call("GetItem", &json!({ "TableName": format!("{prefix}-ledgers"), "Key": key })).await["Item"]["form"]["N"].clone()
}

/// An earlier version has recorded no form. The first worker of this version records its own.
#[tokio::test]
async fn tables_of_an_earlier_version_are_taken_and_marked_with_the_form_of_this_one() {
    let (config, prefix) = (config().await, prefix());
    let dynamo = Dynamo::new(&config, Tables::of(&prefix));
    dynamo.make_tables().await.unwrap();
    marks_with(&prefix, None).await;
    let earlier = dynamo.marks().await.unwrap();
    let marked = dynamo.mark(earlier.clone(), &IdKey::new([1; 32])).await.unwrap();
    assert_eq!((&marked.fingerprint, marked_form(&prefix).await), (&earlier.fingerprint, json!("1")));
    assert_eq!(dynamo.mark(marked.clone(), &IdKey::new([1; 32])).await.unwrap(), marked);
}

/// Once a newer version has raised the recorded form, this version does not start.
#[tokio::test]
async fn tables_of_a_newer_form_are_refused_by_their_form() {
    let (config, prefix) = (config().await, prefix());
    let dynamo = Dynamo::new(&config, Tables::of(&prefix));
    dynamo.make_tables().await.unwrap();
    marks_with(&prefix, Some("2")).await;
    let refused = ports::error::in_full(&dynamo.marks().await.unwrap_err());
    let why = "their form is 2, and this version supports forms up to 1";
    assert!(refused.contains(why), "{refused}");
    assert_eq!(marked_form(&prefix).await, json!("2"));
}

/// What a newer version stores in an item stays there when this one writes it.
#[tokio::test]
async fn attributes_that_this_version_does_not_know_stay() {
    let (config, prefix) = (config().await, prefix());
    let ports = on_dynamo_at(config, &prefix).await;
    let lane = Lane { brand: acme(), endpoint: Endpoint::Track };
    let allowance = Allowance { requests: 10, period: Duration::from_secs(60), by_contract: false };
    let lane = ContractLane { lane, contract: allowance.into() };
    ports.limits.reserve(&lane, 1.into(), ports.now()).await.unwrap();
    let limits = (format!("{prefix}-limits"), json!({ "lane": { "S": "acme track" } }));
    let game = Game::of(ports, first(1));
    game.accept(0).await;
    let key = json!({ "ledger": { "S": "spring early-bird" }, "line": { "S": "counts" } });
    let counts = (format!("{prefix}-ledgers"), key);
    for (table, key) in [&limits, &counts] {
        let values = json!({ ":new": { "S": "unknown" } });
        let update = json!({ "TableName": table, "Key": key, "UpdateExpression": "SET newer = :new", "ExpressionAttributeValues": values });
        call("UpdateItem", &update).await;
    }
    game.accept(1).await;
    game.ports.limits.reserve(&lane, 3.into(), game.now()).await.unwrap();
    let item = async |(table, key): &(String, Value)| {
        call("GetItem", &json!({ "TableName": table, "Key": key, "ConsistentRead": true })).await["Item"]
            .clone()
    };
    let (limits, counts) = (item(&limits).await, item(&counts).await);
    assert_eq!((&limits["newer"]["S"], &limits["booked"]["N"]), (&json!("unknown"), &json!("4")));
    assert_eq!((&counts["newer"]["S"], &counts["version"]["N"]), (&json!("unknown"), &json!("2")));
}

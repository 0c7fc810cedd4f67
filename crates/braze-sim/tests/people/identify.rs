//! `/users/identify`.

use serde_json::{Value, json};

use crate::sim::{Simulated, alias, alias_only};

fn by_alias(external_id: &str, name: &str) -> Value {
    let entry = json!({ "external_id": external_id, "user_alias": alias("email", name) });
    json!({ "aliases_to_identify": [entry] })
}

fn by_email(external_id: &str, email: &str) -> Value {
    let priorities = json!(["unidentified", "most_recently_updated"]);
    let entry = json!({ "external_id": external_id, "email": email, "prioritization": priorities });
    json!({ "emails_to_identify": [entry] })
}

#[tokio::test(start_paused = true)]
async fn an_alias_only_profile_gets_the_external_id_and_keeps_its_alias() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only("ada@example.com")])).await;
    let answer = sim.post("/users/identify", by_alias("u-1", "ada@example.com")).await;
    assert_eq!(answer, (201, json!({ "aliases_processed": 1, "message": "success" })));
    assert_eq!(sim.by_alias("ada@example.com").await["external_id"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn an_alias_only_profile_is_merged_into_the_profile_with_the_external_id() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only("ada@example.com"), { "external_id": "u-1" }])).await;
    sim.accepted("/users/identify", by_alias("u-1", "ada@example.com")).await;
    assert_eq!(sim.count().await, 1);
    assert_eq!(sim.by_alias("ada@example.com").await["external_id"], "u-1");
    assert_eq!(sim.by_id("u-1").await["email"], "ada@example.com");
}

#[tokio::test(start_paused = true)]
async fn two_profiles_with_aliases_of_one_label_are_not_merged() {
    let sim = Simulated::at_once();
    let identified = json!({ "external_id": "u-1", "user_aliases": [alias("email", "old@example.com")] });
    sim.has(json!([alias_only("ada@example.com"), identified])).await;
    assert_eq!(sim.post("/users/identify", by_alias("u-1", "ada@example.com")).await.0, 201);
    assert_eq!(sim.count().await, 2);
    assert_eq!(sim.by_alias("ada@example.com").await["external_id"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_alias_in_another_case_identifies_nobody() {
    let sim = Simulated::at_once();
    sim.has(json!([alias_only("ada@example.com")])).await;
    assert_eq!(sim.post("/users/identify", by_alias("u-1", "Ada@example.com")).await.0, 201);
    assert_eq!(sim.by_id("u-1").await, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_identified_profile_keeps_its_external_id() {
    let sim = Simulated::at_once();
    let identified = json!({ "external_id": "u-1", "user_aliases": [alias("email", "ada@example.com")] });
    sim.has(json!([identified, { "external_id": "u-2" }])).await;
    sim.accepted("/users/identify", by_alias("u-2", "ada@example.com")).await;
    assert_eq!(sim.by_alias("ada@example.com").await["external_id"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn an_address_of_one_profile_identifies_it() {
    let sim = Simulated::at_once();
    sim.has(json!([{ "email": "ada@example.com" }])).await;
    sim.accepted("/users/identify", by_email("u-1", "ada@example.com")).await;
    assert_eq!(sim.by_id("u-1").await["email"], "ada@example.com");
}

#[tokio::test(start_paused = true)]
async fn an_address_of_two_profiles_identifies_neither() {
    for other in
        [json!({ "email": "ada@example.com" }), json!({ "external_id": "u-1", "email": "ada@example.com" })]
    {
        let sim = Simulated::at_once();
        sim.has(json!([{ "email": "ada@example.com" }, &other])).await;
        assert_eq!(sim.post("/users/identify", by_email("u-1", "ada@example.com")).await.0, 201);
        let found = sim.by_email("ada@example.com").await;
        assert_eq!((found.len(), &found[0]["external_id"]), (2, &Value::Null));
        assert_eq!(found[1]["external_id"], other["external_id"]);
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_fifty_are_refused() {
    let sim = Simulated::at_once();
    let entry = json!({ "external_id": "u-1", "user_alias": alias("email", "ada@example.com") });
    let body = json!({ "aliases_to_identify": vec![entry; 51] });
    assert_eq!(sim.post("/users/identify", body).await.0, 400);
}

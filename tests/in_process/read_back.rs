//! Rewards and events whose profile is merged or deleted while they are written: they are read back, and written again.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use domain::ids::{BrandId, ParticipationId};
use domain::profile::ProfileRef;
use memory::Faults;
use metrics::Metric;
use ports::read_backs::{MOST_BATCHES, ReadBackBatch};
use ports::{Clock, ReadBacks};
use serde_json::{Value, json};

use testkit::campaign::Campaign;

use crate::people;

const ADA: &str = "ada@example.com";
const EXPORT: &str = "/users/export/ids";
const A_DAY: Duration = Duration::from_secs(86_400);
const SOON: Duration = Duration::from_secs(1_200);

/// Profiles that are remembered are trusted here, so that writes can meet one that is gone.
const TRUSTED: &str =
    "hint_fresh = \"30d\"\n[callback]\nurl = \"https://quikly.example/hook\"\nsecret = { env = \"KEY\" }";

/// Everybody wins, by e-mail and by an event, and both log events.
fn activation() -> String {
    let with = |text: &str, key: &str, event: &str| text.replace(key, &format!("event = \"{event}\"\n{key}"));
    let flow = with(people::ACTIVATION, "credit = ", "quikly_took_part");
    with(&flow, "reward = \"quikly_reward\"", "quikly_rewarded")
}

/// Ada, whose profile `old` we know.
struct Ada {
    campaign: Campaign,
    /// How many events of a credit or a reward her profile has so far.
    events: u64,
}

impl Ada {
    /// She has taken part by e-mail, so her profile is remembered.
    async fn remembered() -> Self {
        let ada = Self { events: 1, ..Self::new(TRUSTED).await };
        let id = ada.campaign.accept(ADA).await;
        ada.campaign.all_reach(&[id], "enrolled", A_DAY).await;
        ada.campaign.clock.sleep(SOON).await;
        ada
    }

    /// Her remembered profile was merged into `new`, and she was credited for an event then.
    async fn credited_after_a_merge() -> Self {
        let ada = Self::remembered().await;
        ada.appears("new", ADA).await;
        ada.is_merged().await;
        let id = ada.campaign.accept_event("signed_in", ADA).await;
        ada.campaign.all_reach(&[id], "credited", A_DAY).await;
        ada
    }

    async fn new(braze: &str) -> Self {
        let campaign = Campaign::with(Faults::none(), braze, &activation());
        let ada = Self { campaign, events: 0 };
        ada.appears("old", ADA).await;
        ada.campaign.run();
        ada
    }

    async fn appears(&self, external_id: &str, email: &str) {
        let profiles = json!({ "profiles": [{ "external_id": external_id, "email": email }] });
        self.campaign.steer("POST", "/_sim/profiles", &profiles.to_string()).await;
    }

    async fn changes(&self, path: &str, body: Value) {
        self.campaign.ask("POST", path, &body.to_string()).await;
        self.campaign.clock.sleep(Duration::from_secs(20)).await;
    }

    /// The brand merges `old` into `new`.
    async fn is_merged(&self) {
        let (old, new) = (json!({ "external_id": "old" }), json!({ "external_id": "new" }));
        let merge = json!({ "identifier_to_merge": old, "identifier_to_keep": new });
        self.changes("/users/merge", json!({ "merge_updates": [merge] })).await;
    }

    async fn is_deleted(&mut self) {
        self.events = 0;
        self.changes("/users/delete", json!({ "external_ids": ["old"] })).await;
    }

    /// She wins by an event. Her reward is written, and read back until it is on a profile or given up.
    async fn wins(&self) -> ParticipationId {
        self.has_won(self.campaign.accept_event("signed_in", ADA).await).await
    }

    async fn has_won(&self, id: ParticipationId) -> ParticipationId {
        self.campaign.all_reach(&[id], "credited", A_DAY).await;
        self.campaign.clock.sleep(SOON).await;
        id
    }

    async fn profile(&self, external_id: &str) -> Value {
        let profiles = self.campaign.profiles().await;
        profiles.iter().find(|profile| profile["external_id"] == external_id).cloned().unwrap()
    }

    /// Checks that this profile shows the whole of what she won, once.
    async fn has_everything(&self, external_id: &str) {
        let profile = self.profile(external_id).await;
        assert_eq!(profile["custom_attributes"]["quikly_reward"], "SPRING20", "{profile}");
        assert_eq!(profile["custom_attributes"]["quikly_signed_in"], true, "{profile}");
        assert_eq!(profile["custom_events"]["quikly_rewarded"]["count"], self.events + 1, "{profile}");
    }

    fn unplaced(&self, id: ParticipationId) -> bool {
        self.campaign.memory.stored(id).unwrap().unplaced().reward.is_some()
    }
}

#[tokio::test(start_paused = true)]
async fn a_reward_that_was_written_to_a_merged_profile_is_written_to_the_survivor() {
    let ada = Ada::remembered().await;
    ada.appears("new", ADA).await;
    ada.is_merged().await;
    let id = ada.wins().await;
    ada.has_everything("new").await;
    assert!(!ada.unplaced(id) && ada.campaign.memory.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn a_reward_that_was_written_to_a_deleted_profile_is_written_to_the_one_that_has_the_address() {
    let mut ada = Ada::remembered().await;
    ada.appears("new", ADA).await;
    ada.is_deleted().await;
    ada.wins().await;
    ada.has_everything("new").await;
}

#[tokio::test(start_paused = true)]
async fn a_reward_for_a_profile_that_the_webhook_named_and_that_is_gone_is_written_to_its_survivor() {
    let ada = Ada::new(TRUSTED).await;
    ada.appears("new", ADA).await;
    ada.is_merged().await;
    let named = Some(ProfileRef::ExternalId("old".into()));
    ada.has_won(ada.campaign.accept_event_of("signed_in", ADA, named).await).await;
    ada.has_everything("new").await;
}

#[tokio::test(start_paused = true)]
async fn a_reward_whose_participation_cannot_be_read_is_read_back_once_it_can_be() {
    let ada = Ada::remembered().await;
    ada.appears("new", ADA).await;
    ada.is_merged().await;
    let id = ada.campaign.accept_event("signed_in", ADA).await;
    ada.campaign.all_reach(&[id], "credited", A_DAY).await;
    ada.campaign.memory.damage(id, true);
    ada.campaign.clock.sleep(SOON).await;
    ada.campaign.memory.damage(id, false);
    ada.campaign.clock.sleep(6 * SOON).await;
    ada.has_everything("new").await;
}

#[tokio::test(start_paused = true)]
async fn a_reward_that_a_merge_moved_along_is_not_written_again() {
    let ada = Ada::new(TRUSTED).await;
    ada.appears("new", ADA).await;
    let id = ada.campaign.accept_event_of("signed_in", ADA, Some(ProfileRef::ExternalId("old".into()))).await;
    ada.campaign.all_reach(&[id], "credited", A_DAY).await;
    // Braze has applied the write, and it was not read back yet.
    ada.campaign.clock.sleep(Duration::from_secs(15)).await;
    ada.is_merged().await;
    ada.campaign.clock.sleep(SOON).await;
    ada.has_everything("new").await;
}

#[tokio::test(start_paused = true)]
async fn a_reward_for_somebody_without_a_profile_is_reported_after_three_tries() {
    let mut ada = Ada::remembered().await;
    ada.is_deleted().await;
    let id = ada.wins().await;
    assert!(ada.unplaced(id) && ada.campaign.memory.is_quiet());
    let told = ada.campaign.quikly.told();
    let (message, body) = told.iter().find(|(message, _)| message.ends_with("unplaced")).unwrap();
    assert_eq!(*message, format!("{id}-reward_unplaced"));
    assert_eq!(
        (&body["type"], &body["data"]["reward"]),
        (&json!("participation.reward_unplaced"), &json!("SPRING20"))
    );
    assert_eq!(ada.campaign.connector.metrics().take().of(Metric::RewardsUnplaced), 1);
}

#[tokio::test(start_paused = true)]
async fn the_event_of_the_flow_is_reported_apart_from_that_of_the_credit() {
    let mut ada = Ada::new(TRUSTED).await;
    ada.wins().await;
    ada.is_deleted().await;
    let id = ada.campaign.accept(ADA).await;
    ada.campaign.all_reach(&[id], "enrolled", A_DAY).await;
    ada.campaign.clock.sleep(SOON).await;
    let told = ada.campaign.quikly.told();
    let body = |kind: &str| {
        let of_it = told.iter().filter(|(message, _)| *message == format!("{id}-{kind}"));
        of_it.map(|(_, body)| body["data"].clone()).collect::<Vec<_>>()
    };
    let scope = ada.campaign.memory.stored(id).unwrap().scope().to_string();
    assert_eq!(body("event_unplaced"), [json!({ "id": id.to_string(), "scope": scope })]);
    let credit = json!({ "id": id.to_string(), "scope": scope, "credited": true });
    assert_eq!(
        body("reward_unplaced"),
        [credit],
        "there is no incentive, so it is about the event of the credit"
    );
    assert_eq!(ada.campaign.connector.metrics().take().of(Metric::RewardsUnplaced), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reward_that_braze_refuses_is_reported() {
    let ada = Ada::new(TRUSTED).await;
    let fault = json!({ "path": "/users/track", "kind": "status", "status": 400 });
    ada.campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
    let id = ada.campaign.accept_event("signed_in", ADA).await;
    ada.campaign.clock.sleep(SOON).await;
    assert!(ada.unplaced(id) && ada.campaign.memory.is_quiet());
    let told = ada.campaign.quikly.told();
    assert_eq!(told.iter().filter(|(message, _)| message.ends_with("reward_unplaced")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_the_app_creates_between_two_tries_gets_the_reward() {
    let mut ada = Ada::remembered().await;
    ada.is_deleted().await;
    let id = ada.campaign.accept_event("signed_in", ADA).await;
    ada.campaign.all_reach(&[id], "credited", A_DAY).await;
    ada.campaign.clock.sleep(Duration::from_secs(45)).await;
    ada.appears("app", ADA).await;
    ada.campaign.clock.sleep(SOON).await;
    ada.has_everything("app").await;
    assert!(!ada.unplaced(id));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_went_to_a_merged_profile_is_sent_again_to_the_survivor() {
    let ada = Ada::new(TRUSTED).await;
    let event = ada.campaign.accept_event("signed_in", ADA).await;
    ada.campaign.all_reach(&[event], "credited", A_DAY).await;
    ada.campaign.clock.sleep(SOON).await;
    ada.appears("new", ADA).await;
    ada.is_merged().await;
    let id = ada.campaign.accept(ADA).await;
    ada.campaign.all_reach(&[id], "enrolled", A_DAY).await;
    ada.campaign.clock.sleep(SOON).await;
    let profile = ada.profile("new").await;
    assert_eq!(profile["custom_events"]["quikly_took_part"]["count"], 1, "{profile}");
    assert_eq!(profile["custom_attributes"]["quikly_participant"], true, "what went with it, too");
}

#[tokio::test(start_paused = true)]
async fn a_reward_that_replaced_an_earlier_one_stays() {
    let activation = activation().replace(
        "[activation.events.signed_in]",
        "[activation.events.first]\nincentive = \"small\"\n[activation.events.signed_in]",
    ) + "[[activation.incentive]]\nid = \"small\"\nkind = \"first\"\nquantity = 1000\nreward = \"SMALL5\"\n";
    let campaign = Campaign::with(Faults::none(), TRUSTED, &activation);
    let ada = Ada { campaign, events: 0 };
    ada.appears("old", ADA).await;
    ada.campaign.run();
    for event in ["first", "signed_in"] {
        let id = ada.campaign.accept_event(event, ADA).await;
        ada.campaign.all_reach(&[id], "credited", A_DAY).await;
        ada.campaign.clock.sleep(Duration::from_secs(1)).await;
    }
    let before = ada.campaign.requests("/users/track").await;
    ada.campaign.clock.sleep(SOON).await;
    assert_eq!(ada.profile("old").await["custom_attributes"]["quikly_reward"], "SPRING20");
    assert_eq!(ada.campaign.requests("/users/track").await, before, "nothing is written again");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_rewards_are_read_back_in_twenty_requests_and_the_records_are_removed() {
    let campaign =
        Campaign::with(Faults::none(), "limits = { export_ids_per_minute = 100000 }", &activation());
    campaign.steer("PUT", "/_sim/limits", r#"{"export_ids_per_minute": 100000}"#).await;
    let known = |number: usize| json!({ "external_id": format!("u-{number}"), "email": format!("c{number}@example.com") });
    let profiles: Vec<Value> = (0..1_000).map(known).collect();
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": profiles }).to_string()).await;
    let mut ids = Vec::new();
    for number in 0..1_000 {
        let named = Some(ProfileRef::ExternalId(format!("u-{number}")));
        ids.push(campaign.accept_event_of("signed_in", &format!("c{number}@example.com"), named).await);
    }
    campaign.run();
    campaign.all_reach(&ids, "credited", A_DAY).await;
    assert!(!campaign.memory.is_quiet(), "something is to be read back");
    campaign.clock.sleep(SOON).await;
    assert_eq!(campaign.requests(EXPORT).await, 20);
    assert!(campaign.memory.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn one_tick_takes_more_batches_than_one_call_returns() {
    let ada = Ada::new(TRUSTED).await;
    let batch = |number: u8| ReadBackBatch {
        brand: BrandId::parse("acme").unwrap(),
        due_at: testkit::start(),
        ids: vec![ParticipationId::from_bytes([number; 16])],
        slot: None,
    };
    let batches: Vec<ReadBackBatch> = (0..=250).map(batch).collect();
    assert!(batches.len() > 2 * MOST_BATCHES);
    ada.campaign.memory.keep_batches(&batches).await.unwrap();
    ada.campaign.connector.tick().await.unwrap();
    assert!(ada.campaign.memory.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn what_was_written_by_address_is_not_read_back() {
    let ada = Ada::new("identity = \"email\"").await;
    ada.wins().await;
    assert_eq!(ada.campaign.requests(EXPORT).await, 0);
    ada.has_everything("old").await;
}

#[tokio::test(start_paused = true)]
async fn while_braze_does_not_answer_what_is_to_be_read_back_waits() {
    let ada = Ada::credited_after_a_merge().await;
    let fault = json!({ "path": EXPORT, "kind": "status", "status": 503, "when": "before" });
    ada.campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
    ada.campaign.clock.sleep(3 * SOON).await;
    assert_eq!(ada.profile("new").await["custom_attributes"]["quikly_reward"], Value::Null);
    ada.campaign.steer("DELETE", "/_sim/faults", "").await;
    ada.campaign.clock.sleep(3 * SOON).await;
    ada.has_everything("new").await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_backlog_of_look_ups_what_is_to_be_read_back_waits_for_its_slot_and_wastes_none() {
    let ada = Ada::credited_after_a_merge().await;
    let backlog = ada.campaign.accept_many(1_500).await;
    ada.campaign.all_end(&backlog, A_DAY).await;
    ada.campaign.clock.sleep(SOON).await;
    ada.has_everything("new").await;
    let throttled = ada.campaign.ask("GET", "/_sim/requests", "").await;
    assert!(!throttled.to_string().contains("429"), "{throttled}");
}

#[tokio::test(start_paused = true)]
async fn with_every_fault_of_aws_no_reward_is_lost() {
    let campaign = Campaign::with(Faults::like_aws(), TRUSTED, &activation());
    campaign.run();
    let ids = campaign.accept_many(60).await;
    campaign.all_reach(&ids, "enrolled", A_DAY).await;
    campaign.clock.sleep(SOON).await;
    for number in 0..60 {
        let email = format!("c{number}@example.com");
        let profiles = json!({ "profiles": [{ "external_id": format!("app-{number}"), "email": email }] });
        campaign.steer("POST", "/_sim/profiles", &profiles.to_string()).await;
        let alias = json!({ "user_alias": { "alias_label": "email", "alias_name": email } });
        let merge = json!({ "identifier_to_merge": alias, "identifier_to_keep": { "external_id": format!("app-{number}") } });
        campaign.ask("POST", "/users/merge", &json!({ "merge_updates": [merge] }).to_string()).await;
    }
    campaign.clock.sleep(SOON).await;
    let mut won = Vec::new();
    for number in 0..60 {
        won.push(campaign.accept_event("signed_in", &format!("c{number}@example.com")).await);
    }
    campaign.all_reach(&won, "credited", A_DAY).await;
    campaign.clock.sleep(3 * SOON).await;
    let profiles = campaign.profiles().await;
    for profile in &profiles {
        assert_eq!(profile["custom_attributes"]["quikly_reward"], "SPRING20", "{profile}");
        assert_eq!(
            profile["custom_events"]["quikly_rewarded"]["count"], 2,
            "one with the credit by e-mail: {profile}"
        );
    }
    assert_eq!(profiles.len(), 60);
}

//! Profiles that change after we have remembered them: what a consumer wins is on the profile that is theirs now.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use domain::ids::ParticipationId;
use domain::profile::ProfileRef;
use memory::Faults;
use ports::Clock;
use proptest::prelude::*;
use serde_json::{Value, json};

use testkit::campaign::Campaign;

const ADA: &str = "ada@example.com";
const EXPORT: &str = "/users/export/ids";
const A_DAY: Duration = Duration::from_secs(86_400);

/// Everybody wins, by e-mail and by an event.
pub(crate) const ACTIVATION: &str = r#"
[activation.email]
attributes = { quikly_participant = true }
credit = "on_enrollment"
[activation.events.signed_in]
attributes = { quikly_signed_in = true }
incentive = "early"
[activation.rewards_to_braze]
reward = "quikly_reward"
[[activation.incentive]]
id = "early"
kind = "first"
quantity = 1000
reward = "SPRING20"
"#;

/// The app creates a profile.
async fn app_creates(campaign: &Campaign, external_id: &str, email: &str) {
    has(campaign, json!({ "external_id": external_id, "email": email })).await;
}

/// The workspace has this profile.
async fn has(campaign: &Campaign, profile: Value) {
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [profile] }).to_string()).await;
}

/// A consumer who took part by e-mail an hour ago, and so is remembered.
struct Remembered {
    campaign: Campaign,
}

impl Remembered {
    /// The profile is ours, or `known` before.
    async fn new(braze: &str, known: Option<Value>) -> Self {
        let campaign = Campaign::with(Faults::none(), braze, ACTIVATION);
        campaign.run();
        if let Some(profile) = known {
            has(&campaign, profile).await;
        }
        let id = campaign.accept(ADA).await;
        campaign.all_reach(&[id], "enrolled", A_DAY).await;
        campaign.clock.sleep(Duration::from_secs(3_600)).await;
        Self { campaign }
    }

    /// The profile had this external id before.
    async fn known(external_id: &str) -> Self {
        Self::new("", Some(json!({ "external_id": external_id, "email": ADA }))).await
    }

    async fn changes(&self, path: &str, body: Value) {
        self.campaign.ask("POST", path, &body.to_string()).await;
        self.campaign.clock.sleep(Duration::from_secs(600)).await;
    }

    /// The brand merges the profile `old` into another one with the address, `new`.
    async fn changes_by_merge(&self) {
        app_creates(&self.campaign, "new", ADA).await;
        let (old, new) = (json!({ "external_id": "old" }), json!({ "external_id": "new" }));
        let merge = json!({ "identifier_to_merge": old, "identifier_to_keep": new });
        self.changes("/users/merge", json!({ "merge_updates": [merge] })).await;
    }

    /// The consumer takes part again, by an event, and wins.
    async fn wins(&self) -> ParticipationId {
        let id = self.campaign.accept_event("signed_in", ADA).await;
        self.campaign.all_reach(&[id], "credited", A_DAY).await;
        self.campaign.clock.sleep(Duration::from_secs(600)).await;
        id
    }

    /// The same; only this profile shows the reward.
    async fn wins_on(&self, external_id: &str) {
        self.wins().await;
        assert_eq!(self.rewarded().await, [external_id]);
    }

    /// The profiles that show the reward, by external id or first alias.
    async fn rewarded(&self) -> Vec<String> {
        let profiles = self.campaign.profiles().await;
        let shows = |profile: &&Value| profile["custom_attributes"]["quikly_reward"] == "SPRING20";
        profiles.iter().filter(shows).map(name).collect()
    }
}

/// The external id of a profile, or else its first alias.
fn name(profile: &Value) -> String {
    let alias = &profile["user_aliases"][0]["alias_name"];
    profile["external_id"].as_str().or_else(|| alias.as_str()).unwrap().to_owned()
}

fn ours() -> Value {
    json!({ "alias_label": "email", "alias_name": ADA })
}

#[tokio::test(start_paused = true)]
async fn the_reward_is_on_the_profile_that_ours_was_merged_into_by_a_sign_in() {
    let ada = Remembered::new("", None).await;
    let identified = json!({ "external_id": "u-1", "email": ADA, "user_aliases": [
        { "alias_label": "email", "alias_name": "ada.l@example.com" }] });
    has(&ada.campaign, identified).await;
    ada.changes("/_sim/sign_ins", json!({ "external_id": "u-1", "from": { "user_alias": ours() } })).await;
    ada.wins_on("u-1").await;
    assert_eq!(ada.campaign.profiles().await.len(), 1, "no second profile");
}

#[tokio::test(start_paused = true)]
async fn the_reward_is_on_the_profile_that_a_known_one_was_merged_into() {
    let ada = Remembered::known("old").await;
    ada.changes_by_merge().await;
    ada.wins_on("new").await;
}

#[tokio::test(start_paused = true)]
async fn the_reward_is_on_the_profile_whose_external_id_was_renamed() {
    let ada = Remembered::known("old").await;
    let rename = json!({ "current_external_id": "old", "new_external_id": "new" });
    ada.changes("/users/external_ids/rename", json!({ "external_id_renames": [rename] })).await;
    ada.changes("/users/external_ids/remove", json!({ "external_ids": ["old"] })).await;
    ada.wins_on("new").await;
}

#[tokio::test(start_paused = true)]
async fn the_reward_is_on_the_other_profile_of_a_consumer_whose_remembered_one_was_deleted() {
    let ada = Remembered::known("old").await;
    app_creates(&ada.campaign, "new", ADA).await;
    ada.changes("/users/delete", json!({ "external_ids": ["old"] })).await;
    ada.wins_on("new").await;
}

#[tokio::test(start_paused = true)]
async fn the_reward_is_on_the_profile_that_has_the_address_after_two_swapped_theirs() {
    let ada = Remembered::known("one").await;
    app_creates(&ada.campaign, "other", "bob@example.com").await;
    let swap =
        json!({ "one": { "external_id": "one" }, "other": { "external_id": "other" }, "fields": ["email"] });
    ada.changes("/_sim/swaps", swap).await;
    ada.wins_on("other").await;
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_for_hours_is_on_the_profile_that_ours_was_merged_into_meanwhile() {
    let ada = Remembered::known("old").await;
    let fault = r#"{"path": "/users/track", "kind": "status", "status": 503, "when": "before"}"#;
    ada.campaign.steer("POST", "/_sim/faults", fault).await;
    let id = ada.campaign.accept_event("signed_in", ADA).await;
    ada.campaign.clock.sleep(Duration::from_secs(1_800)).await;
    ada.changes_by_merge().await;
    ada.campaign.steer("DELETE", "/_sim/faults", "").await;
    ada.campaign.all_reach(&[id], "credited", A_DAY).await;
    ada.campaign.clock.sleep(Duration::from_secs(600)).await;
    assert_eq!(ada.rewarded().await, ["new"]);
}

#[tokio::test(start_paused = true)]
async fn a_raffle_is_won_by_the_profile_that_the_named_one_was_merged_into() {
    let closes = testkit::start() + Duration::from_secs(1_800);
    let first = "kind = \"first\"\nquantity = 1000";
    let raffle = format!("kind = \"raffle\"\nquantity = 1\ncloses = {closes}");
    let activation = ACTIVATION.replace(first, &raffle);
    let campaign = Campaign::with(Faults::none(), "", &activation);
    app_creates(&campaign, "old", ADA).await;
    campaign.run();
    let named = ProfileRef::ExternalId("old".into());
    let id = campaign.accept_event_of("signed_in", ADA, Some(named)).await;
    campaign.all_reach(&[id], "credited", A_DAY).await;
    let ada = Remembered { campaign };
    ada.changes_by_merge().await;
    ada.campaign.clock.sleep(Duration::from_secs(7_200)).await;
    assert_eq!(ada.rewarded().await, ["new"]);
}

#[tokio::test(start_paused = true)]
async fn fifty_remembered_profiles_are_confirmed_in_one_request() {
    let campaign = Campaign::with(Faults::none(), "", ACTIVATION);
    campaign.run();
    let ids = campaign.accept_many(200).await;
    campaign.all_reach(&ids, "enrolled", A_DAY).await;
    campaign.clock.sleep(Duration::from_secs(3_600)).await;
    let before = campaign.requests(EXPORT).await;
    let mut again = Vec::new();
    for number in 0..200 {
        again.push(campaign.accept_event("signed_in", &format!("c{number}@example.com")).await);
    }
    campaign.all_reach(&again, "credited", A_DAY).await;
    let confirmed = campaign.requests(EXPORT).await - before;
    assert!((4..=8).contains(&confirmed), "{confirmed} requests for 200 profiles");
}

#[tokio::test(start_paused = true)]
async fn a_profile_known_by_its_braze_id_alone_is_confirmed_by_itself() {
    let ada = Remembered::new("", Some(json!({ "email": ADA }))).await;
    let before = ada.campaign.requests(EXPORT).await;
    ada.wins().await;
    assert_eq!(ada.campaign.requests(EXPORT).await - before, 2, "to confirm it, and to read back");
    let profiles = ada.campaign.profiles().await;
    assert_eq!(profiles.len(), 1);
    assert_eq!(profiles[0]["custom_attributes"]["quikly_reward"], "SPRING20");
}

/// What may happen to a consumer's profile between two participations.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// Another profile is created, and the consumer's is merged into it.
    Merged,
    /// The profile is deleted, and the app creates another one.
    Deleted,
    /// The profile gets another external id, and the old one is removed.
    Renamed,
    /// The profile and somebody else's swap their addresses.
    Swapped,
    /// The profile gets another address, and the app creates another one with the consumer's.
    Moved,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let all = vec![Change::Merged, Change::Deleted, Change::Renamed, Change::Swapped, Change::Moved];
    proptest::collection::vec(proptest::sample::select(all), 1..6)
}

/// A consumer with a profile `p`, in an activation with the events `e0` to `e5`.
struct ChangingConsumer {
    campaign: Campaign,
    /// How many profiles there must be.
    profiles: usize,
}

impl ChangingConsumer {
    async fn new() -> Self {
        let event =
            |number| format!("[activation.events.e{number}]\nattributes = {{ q_e{number} = true }}\n");
        let events: String = (0..6).map(event).collect();
        let campaign = Campaign::with(Faults::none(), "hint_fresh = \"1s\"", &events);
        campaign.run();
        let mut ada = Self { campaign, profiles: 0 };
        ada.app_creates("p", ADA).await;
        ada
    }

    async fn app_creates(&mut self, external_id: &str, email: &str) {
        app_creates(&self.campaign, external_id, email).await;
        self.profiles += 1;
    }

    /// The external id of the profile that has the consumer's address.
    async fn current(&self) -> String {
        let profiles = self.campaign.profiles().await;
        name(profiles.iter().find(|profile| profile["email"] == ADA).unwrap())
    }

    async fn changes(&mut self, change: Change, number: usize) {
        let (id, new) = (self.current().await, format!("n{number}"));
        let ask = async |path: &str, body: Value| {
            self.campaign.ask("POST", path, &body.to_string()).await;
            self.campaign.clock.sleep(Duration::from_secs(120)).await;
        };
        match change {
            Change::Merged => {
                self.app_creates(&new, ADA).await;
                let (merged, kept) = (json!({ "external_id": id }), json!({ "external_id": new }));
                let merge = json!({ "identifier_to_merge": merged, "identifier_to_keep": kept });
                self.campaign
                    .ask("POST", "/users/merge", &json!({ "merge_updates": [merge] }).to_string())
                    .await;
                self.profiles -= 1;
            }
            Change::Deleted => {
                self.campaign
                    .ask("POST", "/users/delete", &json!({ "external_ids": [id] }).to_string())
                    .await;
                self.profiles -= 1;
                self.app_creates(&new, ADA).await;
            }
            Change::Renamed => {
                let rename = json!({ "current_external_id": id, "new_external_id": new });
                ask("/users/external_ids/rename", json!({ "external_id_renames": [rename] })).await;
                ask("/users/external_ids/remove", json!({ "external_ids": [id] })).await;
            }
            Change::Swapped => {
                self.app_creates(&new, &format!("other{number}@example.com")).await;
                let (one, other) = (json!({ "external_id": id }), json!({ "external_id": new }));
                let swap = json!({ "one": one, "other": other, "fields": ["email"] });
                self.campaign.ask("POST", "/_sim/swaps", &swap.to_string()).await;
            }
            Change::Moved => {
                let moved = json!({ "of": { "external_id": id }, "set": { "email": format!("moved{number}@example.com") } });
                ask("/_sim/contacts", moved).await;
                self.app_creates(&new, ADA).await;
            }
        }
        self.campaign.clock.sleep(Duration::from_secs(120)).await;
    }

    /// The consumer takes part by an event. Only the profile with the consumer's address shows it.
    async fn takes_part(&self, number: usize) {
        let id = self.campaign.accept_event(&format!("e{number}"), ADA).await;
        self.campaign.all_reach(&[id], "credited", A_DAY).await;
        self.campaign.clock.sleep(Duration::from_secs(120)).await;
        let (profiles, attribute) = (self.campaign.profiles().await, format!("q_e{number}"));
        let shows = |profile: &&Value| profile["custom_attributes"][&attribute] == true;
        let shown: Vec<&Value> = profiles.iter().filter(shows).map(|profile| &profile["email"]).collect();
        assert_eq!(shown, [ADA], "participation {number}");
        assert_eq!(profiles.len(), self.profiles, "no profile was made by participation {number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_has_changed_since_the_last_participation_the_next_is_on_the_consumers_own_profile(changes in changes()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut ada = ChangingConsumer::new().await;
            ada.takes_part(0).await;
            for (number, change) in changes.into_iter().enumerate() {
                ada.changes(change, number + 1).await;
                ada.takes_part(number + 1).await;
            }
        });
    }
}

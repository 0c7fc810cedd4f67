//! One person takes part under several contacts: there is one prize, whichever way they come.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use domain::award::{Award, AwardStatus};
use domain::ids::ParticipationId;
use domain::incentive::NoPrize;
use domain::profile::ProfileRef;
use memory::Faults;
use ports::{Clock, Ledger};
use serde_json::{Value, json};
use testkit::campaign::Campaign;

const A_DAY: Duration = Duration::from_secs(24 * 3_600);

const INCENTIVE: &str = "[[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 5\nreward = \"SPRING20\"\n\
    [activation.rewards_to_braze]\nreward = \"q_reward\"\n";

const EVENT: &str = "[activation.events.signed_in]\nincentive = \"early\"\n";

const SMS: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"\n\
    incentive = \"early\"\n";

const PHONE: &str = "+13135550100";

/// A campaign with these ways to one incentive, and a workspace that knows Ada.
async fn campaign(ways: &str) -> Campaign {
    let campaign = Campaign::with(Faults::none(), "", &format!("{ways}{INCENTIVE}"));
    let ada = json!({ "external_id": "u-1", "email": "ada@example.com", "phone": PHONE });
    campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [ada] }).to_string()).await;
    campaign.run();
    campaign
}

async fn award(campaign: &Campaign, id: ParticipationId) -> Award {
    campaign.memory.awards(&[id]).await.unwrap().found.remove(0)
}

fn is_rewarded(award: &Award) -> bool {
    matches!(award.status, AwardStatus::Rewarded { .. })
}

async fn has_won_already(campaign: &Campaign, id: ParticipationId) {
    let award = award(campaign, id).await;
    assert_eq!(award.status, AwardStatus::NoPrize(NoPrize::Already));
    assert!(award.credited_at.is_some(), "the participation counts");
}

/// Gives Ada's profile another address, as the app does.
async fn moves_to(campaign: &Campaign, email: &str) {
    let change = json!({ "of": { "external_id": "u-1" }, "set": { "email": email } });
    campaign.steer("POST", "/_sim/contacts", &change.to_string()).await;
    campaign.clock.sleep(Duration::from_secs(300)).await;
}

#[tokio::test(start_paused = true)]
async fn ten_addresses_of_one_external_id_win_once() {
    let campaign = campaign(EVENT).await;
    let mut ids = Vec::new();
    for number in 0..10 {
        let profile = Some(ProfileRef::ExternalId("u-1".into()));
        ids.push(campaign.accept_event_of("signed_in", &format!("c{number}@example.com"), profile).await);
        campaign.all_reach(&ids, "credited", A_DAY).await;
    }
    assert!(is_rewarded(&award(&campaign, ids[0]).await));
    for id in &ids[1..] {
        has_won_already(&campaign, *id).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_alone_and_a_number_alone_of_one_profile_win_once_in_either_order() {
    for credit in ["on_receipt", "on_enrollment"] {
        for email_first in [true, false] {
            let email = format!("[activation.email]\ncredit = \"{credit}\"\nincentive = \"early\"\n");
            let campaign = campaign(&format!("{email}{SMS}")).await;
            let mut ids = Vec::new();
            for by_email in [email_first, !email_first] {
                let (id, state) = match by_email {
                    true => (campaign.accept("ada@example.com").await, "enrolled"),
                    false => (campaign.accept_phone(PHONE, None).await, "credited"),
                };
                campaign.all_reach(&[id], state, A_DAY).await;
                ids.push(id);
            }
            assert!(is_rewarded(&award(&campaign, ids[0]).await), "{credit}, {email_first}");
            has_won_already(&campaign, ids[1]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_wins_once_under_number_and_address() {
    let email = "[activation.email]\nincentive = \"early\"\n";
    let campaign = campaign(&format!("{email}{SMS}")).await;
    let group =
        json!({ "subscription_group_id": "g-1", "subscription_state": "subscribed", "phones": [PHONE] });
    campaign
        .steer("POST", "/_sim/subscriptions", &json!({ "subscription_groups": [group] }).to_string())
        .await;
    let by_email = campaign.accept("ada@example.com").await;
    campaign.all_end(&[by_email], A_DAY).await;
    let by_phone = campaign.accept_phone(PHONE, None).await;
    campaign.all_reach(&[by_phone], "credited", A_DAY).await;
    assert!(is_rewarded(&award(&campaign, by_email).await));
    has_won_already(&campaign, by_phone).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_address_is_no_second_chance() {
    let email = "[activation.email]\ncredit = \"on_enrollment\"\nincentive = \"early\"\n";
    let campaign = campaign(&format!("{email}{EVENT}")).await;
    let first = campaign.accept("ada@example.com").await;
    campaign.all_end(&[first], A_DAY).await;
    moves_to(&campaign, "lovelace@example.com").await;
    let second = campaign.accept("lovelace@example.com").await;
    campaign.all_end(&[second], A_DAY).await;
    let profile = Some(ProfileRef::ExternalId("u-1".into()));
    let third = campaign.accept_event_of("signed_in", "third@example.com", profile).await;
    campaign.all_reach(&[third], "credited", A_DAY).await;
    assert!(is_rewarded(&award(&campaign, first).await));
    has_won_already(&campaign, second).await;
    has_won_already(&campaign, third).await;
    let profiles: Vec<Value> = campaign.profiles().await;
    assert_eq!(profiles.len(), 1, "and there is one profile");
}

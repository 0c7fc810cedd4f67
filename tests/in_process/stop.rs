//! A consumer who texts STOP after the consent, before it is written.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use domain::contact::{Contact, Phone};
use domain::ids::ParticipationId;
use serde_json::json;

use crate::consent::{ADA, AN_HOUR, ConsentCampaign, PHONE, TRACK};

const SUBSCRIBE: &str = "/v2/subscription/status/set";

/// Sets the state of the number in the group that the consumer takes part with.
async fn is_in_group(consenting: &ConsentCampaign, state: &str) {
    let state = json!({ "subscription_group_id": "g-1", "subscription_state": state, "phone": [PHONE] });
    consenting.campaign.steer("POST", "/_sim/subscriptions", &state.to_string()).await;
}

async fn says_stop(consenting: &ConsentCampaign) {
    let stop = json!({ "phone": PHONE, "text": "STOP" }).to_string();
    consenting.campaign.steer("POST", "/_sim/replies", &stop).await;
}

async fn consents_by_number(consenting: &ConsentCampaign) -> ParticipationId {
    let consent = json!({ "sms": true, "text_id": "v1" });
    consenting.post(json!({ "scope": "spring", "phone": PHONE, "email": ADA, "consent": consent })).await;
    consenting.id(&Contact::Phone { phone: Phone::from_e164(PHONE).unwrap(), email: None })
}

#[tokio::test(start_paused = true)]
async fn a_consent_by_number_that_is_written_late_heeds_a_stop() {
    for stops in [true, false] {
        let consenting = ConsentCampaign::running();
        consenting.knows(json!({ "external_id": "u-1", "email": ADA, "phone": PHONE })).await;
        is_in_group(&consenting, "subscribed").await;
        consenting.fault(TRACK, json!({ "kind": "status", "status": 503, "count": 100_000 })).await;
        let id = consents_by_number(&consenting).await;
        consenting.campaign.all_reach(&[id], "credited", AN_HOUR).await;
        if stops {
            says_stop(&consenting).await;
        }
        consenting.passes(20 * 60).await;
        consenting.repaired().await;
        consenting.is(id, if stops { "not_written" } else { "written" }).await;
        consenting.passes(60).await;
        let groups = consenting.groups("phone", PHONE).await;
        assert_eq!(groups.contains(&"rcs".to_owned()), !stops, "{groups:?}");
        assert_eq!(consenting.told_of_consent().await.len(), usize::from(stops));
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_subscribed_after_a_backlog_heeds_a_stop() {
    for stops in [true, false] {
        let consenting = ConsentCampaign::running();
        consenting.knows(json!({ "external_id": "u-1", "email": ADA, "phone": PHONE })).await;
        consenting.fault(SUBSCRIBE, json!({ "kind": "status", "status": 503, "count": 100_000 })).await;
        let id = consents_by_number(&consenting).await;
        consenting.passes(60).await;
        if stops {
            is_in_group(&consenting, "unsubscribed").await;
        }
        consenting.passes(20 * 60).await;
        consenting.repaired().await;
        let (state, word) = if stops { ("unverified", "not_written") } else { ("credited", "written") };
        consenting.campaign.all_reach(&[id], state, AN_HOUR).await;
        consenting.is(id, word).await;
        assert_eq!(consenting.groups("phone", PHONE).await.is_empty(), stops);
        assert_eq!(consenting.told_of_consent().await.len(), usize::from(stops));
    }
}

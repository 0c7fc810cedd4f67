//! What Braze has of a consumer's consent, and what stays when the consumer has unsubscribed.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use braze_sim::Settings;
use domain::consent::Consent;
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use domain::participation::Participation;
use http::Request;
use intake::{IntakeDeps, router};
use memory::Faults;
use ports::{Clock, Store};
use serde_json::{Value, json};
use testkit::campaign::{Campaign, SETTLE};
use tower::ServiceExt;

const CALLBACK: &str = "[callback]\nurl = \"https://quikly.example/hook\"\nsecret = { env = \"KEY\" }\n";
pub(crate) const AN_HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PHONE: &str = "+13135550100";
pub(crate) const TRACK: &str = "/users/track";
const EXPORT: &str = "/users/export/ids";

pub(crate) const CONSENT: &str = "[activation.email]\nattributes = { quikly_participant = true }\n\
    [activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"\n\
    [activation.consent]\nemail_subscribe = \"opted_in\"\nemail_groups = [\"news\"]\nsms_groups = [\"rcs\", \"whatsapp\"]\n\
    source = { signup_source = \"quikly\" }\n[activation.consent.texts]\nv1 = \"I agree.\"\nv2 = \"I agree to more.\"\n\
    [activation.consent.email]\nemail = \"optional\"\n[activation.consent.sms]\nemail = \"optional\"\n";

/// A campaign that asks for consent, and a front end in front of it.
pub(crate) struct ConsentCampaign {
    pub(crate) campaign: Campaign,
    front: Router,
}

impl ConsentCampaign {
    pub(crate) fn new(activation: &str) -> Self {
        let groups = ["g-1", "rcs", "whatsapp"].map(str::to_owned).to_vec();
        let settings = Settings {
            settle: SETTLE,
            subscription_groups: groups,
            email_groups: vec!["news".into()],
            ..Settings::default()
        };
        let campaign = Campaign::at(Faults::none(), CALLBACK, activation, settings);
        let deps = IntakeDeps::over(&campaign.memory, campaign.memory.clone(), campaign.clock.clone());
        let front = router(deps, campaign.in_use.clone(), IdKey::new([3; 32]));
        Self { campaign, front }
    }

    /// The same, with a running worker.
    pub(crate) fn running() -> Self {
        let consenting = Self::new(CONSENT);
        consenting.campaign.run();
        consenting
    }

    pub(crate) async fn post(&self, body: Value) {
        let request = Request::post("/participations").header("content-type", "application/json");
        let answer =
            self.front.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        let status = answer.status();
        let text = to_bytes(answer.into_body(), 10_000).await.unwrap();
        assert_eq!(status, 202, "{body}: {}", String::from_utf8_lossy(&text));
    }

    async fn consents(&self) -> ParticipationId {
        self.post(json!({ "scope": "spring", "email": ADA, "consent": { "email": true, "text_id": "v1" } }))
            .await;
        self.id(&Contact::Email(Email::parse(ADA).unwrap()))
    }

    async fn withdraws(&self) {
        self.post(json!({ "scope": "spring", "email": ADA, "consent": { "email": false } })).await;
    }

    pub(crate) fn id(&self, contact: &Contact) -> ParticipationId {
        IdKey::new([3; 32]).participation(&self.campaign.terms().1.scope, contact)
    }

    pub(crate) async fn stored(&self, id: ParticipationId) -> Participation {
        self.campaign.memory.get(&[id]).await.unwrap().found.pop().unwrap()
    }

    /// What became of a consent.
    pub(crate) async fn word(&self, id: ParticipationId) -> Option<&'static str> {
        self.stored(id).await.consent().and_then(Consent::word)
    }

    /// Lets time pass until a consent is in this state.
    pub(crate) async fn is(&self, id: ParticipationId, word: &str) {
        let deadline = self.campaign.clock.now() + AN_HOUR;
        while self.word(id).await != Some(word) {
            assert!(self.campaign.clock.now() < deadline, "the consent is {:?}", self.word(id).await);
            self.passes(1).await;
        }
    }

    pub(crate) async fn passes(&self, seconds: u64) {
        self.campaign.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// Checks that Braze has the whole consent.
    async fn is_opted_in(&self) {
        assert_eq!(self.email_state().await, "opted_in");
        assert_eq!(self.groups("email", ADA).await, ["news"]);
    }

    /// The state of the only profile for e-mail, once everything has settled.
    async fn email_state(&self) -> Value {
        self.passes(60).await;
        self.email_state_now().await
    }

    async fn email_state_now(&self) -> Value {
        let profiles = self.campaign.ask("GET", "/_sim/profiles", "").await["profiles"].clone();
        assert_eq!(profiles.as_array().unwrap().len(), 1, "{profiles}");
        profiles[0]["email_subscribe"].clone()
    }

    /// The groups that a contact is subscribed to, in Braze.
    pub(crate) async fn groups(&self, field: &str, contact: &str) -> Vec<String> {
        let shown = self.campaign.ask("GET", "/_sim/subscriptions", "").await;
        let states = shown["states"].as_array().unwrap().iter();
        let of = states.filter(|state| state[field] == contact && state["subscribed"] == true);
        of.map(|state| state["subscription_group_id"].as_str().unwrap().to_owned()).collect()
    }

    /// What Quikly was told of consents.
    pub(crate) async fn told_of_consent(&self) -> Vec<Value> {
        self.passes(60).await;
        let told = self.campaign.quikly.told();
        let of_consent = told.iter().filter(|(_, body)| body["type"] == "participation.consent_not_written");
        of_consent.map(|(_, body)| body["data"]["consent"].clone()).collect()
    }

    async fn unsubscribes(&self, group: Option<&str>) {
        let mut body = json!({ "email": ADA, "after_ms": 0 });
        if let Some(group) = group {
            body["subscription_group_id"] = group.into();
        }
        self.campaign.steer("POST", "/_sim/unsubscribes", &body.to_string()).await;
    }

    pub(crate) async fn knows(&self, profile: Value) {
        self.campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [profile] }).to_string()).await;
    }

    pub(crate) async fn fault(&self, path: &str, fault: Value) {
        let mut fault = fault;
        fault["path"] = path.into();
        self.campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
    }

    pub(crate) async fn repaired(&self) {
        self.campaign.steer("DELETE", "/_sim/faults", "").await;
    }
}

fn unsubscribed() -> Value {
    json!({ "external_id": "u-1", "email": ADA, "email_subscribe": "unsubscribed" })
}

#[tokio::test(start_paused = true)]
async fn a_consent_by_e_mail_is_written_with_the_attributes_in_one_request() {
    let consenting = ConsentCampaign::running();
    let id = consenting.consents().await;
    consenting.is(id, "written").await;
    assert_eq!(consenting.campaign.requests(TRACK).await, 1);
    let profile = consenting.campaign.profiles().await.remove(0);
    assert_eq!(profile["email_subscribe"], "opted_in");
    assert_eq!(
        profile["custom_attributes"],
        json!({ "quikly_participant": true, "signup_source": "quikly" })
    );
    assert_eq!(consenting.groups("email", ADA).await, ["news"]);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_who_had_unsubscribed_and_consents_now_is_subscribed() {
    let consenting = ConsentCampaign::running();
    consenting.knows(unsubscribed()).await;
    let id = consenting.consents().await;
    consenting.is(id, "written").await;
    assert_eq!(consenting.email_state().await, "opted_in");
}

#[tokio::test(start_paused = true)]
async fn a_consumer_who_declines_is_not_subscribed() {
    let consenting = ConsentCampaign::running();
    consenting.knows(unsubscribed()).await;
    consenting
        .post(json!({ "scope": "spring", "email": ADA, "consent": { "email": false, "text_id": "v1" } }))
        .await;
    let id = consenting.id(&Contact::Email(Email::parse(ADA).unwrap()));
    consenting.campaign.all_end(&[id], AN_HOUR).await;
    assert_eq!((consenting.word(id).await, consenting.email_state().await), (None, json!("unsubscribed")));
}

/// A consent that can be written only after this many seconds, and a consumer who unsubscribes one second after it was given.
async fn held_up_for(seconds: u64, group: Option<&str>) -> (ConsentCampaign, ParticipationId) {
    let consenting = ConsentCampaign::running();
    consenting.knows(json!({ "external_id": "u-1", "email": ADA })).await;
    consenting.fault(TRACK, json!({ "kind": "status", "status": 503, "count": 100_000 })).await;
    let id = consenting.consents().await;
    consenting.passes(1).await;
    if group != Some("nothing") {
        consenting.unsubscribes(group).await;
    }
    consenting.passes(seconds).await;
    consenting.repaired().await;
    consenting.campaign.all_end(&[id], AN_HOUR).await;
    (consenting, id)
}

#[tokio::test(start_paused = true)]
async fn a_consent_that_is_written_late_leaves_an_unsubscribed_consumer_alone() {
    for group in [None, Some("news")] {
        let (consenting, id) = held_up_for(20 * 60, group).await;
        assert_eq!(consenting.word(id).await, Some("not_written"), "{group:?}");
        assert_eq!(consenting.told_of_consent().await, [json!("not_written")], "Quikly is told once");
        let profile = consenting.campaign.profiles().await.remove(0);
        assert_ne!(profile["email_subscribe"], "opted_in");
        assert_eq!(profile["custom_attributes"]["quikly_participant"], true, "the rest is written");
        assert!(consenting.groups("email", ADA).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_consent_that_is_written_late_is_written_if_nobody_unsubscribed() {
    let (consenting, id) = held_up_for(20 * 60, Some("nothing")).await;
    assert_eq!(consenting.word(id).await, Some("written"));
    consenting.is_opted_in().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_answer_a_consumer_who_unsubscribed_meanwhile_is_not_subscribed_again() {
    for unsubscribes in [true, false] {
        let consenting = ConsentCampaign::running();
        consenting.knows(json!({ "external_id": "u-1", "email": ADA })).await;
        consenting
            .fault(TRACK, json!({ "kind": "status", "status": 504, "when": "after", "count": 1 }))
            .await;
        let id = consenting.consents().await;
        consenting.passes(5).await;
        consenting.fault(EXPORT, json!({ "kind": "status", "status": 503, "count": 100_000 })).await;
        consenting.passes(SETTLE.as_secs()).await;
        assert_eq!(consenting.word(id).await, Some("pending"));
        assert_eq!(consenting.email_state_now().await, "opted_in", "Braze applied what it did not answer");
        if unsubscribes {
            consenting.unsubscribes(None).await;
        }
        consenting.passes(60).await;
        consenting.repaired().await;
        let (word, state) =
            if unsubscribes { ("not_written", "unsubscribed") } else { ("written", "opted_in") };
        consenting.is(id, word).await;
        consenting.campaign.all_end(&[id], AN_HOUR).await;
        assert_eq!(consenting.email_state().await, state);
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_answer_that_was_lost_with_the_write_the_consent_is_written_again() {
    let consenting = ConsentCampaign::running();
    consenting.fault(TRACK, json!({ "kind": "status", "status": 504, "when": "before", "count": 1 })).await;
    let id = consenting.consents().await;
    consenting.is(id, "written").await;
    consenting.is_opted_in().await;
}

#[tokio::test(start_paused = true)]
async fn a_withdrawal_is_written_and_the_participation_stays() {
    for at_once in [true, false] {
        let consenting = ConsentCampaign::running();
        let id = consenting.consents().await;
        if !at_once {
            consenting.is(id, "written").await;
        }
        consenting.withdraws().await;
        consenting.passes(300).await;
        assert_eq!(consenting.word(id).await, Some("withdrawn"), "at once: {at_once}");
        assert_eq!(consenting.email_state().await, "unsubscribed");
        assert!(consenting.groups("email", ADA).await.is_empty());
        let stored = consenting.stored(id).await;
        assert_eq!((stored.state().name(), stored.due_at()), ("enrolled", None));
        assert!(stored.earned_at().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_withdrawal_survives_an_outage() {
    let consenting = ConsentCampaign::running();
    let id = consenting.consents().await;
    consenting.is(id, "written").await;
    consenting.fault(TRACK, json!({ "kind": "status", "status": 503, "count": 100_000 })).await;
    consenting.withdraws().await;
    consenting.passes(1_800).await;
    consenting.repaired().await;
    consenting.passes(1_800).await;
    assert_eq!(consenting.email_state().await, "unsubscribed");
    assert_eq!(consenting.stored(id).await.due_at(), None);
}

#[tokio::test(start_paused = true)]
async fn by_number_the_consent_to_e_mail_and_to_further_groups_is_written_beside_the_subscription() {
    let consenting = ConsentCampaign::running();
    let consent = json!({ "sms": true, "email": true, "text_id": "v2" });
    consenting.post(json!({ "scope": "spring", "phone": PHONE, "email": ADA, "consent": consent })).await;
    let id = consenting.id(&Contact::Phone { phone: Phone::from_e164(PHONE).unwrap(), email: None });
    consenting.campaign.all_reach(&[id], "credited", AN_HOUR).await;
    consenting.is(id, "written").await;
    assert_eq!(consenting.email_state().await, "opted_in");
    assert_eq!(consenting.groups("email", ADA).await, ["news"]);
    assert_eq!(consenting.groups("phone", PHONE).await, ["g-1", "rcs", "whatsapp"]);
}

#[tokio::test(start_paused = true)]
async fn with_double_opt_in_further_groups_wait_for_the_confirmation_and_the_consent_to_e_mail_does_not() {
    let double = "opt_in = \"double\"\ndouble_opt_in_event = \"ask\"\npoll = [{ every = \"1m\" }]";
    let consenting = ConsentCampaign::new(&CONSENT.replace("opt_in = \"single\"", double));
    let settings = json!({ "event": "ask", "subscription_group_id": "g-1" });
    consenting.campaign.steer("PUT", "/_sim/double_opt_in", &settings.to_string()).await;
    consenting.campaign.run();
    let consent = json!({ "sms": true, "email": true, "text_id": "v2" });
    consenting.post(json!({ "scope": "spring", "phone": PHONE, "email": ADA, "consent": consent })).await;
    let id = consenting.id(&Contact::Phone { phone: Phone::from_e164(PHONE).unwrap(), email: None });
    consenting.campaign.all_reach(&[id], "awaiting_opt_in", AN_HOUR).await;
    consenting.passes(3_600).await;
    assert_eq!(consenting.email_state().await, "opted_in");
    assert!(consenting.groups("phone", PHONE).await.is_empty());
    consenting
        .campaign
        .steer("POST", "/_sim/replies", &json!({ "phone": PHONE, "text": "Y" }).to_string())
        .await;
    consenting.campaign.all_reach(&[id], "credited", AN_HOUR).await;
    consenting.is(id, "written").await;
    consenting.passes(60).await;
    assert_eq!(consenting.groups("phone", PHONE).await, ["g-1", "rcs", "whatsapp"]);
}

#[tokio::test(start_paused = true)]
async fn fifty_late_consents_share_their_look_ups_and_the_requests_for_their_group() {
    let consenting = ConsentCampaign::running();
    let many: Vec<String> = (0..50).map(|number| format!("c{number}@example.com")).collect();
    let profiles: Vec<Value> =
        many.iter().map(|email| json!({ "external_id": email, "email": email })).collect();
    consenting.campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": profiles }).to_string()).await;
    consenting.fault(TRACK, json!({ "kind": "status", "status": 503, "count": 100_000 })).await;
    let mut ids = Vec::new();
    for email in &many {
        let consent = json!({ "email": true, "text_id": "v1" });
        consenting.post(json!({ "scope": "spring", "email": email, "consent": consent })).await;
        ids.push(consenting.id(&Contact::Email(Email::parse(email).unwrap())));
    }
    consenting.passes(20 * 60).await;
    let status = "/subscription/status/get";
    let before = (consenting.campaign.requests(EXPORT).await, consenting.campaign.requests(status).await);
    consenting.repaired().await;
    consenting.campaign.all_end(&ids, AN_HOUR).await;
    let after = (consenting.campaign.requests(EXPORT).await, consenting.campaign.requests(status).await);
    let spent = (after.0 - before.0, after.1 - before.1);
    assert!(spent.0 <= 10 && spent.1 <= 10, "{spent:?}");
    for id in ids {
        assert_eq!(consenting.word(id).await, Some("written"));
    }
}

//! Answers of consumers, and what their profiles have already.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use domain::accept::Acceptance;
use domain::attributes::{AttributeValue, Attributes};
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use memory::Faults;
use ports::Clock;
use serde_json::{Value, json};
use testkit::campaign::Campaign;

const AN_HOUR: Duration = Duration::from_secs(3_600);
const ADA: &str = "ada@example.com";
const PHONE: &str = "+13135550100";
const EXPORT: &str = "/users/export/ids";
const TRACK: &str = "/users/track";

const LIST: &str = "first_name = { type = \"text\" }\nshoe_size = { type = \"number\" }\n\
                    likes = { type = \"list\", choices = [\"running\", \"hiking\"] }\n";

/// A campaign that asks for a first name, a size and what people like.
struct Survey(Campaign);

impl Survey {
    async fn new(braze: &str, overwrite: bool, profile: Option<Value>) -> Self {
        let activation = format!(
            "[activation.email]\n[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"\n\
             [activation.events.signed_in]\nattributes = {{ seen = true }}\n\
             [activation.attributes]\noverwrite = {overwrite}\n{LIST}"
        );
        let campaign = Campaign::with(Faults::none(), braze, &activation);
        if let Some(profile) = profile {
            campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [profile] }).to_string()).await;
        }
        campaign.run();
        Self(campaign)
    }

    fn acceptance(&self, contact: &Contact) -> Acceptance<'_> {
        let id: ParticipationId = IdKey::new([3; 32]).participation(&self.0.terms().1.scope, contact);
        Acceptance::new(id, self.0.terms(), self.0.clock.now())
    }

    async fn answers(&self) {
        let email = Email::parse(ADA).unwrap();
        let accepted = self.acceptance(&Contact::Email(email.clone())).by_email(email, None, answers());
        let id = self.0.keep(accepted).await;
        self.0.all_end(&[id], AN_HOUR).await;
    }

    async fn answers_by_number(&self) {
        let phone = Phone::from_e164(PHONE).unwrap();
        let contact = Contact::Phone { phone: phone.clone(), email: None };
        let id = self.0.keep(self.acceptance(&contact).by_phone((phone, None), None, answers())).await;
        self.0.all_reach(&[id], "credited", AN_HOUR).await;
    }

    /// The first name, the size and the likes of the only profile.
    async fn shown(&self) -> Value {
        let profiles = self.0.profiles().await;
        assert_eq!(profiles.len(), 1, "{profiles:?}");
        let custom = &profiles[0]["custom_attributes"];
        json!([profiles[0]["first_name"], custom["shoe_size"], custom["likes"]])
    }
}

fn answers() -> Attributes {
    let mut answers = Attributes::default();
    answers.set("first_name", AttributeValue::Text("Ada".into())).unwrap();
    answers.set("shoe_size", AttributeValue::Integer(40)).unwrap();
    answers.set("likes", AttributeValue::List(vec!["running".into(), "hiking".into()])).unwrap();
    answers
}

fn all_answers() -> Value {
    json!(["Ada", 40, ["running", "hiking"]])
}

/// A profile with a first name and likes, and without a size.
fn existing() -> Value {
    json!({
        "external_id": "u-1", "email": ADA, "phone": PHONE, "first_name": "A.", "custom_attributes": { "likes": ["cycling"] },
    })
}

fn kept() -> Value {
    json!(["A.", 40, ["cycling"]])
}

const EITHER_IDENTITY: [&str; 2] = ["", "identity = \"email\""];

/// What the profile shows after the answers, whichever identity the brand has.
async fn shows_after_answers(overwrite: bool, known: Option<Value>, expected: Value) {
    for identity in EITHER_IDENTITY {
        let survey = Survey::new(identity, overwrite, known.clone()).await;
        survey.answers().await;
        assert_eq!(survey.shown().await, expected, "{identity}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_profile_has_every_answer() {
    shows_after_answers(false, None, all_answers()).await;
}

#[tokio::test(start_paused = true)]
async fn an_existing_profile_keeps_its_values_and_gets_those_that_it_lacks() {
    shows_after_answers(false, Some(existing()), kept()).await;
}

#[tokio::test(start_paused = true)]
async fn an_activation_that_overwrites_replaces_the_values() {
    shows_after_answers(true, Some(existing()), all_answers()).await;
}

#[tokio::test(start_paused = true)]
async fn a_remembered_profile_is_read_before_it_gets_answers() {
    let survey = Survey::new("", false, Some(existing())).await;
    let id = survey.0.accept_event("signed_in", ADA).await;
    survey.0.all_reach(&[id], "credited", AN_HOUR).await;
    let before = survey.0.requests(EXPORT).await;
    survey.answers().await;
    assert_eq!(survey.shown().await, kept());
    assert_eq!(survey.0.requests(EXPORT).await, before + 1);
}

#[tokio::test(start_paused = true)]
async fn answers_that_overwrite_cost_no_look_up_of_a_profile_by_address() {
    let survey = Survey::new(EITHER_IDENTITY[1], true, None).await;
    survey.answers().await;
    assert_eq!(survey.0.requests(EXPORT).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_profile_with_the_number_gets_the_answers_that_it_lacks() {
    let survey = Survey::new("", false, Some(existing())).await;
    survey.answers_by_number().await;
    assert_eq!(survey.shown().await, kept());
    assert_eq!(survey.0.requests(TRACK).await, 1);
}

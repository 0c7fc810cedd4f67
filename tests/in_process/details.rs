//! Somebody sends another person's number with their own address, before that person does. What is won by the number belongs to
//! the person who has the telephone.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::time::Duration;

use domain::contact::{Contact, Phone};
use domain::ids::ParticipationId;
use serde_json::{Value, json};

use crate::consent::ConsentCampaign;

const AN_HOUR: Duration = Duration::from_secs(3_600);
const PHONE: &str = "+13135550100";
const REWARDED: &str = "incentive = \"early\"\n[[activation.incentive]]\nid = \"early\"\nkind = \"first\"\nquantity = 5\n\
    reward = \"SPRING20\"\n[activation.rewards_to_braze]\nreward = \"q_reward\"\n";

fn double() -> String {
    format!(
        "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"double\"\n\
         double_opt_in_event = \"ask\"\npoll = [{{ every = \"1m\" }}]\n{REWARDED}"
    )
}

struct Attack {
    consenting: ConsentCampaign,
    id: ParticipationId,
}

impl Attack {
    /// Eve has a profile, and Ada has none or one.
    async fn on(ada_is_known: bool, eve_is_known: bool) -> Self {
        let consenting = ConsentCampaign::new(&double());
        let settings = json!({ "event": "ask", "subscription_group_id": "g-1" });
        consenting.campaign.steer("PUT", "/_sim/double_opt_in", &settings.to_string()).await;
        for (name, is_known) in [("ada", ada_is_known), ("eve", eve_is_known)] {
            if is_known {
                consenting
                    .knows(json!({ "external_id": name, "email": format!("{name}@example.com") }))
                    .await;
            }
        }
        consenting.campaign.run();
        let phone = Phone::from_e164(PHONE).unwrap();
        let id = consenting.id(&Contact::Phone { phone, email: None });
        Self { consenting, id }
    }

    async fn posts(&self, email: Option<&str>) {
        let mut body = json!({ "scope": "spring", "phone": PHONE, "consent": true });
        if let Some(email) = email {
            body["email"] = email.into();
        }
        self.consenting.post(body).await;
    }

    async fn reaches(&self, state: &str) {
        self.consenting.campaign.all_reach(&[self.id], state, AN_HOUR).await;
    }

    async fn confirms(&self) {
        self.consenting.passes(60).await;
        let reply = json!({ "phone": PHONE, "text": "Y" }).to_string();
        let answer = self.consenting.campaign.ask("POST", "/_sim/replies", &reply).await;
        assert_eq!(answer["confirmed"], true, "the telephone was asked");
        self.reaches("credited").await;
        self.consenting.passes(300).await;
    }

    /// What Braze shows of the profile with this address, or without an address.
    async fn shown(&self, email: Option<&str>) -> (Value, Value) {
        let profiles = self.consenting.campaign.profiles().await;
        let of = profiles.iter().find(|profile| profile["email"].as_str() == email);
        let of = of.unwrap_or_else(|| panic!("nobody has {email:?}: {profiles:?}"));
        (of["phone"].clone(), of["custom_attributes"]["q_reward"].clone())
    }

    async fn questions(&self) -> u64 {
        let profiles = self.consenting.campaign.profiles().await;
        profiles.iter().filter_map(|profile| profile["custom_events"]["ask"]["count"].as_u64()).sum()
    }

    /// The number and what was won are on the profile with `email`, and Eve's profile has neither.
    async fn is_won_by(&self, email: Option<&str>) {
        assert_eq!(self.shown(email).await, (json!(PHONE), json!("SPRING20")));
        assert_eq!(self.shown(Some("eve@example.com")).await, (Value::Null, Value::Null));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_number_wins_is_not_for_whoever_sent_it_with_another_address_before() {
    for (ada_is_known, eve_is_known) in [(true, true), (false, true), (true, false), (false, false)] {
        let attack = Attack::on(ada_is_known, eve_is_known).await;
        attack.posts(Some("eve@example.com")).await;
        attack.reaches("awaiting_opt_in").await;
        attack.posts(Some("ada@example.com")).await;
        attack.reaches("awaiting_opt_in").await;
        attack.confirms().await;
        attack.is_won_by(Some("ada@example.com")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_that_comes_alone_does_not_lead_to_the_profile_of_the_replaced_address() {
    for eve_is_known in [true, false] {
        let attack = Attack::on(false, eve_is_known).await;
        attack.posts(Some("eve@example.com")).await;
        attack.reaches("awaiting_opt_in").await;
        attack.consenting.passes(300).await;
        attack.posts(None).await;
        attack.reaches("awaiting_opt_in").await;
        attack.confirms().await;
        attack.is_won_by(None).await;
    }
}

#[tokio::test(start_paused = true)]
async fn details_that_are_replaced_before_anything_is_written_leave_no_trace() {
    let attack = Attack::on(false, true).await;
    attack.posts(Some("eve@example.com")).await;
    attack.posts(Some("ada@example.com")).await;
    attack.reaches("awaiting_opt_in").await;
    attack.confirms().await;
    attack.is_won_by(Some("ada@example.com")).await;
}

#[tokio::test(start_paused = true)]
async fn a_telephone_that_was_asked_is_not_asked_again() {
    let attack = Attack::on(true, true).await;
    attack.posts(Some("eve@example.com")).await;
    attack.reaches("awaiting_opt_in").await;
    attack.consenting.passes(300).await;
    for email in ["ada@example.com", "eve@example.com", "ada@example.com"] {
        attack.posts(Some(email)).await;
        attack.reaches("awaiting_opt_in").await;
        attack.consenting.passes(300).await;
    }
    assert_eq!(attack.questions().await, 1);
    attack.confirms().await;
    attack.is_won_by(Some("ada@example.com")).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_given_again_gets_the_number_back() {
    let attack = Attack::on(true, true).await;
    for email in ["ada@example.com", "eve@example.com", "ada@example.com"] {
        attack.posts(Some(email)).await;
        attack.reaches("awaiting_opt_in").await;
        attack.consenting.passes(300).await;
    }
    attack.confirms().await;
    attack.is_won_by(Some("ada@example.com")).await;
}

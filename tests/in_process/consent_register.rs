//! The consent register: for each of 1,000 participations, what the consumer chose, what Braze has, and what proves it.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;

use domain::consent::{Consent, TextHash};
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::participation::Participation;
use ports::{Clock, Store};
use serde_json::{Value, json};

use crate::consent::{CONSENT, ConsentCampaign};

const PARTICIPATIONS: usize = 1_000;
const TRACK: &str = "/users/track";

/// What a consumer does. The cases take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConsentCourse {
    Agrees,
    AgreesInShort,
    Declines,
    IsNotAsked,
    /// Had unsubscribed, and agrees.
    Returns,
    /// Agrees, and follows the unsubscribe link a day later.
    LeavesLater,
    /// Agrees while Braze is down, and follows the link before it is up again.
    LeavesBefore,
    /// Agrees, and withdraws the consent on the page.
    Withdraws,
    /// Agrees, and asks to be forgotten.
    IsForgotten,
    AgreesToTexts,
    AgreesToBoth,
    AgreesToTextsAlone,
}

use ConsentCourse::{
    Agrees, AgreesInShort, AgreesToBoth, AgreesToTexts, AgreesToTextsAlone, Declines, IsForgotten,
    IsNotAsked, LeavesBefore, LeavesLater, Returns, Withdraws,
};

const COURSES: [ConsentCourse; 12] = [
    ConsentCourse::Agrees,
    ConsentCourse::AgreesInShort,
    ConsentCourse::Declines,
    ConsentCourse::IsNotAsked,
    ConsentCourse::Returns,
    ConsentCourse::LeavesLater,
    ConsentCourse::LeavesBefore,
    ConsentCourse::Withdraws,
    ConsentCourse::IsForgotten,
    ConsentCourse::AgreesToTexts,
    ConsentCourse::AgreesToBoth,
    ConsentCourse::AgreesToTextsAlone,
];

#[derive(Clone, Copy)]
struct RegisteredConsumer {
    number: usize,
    course: ConsentCourse,
}

/// One line of the register, from one of its three sources.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RegisterLine {
    /// Whether Braze sends e-mails because of us.
    email: bool,
    /// Whether Braze sends messages to the number.
    messages: bool,
}

impl RegisteredConsumer {
    fn all() -> impl Iterator<Item = Self> {
        (0..PARTICIPATIONS).map(|number| Self { number, course: COURSES[number % COURSES.len()] })
    }

    fn email(self) -> String {
        format!("c{}@example.com", self.number)
    }

    fn phone(self) -> Option<String> {
        let by_phone = matches!(self.course, AgreesToTexts | AgreesToBoth | AgreesToTextsAlone);
        by_phone.then(|| format!("+1313555{:04}", self.number))
    }

    fn contact(self) -> Contact {
        let email = Email::parse(&self.email()).unwrap();
        match self.phone() {
            Some(phone) => Contact::Phone { phone: Phone::from_e164(&phone).unwrap(), email: Some(email) },
            None => Contact::Email(email),
        }
    }

    /// The request of taking part.
    fn body(self) -> Value {
        let mut body = json!({ "scope": "spring", "email": self.email() });
        let page = format!("https://acme.example/spring?visitor={}", self.email());
        let said =
            |email: Value, sms: Value| json!({ "email": email, "sms": sms, "text_id": "v1", "page": page });
        body["consent"] = match self.course {
            AgreesInShort => true.into(),
            IsNotAsked => Value::Null,
            Declines => said(false.into(), Value::Null),
            AgreesToTexts => said(false.into(), true.into()),
            AgreesToTextsAlone => said(Value::Null, true.into()),
            AgreesToBoth => said(true.into(), true.into()),
            Agrees | Returns | LeavesLater | LeavesBefore | Withdraws | IsForgotten => {
                said(true.into(), Value::Null)
            }
        };
        if self.course == AgreesInShort {
            body["consent_text_id"] = "v1".into();
        }
        if let Some(phone) = self.phone() {
            body["phone"] = phone.into();
        }
        body
    }

    /// What the consumer chose in the end.
    fn chose(self) -> RegisterLine {
        let email = matches!(self.course, Agrees | AgreesInShort | Returns | IsForgotten | AgreesToBoth);
        RegisterLine { email, messages: self.phone().is_some() }
    }

    /// Whether the consumer agreed to something at first.
    fn agreed(self) -> bool {
        !matches!(self.course, Declines | IsNotAsked)
    }
}

/// What Braze has of each consumer.
struct InBraze {
    states: BTreeMap<String, Value>,
    groups: BTreeMap<String, Vec<String>>,
}

impl InBraze {
    async fn of(consenting: &ConsentCampaign) -> Self {
        let profiles = consenting.campaign.profiles().await;
        let by_email = |profile: &Value| (profile["email"].as_str().unwrap().to_owned(), profile.clone());
        let shown = consenting.campaign.ask("GET", "/_sim/subscriptions", "").await;
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for state in shown["states"].as_array().unwrap().iter().filter(|state| state["subscribed"] == true) {
            let contact = state["email"].as_str().or_else(|| state["phone"].as_str()).unwrap();
            let group = state["subscription_group_id"].as_str().unwrap();
            groups.entry(contact.to_owned()).or_default().push(group.to_owned());
        }
        Self { states: profiles.iter().map(by_email).collect(), groups }
    }

    fn line(&self, consumer: RegisteredConsumer) -> RegisterLine {
        let of = |contact: &str| self.groups.get(contact).cloned().unwrap_or_default();
        let state = self.states[&consumer.email()]["email_subscribe"].clone();
        let (opted_in, in_group) = (state == "opted_in", of(&consumer.email()) == ["news"]);
        // Of those who followed the unsubscribe link, the group keeps its own state, as in Braze.
        let leaves = matches!(consumer.course, LeavesLater);
        assert!(opted_in == in_group || leaves, "{consumer:?}: {state}", consumer = consumer.course);
        let messages = consumer.phone().map(|phone| of(&phone)).unwrap_or_default();
        assert!(messages.is_empty() || messages == ["g-1", "rcs", "whatsapp"], "{messages:?}");
        RegisterLine { email: opted_in, messages: !messages.is_empty() }
    }
}

/// What the record proves, and what it says of Braze.
fn proof(participation: &Participation) -> RegisterLine {
    let Some(consent) = participation.consent() else {
        return RegisterLine { email: false, messages: false };
    };
    if consent.given {
        assert_eq!(consent.text, Some(TextHash::of("I agree.")), "the text is proved");
        let page = consent.page.as_ref().map(|page| page.as_str().to_owned());
        assert!(page.is_none_or(|page| page == "https://acme.example/spring"));
    }
    let written = |word: Option<&str>| word == Some("written");
    RegisterLine {
        email: consent.email.is_some_and(|email| email.given) && written(consent.word()),
        messages: consent.sms.is_some_and(|sms| sms.given) && written(consent.word()),
    }
}

impl ConsentCampaign {
    async fn take_part(&self, consumers: impl Iterator<Item = RegisteredConsumer>) {
        for consumer in consumers {
            self.post(consumer.body()).await;
        }
    }

    async fn unsubscribe(&self, course: ConsentCourse) {
        for consumer in RegisteredConsumer::all().filter(|consumer| consumer.course == course) {
            let body = json!({ "email": consumer.email(), "after_ms": 0 });
            self.campaign.steer("POST", "/_sim/unsubscribes", &body.to_string()).await;
        }
    }

    /// Erases a consumer, as `forget` does.
    async fn forget(&self, consumer: RegisteredConsumer) {
        let key = IdKey::new([3; 32]);
        let mut stored = self.stored(self.id(&consumer.contact())).await;
        let proof = key.contact(stored.brand(), &consumer.contact());
        stored.forget(vec![proof], self.campaign.clock.now());
        self.campaign.memory.save(&[stored]).await.unwrap();
        let stored = self.stored(self.id(&consumer.contact())).await;
        assert!(stored.contact().is_none() && !format!("{stored:?}").contains(&consumer.email()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_consumers_chose_what_braze_has_and_what_proves_it_are_equal() {
    let consenting = ConsentCampaign::new(CONSENT);
    let known =
        RegisteredConsumer::all().filter(|consumer| matches!(consumer.course, Returns | LeavesBefore));
    let known: Vec<Value> = known
        .map(|consumer| {
            let state = if consumer.course == Returns { "unsubscribed" } else { "subscribed" };
            json!({ "external_id": consumer.email(), "email": consumer.email(), "email_subscribe": state })
        })
        .collect();
    consenting.campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": known }).to_string()).await;
    consenting.campaign.run();
    consenting.take_part(RegisteredConsumer::all().filter(|consumer| consumer.course != LeavesBefore)).await;
    consenting.passes(86_400).await;
    let fault = json!({ "path": TRACK, "kind": "status", "status": 503, "count": 1_000_000 });
    consenting.campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
    consenting.take_part(RegisteredConsumer::all().filter(|consumer| consumer.course == LeavesBefore)).await;
    consenting.passes(60).await;
    consenting.unsubscribe(LeavesBefore).await;
    consenting.passes(30 * 60).await;
    consenting.campaign.steer("DELETE", "/_sim/faults", "").await;
    consenting.unsubscribe(LeavesLater).await;
    for consumer in RegisteredConsumer::all() {
        match consumer.course {
            Withdraws => {
                let body =
                    json!({ "scope": "spring", "email": consumer.email(), "consent": { "email": false } });
                consenting.post(body).await;
            }
            IsForgotten => consenting.forget(consumer).await,
            Agrees | AgreesInShort | Declines | IsNotAsked | Returns | LeavesLater | LeavesBefore
            | AgreesToTexts | AgreesToBoth | AgreesToTextsAlone => {}
        }
    }
    consenting.passes(2 * 3_600).await;
    let in_braze = InBraze::of(&consenting).await;
    assert_eq!(in_braze.states.len(), PARTICIPATIONS);
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for consumer in RegisteredConsumer::all() {
        let stored = consenting.stored(consenting.id(&consumer.contact())).await;
        let chose = consumer.chose();
        assert_eq!(in_braze.line(consumer), chose, "{} in Braze", consumer.email());
        // The unsubscribe link is Braze's own: the record proves the consent, and Braze the rest.
        if consumer.course != LeavesLater {
            assert_eq!(proof(&stored), chose, "{} in the record", consumer.email());
        }
        let consent = stored.consent();
        assert_eq!(consent.is_some_and(|consent| consent.given), consumer.agreed());
        *words.entry(consent.and_then(Consent::word).unwrap_or("-")).or_default() += 1;
        assert_eq!(stored.due_at(), None, "{} is done", consumer.email());
    }
    let of = |courses: &[ConsentCourse]| {
        RegisteredConsumer::all().filter(|consumer| courses.contains(&consumer.course)).count()
    };
    let expected = BTreeMap::from([
        ("-", of(&[Declines, IsNotAsked])),
        ("not_written", of(&[LeavesBefore])),
        ("withdrawn", of(&[Withdraws])),
        (
            "written",
            of(&[
                Agrees,
                AgreesInShort,
                Returns,
                LeavesLater,
                IsForgotten,
                AgreesToTexts,
                AgreesToBoth,
                AgreesToTextsAlone,
            ]),
        ),
    ]);
    assert_eq!(words, expected);
}

//! Participations of every way, under the terms of one brand.

use domain::Timestamp;
use domain::accept::Acceptance;
use domain::attributes::Attributes;
use domain::award::AwardStatus;
use domain::brand::{Activation, Brand, Brands};
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::ids::{Channel, ParticipationId, Scope};
use domain::participation::{
    AskingWrite, BrazeEvent, EnrollState, EventProgress, Open, Outcome, Participation, SmsState, State,
    Target, Unanswered,
};
use domain::profile::{Alias, ProfileRef};

const BRAND: &str = include_str!("acme.toml");

/// A way of taking part, with the activation's settings for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaySetup {
    /// By e-mail, with a custom event; the credit is earned by enrollment.
    Email,
    /// By e-mail, where the event makes the brand ask the consumer to confirm.
    DoubleByEmail,
    /// By an event that Braze reports.
    Event,
    /// By number; we subscribe it.
    SingleOptIn,
    /// By number; the write that creates the profile subscribes it.
    SingleWithProfile,
    /// By number; a custom event makes the brand ask the consumer.
    DoubleByEvent,
    /// By number; Braze asks the consumer.
    DoubleByBraze,
}

impl WaySetup {
    pub(crate) fn all() -> [Self; 7] {
        [
            Self::Email,
            Self::DoubleByEmail,
            Self::Event,
            Self::SingleOptIn,
            Self::SingleWithProfile,
            Self::DoubleByEvent,
            Self::DoubleByBraze,
        ]
    }

    pub(crate) fn is_by_number(self) -> bool {
        match self {
            Self::Email | Self::DoubleByEmail | Self::Event => false,
            Self::SingleOptIn | Self::SingleWithProfile | Self::DoubleByEvent | Self::DoubleByBraze => true,
        }
    }

    /// The part of the brand file that offers this way.
    fn offered(self) -> String {
        let sms = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\n";
        let offered = match self {
            Self::Email => {
                "[activation.email]\nattributes = { q_participant = true }\nevent = \"q_participated\"\n\
                 credit = \"on_enrollment\""
            }
            Self::DoubleByEmail => {
                "[activation.email]\nattributes = { q_participant = true }\nevent = \"q_participated\"\n\
                 opt_in = \"double\"\nsubscription_group_id = \"news\""
            }
            Self::Event => "[activation.events.signed_in]\nattributes = { q_signed_in = true }",
            Self::SingleOptIn => "opt_in = \"single\"",
            Self::SingleWithProfile => "opt_in = \"single\"\nsubscribe = \"with_profile\"",
            Self::DoubleByEvent => "opt_in = \"double\"\ndouble_opt_in = { event = \"q_opt_in\" }",
            Self::DoubleByBraze => "opt_in = \"double\"\ndouble_opt_in = { braze_logic = true }",
        };
        let table = if self.is_by_number() { sms } else { "" };
        format!("{table}{offered}\nincentive = \"early\"\n")
    }
}

/// The moment this many seconds after all participations are accepted.
pub(crate) fn at(second: i64) -> Timestamp {
    let accepted: Timestamp = "2027-01-05T12:00:00Z".parse().unwrap();
    accepted + std::time::Duration::from_secs(second.unsigned_abs())
}

/// When a profile that was written to at the beginning is built.
pub(crate) const SETTLED: i64 = 120;

/// When a hint from the beginning must be confirmed.
pub(crate) const HINT_FRESH: i64 = 600;

/// A newly accepted participation of a flow.
pub(crate) struct World {
    pub(crate) flow: WaySetup,
    brands: Brands,
    pub(crate) participation: Participation,
}

impl World {
    pub(crate) fn of(flow: WaySetup) -> Self {
        let text = BRAND.replace(
            "[activation.rewards_to_braze]",
            &format!("{}[activation.rewards_to_braze]", flow.offered()),
        );
        let brands = read_all(&[BrandFile { name: "acme.toml".into(), text }], &AssumePresent).unwrap();
        let participation = accepted(flow, &brands);
        Self { flow, brands, participation }
    }

    pub(crate) fn terms(&self) -> (&Brand, &Activation) {
        self.brands.activation(&Scope::parse("spring").unwrap()).unwrap()
    }

    pub(crate) fn channel(&self) -> Channel {
        self.participation.channel()
    }

    pub(crate) fn email(&self) -> &Email {
        self.participation.email().unwrap()
    }

    /// The profile that is created for a consumer without one.
    pub(crate) fn created(&self) -> Target {
        Target { profile: ProfileRef::Alias(Alias::for_email(self.email())), create: true }
    }

    /// Every state that a participation of this flow can be in.
    pub(crate) fn states(&self) -> Vec<State> {
        if self.flow.is_by_number() { self.sms_states() } else { self.enroll_states() }
    }

    fn enroll_states(&self) -> Vec<State> {
        let enrolling = |target: &Target, event| EnrollState::Enrolling { target: target.clone(), event };
        let by_email = || progress().map(|event| enrolling(&self.created(), event)).to_vec();
        let (open, success): (Vec<EnrollState>, Vec<Outcome>) = if self.flow == WaySetup::Email {
            (by_email(), vec![Outcome::Enrolled])
        } else if self.flow == WaySetup::DoubleByEmail {
            let waits = EnrollState::AwaitingOptIn { target: self.created(), since: at(0) };
            ([by_email(), vec![waits]].concat(), vec![Outcome::Enrolled, Outcome::Expired])
        } else {
            // Braze reported the event on an existing profile, and the event is already there.
            let target = Target { profile: ProfileRef::ExternalId("u-1".into()), create: false };
            (vec![enrolling(&target, EventProgress::NotSent)], vec![Outcome::Credited])
        };
        let open = std::iter::once(EnrollState::Received).chain(open);
        open.map(|state| State::Open(Open::Enroll(state)))
            .chain(success.into_iter().chain([rejected(), failed()]).map(State::Ended))
            .collect()
    }

    fn sms_states(&self) -> Vec<State> {
        let target = || self.created();
        let enrolling = progress().map(|event| SmsState::Enrolling { target: target(), event });
        let subscribing = progress().map(|event| SmsState::Subscribing { target: target(), event });
        let asked_by = AskingWrite { target: target(), event_at: at(0) };
        let wait = Unanswered {
            since: at(0),
            double: matches!(self.flow, WaySetup::DoubleByEvent | WaySetup::DoubleByBraze),
            status: Some(AwardStatus::Reserved { place: 1 }),
            ended_at: None,
        };
        let open = [SmsState::Received, SmsState::Settling { target: target(), until: at(SETTLED) }]
            .into_iter()
            .chain(enrolling)
            .chain(subscribing)
            .chain([
                SmsState::AwaitingSubscription { target: target(), since: at(0), repeated: false },
                SmsState::AwaitingSubscription { target: target(), since: at(0), repeated: true },
                SmsState::AwaitingOptIn { since: at(0), asked_by: Some(asked_by) },
                SmsState::AwaitingOptIn { since: at(0), asked_by: None },
            ]);
        let ended = [
            Outcome::Credited,
            Outcome::Unverified,
            Outcome::Expired,
            Outcome::Mismatch(wait.clone()),
            Outcome::Mismatch(Unanswered { ended_at: Some(at(1)), ..wait }),
            rejected(),
            failed(),
        ];
        open.map(|state| State::Open(Open::Sms(state))).chain(ended.map(State::Ended)).collect()
    }
}

/// Every progress of an event.
fn progress() -> [EventProgress; 4] {
    [
        EventProgress::NotSent,
        EventProgress::NotTaken { time: at(0) },
        EventProgress::Attempted { at: at(0), time: at(0) },
        EventProgress::Recorded,
    ]
}

fn rejected() -> Outcome {
    Outcome::Rejected { reason: "EMAIL_BAD_FORMAT".into() }
}

fn failed() -> Outcome {
    Outcome::Failed { reason: "an outage".into() }
}

fn accepted(flow: WaySetup, brands: &Brands) -> Participation {
    let terms = brands.activation(&Scope::parse("spring").unwrap()).unwrap();
    let email = Email::parse("ada@example.com").unwrap();
    let phone = Phone::from_e164("+13135550100").unwrap();
    let id = |contact| IdKey::new([1; 32]).participation(&terms.1.scope, &contact);
    let acceptance = |id: ParticipationId| Acceptance::new(id, terms, at(0));
    let nothing = Attributes::default();
    match flow {
        WaySetup::Email | WaySetup::DoubleByEmail => {
            acceptance(id(Contact::Email(email.clone()))).by_email(email, None, nothing)
        }
        WaySetup::Event => {
            let event = BrazeEvent { name: "signed_in".into(), profile: None, sent_at: None };
            acceptance(id(Contact::Email(email.clone()))).by_event(event, email, nothing)
        }
        WaySetup::SingleOptIn
        | WaySetup::SingleWithProfile
        | WaySetup::DoubleByEvent
        | WaySetup::DoubleByBraze => {
            let contact = Contact::Phone { phone: phone.clone(), email: Some(email.clone()) };
            acceptance(id(contact)).by_phone((phone, Some(email)), Some("v3".into()), nothing)
        }
    }
}

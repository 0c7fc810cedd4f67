use std::time::Duration;

use super::*;
use crate::Timestamp;
use crate::accept::Acceptance;
use crate::answers::AnswerRules;
use crate::attributes::AttributeValue;
use crate::brand::{Brand, Identity};
use crate::contact::{Contact, Email};
use crate::decide::tests::{activation, at, brand, in_state};
use crate::decide::{Claim, Command, Confirmation, ProfileWrite, Step, Terms, Written, decide};
use crate::id_key::IdKey;
use crate::participation::{EnrollState, EventProgress, Open};
use crate::profile::{Alias, ProfileHint};

/// A participation by e-mail with two answers.
struct EmailAnswers {
    brand: Brand,
    activation: Activation,
    participation: Participation,
}

fn email() -> Email {
    Email::parse("ada@example.com").unwrap()
}

fn answered(identity: Identity) -> EmailAnswers {
    let (brand, mut activation) = (brand(identity), activation(true, false));
    activation.answers = Some(AnswerRules::default());
    let mut answers = Attributes::default();
    answers.set("first_name", AttributeValue::Text("Ada".into())).unwrap();
    answers.set("shoe_size", AttributeValue::Integer(40)).unwrap();
    let id = IdKey::new([1; 32]).participation(&activation.scope, &Contact::Email(email()));
    let participation = Acceptance::new(id, (&brand, &activation), at(0)).by_email(email(), None, answers);
    EmailAnswers { brand, activation, participation }
}

impl EmailAnswers {
    fn overwriting(mut self) -> Self {
        self.activation.answers = Some(AnswerRules { overwrite: true, ..AnswerRules::default() });
        self
    }

    fn enrolling(self, target: Target) -> Self {
        let state = Open::Enroll(EnrollState::Enrolling { target, event: EventProgress::NotSent });
        Self { participation: in_state(self.participation, state), ..self }
    }

    fn next(&self, facts: &Facts, now: Timestamp) -> Step {
        let terms = Terms { brand: &self.brand, activation: &self.activation };
        decide(&self.participation, &terms, facts, now)
    }

    fn write(&self, facts: &Facts) -> ProfileWrite {
        match self.next(facts, at(1)) {
            Step::Tell { command: Command::Write(write), .. } => write,
            other => panic!("expected a write, got {other:?}"),
        }
    }

    /// The names that are written.
    fn names(&self, facts: &Facts) -> Vec<String> {
        self.write(facts).attributes.iter().map(|(name, _)| name.to_owned()).collect()
    }
}

const ALL: [&str; 3] = ["first_name", "quikly_participant", "shoe_size"];

fn u1() -> ProfileRef {
    ProfileRef::ExternalId("u1".into())
}

fn alias() -> ProfileRef {
    ProfileRef::Alias(Alias::for_email(&email()))
}

/// A profile of Ada that has a first name.
fn named() -> FoundProfile {
    FoundProfile {
        external_id: Some("u1".into()),
        email: Some("ada@example.com".into()),
        attributes: [("first_name".to_owned(), AttributeValue::Text("A.".into()))].into(),
        ..FoundProfile::default()
    }
}

fn found(profiles: Vec<FoundProfile>) -> Facts {
    Facts { known: Some(None), found: Some(profiles), ..Facts::default() }
}

/// A hint that was learned at `learned_at`.
fn hint(profile: ProfileRef, learned_at: Timestamp, created: bool) -> Facts {
    let by = answered(Identity::Alias).participation.id();
    Facts { known: Some(Some(ProfileHint { profile, learned_at, created, by })), ..Facts::default() }
}

fn confirmed(profile: ProfileRef, found: Vec<FoundProfile>) -> Option<Confirmation> {
    Some(Confirmation { profile, found })
}

#[test]
fn a_new_profile_gets_every_answer() {
    let answered = answered(Identity::Alias);
    assert!(answered.write(&found(Vec::new())).create);
    assert_eq!(answered.names(&found(Vec::new())), ALL);
}

#[test]
fn a_profile_that_was_looked_up_keeps_the_values_that_it_has() {
    let answered = answered(Identity::Alias);
    assert_eq!(answered.names(&found(vec![named()])), ["quikly_participant", "shoe_size"]);
}

#[test]
fn an_activation_that_overwrites_writes_every_answer_and_asks_nothing() {
    let answered = answered(Identity::Alias).overwriting();
    assert_eq!(answered.names(&found(vec![named()])), ALL);
    assert_eq!(answered.names(&hint(u1(), at(0), false)), ALL);
}

#[test]
fn without_a_list_attributes_are_written_as_before() {
    let mut answered = answered(Identity::Alias);
    answered.activation.answers = None;
    assert_eq!(answered.names(&found(vec![named()])), ALL);
}

#[test]
fn a_nested_value_is_kept_and_an_empty_text_is_no_value() {
    let answered = answered(Identity::Alias);
    let nested = FoundProfile { nested: ["shoe_size".to_owned()].into(), ..named() };
    assert_eq!(answered.names(&found(vec![nested])), ["quikly_participant"]);
    let empty = [("first_name".to_owned(), AttributeValue::Text(" ".into()))].into();
    assert_eq!(answered.names(&found(vec![FoundProfile { attributes: empty, ..named() }])), ALL);
}

#[test]
fn a_recent_hint_is_confirmed_before_answers_are_written() {
    let answered = answered(Identity::Alias);
    let facts = hint(u1(), at(0), false);
    assert_eq!(answered.next(&facts, at(1)), Step::Ask(Question::Confirm(u1())));
    let facts = Facts { confirmed: confirmed(u1(), vec![named()]), ..facts };
    assert_eq!(answered.names(&facts), ["quikly_participant", "shoe_size"]);
}

#[test]
fn a_recent_hint_without_answers_is_not_confirmed() {
    let mut answered = answered(Identity::Alias);
    let terms = (&answered.brand, &answered.activation);
    let id = answered.participation.id();
    answered.participation = Acceptance::new(id, terms, at(0)).by_email(email(), None, Attributes::default());
    assert_eq!(answered.names(&hint(u1(), at(0), false)), ["quikly_participant"]);
}

#[test]
fn a_remembered_profile_that_is_gone_is_looked_up() {
    let facts = Facts { confirmed: confirmed(u1(), Vec::new()), ..hint(u1(), at(0), false) };
    assert_eq!(answered(Identity::Alias).next(&facts, at(1)), Step::Ask(Question::FindProfile));
}

#[test]
fn a_profile_that_was_just_created_is_waited_for_until_it_shows_its_values() {
    let answered = answered(Identity::Alias);
    let facts = hint(alias(), at(0), true);
    assert_eq!(answered.next(&facts, at(1)), Step::Ask(Question::Confirm(alias())));
    let missing = Facts { confirmed: confirmed(alias(), Vec::new()), ..facts.clone() };
    let settled = at(0) + answered.brand.braze.settle;
    let state = Open::Enroll(EnrollState::Received);
    assert_eq!(answered.next(&missing, at(1)), Step::Wait { state, until: settled });
    assert!(matches!(answered.next(&missing, settled), Step::Tell { .. }), "it is waited for once");
    let shows = FoundProfile { external_id: None, aliases: vec![Alias::for_email(&email())], ..named() };
    let shown = Facts { confirmed: confirmed(alias(), vec![shows]), ..facts };
    assert_eq!(answered.names(&shown), ["quikly_participant", "shoe_size"]);
}

#[test]
fn a_repeated_write_reads_the_profile_again() {
    let answered = answered(Identity::Alias).enrolling(Target { profile: alias(), create: true });
    assert_eq!(answered.next(&Facts::default(), at(1)), Step::Ask(Question::Confirm(alias())));
    let missing = Facts { confirmed: confirmed(alias(), Vec::new()), ..Facts::default() };
    assert_eq!(answered.names(&missing), ALL);
    let built = FoundProfile { aliases: vec![Alias::for_email(&email())], ..named() };
    let shown = Facts { confirmed: confirmed(alias(), vec![built]), ..Facts::default() };
    assert_eq!(answered.names(&shown), ["quikly_participant", "shoe_size"]);
}

#[test]
fn a_profile_that_a_look_up_did_not_show_is_read_before_answers_are_written() {
    let answered = answered(Identity::Alias).enrolling(Target { profile: u1(), create: false });
    assert_eq!(answered.next(&found(Vec::new()), at(1)), Step::Ask(Question::Confirm(u1())));
}

#[test]
fn a_profile_that_is_addressed_by_email_is_looked_up_first() {
    let answered = answered(Identity::Email);
    let claimed = Facts { claim: Some(Claim::Ours), ..Facts::default() };
    assert_eq!(answered.next(&claimed, at(1)), Step::Ask(Question::FindProfile));
    let looked_up = |profiles| Facts { found: Some(profiles), ..claimed.clone() };
    assert_eq!(answered.names(&looked_up(Vec::new())), ALL);
    let other = FoundProfile { external_id: Some("u2".into()), attributes: [].into(), ..named() };
    assert_eq!(answered.names(&looked_up(vec![other, named()])), ["quikly_participant", "shoe_size"]);
}

#[test]
fn a_profile_that_cannot_be_addressed_gets_nothing_and_is_not_asked_for() {
    let answered = answered(Identity::Alias);
    let nameless = FoundProfile { external_id: None, ..named() };
    assert!(answered.write(&found(vec![nameless.clone()])).create);
    assert_eq!(answered.names(&found(vec![nameless])), ALL);
}

#[test]
fn what_the_brand_writes_is_written_whatever_the_profile_has() {
    let answered = answered(Identity::Alias);
    let tagged = [("quikly_participant".to_owned(), AttributeValue::Boolean(false))].into();
    let profile = FoundProfile { attributes: tagged, ..named() };
    assert_eq!(answered.names(&found(vec![profile])), ALL);
}

#[test]
fn a_write_that_was_not_done_is_put_off_as_before() {
    let answered = answered(Identity::Alias).enrolling(Target { profile: u1(), create: false });
    let retry_at = at(0) + Duration::from_secs(5);
    let facts = Facts { written: Some(Written::NotDone { retry_at }), ..Facts::default() };
    assert!(matches!(answered.next(&facts, at(1)), Step::Wait { until, .. } if until == retry_at));
}

//! Taking part by e-mail where the consumer has to confirm.

use std::time::Duration;

use super::*;
use crate::accept::Acceptance;
use crate::attributes::Attributes;
use crate::brand::{Activation, Brand, EmailOptIn, Identity, PollStage};
use crate::consent::{ChannelConsent, Consent, ConsentProgress, ConsentRules, Demand, TextHash};
use crate::decide::tests::{activation, ada, at, brand, changed, email, id, in_state};
use crate::decide::{Command, Confirmation, Facts, ProfileWrite, Terms, Written, decide};
use crate::ids::{Channel, SubscriptionGroup};
use crate::participation::{Participation, State};
use crate::profile::{Alias, ProfileRef};

const WINDOW: i64 = 48 * 3_600;

fn group() -> SubscriptionGroup {
    SubscriptionGroup::parse("news").unwrap()
}

struct MailWorld {
    brand: Brand,
    activation: Activation,
    participation: Participation,
}

/// Consumers confirm by joining the group, or else by opting in.
fn world(with_group: bool) -> MailWorld {
    let every = |minutes: u64, lasts: Option<u64>| PollStage {
        every: Duration::from_secs(minutes * 60),
        lasts: lasts.map(|minutes| Duration::from_secs(minutes * 60)),
    };
    let window = Duration::from_secs(WINDOW.unsigned_abs());
    let poll = vec![every(1, Some(10)), every(30, None)];
    let mut activation = activation(true, true);
    activation.email.as_mut().unwrap().opt_in =
        Some(EmailOptIn { group: with_group.then(group), window, poll });
    let rules = ConsentRules {
        texts: [("v1".to_owned(), TextHash::of("I agree."))].into(),
        by_email: Some(Demand::Optional),
        by_phone: None,
        email_subscribe: EmailState::OptedIn,
        email_groups: vec![group()],
        sms_groups: Vec::new(),
        source: Attributes::default(),
    };
    activation.consent = Some(rules);
    activation.email.as_mut().unwrap().credit = crate::brand::CreditMoment::OnEnrollment;
    let brand = brand(Identity::Alias);
    let consent = Consent {
        email: Some(ChannelConsent { given: true, progress: ConsentProgress::Pending }),
        ..Consent::answered(true, at(0), Some("v1".into()))
    };
    let acceptance = Acceptance::new(id(), (&brand, &activation), at(0));
    let participation = acceptance.by_email(email(), Some(consent), Attributes::default());
    MailWorld { brand, activation, participation }
}

impl MailWorld {
    fn next(&self, facts: &Facts, second: i64) -> Step {
        let terms = Terms { brand: &self.brand, activation: &self.activation };
        decide(&self.participation, &terms, facts, at(second))
    }

    fn enrolling(self, event: EventProgress) -> Self {
        let state = EnrollState::Enrolling { target: created(), event };
        Self { participation: in_state(self.participation, Open::Enroll(state)), ..self }
    }

    fn awaiting(self) -> Self {
        let state = EnrollState::AwaitingOptIn { target: created(), since: at(1) };
        Self { participation: in_state(self.participation, Open::Enroll(state)), ..self }
    }
}

fn created() -> Target {
    Target { profile: ProfileRef::Alias(Alias::for_email(&email())), create: true }
}

fn said(subscription: Subscription) -> Facts {
    Facts { subscription: Some(subscription), ..Facts::default() }
}

fn looked_up(found: Vec<FoundProfile>, subscription: Subscription) -> Facts {
    Facts { known: Some(None), found: Some(found), ..said(subscription) }
}

fn shown(state: EmailState) -> Facts {
    let alias = Alias::for_email(&email());
    let found = vec![FoundProfile { email_state: Some(state), aliases: vec![alias], ..ada() }];
    Facts { confirmed: Some(Confirmation { profile: created().profile, found }), ..Facts::default() }
}

fn written(written: Written) -> Facts {
    Facts { written: Some(written), ..Facts::default() }
}

fn attempted() -> EventProgress {
    EventProgress::Attempted { at: at(1), time: at(0) }
}

fn write_of(step: Step) -> ProfileWrite {
    match step {
        Step::Tell { command: Command::Write(write), .. } | Step::Show { write, .. } => write,
        other => panic!("expected a write, got {other:?}"),
    }
}

#[test]
fn the_event_asks_the_consumer_and_nobody_is_subscribed_or_credited_by_it() {
    let world = world(true);
    let hint = Facts { known: Some(None), found: Some(Vec::new()), ..Facts::default() };
    assert_eq!(world.next(&hint, 1), Step::Ask(Question::Subscription(group())));
    let write = write_of(world.next(&looked_up(Vec::new(), Subscription::NotSubscribed), 1));
    assert!(write.create && write.event.is_some() && write.consent.is_none());
    let world = world.enrolling(attempted());
    let step = world.next(&written(Written::Done), 2);
    let state = EnrollState::AwaitingOptIn { target: created(), since: at(1) };
    assert_eq!(step, Step::Wait { state: Open::Enroll(state), until: at(61) });
    assert_eq!(world.participation.earned_at(), None);
}

#[test]
fn whoever_is_subscribed_already_is_not_asked_and_enrolled_at_once() {
    let by_group = (world(true), looked_up(vec![ada()], Subscription::Subscribed));
    let opted_in = FoundProfile { email_state: Some(EmailState::OptedIn), ..ada() };
    let by_state =
        (world(false), Facts { known: Some(None), found: Some(vec![opted_in]), ..Facts::default() });
    for (world, facts) in [by_group, by_state] {
        let step = world.next(&facts, 1);
        let Step::Tell { state, .. } = &step else { panic!("{step:?}") };
        let state = state.clone();
        let write = write_of(step);
        assert!(write.event.is_none() && write.consent.is_some(), "the consent needs no confirmation");
        let world = MailWorld { participation: in_state(world.participation, state), ..world };
        assert_eq!(world.next(&written(Written::Done), 2), Step::Done(Outcome::Enrolled));
    }
}

#[test]
fn without_a_group_the_profile_says_whether_the_consumer_has_opted_in() {
    let known = FoundProfile { email_state: Some(EmailState::Subscribed), ..ada() };
    let facts = Facts { known: Some(None), found: Some(vec![known]), ..Facts::default() };
    assert!(write_of(world(false).next(&facts, 1)).event.is_some(), "subscribed is every new address");
    let waiting = world(false).awaiting();
    assert_eq!(waiting.next(&Facts::default(), 61), Step::Ask(Question::Confirm(created().profile)));
    assert_eq!(waiting.next(&shown(EmailState::OptedIn), 61), Step::Done(Outcome::Enrolled));
    for state in [EmailState::Subscribed, EmailState::Unsubscribed] {
        assert!(matches!(waiting.next(&shown(state), 61), Step::Wait { .. }));
    }
}

#[test]
fn if_the_profile_is_gone_the_one_that_has_the_address_now_says_it() {
    let waiting = world(false).awaiting();
    let gone = Facts {
        confirmed: Some(Confirmation { profile: created().profile, found: Vec::new() }),
        ..Facts::default()
    };
    assert_eq!(waiting.next(&gone, 61), Step::Ask(Question::FindProfile));
    let now = |email: &str, state| {
        let found = FoundProfile { email: Some(email.to_owned()), email_state: Some(state), ..ada() };
        waiting.next(&Facts { found: Some(vec![found]), ..gone.clone() }, 61)
    };
    assert_eq!(now("ada@example.com", EmailState::OptedIn), Step::Done(Outcome::Enrolled));
    assert!(matches!(now("ada@example.com", EmailState::Subscribed), Step::Wait { .. }));
    assert!(matches!(now("eve@example.com", EmailState::OptedIn), Step::Wait { .. }));
}

#[test]
fn it_is_polled_like_a_number_and_expires_when_the_window_ends() {
    let waiting = world(true).awaiting();
    assert_eq!(waiting.next(&Facts::default(), 61), Step::Ask(Question::Subscription(group())));
    let until = |second| match waiting.next(&said(Subscription::NotSubscribed), second) {
        Step::Wait { until, .. } => until,
        other => panic!("{other:?}"),
    };
    assert_eq!((until(61), until(601), until(WINDOW)), (at(121), at(2_401), at(1 + WINDOW)));
    for said_no in [Subscription::NotSubscribed, Subscription::Unsubscribed] {
        assert_eq!(waiting.next(&said(said_no), 1 + WINDOW), Step::Done(Outcome::Expired));
    }
    assert_eq!(waiting.next(&said(Subscription::Subscribed), 1 + WINDOW), Step::Done(Outcome::Enrolled));
}

#[test]
fn the_credit_is_earned_by_the_confirmation_and_the_consent_is_written_after_it() {
    let mut waiting = world(true).awaiting();
    assert!(matches!(waiting.next(&said(Subscription::NotSubscribed), 61), Step::Wait { .. }));
    let step = waiting.next(&said(Subscription::Subscribed), 3_600);
    waiting.participation.apply(&step, at(3_600));
    assert_eq!(waiting.participation.earned_at(), Some(at(3_600)));
    let facts = Facts { found: Some(vec![ada()]), known: Some(None), ..Facts::default() };
    let consent = write_of(waiting.next(&facts, 3_601)).consent.unwrap();
    assert_eq!((consent.email, consent.groups), (Some(EmailState::OptedIn), vec![group()]));
}

#[test]
fn the_consent_of_whoever_did_not_confirm_is_not_written() {
    let mut waiting = world(true).awaiting();
    waiting.participation.apply(&Step::Done(Outcome::Expired), at(1 + WINDOW));
    let step = waiting.next(&Facts::default(), 2 + WINDOW);
    assert_eq!(step, Step::Consent(Channel::Email, ConsentProgress::NotWritten));
}

#[test]
fn a_question_that_did_not_arrive_is_put_again_and_the_wait_goes_on() {
    let mut waiting = world(true).awaiting();
    let alias = Alias::for_email(&email());
    let write = write_of(world(true).next(&looked_up(Vec::new(), Subscription::NotSubscribed), 1));
    waiting.participation.shows(&write, None, at(2));
    let parts = crate::participation::Parts { flow: true, flow_event: true, ..Default::default() };
    waiting.participation.found_missing(parts, at(130));
    let found = FoundProfile { aliases: vec![alias], ..ada() };
    let looked = Facts { found: Some(vec![found]), ..Facts::default() };
    let asked = waiting.next(&looked, 130);
    assert!(matches!(asked, Step::Ask(Question::EventRecorded { .. })), "{asked:?}");
    let again = waiting.next(&Facts { recorded: Some(false), ..looked.clone() }, 130);
    assert!(write_of(again.clone()).event.is_some());
    waiting.participation.apply(&again, at(130));
    let done = waiting.next(&Facts { written: Some(Written::Done), ..looked }, 131);
    waiting.participation.apply(&done, at(131));
    let step = waiting.next(&said(Subscription::NotSubscribed), 131);
    assert!(matches!(step, Step::Wait { .. }), "{step:?}");
}

#[test]
fn a_confirmation_that_the_brand_file_no_longer_describes_credits_nobody() {
    let mut waiting = world(true).awaiting();
    waiting.activation.email.as_mut().unwrap().opt_in = None;
    assert_eq!(waiting.next(&said(Subscription::Subscribed), 61), Step::Done(Outcome::Expired));
}

#[test]
fn a_webhook_makes_it_due_and_credits_nobody() {
    let mut waiting = changed(world(true).awaiting().participation, |kept| kept.due_at = Some(at(900)));
    assert!(waiting.hears_of_subscription(at(70)));
    assert_eq!((waiting.due_at(), waiting.earned_at()), (Some(at(70)), None));
    assert_eq!(waiting.state().name(), "awaiting_opt_in");
    assert!(matches!(waiting.state(), State::Open(_)));
}

#[test]
fn whoever_is_asked_by_mail_is_polled_by_the_minute_and_nobody_else_is() {
    let (waiting, writing) = (world(true).awaiting(), world(true).enrolling(EventProgress::NotSent));
    let by_the_minute = |world: &MailWorld| {
        crate::decide::is_polled_by_the_minute(&world.participation, &world.activation, at(61))
    };
    assert!(by_the_minute(&waiting) && !by_the_minute(&writing));
}

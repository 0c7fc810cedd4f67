use super::*;
use crate::accept::Acceptance;
use crate::attributes::Attributes;
use crate::brand::{Activation, Brand, Identity};
use crate::consent::{ByPhone, ChannelConsent, Demand, TextHash};
use crate::decide::tests::{activation, at, brand, changed, email, id};
use crate::decide::{Command, Confirmation, ProfileWrite, Written, decide, read_back};
use crate::ids::SubscriptionGroup;
use crate::participation::{EnrollState, EventProgress, Outcome, Parts, ReadBack, SentParts, Way};
use crate::profile::{Alias, ProfileHint, ProfileRef};

fn group(name: &str) -> SubscriptionGroup {
    SubscriptionGroup::parse(name).unwrap()
}

fn alias() -> ProfileRef {
    ProfileRef::Alias(Alias::for_email(&email()))
}

/// A brand with an activation by e-mail that asks for consent and writes it, with these groups.
struct ConsentWorld {
    brand: Brand,
    activation: Activation,
    participation: Participation,
}

impl ConsentWorld {
    fn new(groups: &[&str], event: bool) -> Self {
        let rules = crate::consent::ConsentRules {
            texts: [("v1".to_owned(), TextHash::of("I agree."))].into(),
            by_email: Some(Demand::Optional),
            by_phone: Some(ByPhone { email: Some(Demand::Optional) }),
            email_subscribe: EmailState::OptedIn,
            email_groups: groups.iter().map(|name| group(name)).collect(),
            sms_groups: vec![group("rcs")],
            source: Attributes::default(),
        };
        let activation = Activation { consent: Some(rules), ..activation(true, event) };
        let brand = brand(Identity::Alias);
        let consent = Consent {
            email: Some(ChannelConsent { given: true, progress: ConsentProgress::Pending }),
            ..Consent::answered(true, at(0), Some("v1".into()))
        };
        let acceptance = Acceptance::new(id(), (&brand, &activation), at(0));
        let participation = acceptance.by_email(email(), Some(consent), Attributes::default());
        Self { brand, activation, participation }
    }

    /// The consent to e-mail has come this far.
    fn at(mut self, progress: ConsentProgress) -> Self {
        self.participation = changed(self.participation, |kept| {
            if let Way::Email { consent: Some(consent), .. } = &mut kept.way {
                consent.set(Channel::Email, progress);
            }
        });
        self
    }

    /// The profile is being written to.
    fn enrolling(mut self) -> Self {
        let target = Target { profile: alias(), create: true };
        let state = EnrollState::Enrolling { target, event: EventProgress::NotSent };
        self.participation =
            changed(self.participation, |kept| kept.state = State::Open(Open::Enroll(state)));
        self
    }

    /// The flow has ended.
    fn ended(mut self, outcome: Outcome) -> Self {
        self.participation = changed(self.participation, |kept| kept.state = State::Ended(outcome));
        self
    }

    fn decides(&self, facts: &Facts, second: i64) -> Step {
        let terms = Terms { brand: &self.brand, activation: &self.activation };
        decide(&self.participation, &terms, facts, at(second))
    }

    fn applies(&mut self, step: &Step, second: i64) {
        self.participation.apply(step, at(second));
    }

    fn progress(&self) -> ConsentProgress {
        self.participation.consent().unwrap().email.unwrap().progress
    }
}

/// Facts in which the profile shows this state for e-mail.
fn shows(state: Option<EmailState>) -> Facts {
    let found = FoundProfile { email_state: state, ..found() };
    let confirmed = Confirmation { profile: alias(), found: vec![found.clone()] };
    Facts { known: Some(None), found: Some(vec![found]), confirmed: Some(confirmed), ..Facts::default() }
}

fn found() -> FoundProfile {
    FoundProfile {
        aliases: vec![Alias::for_email(&email())],
        email: Some(email().as_str().to_owned()),
        ..FoundProfile::default()
    }
}

fn nobody() -> Facts {
    let confirmed = Confirmation { profile: alias(), found: Vec::new() };
    Facts { known: Some(None), found: Some(Vec::new()), confirmed: Some(confirmed), ..Facts::default() }
}

fn settle() -> i64 {
    i64::try_from(brand(Identity::Alias).braze.settle.as_secs()).unwrap()
}

fn write_of(step: Step) -> ProfileWrite {
    match step {
        Step::Tell { command: Command::Write(write), .. } | Step::Show { write, .. } => write,
        other => panic!("not a write: {other:?}"),
    }
}

const LATE: i64 = 15 * 60;

fn attempted(second: i64) -> ConsentProgress {
    ConsentProgress::Attempted { at: at(second), again: false }
}

#[test]
fn a_new_consent_is_in_the_write_of_the_flow_whatever_the_profile_shows() {
    let world = ConsentWorld::new(&["news"], false);
    for facts in [nobody(), shows(Some(EmailState::Unsubscribed)), shows(None)] {
        for second in [0, LATE - 1] {
            let write = write_of(world.decides(&facts, second));
            let consent = write.consent.unwrap();
            assert_eq!((consent.email, consent.groups), (Some(EmailState::OptedIn), vec![group("news")]));
            assert!(!write.attributes.is_empty(), "it is one write");
        }
    }
}

#[test]
fn a_consent_that_was_declined_or_written_is_not_in_a_write() {
    for progress in [
        ConsentProgress::Stored,
        ConsentProgress::Written { at: at(1) },
        ConsentProgress::NotWritten,
        ConsentProgress::Withdrawing { at: at(1) },
        ConsentProgress::Withdrawn { at: at(1) },
    ] {
        let world = ConsentWorld::new(&[], false).at(progress);
        assert_eq!(write_of(world.decides(&nobody(), 2)).consent, None, "{progress:?}");
    }
}

#[test]
fn late_or_after_a_lost_answer_the_profile_decides() {
    let writes = Ok(());
    let is = |progress| Err(progress);
    let late = |second| (ConsentProgress::Pending, second);
    let lost = (attempted(0), settle());
    let (opted_in, subscribed, unsubscribed) =
        (Some(EmailState::OptedIn), Some(EmailState::Subscribed), Some(EmailState::Unsubscribed));
    let not_written = ConsentProgress::NotWritten;
    for ((progress, second), shown, expected) in [
        (late(LATE), unsubscribed, is(not_written)),
        (late(LATE), subscribed, writes),
        (late(LATE), None, writes),
        (late(LATE - 1), unsubscribed, writes),
        (lost, unsubscribed, is(not_written)),
        (lost, subscribed, writes),
        (lost, opted_in, is(ConsentProgress::Written { at: at(settle()) })),
    ] {
        let world = ConsentWorld::new(&[], false).at(progress).enrolling();
        let got = match world.decides(&shows(shown), second) {
            Step::Consent(Channel::Email, progress) => Err(progress),
            step => {
                assert!(write_of(step).consent.is_some());
                Ok(())
            }
        };
        assert_eq!(got, expected, "{progress:?} {shown:?}");
    }
}

#[test]
fn late_the_profile_is_asked_for_first_and_so_are_the_groups() {
    let world = ConsentWorld::new(&["news"], false).enrolling();
    let asked = world.decides(&Facts::default(), LATE);
    assert_eq!(asked, Step::Ask(Question::FindProfile), "the app may have created one");
    let asked = world.decides(&shows(None), LATE);
    let groups = Question::ConsentGroups { channel: Channel::Email, groups: vec![group("news")] };
    assert_eq!(asked, Step::Ask(groups));
    for (membership, is_written) in [
        (GroupMembership::Unsubscribed, false),
        (GroupMembership::Unknown, true),
        (GroupMembership::Subscribed, true),
    ] {
        let facts = Facts { consent_groups: [(group("news"), membership)].into(), ..shows(None) };
        let step = world.decides(&facts, LATE);
        let not_written = Step::Consent(Channel::Email, ConsentProgress::NotWritten);
        assert_eq!(step != not_written, is_written, "{membership:?}: {step:?}");
    }
}

#[test]
fn a_profile_that_is_not_there_late_is_created_with_the_consent() {
    let world = ConsentWorld::new(&[], false).enrolling();
    let write = write_of(world.decides(&nobody(), LATE));
    assert!(write.create && write.consent.is_some());
}

#[test]
fn a_write_with_a_consent_is_not_repeated_by_itself() {
    let mut world = ConsentWorld::new(&[], false);
    let step = world.decides(&nobody(), 0);
    let write = write_of(step.clone());
    assert!(!write.is_repeatable() && write.joined(&write).is_none());
    world.applies(&step, 0);
    assert_eq!(world.progress(), attempted(0), "the attempt is stored before it is made");
    let retry_at = at(2);
    world.participation.learns_of_consent(&write, &Written::Unknown { retry_at }, at(1));
    let wait = world.decides(&Facts::default(), 3);
    let Step::Wait { until, .. } = wait else { panic!("{wait:?}") };
    assert_eq!(until, at(settle()), "Braze may still apply it");
}

#[test]
fn what_came_of_a_write_is_stored() {
    let retry_at = at(9);
    for (again, written, expected) in [
        (false, Written::Done, ConsentProgress::Written { at: at(5) }),
        (false, Written::NotDone { retry_at }, ConsentProgress::Pending),
        (true, Written::NotDone { retry_at }, ConsentProgress::Attempted { at: at(4), again: true }),
        (false, Written::Unknown { retry_at }, ConsentProgress::Attempted { at: at(4), again: false }),
        (false, Written::Refused { reason: "no".into() }, ConsentProgress::NotWritten),
    ] {
        let before = if again { attempted(-500) } else { ConsentProgress::Pending };
        let mut world = ConsentWorld::new(&[], false).at(before).enrolling();
        let facts = if again { shows(None) } else { nobody() };
        let step = world.decides(&facts, 4);
        world.applies(&step, 4);
        world.participation.learns_of_consent(&write_of(step), &written, at(5));
        assert_eq!(world.progress(), expected, "{written:?}, again: {again}");
    }
}

#[test]
fn a_withdrawal_is_written_after_the_flow_when_an_earlier_write_is_applied() {
    let withdrawn = ConsentProgress::Withdrawing { at: at(10) };
    let world = ConsentWorld::new(&["news"], false).at(withdrawn).ended(Outcome::Enrolled);
    let waits = world.decides(&Facts::default(), 11);
    let Step::Defer { until, .. } = waits else { panic!("{waits:?}") };
    assert_eq!(until, at(10 + settle()));
    let hint = ProfileHint { profile: alias(), learned_at: at(0), created: false, by: id() };
    let facts = Facts { known: Some(Some(hint)), ..shows(Some(EmailState::OptedIn)) };
    let write = write_of(world.decides(&facts, 10 + settle()));
    let consent = write.consent.clone().unwrap();
    assert_eq!((consent.email, consent.groups), (Some(EmailState::Unsubscribed), vec![group("news")]));
    assert!(
        write.is_repeatable()
            && write.consent.as_ref().is_some_and(|consent| consent.alone)
            && write.event.is_none()
    );
    let mut participation = world.participation;
    participation.learns_of_consent(&write, &Written::Done, at(200));
    let now = participation.consent().unwrap().email.unwrap().progress;
    assert_eq!(now, ConsentProgress::Withdrawn { at: at(10) });
}

#[test]
fn a_consent_of_somebody_who_was_rejected_is_not_written() {
    let rejected = Outcome::Rejected { reason: "no".into() };
    let world = ConsentWorld::new(&[], false).ended(rejected);
    assert_eq!(
        world.decides(&Facts::default(), 2),
        Step::Consent(Channel::Email, ConsentProgress::NotWritten)
    );
}

#[test]
fn a_consent_waits_for_what_a_failed_write_of_its_own_is_tried_again_at() {
    let withdrawn = ConsentProgress::Withdrawing { at: at(-500) };
    let world = ConsentWorld::new(&[], false).at(withdrawn).ended(Outcome::Enrolled);
    let facts = Facts { apart_retry_at: Some(at(7)), ..shows(None) };
    let waits = world.decides(&facts, 0);
    let Step::Defer { until, .. } = waits else { panic!("{waits:?}") };
    assert_eq!(until, at(7));
}

/// A consent that Braze accepted at 10, and whose profile was gone when it was read back.
fn lost(groups: &[&str]) -> ConsentWorld {
    let written = ConsentProgress::Written { at: at(10) };
    let mut world = ConsentWorld::new(groups, false).at(written).ended(Outcome::Enrolled);
    let parts = Parts { consent: true, ..Parts::default() };
    let sent = SentParts { profile: alias(), braze_id: None, at: at(10), parts, missing_before: 0 };
    world.participation =
        changed(world.participation, |kept| kept.read_back = Some(ReadBack::Due(sent.clone())));
    let terms = Terms { brand: &world.brand, activation: &world.activation };
    let missing = read_back::missing(&world.participation, &sent, &terms, None, &[]);
    assert_eq!(missing, parts);
    world.participation.found_missing(missing, at(200));
    world
}

/// Takes every step that follows from these facts, and returns the last one.
fn goes_on(world: &mut ConsentWorld, facts: &Facts) -> Step {
    loop {
        let step = world.decides(facts, 200);
        world.applies(&step, 200);
        if !matches!(step, Step::Consent(..)) {
            return step;
        }
    }
}

#[test]
fn a_consent_that_was_read_back_where_it_was_written_is_not_missing() {
    let world = ConsentWorld::new(&[], false).at(ConsentProgress::Written { at: at(10) });
    let parts = Parts { consent: true, ..Parts::default() };
    let sent = SentParts { profile: alias(), braze_id: None, at: at(10), parts, missing_before: 0 };
    let terms = Terms { brand: &world.brand, activation: &world.activation };
    let missing = |state| {
        let found = FoundProfile { email_state: state, ..found() };
        read_back::missing(&world.participation, &sent, &terms, None, &[found]).consent
    };
    assert!(!missing(Some(EmailState::OptedIn)));
    assert!(missing(Some(EmailState::Unsubscribed)) && missing(None));
}

#[test]
fn a_consent_whose_profile_is_gone_is_looked_for_on_the_consumers_profile() {
    let mut world = lost(&[]);
    assert_eq!(goes_on(&mut world, &Facts::default()), Step::Ask(Question::FindProfile));
    assert_eq!(goes_on(&mut world, &shows(Some(EmailState::OptedIn))), Step::Rest);
    assert_eq!(world.progress(), ConsentProgress::Written { at: at(10) });
    assert_eq!(world.participation.read_back(), None);
}

#[test]
fn a_consent_that_no_profile_shows_is_reported_and_never_written_again() {
    for facts in [shows(Some(EmailState::Unsubscribed)), shows(None), nobody()] {
        let mut world = lost(&[]);
        assert_eq!(goes_on(&mut world, &facts), Step::Rest);
        assert_eq!(world.progress(), ConsentProgress::NotWritten);
        assert_eq!(world.participation.read_back(), None);
    }
}

#[test]
fn a_consent_to_groups_is_looked_for_in_each_of_them() {
    let mut world = lost(&["news"]);
    let mut facts = shows(Some(EmailState::OptedIn));
    let question = Question::ConsentGroups { channel: Channel::Email, groups: vec![group("news")] };
    assert_eq!(goes_on(&mut world, &facts), Step::Ask(question));
    facts.consent_groups = [(group("news"), GroupMembership::Unknown)].into();
    assert_eq!(goes_on(&mut world, &facts), Step::Rest);
    assert_eq!(world.progress(), ConsentProgress::NotWritten);
}

use super::*;
use crate::attributes::Attributes;
use crate::consent::{ChannelConsent, Consent, ConsentProgress};
use crate::decide::{ProfileEvent, Step};
use crate::participation::tests::{accepted, at, by_email, by_phone, ended};
use crate::participation::{Outcome, Participation, Shown, Way};
use crate::profile::{Alias, ProfileRef};

fn u1() -> ProfileRef {
    ProfileRef::ExternalId("u-1".into())
}

fn write(shows_reward: bool, event: bool) -> ProfileWrite {
    let event = event.then(|| ProfileEvent {
        name: "q_won".into(),
        time: at(5),
        scope: "spring".into(),
        properties: Attributes::default(),
    });
    ProfileWrite { shows_reward, event, ..ProfileWrite::of(u1(), Attributes::default()) }
}

fn all() -> Parts {
    Parts { flow: true, flow_event: true, reward: true, event: Some(at(5)), consent: false }
}

fn both_given_up(since: Timestamp) -> Unplaced {
    let given_up = Some(GivenUp { since, reported: false });
    Unplaced { reward: given_up, flow_event: given_up }
}

fn missing(parts: Parts, times: u32) -> Option<ReadBack> {
    Some(ReadBack::Missing { parts, times })
}

/// A participation that has ended and was written to `u-1` at 10.
fn sent(parts: Parts, missing_before: u32) -> Participation {
    let mut snapshot = ended(by_email(), Outcome::Enrolled).into_snapshot();
    snapshot.shown = Shown::ALL;
    let braze_id = None;
    snapshot.read_back =
        Some(ReadBack::Due(SentParts { profile: u1(), braze_id, at: at(10), parts, missing_before }));
    Participation::restore(snapshot).unwrap()
}

#[test]
fn a_reward_or_an_event_is_to_be_read_back_and_other_attributes_are_not() {
    let parts = |participation: Participation, write: &ProfileWrite| {
        let mut participation = participation;
        let is_read_back = participation.shows(write, Some("b-1"), at(10));
        assert_eq!(is_read_back, participation.sent().is_some());
        participation.sent().map(|sent| sent.parts)
    };
    let open = || accepted(by_email(), true);
    let flow = Parts { flow: true, ..Parts::default() };
    assert_eq!(parts(open(), &write(false, false)), None);
    assert_eq!(parts(open(), &write(true, false)), Some(Parts { reward: true, ..flow }));
    assert_eq!(parts(open(), &write(false, true)), Some(Parts { flow_event: true, ..flow }));
    let ended = || ended(by_email(), Outcome::Enrolled);
    let later = Parts { reward: true, event: Some(at(5)), ..Parts::default() };
    assert_eq!(parts(ended(), &write(true, true)), Some(later));
    assert_eq!(parts(accepted(by_phone(), true), &write(true, true)), None, "the flow verifies it");
    let by_address = ProfileRef::Email(crate::contact::Email::parse("ada@example.com").unwrap());
    let by_address = ProfileWrite { profile: by_address, ..write(true, true) };
    assert_eq!(parts(ended(), &by_address), None, "Braze chooses the profile each time");
}

#[test]
fn what_is_to_be_read_back_names_the_profile_and_the_moment() {
    let mut participation = ended(by_email(), Outcome::Enrolled);
    participation.shows(&write(true, false), Some("b-1"), at(10));
    let sent = participation.sent().unwrap();
    assert_eq!((&sent.profile, sent.at, sent.missing_before), (&u1(), at(10), 0));
}

#[test]
fn brazes_own_id_is_kept_only_for_an_alias_which_a_merge_may_move() {
    let kept = |profile: ProfileRef| {
        let mut participation = ended(by_email(), Outcome::Enrolled);
        participation.shows(&ProfileWrite { profile, ..write(true, false) }, Some("b-1"), at(10));
        participation.sent().unwrap().braze_id.clone()
    };
    let alias = Alias::new("email", "ada@example.com").unwrap();
    assert_eq!(kept(ProfileRef::Alias(alias)).as_deref(), Some("b-1"));
    assert_eq!(kept(u1()), None);
}

#[test]
fn two_writes_within_a_day_are_read_back_together() {
    let reward = |at_second| {
        let mut participation = accepted(by_email(), true);
        participation.shows(&write(false, true), None, at(0));
        let mut participation = {
            let mut kept = participation.into_snapshot();
            kept.state = State::Ended(Outcome::Enrolled);
            Participation::restore(kept).unwrap()
        };
        participation.shows(&write(true, false), None, at(at_second));
        participation.sent().unwrap().parts
    };
    let flow = Parts { flow: true, flow_event: true, ..Parts::default() };
    assert_eq!(reward(86_399), Parts { reward: true, ..flow });
    assert_eq!(reward(86_400), Parts { reward: true, ..Parts::default() });
}

#[test]
fn what_is_missing_is_due_at_once_and_its_events_count_as_attempted() {
    let mut participation = sent(all(), 0);
    participation.found_missing(all(), at(200));
    let attempted = |time| EventProgress::Attempted { at: at(10), time };
    let shown = participation.shown();
    assert_eq!((shown.attributes, shown.event), (false, attempted(at(5))));
    assert_eq!(shown.flow_event, Some(attempted(participation.accepted_at())));
    assert_eq!(participation.read_back().cloned(), missing(all(), 1));
    assert_eq!((participation.missing(), participation.due_at()), (Some(all()), Some(at(200))));
}

#[test]
fn only_the_missing_part_is_written_again() {
    let reward = Parts { reward: true, ..Parts::default() };
    let mut participation = sent(all(), 0);
    participation.found_missing(reward, at(200));
    assert_eq!(participation.shown(), Shown { attributes: false, ..Shown::ALL });
}

#[test]
fn what_was_written_again_is_read_back_again() {
    let mut participation = sent(all(), 0);
    participation.found_missing(all(), at(200));
    participation.shows(&write(true, true), None, at(210));
    let sent = participation.sent().unwrap().clone();
    assert_eq!((sent.parts.flow, sent.parts.flow_event, sent.missing_before), (true, true, 1));
    assert_eq!(
        participation.shown().flow_event,
        Some(EventProgress::Recorded),
        "the flow's event comes first"
    );
    participation.apply(
        &Step::Defer { shown: Shown { flow_event: None, ..participation.shown() }, until: at(211) },
        at(211),
    );
    participation.shows(&write(true, true), None, at(220));
    assert_eq!(
        (participation.sent().unwrap().parts, participation.sent().unwrap().missing_before),
        (all(), 1)
    );
}

#[test]
fn what_was_missing_three_times_is_given_up() {
    let mut participation = sent(all(), MOST_MISSING - 1);
    participation.found_missing(all(), at(200));
    assert_eq!((participation.unplaced(), participation.due_at()), (both_given_up(at(200)), Some(at(200))));
    assert_eq!(participation.shown(), Shown::ALL, "nothing is written again");
}

#[test]
fn what_was_given_up_is_reported_once() {
    let mut participation = sent(all(), MOST_MISSING - 1);
    assert!(participation.unplaced().is_empty());
    participation.found_missing(all(), at(200));
    assert_eq!(participation.unplaced().unreported(), both_given_up(at(200)));
    participation.reported();
    assert!(participation.unplaced().unreported().is_empty() && !participation.unplaced().is_empty());
}

#[test]
fn an_event_that_was_given_up_stays_so_though_a_later_reward_is_placed() {
    let flow = Parts { flow: true, flow_event: true, ..Parts::default() };
    let mut participation = sent(flow, MOST_MISSING - 1);
    participation.found_missing(flow, at(200));
    participation.shows(&write(true, false), None, at(300));
    let unplaced = participation.unplaced();
    assert_eq!((unplaced.reward, unplaced.flow_event.map(|event| event.since)), (None, Some(at(200))));
    assert_eq!(participation.sent().unwrap().parts, Parts { reward: true, ..Parts::default() });
}

#[test]
fn what_waits_to_be_read_back_is_missing_too_once_there_is_no_profile() {
    let flow = Parts { flow: true, flow_event: true, ..Parts::default() };
    let mut participation = sent(flow, 0);
    participation.apply(&Step::NoProfile { until: at(320) }, at(200));
    assert_eq!(participation.missing(), Some(Parts { reward: true, ..flow }));
    assert!(participation.shown().flow_event.is_some());
}

#[test]
fn a_consent_that_is_given_up_with_the_rest_counts_as_not_written() {
    let parts = Parts { consent: true, ..all() };
    let mut snapshot = sent(parts, MOST_MISSING - 1).into_snapshot();
    let consent = Consent {
        email: Some(ChannelConsent { given: true, progress: ConsentProgress::Written { at: at(10) } }),
        ..Consent::answered(true, at(5), None)
    };
    let Way::Email { consent: kept, .. } = &mut snapshot.way else { panic!("by e-mail") };
    *kept = Some(consent);
    let mut participation = Participation::restore(snapshot).unwrap();
    participation.found_missing(parts, at(200));
    let email = participation.consent().unwrap().email.unwrap();
    assert_eq!(email.progress, ConsentProgress::NotWritten);
}

#[test]
fn a_reward_that_comes_later_is_written_though_the_flows_event_was_given_up() {
    let flow = Parts { flow: true, flow_event: true, ..Parts::default() };
    let mut participation = sent(flow, MOST_MISSING - 1);
    let mut snapshot = participation.into_snapshot();
    snapshot.shown = Shown::default();
    participation = Participation::restore(snapshot).unwrap();
    participation.found_missing(flow, at(200));
    assert_eq!(participation.shown(), Shown::default());
}

#[test]
fn while_no_profile_carries_the_address_the_tries_are_counted() {
    let no_profile = |until| Step::NoProfile { until };
    let mut participation = sent(all(), 0);
    participation.found_missing(all(), at(200));
    participation.apply(&no_profile(at(320)), at(200));
    assert_eq!(participation.read_back().cloned(), missing(all(), 2));
    assert_eq!(participation.due_at(), Some(at(320)));
    participation.apply(&no_profile(at(440)), at(320));
    assert_eq!((participation.unplaced(), participation.due_at()), (both_given_up(at(320)), Some(at(320))));
    assert_eq!(participation.shown(), Shown::ALL, "nothing is written again");
}

#[test]
fn what_a_merge_moved_along_is_not_missing_any_more() {
    let mut participation = sent(all(), 0);
    participation.found_missing(all(), at(200));
    participation.apply(&Step::Rest, at(200));
    assert_eq!((participation.read_back(), participation.due_at()), (None, None));
}

#[test]
fn nothing_is_read_back_of_a_consumer_who_was_forgotten() {
    let mut participation = sent(all(), 0);
    participation.forget(Vec::new(), at(20));
    assert_eq!(participation.read_back(), None);
}

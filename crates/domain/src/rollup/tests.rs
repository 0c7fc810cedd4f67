use std::time::Duration;

use super::*;
use crate::award::tests::award;
use crate::contact::Email;
use crate::ids::{BrandId, ParticipationId};
use crate::incentive::Reward;
use crate::participation::step::Step;
use crate::participation::{Outcome, Snapshot, Way};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn accepted(has_award: bool) -> Participation {
    let way = Way::Email { email: Email::parse("ada@example.com").unwrap(), consent: None };
    let owner = (BrandId::parse("acme").unwrap(), Scope::parse("spring").unwrap());
    let id = ParticipationId::from_bytes([1; 16]);
    Participation::restore(Snapshot::accepted(id, owner, way, (at(0), at(1_000)), has_award)).unwrap()
}

fn enrolled(has_award: bool) -> Participation {
    let mut participation = accepted(has_award);
    participation.apply(&Step::Done(Outcome::Enrolled), at(3));
    participation
}

/// The names of the totals with their figures.
fn totals(rollup: &Rollup) -> Vec<(&str, u64)> {
    let totals = rollup.iter().filter(|(key, _)| key.minute.is_none());
    totals.map(|(key, count)| (key.name.as_str(), count)).filter(|(name, _)| !name.contains(" in ")).collect()
}

#[test]
fn a_milestone_is_counted_once() {
    let mut participation = enrolled(false);
    let first = participation.rollup(None, at(4));
    assert_eq!(totals(&first), [("accepted", 1), ("credited", 1), ("ended enrolled", 1), ("on_profile", 1)]);
    assert!(participation.rollup(None, at(5)).is_empty());
}

#[test]
fn a_participation_of_an_earlier_version_counts_as_it_was_read() {
    let earlier = Snapshot { counted: None, ..accepted(false).into_snapshot() };
    let mut participation = Participation::restore(earlier).unwrap();
    participation.counts_from_here(None, at(1));
    participation.apply(&Step::Done(Outcome::Enrolled), at(3));
    assert_eq!(
        totals(&participation.rollup(None, at(4))),
        [("credited", 1), ("ended enrolled", 1), ("on_profile", 1)]
    );
}

#[test]
fn the_credit_of_a_line_is_counted_when_the_ledger_gave_it() {
    let mut participation = enrolled(true);
    let waiting = award(AwardStatus::Waiting, 1);
    assert_eq!(
        totals(&participation.rollup(Some(&waiting), at(4))),
        [("accepted", 1), ("ended enrolled", 1)]
    );
    let reward = Reward::Code("A".into());
    let rewarded = AwardStatus::Rewarded { place: Some(1), reward };
    let credited = Award { credited_at: Some(at(4)), ..award(rewarded, 1) };
    assert_eq!(
        totals(&participation.rollup(Some(&credited), at(5))),
        [("credited", 1), ("on_profile", 1), ("rewarded", 1)]
    );
}

#[test]
fn the_reason_for_no_prize_is_counted() {
    let mut participation = enrolled(true);
    let late = Award { credited_at: Some(at(4)), ..award(AwardStatus::NoPrize(NoPrize::TooSlow), 1) };
    assert!(totals(&participation.rollup(Some(&late), at(5))).contains(&("without too_slow", 1)));
}

#[test]
fn what_is_not_on_the_profile_yet_is_not_counted_as_on_the_profile() {
    let mut participation = enrolled(false);
    participation.put_off(at(60), at(3));
    assert!(!totals(&participation.rollup(None, at(4))).iter().any(|(name, _)| *name == "on_profile"));
}

#[test]
fn credits_are_counted_by_their_minute_and_by_how_long_they_took() {
    let mut participation = enrolled(false);
    let rollup = participation.rollup(None, at(90));
    let credited: Vec<_> = rollup.iter().filter(|(key, _)| key.name.starts_with("credited")).collect();
    let minutes: Vec<_> = credited.iter().filter_map(|(key, count)| Some((key.minute?, *count))).collect();
    assert_eq!(minutes, [(minute(at(3)), 1)]);
    let took = credited.iter().filter_map(|(key, _)| Latency::named(&key.name, "credited")).next();
    assert_eq!(took, Some(Latency::of(Duration::from_secs(3))));
}

#[test]
fn a_participation_that_was_open_when_its_consumer_is_forgotten_is_counted_once_as_forgotten() {
    let mut participation = accepted(false);
    let _accepted = participation.rollup(None, at(1));
    assert_eq!(totals(&participation.erasure_rollup(at(2))), [("uncredited forgotten", 1)]);
    participation.forget(Vec::new(), at(2));
    assert!(participation.rollup(None, at(3)).is_empty());
    assert!(participation.erasure_rollup(at(3)).is_empty());
}

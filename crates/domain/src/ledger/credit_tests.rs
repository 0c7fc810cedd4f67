//! How participations are entered in a ledger, credited and released.

use super::plain::*;
use super::*;
use crate::award::{Refusal, Resolution};
use crate::callback::CallbackKind;
use crate::incentive::{NoPrize, Offer, Prize, Reward};

const CREDIT: Resolution = Resolution::Credit;

fn kinds(ledger: &PlainLedger) -> Vec<(ParticipationId, CallbackKind)> {
    ledger.callbacks.iter().map(|callback| (callback.id.participation, callback.id.kind)).collect()
}

#[test]
fn places_are_kept_in_the_order_of_acceptance_and_then_people_wait() {
    let (mut ledger, rules) = (PlainLedger::default(), first(2));
    let statuses = [1, 2, 3].map(|number| ledger.accept(&rules, number, Offer::ByPlace));
    assert_eq!(statuses, [reserved(1), reserved(2), AwardStatus::Waiting]);
    let arrivals = [1, 2, 3].map(|number| ledger.awards[&id(number)].arrival_number());
    assert_eq!(arrivals, [1, 2, 3]);
    let expected = Counts { arrivals: 3, places: 2, held: 2, waiting: 1, ..Counts::default() };
    assert_eq!(ledger.counts, expected);
}

#[test]
fn without_an_incentive_nothing_is_counted_and_there_is_no_prize() {
    let mut ledger = PlainLedger::default();
    assert_eq!(ledger.accept(&no_rules(), 1, Offer::ByPlace), no_prize(NoPrize::NoIncentive));
    assert_eq!((ledger.times_counts_were_kept, &ledger.counts), (0, &Counts::default()));
    assert!(!ledger.awards[&id(1)].is_entered());
}

#[test]
fn an_offer_of_nothing_takes_no_place_and_a_lot_waits_for_the_draw() {
    let (mut ledger, rules) = (PlainLedger::default(), first(2));
    assert_eq!(ledger.accept(&rules, 1, Offer::Nothing(NoPrize::TooSlow)), no_prize(NoPrize::TooSlow));
    assert_eq!(ledger.accept(&rules, 2, Offer::Lot), AwardStatus::InRaffle);
    assert_eq!(ledger.accept(&rules, 3, Offer::Prize(fixed())), reserved(1));
    let expected =
        Counts { arrivals: 3, places: 1, held: 1, entered: 1, open_lots: Some(1), ..Counts::default() };
    assert_eq!(ledger.counts, expected);
}

#[test]
fn a_participant_with_a_place_waits_and_one_with_a_reward_has_it_already() {
    let (mut ledger, rules) = (PlainLedger::default(), first(5));
    ledger.accept(&rules, 1, Offer::ByPlace);
    assert_eq!(ledger.accept_again(&rules, (2, 1), Offer::ByPlace), AwardStatus::Waiting);
    ledger.credit(&rules, 1);
    assert_eq!(ledger.accept_again(&rules, (3, 1), Offer::ByPlace), no_prize(NoPrize::Already));
    assert_eq!(ledger.status(2), no_prize(NoPrize::Already), "the one that waited waits no more");
    assert_eq!((ledger.counts.waiting, ledger.counts.given), (0, 1));
}

#[test]
fn a_line_knows_when_it_got_its_reward_which_may_be_long_after_the_credit() {
    let (mut ledger, rules) = (PlainLedger::default(), first(1));
    ledger.accept(&rules, 1, Offer::ByPlace);
    ledger.accept(&rules, 2, Offer::ByPlace);
    ledger.resolve(&rules, &[(2, CREDIT)], 7);
    assert_eq!(ledger.awards[&id(2)].rewarded_at, None);
    ledger.resolve(&rules, &[(1, Resolution::Release)], 9);
    let moved_up = &ledger.awards[&id(2)];
    assert_eq!((moved_up.credited_at, moved_up.rewarded_at), (Some(at(7)), Some(at(9))));
    assert_eq!(ledger.awards[&id(1)].rewarded_at, None);
}

#[test]
fn a_place_is_rewarded_with_the_credit_and_quikly_is_told() {
    let (mut ledger, rules) = (PlainLedger::default(), first(2));
    ledger.accept(&rules, 1, Offer::ByPlace);
    let resolved = ledger.resolve(&rules, &[(1, CREDIT)], 7);
    assert_eq!(ledger.status(1), rewarded(1));
    assert_eq!(resolved.awards, [ledger.awards[&id(1)].clone()]);
    assert_eq!((resolved.awards[0].credited_at, &resolved.callbacks), (Some(at(7)), &ledger.callbacks));
    assert_eq!(resolved.moved_up, []);
    let expected = Counts { arrivals: 1, places: 1, given: 1, ..Counts::default() };
    assert_eq!(ledger.counts, expected);
    let told = &ledger.callbacks[0];
    assert_eq!((&told.status, told.refusal, told.at), (&rewarded(1), None, at(7)));
    assert_eq!(kinds(&ledger), [(id(1), CallbackKind::Credited)]);
}

#[test]
fn a_brand_without_a_callback_address_tells_nobody() {
    let mut ledger = PlainLedger::default();
    let rules = Rules { call_back: false, ..first(2) };
    ledger.accept(&rules, 1, Offer::ByPlace);
    assert_eq!(ledger.resolve(&rules, &[(1, CREDIT)], 7).callbacks, []);
    assert_eq!((ledger.status(1), ledger.callbacks.len()), (rewarded(1), 0));
}

#[test]
fn nothing_is_credited_or_released_twice() {
    let (mut ledger, rules) = (PlainLedger::default(), first(5));
    ledger.accept(&rules, 1, Offer::ByPlace);
    ledger.accept(&rules, 2, Offer::ByPlace);
    for second in 0..3 {
        ledger.resolve(&rules, &[(1, CREDIT), (2, Resolution::Release)], second);
        ledger.resolve(&rules, &[(2, CREDIT), (1, Resolution::Release)], second);
    }
    assert_eq!((ledger.status(1), ledger.status(2)), (rewarded(1), AwardStatus::Released));
    assert_eq!(ledger.awards[&id(1)].credited_at, Some(at(0)));
    assert_eq!(kinds(&ledger), [(id(1), CallbackKind::Credited), (id(2), CallbackKind::Ended)]);
}

#[test]
fn a_participation_without_a_line_is_passed_over() {
    let (mut ledger, rules) = (PlainLedger::default(), first(5));
    ledger.accept(&rules, 1, Offer::ByPlace);
    let resolved = ledger.resolve(&rules, &[(9, CREDIT), (1, CREDIT)], 1);
    assert_eq!(resolved.awards.iter().map(|award| award.id).collect::<Vec<_>>(), [id(1)]);
}

#[test]
fn a_released_place_goes_to_the_first_who_waits() {
    let (mut ledger, rules) = (PlainLedger::default(), first(1));
    for number in [1, 2, 3] {
        ledger.accept(&rules, number, Offer::ByPlace);
    }
    let resolved = ledger.release(&rules, 1);
    assert_eq!(
        [1, 2, 3].map(|number| ledger.status(number)),
        [AwardStatus::Released, reserved(1), AwardStatus::Waiting]
    );
    assert_eq!(resolved.moved_up, [], "it is not credited yet");
    let expected = Counts { arrivals: 3, places: 1, held: 1, waiting: 1, ..Counts::default() };
    assert_eq!(ledger.counts, expected);
}

#[test]
fn one_who_was_credited_while_waiting_is_rewarded_with_the_released_place() {
    let (mut ledger, rules) = (PlainLedger::default(), first(1));
    for number in [1, 2] {
        ledger.accept(&rules, number, Offer::ByPlace);
    }
    assert_eq!(ledger.credit(&rules, 2), AwardStatus::Waiting);
    let resolved = ledger.release(&rules, 1);
    assert_eq!((ledger.status(2), resolved.moved_up), (rewarded(1), vec![id(2)]));
    assert_eq!(ledger.awards[&id(2)].due_at, Some(at(2)), "its participation shows the reward now");
    let told =
        [(id(2), CallbackKind::Credited), (id(2), CallbackKind::Rewarded), (id(1), CallbackKind::Ended)];
    assert_eq!(kinds(&ledger), told);
}

#[test]
fn what_had_no_place_is_released_without_moving_anybody_up() {
    let (mut ledger, rules) = (PlainLedger::default(), first(1));
    for number in [1, 2, 3] {
        ledger.accept(&rules, number, Offer::ByPlace);
    }
    ledger.release(&rules, 2);
    assert_eq!((ledger.status(2), ledger.status(3)), (AwardStatus::Released, AwardStatus::Waiting));
    assert_eq!((ledger.counts.held, ledger.counts.waiting), (1, 1));
}

#[test]
fn a_refusal_is_told_with_its_reason_and_a_release_without() {
    let (mut ledger, rules) = (PlainLedger::default(), first(2));
    ledger.accept(&rules, 1, Offer::ByPlace);
    ledger.accept(&rules, 2, Offer::ByPlace);
    let refuse = Resolution::Refuse(Refusal::PhoneMismatch);
    ledger.resolve(&rules, &[(1, refuse), (2, Resolution::Release)], 1);
    assert_eq!(kinds(&ledger), [(id(1), CallbackKind::Ended), (id(2), CallbackKind::Ended)]);
    let refusals: Vec<_> = ledger.callbacks.iter().map(|told| told.refusal).collect();
    assert_eq!(refusals, [Some(Refusal::PhoneMismatch), None]);
}

#[test]
fn the_consolation_is_for_whoever_is_credited_without_a_prize() {
    let consoled = Incentive { consolation: Some(code("SORRY5")), ..incentive(Kind::First(fixed()), 1) };
    let (mut ledger, rules) = (PlainLedger::default(), rules(consoled));
    ledger.accept(&rules, 9, Offer::ByPlace);
    let consolation = AwardStatus::Rewarded { place: None, reward: code("SORRY5") };
    let offers = [NoPrize::NotOpen, NoPrize::Closed, NoPrize::TooSlow, NoPrize::NotDrawn].map(Offer::Nothing);
    for (number, offer) in (1..).zip(offers.into_iter().chain([Offer::ByPlace])) {
        ledger.accept(&rules, number, offer.clone());
        assert_eq!(ledger.credit(&rules, number), consolation, "{offer:?}");
    }
    for (number, why) in [(7, NoPrize::NoIncentive), (8, NoPrize::Already)] {
        ledger.accept(&rules, number, Offer::Nothing(why));
        assert_eq!(ledger.credit(&rules, number), no_prize(why));
    }
    assert_eq!((ledger.counts.given, ledger.counts.waiting), (0, 0), "a consolation takes no place");
}

#[test]
fn a_line_that_was_never_entered_is_credited_without_a_prize() {
    let (mut ledger, rules) = (PlainLedger::default(), first(1));
    let Ok(()) = ledger.keep(&line(1, 1, Offer::ByPlace));
    assert_eq!(ledger.credit(&rules, 1), no_prize(NoPrize::NoIncentive));
}

#[test]
fn each_gets_a_code_of_its_own_and_without_one_the_place_is_kept() {
    let (mut ledger, rules) = (PlainLedger::default(), first_by_codes(3));
    ledger.codes = vec!["\u{feff}A-1"];
    for number in [1, 2] {
        ledger.accept(&rules, number, Offer::ByPlace);
    }
    let resolved = ledger.resolve(&rules, &[(1, CREDIT), (2, CREDIT)], 1);
    let reward = code("A-1");
    assert_eq!(ledger.status(1), AwardStatus::Rewarded { place: Some(1), reward }, "without the file's mark");
    assert_eq!(ledger.status(2), reserved(2));
    assert_eq!((resolved.low, resolved.owed), (vec![("codes.txt".into(), 0)], vec!["codes.txt".into()]));
    ledger.codes.push("B-2");
    let Ok(refilled) = refill(&mut ledger, &rules, at(5));
    let reward = code("B-2");
    assert_eq!(ledger.status(2), AwardStatus::Rewarded { place: Some(2), reward });
    assert_eq!(refilled.moved_up, [id(2)]);
    assert_eq!((ledger.counts.held, ledger.counts.given), (0, 2));
}

#[test]
fn a_pool_is_reported_when_it_comes_to_a_tenth_and_when_it_is_empty() {
    let (mut ledger, rules) = (PlainLedger::default(), first_by_codes(20));
    ledger.codes = vec!["C"; 20];
    let mut low = Vec::new();
    for number in 1..=20 {
        ledger.accept(&rules, number, Offer::ByPlace);
        low.extend(ledger.resolve(&rules, &[(number, CREDIT)], 1).low);
    }
    assert_eq!(low, [("codes.txt".to_owned(), 2), ("codes.txt".to_owned(), 0)]);
}

#[test]
fn a_quantity_that_was_raised_reaches_those_who_wait() {
    let (mut ledger, few) = (PlainLedger::default(), first(1));
    for number in [1, 2, 3, 4] {
        ledger.accept(&few, number, Offer::ByPlace);
    }
    ledger.credit(&few, 3);
    let Ok(refilled) = refill(&mut ledger, &first(3), at(5));
    let statuses = [1, 2, 3, 4].map(|number| ledger.status(number));
    assert_eq!(statuses, [reserved(1), reserved(2), rewarded(3), AwardStatus::Waiting]);
    assert_eq!((refilled.moved_up, ledger.counts.places), (vec![id(3)], 3));
}

#[test]
fn a_prize_that_was_settled_at_acceptance_does_not_depend_on_the_place() {
    let (mut ledger, rules) = (PlainLedger::default(), first(2));
    let value = Reward::Value("12.5".parse().unwrap());
    ledger.accept(&rules, 1, Offer::Prize(Prize::Fixed(value.clone())));
    assert_eq!(ledger.credit(&rules, 1), AwardStatus::Rewarded { place: Some(1), reward: value });
}

#[test]
fn a_ledger_whose_incentive_is_gone_keeps_its_counts_unless_they_change() {
    let (mut ledger, rules) = (PlainLedger::default(), first(2));
    ledger.accept(&rules, 1, Offer::ByPlace);
    let (gone, kept) = (no_rules(), ledger.times_counts_were_kept);
    assert_eq!(
        ledger.credit(&gone, 1),
        reserved(1),
        "the place is kept: somebody may bring the incentive back"
    );
    assert_eq!(ledger.times_counts_were_kept, kept);
    ledger.accept(&rules, 2, Offer::ByPlace);
    ledger.release(&gone, 2);
    assert_eq!(ledger.counts.held, 1);
}

//! How a raffle is drawn, once.

use std::time::Duration;

use super::plain::*;
use super::*;
use crate::award::Resolution;
use crate::callback::CallbackKind;
use crate::incentive::raffle::{Seed, Ticket, winners};
use crate::incentive::{NoPrize, Offer, Prize};

fn seed() -> Seed {
    Seed::new([5; 32])
}

/// Its draw waits for at most an hour.
fn raffle_of(prize: Prize) -> Kind {
    Kind::Raffle { prize, draw_after: Duration::from_secs(3_600) }
}

fn raffle(quantity: u32) -> Rules {
    let rules = rules(incentive(raffle_of(fixed()), quantity));
    Rules { commitment: Some(seed().commitment()), ..rules }
}

/// A ledger with the lots of so many participants, all of them credited.
fn with_lots(rules: &Rules, count: u8) -> PlainLedger {
    let mut ledger = PlainLedger::default();
    for number in 1..=count {
        ledger.accept(rules, number, Offer::Lot);
        assert_eq!(ledger.credit(rules, number), AwardStatus::InRaffle);
    }
    ledger
}

/// The statuses of those who win by the seed, best first.
fn statuses_of_winners(ledger: &PlainLedger, rules: &Rules) -> Vec<AwardStatus> {
    let entrants: Vec<_> = ledger.awards.values().map(Award::entrant).collect();
    let winners = winners(&seed(), &entrants, rules.incentive.as_ref().unwrap().quantity);
    winners.into_iter().map(|id| ledger.awards[&id].status.clone()).collect()
}

#[test]
fn the_winners_are_rewarded_and_told_and_the_result_is_frozen() {
    let rules = raffle(2);
    let mut ledger = with_lots(&rules, 5);
    ledger.callbacks.clear();
    let Ok(Some(resolved)) = draw(&mut ledger, &rules, &seed(), at(3_700)) else { panic!("not drawn") };
    assert_eq!(statuses_of_winners(&ledger, &rules), [rewarded(1), rewarded(2)]);
    assert_eq!(resolved.moved_up.len(), 2);
    assert!(ledger.callbacks.iter().all(|told| told.id.kind == CallbackKind::Rewarded));
    let frozen = Frozen { lots: 5, winners: 2 };
    let counts = &ledger.counts;
    assert_eq!((counts.places, counts.given, counts.entered, counts.held), (2, 2, 3, 0));
    assert_eq!((counts.drawn_at, counts.frozen), (Some(at(3_700)), Some(frozen)));
    let drawing = ledger.drawing.as_ref().unwrap();
    let won: Vec<Ticket> = resolved.moved_up.iter().copied().map(Ticket::of).collect();
    assert_eq!(drawing.list(DrawnList::Winners), won);
    assert_eq!(drawing.list(DrawnList::Tickets).len(), 5);
    assert_eq!((frozen.length(DrawnList::Tickets), frozen.length(DrawnList::Winners)), (5, 2));
}

#[test]
fn a_raffle_is_drawn_once_and_only_by_the_seed_that_was_committed_to() {
    let rules = raffle(2);
    let mut ledger = with_lots(&rules, 5);
    assert_eq!(ledger.counts.commitment, Some(seed().commitment()));
    assert_eq!(draw(&mut ledger, &rules, &Seed::new([6; 32]), at(3_700)), Ok(None));
    assert!(matches!(draw(&mut ledger, &rules, &seed(), at(3_700)), Ok(Some(_))));
    assert_eq!(draw(&mut ledger, &rules, &seed(), at(3_800)), Ok(None));
    assert_eq!(ledger.counts.drawn_at, Some(at(3_700)));
}

#[test]
fn the_first_commitment_counts_whatever_the_rules_say_later() {
    let mut ledger = with_lots(&raffle(2), 1);
    let other = Rules { commitment: Some(Seed::new([6; 32]).commitment()), ..raffle(2) };
    ledger.accept(&other, 2, Offer::Lot);
    assert_eq!(ledger.counts.commitment, Some(seed().commitment()));
}

#[test]
fn whoever_is_credited_late_or_after_the_draw_has_no_lot() {
    let rules = raffle(2);
    let mut ledger = with_lots(&rules, 1);
    for number in [2, 3, 4] {
        ledger.accept(&rules, number, Offer::Lot);
    }
    let until = 3_600 + 3_600;
    ledger.resolve(&rules, &[(2, Resolution::Credit)], until);
    ledger.resolve(&rules, &[(3, Resolution::Credit)], until + 1);
    assert_eq!((ledger.status(2), ledger.status(3)), (AwardStatus::InRaffle, no_prize(NoPrize::Closed)));
    let Ok(Some(_)) = draw(&mut ledger, &rules, &seed(), at(until + 15)) else { panic!("not drawn") };
    ledger.resolve(&rules, &[(4, Resolution::Credit)], until - 1);
    assert_eq!(ledger.status(4), no_prize(NoPrize::Closed));
}

#[test]
fn a_draw_waits_for_everyone_who_was_accepted_before_the_close_until_they_have_ended() {
    let rules = raffle(2);
    let mut ledger = with_lots(&rules, 2);
    for number in [3, 4] {
        ledger.accept(&rules, number, Offer::Lot);
    }
    assert_eq!((ledger.counts.entered, ledger.counts.open_lots), (4, Some(2)));
    assert_eq!(draw(&mut ledger, &rules, &seed(), at(3_700)), Ok(None), "two are not credited yet");
    ledger.resolve(&rules, &[(3, Resolution::Credit)], 3_814);
    assert_eq!(draw(&mut ledger, &rules, &seed(), at(3_900)), Ok(None), "one is not credited yet");
    ledger.release(&rules, 4);
    assert_eq!((ledger.counts.entered, ledger.counts.open_lots), (3, Some(0)));
    assert!(matches!(draw(&mut ledger, &rules, &seed(), at(3_900)), Ok(Some(_))));
    assert_eq!(ledger.counts.frozen, Some(Frozen { lots: 3, winners: 2 }));
}

#[test]
fn a_draw_waits_no_longer_than_the_brand_says() {
    let rules = raffle(2);
    let mut ledger = with_lots(&rules, 2);
    ledger.accept(&rules, 3, Offer::Lot);
    assert_eq!(draw(&mut ledger, &rules, &seed(), at(3_600 + 3_614)), Ok(None));
    assert!(matches!(draw(&mut ledger, &rules, &seed(), at(3_600 + 3_615)), Ok(Some(_))));
    assert_eq!(ledger.counts.frozen, Some(Frozen { lots: 2, winners: 2 }));
}

#[test]
fn once_a_draw_has_begun_nobody_else_gets_a_lot_and_it_waits_for_nobody() {
    let rules = raffle(2);
    let mut ledger = with_lots(&rules, 2);
    ledger.counts.lots_closed = true;
    ledger.accept(&rules, 3, Offer::Lot);
    ledger.accept(&rules, 4, Offer::Lot);
    assert_eq!(ledger.credit(&rules, 4), no_prize(NoPrize::Closed));
    assert!(matches!(draw(&mut ledger, &rules, &seed(), at(3_700)), Ok(Some(_))));
}

#[test]
fn how_many_lots_of_an_earlier_version_are_open_is_found_at_the_draw() {
    let rules = raffle(2);
    let mut ledger = with_lots(&rules, 2);
    ledger.accept(&rules, 3, Offer::Lot);
    ledger.counts.open_lots = None;
    ledger.accept(&rules, 4, Offer::Lot);
    ledger.release(&rules, 4);
    assert_eq!(ledger.counts.open_lots, None);
    assert_eq!(draw(&mut ledger, &rules, &seed(), at(3_700)), Ok(None));
    ledger.release(&rules, 3);
    assert!(matches!(draw(&mut ledger, &rules, &seed(), at(3_700)), Ok(Some(_))));
}

#[test]
fn a_draw_that_was_cut_off_comes_to_the_same_when_it_is_made_again() {
    let rules = raffle(3);
    let mut whole = with_lots(&rules, 6);
    let Ok(Some(drawn)) = draw(&mut whole, &rules, &seed(), at(3_700)) else { panic!("not drawn") };
    let mut cut_off = with_lots(&rules, 6);
    // The first winner was rewarded in a transaction before the one that keeps the counters.
    let first = drawn.moved_up[0];
    let Ok(()) = cut_off.keep(&whole.awards[&first].clone());
    let Ok(Some(again)) = draw(&mut cut_off, &rules, &seed(), at(3_700)) else { panic!("not drawn") };
    assert_eq!(again.moved_up, drawn.moved_up);
    assert_eq!(
        (cut_off.awards, cut_off.counts, cut_off.drawing),
        (whole.awards, whole.counts, whole.drawing)
    );
}

#[test]
fn a_winner_without_a_code_is_owed_one() {
    let pool = Pool::of_file("codes.txt").unwrap();
    let rules = rules(incentive(raffle_of(Prize::Codes(pool)), 2));
    let mut ledger = with_lots(&rules, 3);
    ledger.codes = vec!["A-1"];
    let Ok(Some(resolved)) = draw(&mut ledger, &rules, &seed(), at(3_700)) else { panic!("not drawn") };
    let first = AwardStatus::Rewarded { place: Some(1), reward: code("A-1") };
    assert_eq!(statuses_of_winners(&ledger, &rules), [first, reserved(2)]);
    assert_eq!((resolved.moved_up.len(), resolved.owed), (1, vec!["codes.txt".to_owned()]));
}

#[test]
fn without_an_incentive_there_is_nothing_to_draw() {
    let mut ledger = with_lots(&raffle(2), 2);
    assert_eq!(draw(&mut ledger, &no_rules(), &seed(), at(3_700)), Ok(None));
}

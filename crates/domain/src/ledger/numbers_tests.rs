//! Lines that are entered in any order, each under the number that was drawn when its participation was accepted.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use proptest::prelude::*;

use super::numbers::{draws_number, numbered_up_to, standing_of, waiting_at_least};
use super::plain::*;
use super::*;
use crate::award::Resolution;
use crate::incentive::{NoPrize, Odds, Offer, Quantity};

impl PlainLedger {
    /// Stores a participation's line under a number that was drawn for it.
    fn store(&mut self, number: u8) {
        self.store_for(number, number);
    }

    /// Does the same for a participant who may have other lines.
    fn store_for(&mut self, number: u8, participant: u8) {
        let line = line(number, participant, Offer::ByPlace);
        let award = Award { number: NonZeroU64::new(number.into()), ..line };
        self.awards.insert(award.id, award);
        let drawn = &mut self.numbers.as_mut().unwrap().drawn;
        *drawn = (*drawn).max(number.into());
    }

    /// Enters lines in this order.
    fn enter(&mut self, rules: &Rules, numbers: &[u8]) -> Resolved {
        let ids: Vec<ParticipationId> = numbers.iter().map(|number| id(*number)).collect();
        let Ok(resolved) = enter(self, rules, &ids, at(1));
        resolved
    }

    fn reclaim(&mut self, rules: &Rules, numbers: std::ops::RangeInclusive<u64>) {
        let Ok(_) = reclaim(self, rules, numbers, at(3));
    }
}

/// A ledger with this many lines that are stored.
fn stored(quantity: u32, lines: u8) -> (PlainLedger, Rules) {
    let mut ledger = PlainLedger::numbered();
    (1..=lines).for_each(|number| ledger.store(number));
    (ledger, first(quantity))
}

#[test]
fn a_number_up_to_the_quantity_is_the_place_in_whatever_order_lines_are_entered() {
    let (mut ledger, rules) = stored(2, 4);
    ledger.enter(&rules, &[4, 2]);
    ledger.enter(&rules, &[1]);
    ledger.enter(&rules, &[3, 3, 1]);
    let statuses = [1, 2, 3, 4].map(|number| ledger.status(number));
    assert_eq!(statuses, [reserved(1), reserved(2), AwardStatus::Waiting, AwardStatus::Waiting]);
    let arrivals = [1, 2, 3, 4].map(|number| ledger.awards[&id(number)].arrival_number());
    assert_eq!(arrivals, [1, 2, 3, 4]);
    assert_eq!((ledger.counts.arrivals, ledger.counts.held, ledger.counts.waiting), (4, 2, 2));
}

#[test]
fn a_released_place_is_kept_for_the_first_who_waits_even_if_that_line_is_entered_later() {
    let (mut ledger, rules) = stored(1, 3);
    ledger.enter(&rules, &[1, 3]);
    ledger.release(&rules, 1);
    assert_eq!(ledger.status(3), AwardStatus::Waiting, "the second one may wait, too");
    ledger.enter(&rules, &[2]);
    assert_eq!((ledger.status(2), ledger.status(3)), (reserved(1), AwardStatus::Waiting));
}

#[test]
fn a_reclaimed_number_is_not_used_again_and_its_place_goes_to_the_first_who_waits() {
    let (mut ledger, rules) = stored(2, 4);
    ledger.enter(&rules, &[1, 3, 4]);
    ledger.reclaim(&rules, 1..=4);
    assert_eq!((ledger.status(3), ledger.status(4)), (reserved(2), AwardStatus::Waiting));
    ledger.enter(&rules, &[2]);
    assert_eq!(ledger.status(2), AwardStatus::Waiting, "it came too late for its own place");
    ledger.release(&rules, 1);
    assert_eq!((ledger.status(2), ledger.status(4)), (reserved(1), AwardStatus::Waiting));
}

#[test]
fn a_place_whose_participant_has_another_goes_to_the_first_who_waits() {
    let mut ledger = PlainLedger::numbered();
    let rules = first(2);
    for (number, who) in [(1, 1), (2, 1), (3, 3)] {
        ledger.store_for(number, who);
    }
    ledger.enter(&rules, &[1, 2]);
    assert_eq!(ledger.status(2), AwardStatus::Waiting);
    ledger.enter(&rules, &[3]);
    assert_eq!(ledger.status(3), reserved(2));
    ledger.credit(&rules, 1);
    assert_eq!(ledger.status(2), no_prize(NoPrize::Already));
}

#[test]
fn a_line_without_a_number_draws_one_when_it_is_entered() {
    let (mut ledger, rules) = stored(5, 2);
    let late = line(9, 9, Offer::ByPlace);
    ledger.awards.insert(late.id, late);
    ledger.enter(&rules, &[9, 1, 2]);
    assert_eq!(ledger.status(9), reserved(3), "behind those that had drawn theirs");
}

#[test]
fn a_ledger_whose_first_participation_takes_no_place_is_numbered_all_the_same() {
    let (mut ledger, rules) = stored(1, 2);
    let late = line(9, 9, Offer::Nothing(NoPrize::TooSlow));
    ledger.awards.insert(late.id, late);
    ledger.enter(&rules, &[9, 2]);
    ledger.enter(&rules, &[1]);
    assert_eq!(
        [1, 2, 9].map(|number| ledger.status(number)),
        [reserved(1), AwardStatus::Waiting, no_prize(NoPrize::TooSlow)]
    );
}

#[test]
fn a_ledger_with_lines_that_have_no_number_has_none_to_its_end() {
    let (mut ledger, rules) = (PlainLedger::default(), first(3));
    ledger.accept(&rules, 200, Offer::ByPlace);
    ledger.numbers = Some(PlainNumbers::default());
    ledger.store(1);
    ledger.enter(&rules, &[1]);
    assert_eq!((ledger.status(1), ledger.counts.numbers), (reserved(2), None));
    assert_eq!(ledger.awards[&id(1)].arrival_number(), 2);
}

#[test]
fn a_larger_quantity_gives_every_place_once() {
    let (mut ledger, rules) = stored(1, 5);
    ledger.enter(&rules, &[1, 2, 3, 4]);
    ledger.enter(&first(3), &[5]);
    let statuses = [2, 3, 4, 5].map(|number| ledger.status(number));
    assert_eq!(statuses, [reserved(2), reserved(3), AwardStatus::Waiting, AwardStatus::Waiting]);
    ledger.store(6);
    ledger.enter(&first(1), &[6]);
    let Ok(_) = refill(&mut ledger, &first(6), at(9));
    let statuses = [4, 5, 6].map(|number| ledger.status(number));
    assert_eq!(statuses, [reserved(4), reserved(5), reserved(6)]);
}

#[test]
fn a_number_says_the_place_or_the_place_in_line() {
    let two = Quantity::Limited(2.try_into().unwrap());
    let standings = [1, 2, 3, 9].map(|number| standing_of(number, two));
    let expected = [Standing::Place(1), Standing::Place(2), Standing::Waiting(1), Standing::Waiting(7)];
    assert_eq!(standings, expected);
    assert_eq!(standing_of(9, Quantity::Unlimited), Standing::Place(9));
}

#[test]
fn numbers_go_on_behind_the_quantity_for_as_long_as_somebody_may_move_up() {
    let up_to = |quantity: u32| numbered_up_to(Quantity::Limited(quantity.try_into().unwrap()));
    assert_eq!([up_to(1), up_to(500), up_to(501)], [Some(2_001), Some(2_500), Some(2_505)]);
    assert_eq!(numbered_up_to(Quantity::Unlimited), None);
}

#[test]
fn those_whose_wait_has_ended_are_not_ahead_of_a_newcomer() {
    let (mut ledger, rules) = stored(2, 9);
    let ahead =
        |ledger: &PlainLedger| waiting_at_least(&ledger.counts, 9, Quantity::Limited(2.try_into().unwrap()));
    ledger.enter(&rules, &[1, 2, 3, 4, 5]);
    assert_eq!(ahead(&ledger), 7, "those that are not entered yet wait, too");
    ledger.release(&rules, 1);
    ledger.release(&rules, 5);
    assert_eq!(ahead(&ledger), 5, "one has moved up, and one has left");
    ledger.reclaim(&rules, 1..=9);
    assert_eq!((ahead(&ledger), ledger.counts.waiting), (1, 1));
}

#[test]
fn only_offers_that_take_a_limited_place_draw_numbers() {
    let rules = first(2);
    assert!(draws_number(&rules, &Offer::ByPlace) && draws_number(&rules, &Offer::Prize(fixed())));
    assert!(!draws_number(&rules, &Offer::Nothing(NoPrize::TooSlow)));
    assert!(!draws_number(&no_rules(), &Offer::ByPlace));
    let by_chance = incentive(Kind::Draw { odds: Odds::new(1, 2).unwrap(), prize: fixed() }, 5);
    assert!(!draws_number(&super::plain::rules(by_chance), &Offer::ByPlace));
    let unlimited = Incentive { quantity: Quantity::Unlimited, ..incentive(Kind::First(fixed()), 5) };
    assert!(!draws_number(&super::plain::rules(unlimited), &Offer::ByPlace));
}

#[derive(Debug, Clone, Copy)]
enum LedgerEvent {
    Enter(u8),
    Release(u8),
    Credit(u8),
    ReclaimUpTo(u8),
}

fn happens() -> impl Strategy<Value = LedgerEvent> {
    prop_oneof![
        6 => (1_u8..=40).prop_map(LedgerEvent::Enter),
        2 => (1_u8..=40).prop_map(LedgerEvent::Release),
        2 => (1_u8..=40).prop_map(LedgerEvent::Credit),
        1 => (1_u8..=40).prop_map(LedgerEvent::ReclaimUpTo),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// In any order of lines, credits, releases and reclaimed numbers.
    #[test]
    fn no_place_has_two_owners_and_none_is_free_while_somebody_waits(
        quantity in 1_u32..30,
        happenings in proptest::collection::vec(happens(), 1..120),
    ) {
        let (mut ledger, rules) = stored(quantity, 40);
        for happens in happenings {
            match happens {
                LedgerEvent::Enter(number) => { ledger.enter(&rules, &[number]); }
                LedgerEvent::ReclaimUpTo(number) => ledger.reclaim(&rules, 1..=number.into()),
                LedgerEvent::Release(number) if ledger.awards[&id(number)].is_entered() => {
                    ledger.release(&rules, number);
                }
                LedgerEvent::Credit(number) if ledger.awards[&id(number)].is_entered() => {
                    ledger.resolve(&rules, &[(number, Resolution::Credit)], 1);
                }
                LedgerEvent::Release(_) | LedgerEvent::Credit(_) => {}
            }
            let places: Vec<u32> = ledger.awards.values().filter_map(Award::place).collect();
            let distinct: BTreeSet<u32> = places.iter().copied().collect();
            prop_assert_eq!(distinct.len(), places.len(), "no place twice");
            prop_assert!(distinct.iter().all(|place| *place <= quantity));
        }
        ledger.reclaim(&rules, 1..=40);
        let placed = ledger.awards.values().filter(|award| award.has_place()).count();
        let waits = ledger.awards.values().any(|award| award.status == AwardStatus::Waiting);
        prop_assert!(!waits || placed == quantity as usize, "{placed} of {quantity}");
        let (placed, waiting) = (u32::try_from(placed).unwrap(), ledger.counts.waiting);
        prop_assert_eq!(ledger.counts.held + ledger.counts.given, placed);
        let counted = ledger.awards.values().filter(|award| award.status == AwardStatus::Waiting).count();
        prop_assert_eq!(usize::try_from(waiting).unwrap(), counted);
        prop_assert_eq!(ledger.counts.numbers.unwrap().used_to, 40);
    }
}

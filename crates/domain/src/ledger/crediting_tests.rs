//! Lines that are credited by their numbers alone, and stored later.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use proptest::prelude::*;

use super::plain::*;
use super::*;
use crate::award::{Participant, Resolution, SiblingLines};
use crate::ids::ContactKey;
use crate::incentive::{NoPrize, Offer};

/// A line that drew this number, and is stored with its participation.
fn drawn(number: u8) -> Award {
    Award { number: NonZeroU64::new(number.into()), ..line(number, number, Offer::ByPlace) }
}

/// A ledger with this many lines that are stored and not entered.
fn stored(lines: u8) -> PlainLedger {
    let mut ledger = PlainLedger::numbered();
    for award in (1..=lines).map(drawn) {
        ledger.awards.insert(award.id, award);
    }
    ledger.numbers.as_mut().unwrap().drawn = lines.into();
    ledger
}

impl PlainLedger {
    /// Credits the lines of these numbers, without storing them. Returns their places.
    fn keep_numbers(&mut self, rules: &Rules, numbers: &[u8]) -> Vec<Option<u32>> {
        let lines: Vec<Award> = numbers.iter().map(|number| self.awards[&id(*number)].clone()).collect();
        let Ok(resolved) = credit_by_number(self, rules, &lines, at(2));
        resolved.awards.iter().map(Award::place).collect()
    }

    fn enters(&mut self, rules: &Rules, numbers: &[u8]) {
        let ids: Vec<ParticipationId> = numbers.iter().map(|number| id(*number)).collect();
        let Ok(_) = enter(self, rules, &ids, at(3));
    }

    fn reclaims(&mut self, rules: &Rules, numbers: std::ops::RangeInclusive<u64>) {
        let Ok(_) = reclaim(self, rules, numbers, at(4));
    }

    fn used_to(&self) -> u64 {
        self.counts.numbers.unwrap().used_to
    }
}

#[test]
fn a_line_that_is_credited_by_its_number_is_what_a_transaction_would_have_made_of_it() {
    let (mut ledger, rules) = (stored(1), first(2));
    let Ok(mut by_number) = credit_by_number(&mut ledger, &rules, &[drawn(1)], at(2));
    let mut entered = stored(1);
    entered.enters(&rules, &[1]);
    let Ok(resolved) = resolve(&mut entered, &rules, &[(id(1), Resolution::Credit)], at(2));
    assert_eq!(by_number.awards, resolved.awards);
    assert_eq!((ledger.counts, ledger.callbacks), (entered.counts, entered.callbacks));
    assert!(by_number.awards.pop().unwrap().is_resolved());
}

#[test]
fn numbers_that_are_kept_in_any_order_are_counted_once_however_often_they_are_credited() {
    let (mut ledger, rules) = (stored(5), first(9));
    assert_eq!(ledger.keep_numbers(&rules, &[4, 2]), [Some(2), Some(4)]);
    assert_eq!(ledger.used_to(), 0, "the first number is still open");
    assert_eq!(ledger.keep_numbers(&rules, &[1, 2]), [Some(1), Some(2)]);
    assert_eq!(ledger.used_to(), 2);
    assert_eq!(ledger.keep_numbers(&rules, &[5, 3, 4]), [Some(3), Some(4), Some(5)]);
    assert_eq!((ledger.used_to(), ledger.counts.arrivals, ledger.counts.given), (5, 5, 5));
    assert_eq!(ledger.callbacks.len(), 5);
}

#[test]
fn a_line_whose_number_was_reclaimed_is_not_credited_by_it_and_waits_for_a_place() {
    let (mut ledger, rules) = (stored(3), first(2));
    ledger.enters(&rules, &[3]);
    assert_eq!(ledger.keep_numbers(&rules, &[2]), [Some(2)]);
    ledger.reclaims(&rules, 1..=2);
    assert_eq!(ledger.status(3), reserved(1), "the first one who waits has the place");
    assert_eq!(ledger.keep_numbers(&rules, &[1]), []);
    ledger.enters(&rules, &[1]);
    assert_eq!(ledger.status(1), AwardStatus::Waiting);
}

#[test]
fn a_number_that_is_kept_is_not_reclaimed_and_nobody_else_gets_its_place() {
    let (mut ledger, rules) = (stored(5), first(3));
    ledger.enters(&rules, &[4, 5]);
    ledger.keep_numbers(&rules, &[2, 3]);
    // The tick has read how far numbers are in use before the first one was kept.
    ledger.keep_numbers(&rules, &[1]);
    ledger.reclaims(&rules, 1..=5);
    assert_eq!([4, 5].map(|number| ledger.status(number)), [AwardStatus::Waiting, AwardStatus::Waiting]);
    assert_eq!((ledger.used_to(), ledger.counts.given), (5, 3));
}

/// The participation was never saved, so its line is entered by the next transaction that comes to it.
#[test]
fn a_line_whose_number_was_kept_is_entered_as_it_was_credited() {
    let (mut ledger, rules) = (stored(3), first(3));
    ledger.keep_numbers(&rules, &[1, 3]);
    let Ok(_) = enter(&mut ledger, &rules, &[id(1), id(3)], at(9));
    for (number, place) in [(1, 1), (3, 3)] {
        assert_eq!(ledger.status(number), rewarded(place));
        assert!(ledger.awards[&id(number)].is_resolved());
    }
    assert_eq!((ledger.counts.arrivals, ledger.counts.given, ledger.counts.held), (2, 2, 0));
    ledger.release(&rules, 1);
    assert_eq!(ledger.status(1), rewarded(1), "a credit is final");
    assert_eq!(ledger.callbacks.len(), 2);
}

#[test]
fn a_line_whose_prize_became_a_code_meanwhile_keeps_its_place_and_is_owed_the_code() {
    let mut ledger = stored(1);
    ledger.keep_numbers(&first(1), &[1]);
    ledger.enters(&first_by_codes(1), &[1]);
    assert_eq!((ledger.status(1), ledger.counts.held, ledger.counts.given), (reserved(1), 1, 0));
    ledger.codes = vec!["ONE"];
    let Ok(_) = refill(&mut ledger, &first_by_codes(1), at(9));
    assert_eq!(ledger.status(1), AwardStatus::Rewarded { place: Some(1), reward: code("ONE") });
}

/// An earlier version asks only whether a number is used, and gives out places that are not taken.
#[test]
fn an_earlier_version_gives_a_kept_place_to_nobody_but_its_own_line() {
    let (mut ledger, rules) = (stored(5), first(3));
    ledger.enters(&rules, &[4, 5]);
    ledger.keep_numbers(&rules, &[3]);
    let numbers = ledger.numbers.as_mut().unwrap();
    let Ok(page) = numbers.page(0);
    assert!(!page.is_used(3), "its own line is entered under it");
    // That version reclaims all numbers up to the fifth.
    let (_, taken) = page.to_bytes();
    let Ok(()) = numbers.keep_page(0, NumberPage::from_bytes(&[0b11_1110], &taken));
    let counted = ledger.counts.numbers.as_mut().unwrap();
    (counted.used_to, counted.taken_to) = (5, 0);
    let Ok(_) = refill(&mut ledger, &rules, at(5));
    assert_eq!([4, 5].map(|number| ledger.status(number)), [reserved(1), reserved(2)]);
    assert!(ledger.awards.values().all(|award| award.place() != Some(3)));
}

#[test]
fn a_place_that_was_kept_under_a_larger_quantity_stays() {
    let mut ledger = stored(3);
    ledger.keep_numbers(&first(3), &[3]);
    ledger.enters(&first(2), &[3]);
    assert_eq!(ledger.status(3), rewarded(3));
}

#[test]
fn only_a_line_that_nothing_else_matters_to_is_decided_by_its_number() {
    let rules = first(2);
    let decided = |award: &Award| is_decided_by_number(&rules, award, Resolution::Credit);
    assert!(decided(&drawn(2)));
    assert!(!decided(&drawn(3)), "it waits");
    assert!(!decided(&line(1, 1, Offer::ByPlace)), "it has no number");
    assert!(!decided(&Award { offer: Offer::Lot, ..drawn(1) }));
    assert!(!is_decided_by_number(&rules, &drawn(1), Resolution::Release));
    assert!(!is_decided_by_number(&first_by_codes(2), &drawn(1), Resolution::Credit), "a code is given once");
    assert!(!is_decided_by_number(&no_rules(), &drawn(1), Resolution::Credit));
}

/// A ledger with three lines, of which the first and the third are one participant's.
fn with_siblings() -> PlainLedger {
    let mut ledger = stored(2);
    let award = Award { number: NonZeroU64::new(3), ..line(3, 1, Offer::ByPlace) };
    ledger.awards.insert(award.id, award);
    for award in ledger.awards.values_mut() {
        award.others = SiblingLines::Perhaps(Vec::new());
    }
    ledger.numbers.as_mut().unwrap().drawn = 3;
    ledger
}

#[test]
fn of_one_participants_lines_only_the_first_is_credited_by_its_number() {
    let (mut ledger, rules) = (with_siblings(), first(5));
    assert_eq!(ledger.keep_numbers(&rules, &[1, 2, 3]), [Some(1), Some(2)]);
    assert_eq!(ledger.keep_numbers(&rules, &[3]), []);
    ledger.enters(&rules, &[3]);
    assert_eq!(
        ledger.status(3),
        no_prize(NoPrize::Already),
        "although the first one's line is not stored yet"
    );
}

#[test]
fn a_line_whose_participant_waits_with_another_is_left_to_a_transaction() {
    let (mut ledger, rules) = (with_siblings(), first(2));
    ledger.enters(&rules, &[3]);
    assert_eq!(ledger.keep_numbers(&rules, &[1, 2]), [Some(2)]);
    ledger.enters(&rules, &[1]);
    ledger.credit(&rules, 1);
    assert_eq!((ledger.status(1), ledger.status(3)), (rewarded(1), no_prize(NoPrize::Already)));
}

#[test]
fn whoever_waits_and_turns_out_to_be_somebody_whose_number_is_kept_wins_nothing_more() {
    let (mut ledger, rules) = (stored(3), first(2));
    ledger.keep_numbers(&rules, &[1]);
    ledger.enters(&rules, &[2, 3]);
    let who = Participant { profile: Some(ContactKey::from_bytes([1; 16])), ..Participant::default() };
    ledger.resolve(&rules, &[(3, Resolution::Identify(who))], 5);
    assert_eq!(ledger.status(3), no_prize(NoPrize::Already));
}

#[test]
fn a_place_that_is_released_passes_over_whoever_has_a_number_that_is_kept() {
    let (mut ledger, rules) = (stored(4), first(2));
    ledger.enters(&rules, &[1, 3, 4]);
    ledger.keep_numbers(&rules, &[2]);
    ledger.awards.get_mut(&id(3)).unwrap().other_keys = vec![ContactKey::from_bytes([2; 16])];
    ledger.release(&rules, 1);
    assert_eq!([3, 4].map(|number| ledger.status(number)), [no_prize(NoPrize::Already), reserved(1)]);
}

#[derive(Debug, Clone, Copy)]
enum NumberEvent {
    Keep(u8),
    Save(u8),
    Enter(u8),
    Release(u8),
    ReclaimUpTo(u8),
}

fn happens() -> impl Strategy<Value = NumberEvent> {
    prop_oneof![
        4 => (1_u8..=40).prop_map(NumberEvent::Keep),
        2 => (1_u8..=40).prop_map(NumberEvent::Save),
        3 => (1_u8..=40).prop_map(NumberEvent::Enter),
        2 => (1_u8..=40).prop_map(NumberEvent::Release),
        1 => (1_u8..=40).prop_map(NumberEvent::ReclaimUpTo),
    ]
}

/// The lines that workers have credited. The last ones of them may never be stored.
type Unsaved = BTreeMap<u8, Award>;

impl PlainLedger {
    fn happens(&mut self, rules: &Rules, event: NumberEvent, unsaved: &mut Unsaved) {
        let is_entered = |ledger: &Self, number: u8| ledger.awards[&id(number)].is_entered();
        match event {
            NumberEvent::Keep(number) => {
                let line = self.awards[&id(number)].clone();
                let Ok(resolved) = credit_by_number(self, rules, &[line], at(2));
                unsaved.extend(resolved.awards.into_iter().map(|line| (number, line)));
            }
            NumberEvent::Save(number) => {
                if let Some(line) = unsaved.get(&number).filter(|_| !is_entered(self, number)) {
                    self.awards.insert(line.id, line.clone());
                }
            }
            NumberEvent::Enter(number) => self.enters(rules, &[number]),
            NumberEvent::ReclaimUpTo(number) => self.reclaims(rules, 1..=number.into()),
            NumberEvent::Release(number) if is_entered(self, number) => {
                self.release(rules, number);
            }
            NumberEvent::Release(_) => {}
        }
    }

    /// The places that participations have, or will have once their lines are stored.
    fn places(&self, unsaved: &Unsaved) -> Vec<u32> {
        let place = |number| match &self.awards[&id(number)] {
            line if line.is_entered() => line.place(),
            _ => unsaved.get(&number).and_then(Award::place),
        };
        (1..=40).filter_map(place).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// In any order of lines that are credited by their numbers, saved or not, entered, released and reclaimed.
    #[test]
    fn no_place_has_two_owners_whether_lines_are_stored_or_only_their_numbers_are_kept(
        quantity in 1_u32..30,
        happenings in proptest::collection::vec(happens(), 1..150),
    ) {
        let (mut ledger, rules, mut unsaved) = (stored(40), first(quantity), Unsaved::new());
        for event in happenings {
            ledger.happens(&rules, event, &mut unsaved);
            let places = ledger.places(&unsaved);
            let distinct: BTreeSet<u32> = places.iter().copied().collect();
            prop_assert_eq!(distinct.len(), places.len(), "no place twice");
            prop_assert!(distinct.iter().all(|place| *place <= quantity));
        }
        let lost: Vec<u8> = unsaved.keys().copied().collect();
        ledger.enters(&rules, &lost);
        for (number, line) in &unsaved {
            prop_assert_eq!(ledger.awards[&id(*number)].place(), line.place(), "what was credited stays");
        }
        ledger.reclaims(&rules, 1..=40);
        let placed = ledger.awards.values().filter(|award| award.has_place()).count();
        let waiting = ledger.awards.values().filter(|award| award.status == AwardStatus::Waiting).count();
        prop_assert!(waiting == 0 || placed == quantity as usize, "{placed} of {quantity}");
        let counted = (ledger.counts.held + ledger.counts.given, ledger.counts.waiting);
        prop_assert_eq!(counted, (u32::try_from(placed).unwrap(), u32::try_from(waiting).unwrap()));
        prop_assert_eq!(ledger.used_to(), 40);
    }
}

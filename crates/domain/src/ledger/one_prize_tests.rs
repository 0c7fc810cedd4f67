//! One participant with several keys: one prize, and what was reserved for a second one goes to others.

use std::collections::{BTreeMap, BTreeSet};

use super::plain::*;
use super::*;
use crate::award::{Participant, Resolution};
use crate::ids::ContactKey;
use crate::incentive::raffle::{Seed, winners};
use crate::incentive::{NoPrize, Odds, Offer};

fn key(number: u8) -> ContactKey {
    ContactKey::from_bytes([number; 16])
}

/// The profile with this number.
fn profile(number: u8) -> Participant {
    Participant { profile: Some(key(number)), ..Participant::default() }
}

impl PlainLedger {
    /// Enters a line of a contact, for which Braze named a profile.
    fn accept_of_profile(&mut self, rules: &Rules, number: u8, profile: u8, offer: Offer) -> AwardStatus {
        let new = Award { other_keys: vec![key(profile)], ..line(number, number, offer) };
        let Ok(_standing) = accept(self, rules, &new);
        self.awards[&new.id].status.clone()
    }

    fn credit_as(&mut self, rules: &Rules, number: u8, who: Participant) -> AwardStatus {
        self.resolve(rules, &[(number, Resolution::CreditAs(who))], 1);
        self.status(number)
    }

    fn identify(&mut self, rules: &Rules, number: u8, who: Participant) {
        self.resolve(rules, &[(number, Resolution::Identify(who))], 1);
    }
}

#[test]
fn ten_addresses_of_one_profile_win_once() {
    let (mut ledger, rules) = (PlainLedger::default(), first(5));
    assert_eq!(ledger.accept_of_profile(&rules, 1, 200, Offer::ByPlace), reserved(1));
    assert_eq!(ledger.credit(&rules, 1), rewarded(1));
    for number in 2..=10 {
        ledger.accept_of_profile(&rules, number, 200, Offer::ByPlace);
        assert_eq!(
            ledger.credit(&rules, number),
            no_prize(NoPrize::Already),
            "it is credited, without a prize"
        );
        assert!(ledger.awards[&id(number)].credited_at.is_some());
    }
    assert_eq!(ledger.accept_of_profile(&rules, 11, 201, Offer::ByPlace), reserved(2), "another profile");
}

#[test]
fn the_place_of_whoever_turns_out_to_be_rewarded_already_goes_to_the_next() {
    let (mut ledger, rules) = (PlainLedger::default(), first(2));
    for (number, status) in [(1, reserved(1)), (2, reserved(2)), (3, AwardStatus::Waiting)] {
        assert_eq!(ledger.accept(&rules, number, Offer::ByPlace), status);
    }
    ledger.credit(&rules, 2);
    let by_address = Participant { address: Some(key(2)), ..profile(200) };
    assert_eq!(ledger.credit_as(&rules, 1, by_address), no_prize(NoPrize::Already));
    assert_eq!(ledger.status(3), reserved(1), "the place of the first went to the one who waited");
    let expected = Counts { arrivals: 3, places: 2, held: 1, given: 1, ..Counts::default() };
    assert_eq!(ledger.counts, expected);
}

fn three_for_two_places() -> (PlainLedger, Rules) {
    let (mut ledger, rules) = (PlainLedger::default(), first(2));
    for number in [1, 2, 3] {
        ledger.accept(&rules, number, Offer::ByPlace);
    }
    (ledger, rules)
}

#[test]
fn of_two_lines_that_turn_out_to_be_one_participants_the_later_ones_place_goes_back() {
    let (mut ledger, rules) = three_for_two_places();
    ledger.identify(&rules, 1, profile(200));
    assert_eq!(
        ledger.credit_as(&rules, 2, profile(200)),
        AwardStatus::Waiting,
        "the first is not credited yet"
    );
    assert_eq!(ledger.status(3), reserved(2));
    assert_eq!(ledger.credit(&rules, 1), rewarded(1));
    assert_eq!(ledger.status(2), no_prize(NoPrize::Already));
}

#[test]
fn the_earlier_line_that_is_identified_later_takes_the_place_of_the_later_line() {
    let (mut ledger, rules) = three_for_two_places();
    ledger.identify(&rules, 2, profile(200));
    assert_eq!(ledger.credit_as(&rules, 1, profile(200)), rewarded(1));
    assert_eq!((ledger.status(2), ledger.status(3)), (no_prize(NoPrize::Already), reserved(2)));
}

#[test]
fn a_reward_that_was_given_stays_and_stands_in_the_way_of_later_ones() {
    let (mut ledger, rules) = (PlainLedger::default(), first(4));
    for number in [1, 2] {
        ledger.accept(&rules, number, Offer::ByPlace);
        ledger.credit(&rules, number);
        ledger.identify(&rules, number, profile(200));
    }
    assert_eq!((ledger.status(1), ledger.status(2)), (rewarded(1), rewarded(2)), "nothing is taken back");
    assert_eq!(ledger.accept_of_profile(&rules, 3, 200, Offer::ByPlace), no_prize(NoPrize::Already));
}

#[test]
fn a_line_that_was_taken_for_anothers_gets_its_place_when_its_contact_is_replaced() {
    let (mut ledger, rules) = (PlainLedger::default(), first(2));
    ledger.accept(&rules, 1, Offer::ByPlace);
    ledger.credit(&rules, 1);
    ledger.accept_again(&rules, (2, 1), Offer::ByPlace);
    assert_eq!(ledger.status(2), no_prize(NoPrize::Already));
    let who = Participant { contact: Some(key(9)), ..Participant::default() };
    assert_eq!(ledger.credit_as(&rules, 2, who), rewarded(2));
    assert_eq!(ledger.awards[&id(2)].participant, key(9));
}

#[test]
fn whoever_did_not_win_at_once_does_not_win_under_another_key() {
    let kind = Kind::Draw { odds: Odds::new(1, 2).unwrap(), prize: fixed() };
    let rules = rules(incentive(kind, 5));
    let mut ledger = PlainLedger::default();
    let lost = || Offer::Nothing(NoPrize::NotDrawn);
    assert_eq!(ledger.accept_of_profile(&rules, 1, 200, lost()), no_prize(NoPrize::NotDrawn));
    assert_eq!(ledger.accept_of_profile(&rules, 2, 200, Offer::ByPlace), no_prize(NoPrize::NotDrawn));
    assert_eq!(ledger.accept(&rules, 3, Offer::ByPlace), reserved(1));
    assert_eq!(ledger.credit_as(&rules, 3, profile(200)), no_prize(NoPrize::NotDrawn));
    assert_eq!(ledger.counts.held, 0);
    let late = Offer::Nothing(NoPrize::Closed);
    assert_eq!(ledger.accept_of_profile(&rules, 4, 200, late), no_prize(NoPrize::Closed), "it was not drawn");
}

#[test]
fn tickets_with_a_key_in_common_also_by_way_of_others_are_one_participants() {
    let entrant = |number: u8, keys: &[u8]| Entrant {
        id: id(number),
        keys: keys.iter().map(|key| self::key(*key)).collect(),
    };
    let entrants = [
        entrant(1, &[1]),
        entrant(2, &[2, 20]),
        entrant(3, &[3, 30]),
        entrant(4, &[20, 30]),
        entrant(5, &[5]),
    ];
    let won: BTreeSet<_> =
        winners(&Seed::new([5; 32]), &entrants, crate::incentive::Quantity::Unlimited).into_iter().collect();
    assert_eq!(won, [id(1), id(2), id(5)].into());
}

/// Numbers from a seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u8::try_from((mixed ^ (mixed >> 31)) % most).unwrap()
    }
}

#[test]
fn whatever_happens_each_participant_whose_profile_is_known_before_the_credit_wins_once() {
    for seed in 0..2_000 {
        let mut numbers = Numbers(seed);
        let quantity = 1 + u32::from(numbers.below(4));
        let (mut ledger, rules) = (PlainLedger::default(), first(quantity));
        let mut people: BTreeMap<u8, u8> = BTreeMap::new();
        let mut open: Vec<u8> = Vec::new();
        for number in 1..=12 {
            let person = 200 + numbers.below(6);
            people.insert(number, person);
            if numbers.below(2) == 0 {
                ledger.accept_of_profile(&rules, number, person, Offer::ByPlace);
            } else {
                ledger.accept(&rules, number, Offer::ByPlace);
            }
            open.push(number);
            while !open.is_empty() && numbers.below(2) == 0 {
                let next = open.remove(usize::from(numbers.below(open.len() as u64)));
                if numbers.below(4) == 0 {
                    ledger.release(&rules, next);
                } else {
                    ledger.credit_as(&rules, next, profile(people[&next]));
                }
            }
        }
        for number in open {
            ledger.credit_as(&rules, number, profile(people[&number]));
        }
        let mut won: BTreeMap<u8, u32> = BTreeMap::new();
        let mut credited = BTreeSet::new();
        for award in ledger.awards.values() {
            let person = people[&award.id.to_bytes()[0]];
            *won.entry(person).or_default() += u32::from(award.reward().is_some());
            credited.extend(award.credited_at.map(|_| person));
        }
        assert!(won.values().all(|count| *count <= 1), "seed {seed}: {won:?}");
        let given: u32 = won.values().sum();
        let people = u32::try_from(credited.len()).unwrap();
        assert_eq!(given, people.min(quantity), "seed {seed}: nobody waits while there is a free place");
        let counted = |wanted: fn(&AwardStatus) -> bool| {
            let awards = ledger.awards.values().filter(|award| wanted(&award.status));
            u32::try_from(awards.count()).unwrap()
        };
        assert_eq!(ledger.counts.given, given, "seed {seed}");
        assert_eq!(
            ledger.counts.held,
            counted(|status| matches!(status, AwardStatus::Reserved { .. })),
            "seed {seed}"
        );
        assert_eq!(ledger.counts.waiting, counted(|status| *status == AwardStatus::Waiting), "seed {seed}");
    }
}

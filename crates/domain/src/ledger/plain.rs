//! A ledger that is kept in memory, for tests of what happens in one.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::*;
use crate::award::Resolution;
use crate::ids::{BrandId, ContactKey, IncentiveId, Scope};
use crate::incentive::{NoPrize, Offer, Prize, Quantity, Reward};

#[derive(Default)]
pub(super) struct PlainLedger {
    pub(super) counts: Counts,
    pub(super) awards: BTreeMap<ParticipationId, Award>,
    pub(super) codes: Vec<&'static str>,
    pub(super) codes_given: usize,
    pub(super) callbacks: Vec<Callback>,
    pub(super) drawing: Option<Drawing>,
    pub(super) times_counts_were_kept: u32,
    /// The numbers, if lines are entered after they were stored.
    pub(super) numbers: Option<PlainNumbers>,
    put_back: BTreeSet<u32>,
}

/// Numbers that are kept in memory.
#[derive(Default)]
pub(super) struct PlainNumbers {
    pub(super) drawn: u64,
    pages: BTreeMap<u64, NumberPage>,
}

impl NumberTx for PlainNumbers {
    type Error = Infallible;

    fn draw(&mut self) -> Result<u64, Infallible> {
        self.drawn += 1;
        Ok(self.drawn)
    }

    fn page(&mut self, page: u64) -> Result<NumberPage, Infallible> {
        Ok(self.pages.get(&page).cloned().unwrap_or_default())
    }

    fn keep_page(&mut self, number: u64, page: NumberPage) -> Result<(), Infallible> {
        self.pages.insert(number, page);
        Ok(())
    }
}

impl PlainLedger {
    /// A ledger whose lines are entered after they were stored.
    pub(super) fn numbered() -> Self {
        Self { numbers: Some(PlainNumbers::default()), ..Self::default() }
    }

    /// Enters a participation of the participant with this number, whose id has the number, too.
    pub(super) fn accept(&mut self, rules: &Rules, number: u8, offer: Offer) -> AwardStatus {
        self.accept_again(rules, (number, number), offer)
    }

    /// Enters a participation, by the numbers of its id and of its participant.
    pub(super) fn accept_again(
        &mut self,
        rules: &Rules,
        (number, participant): (u8, u8),
        offer: Offer,
    ) -> AwardStatus {
        let award = line(number, participant, offer);
        let Ok(standing) = accept(self, rules, &award);
        let entered = &self.awards[&award.id];
        let place = match standing {
            Standing::Place(place) => Some(place),
            Standing::Waiting(_)
            | Standing::WaitingAtLeast(_)
            | Standing::Unnumbered
            | Standing::NotKnownYet => None,
        };
        assert_eq!(place, entered.place(), "the standing that is returned is the one that is kept");
        entered.status.clone()
    }

    pub(super) fn resolve(
        &mut self,
        rules: &Rules,
        resolutions: &[(u8, Resolution)],
        second: i64,
    ) -> Resolved {
        let resolutions: Vec<_> = resolutions.iter().map(|(number, how)| (id(*number), *how)).collect();
        let Ok(resolved) = resolve(self, rules, &resolutions, at(second));
        resolved
    }

    pub(super) fn credit(&mut self, rules: &Rules, number: u8) -> AwardStatus {
        self.resolve(rules, &[(number, Resolution::Credit)], 1);
        self.status(number)
    }

    pub(super) fn release(&mut self, rules: &Rules, number: u8) -> Resolved {
        self.resolve(rules, &[(number, Resolution::Release)], 2)
    }

    pub(super) fn status(&self, number: u8) -> AwardStatus {
        self.awards[&id(number)].status.clone()
    }

    fn lines(&self, wanted: impl Fn(&Award) -> bool) -> Vec<Award> {
        let mut lines: Vec<Award> = self.awards.values().filter(|award| wanted(award)).cloned().collect();
        lines.sort_by_key(|award| award.arrival);
        lines
    }
}

impl LedgerTx for PlainLedger {
    type Error = Infallible;

    fn counts(&mut self) -> Result<Counts, Infallible> {
        Ok(self.counts.clone())
    }

    fn keep_counts(&mut self, counts: &Counts) -> Result<(), Infallible> {
        self.times_counts_were_kept += 1;
        self.counts = counts.clone();
        Ok(())
    }

    fn award(&mut self, id: ParticipationId) -> Result<Option<Award>, Infallible> {
        Ok(self.awards.get(&id).cloned())
    }

    fn keep(&mut self, award: &Award) -> Result<(), Infallible> {
        self.awards.insert(award.id, award.clone());
        Ok(())
    }

    fn siblings_of(&mut self, award: &Award) -> Result<Vec<Award>, Infallible> {
        Ok(self.lines(|other| other.is_sibling_of(award)))
    }

    fn first_waiting(&mut self) -> Result<Option<Award>, Infallible> {
        let has_place = |of: &Award| {
            of.has_place() || self.awards.values().any(|other| other.is_sibling_of(of) && other.has_place())
        };
        let waiting = self.lines(|award| award.status == AwardStatus::Waiting && !has_place(award));
        Ok(waiting.into_iter().next())
    }

    fn owed(&mut self) -> Result<Vec<Award>, Infallible> {
        let reserved = |award: &Award| matches!(award.status, AwardStatus::Reserved { .. });
        Ok(self.lines(|award| award.credited_at.is_some() && reserved(award)))
    }

    fn entered(&mut self) -> Result<Vec<Entrant>, Infallible> {
        let takes_part = |award: &Award| award.status == AwardStatus::InRaffle || award.reward().is_some();
        let lines = self.lines(|award| award.credited_at.is_some() && takes_part(award));
        Ok(lines.iter().map(Award::entrant).collect())
    }

    fn put_back(&mut self, place: u32) -> Result<(), Infallible> {
        self.put_back.insert(place);
        Ok(())
    }

    fn take_back(&mut self) -> Result<Option<u32>, Infallible> {
        Ok(self.put_back.pop_first())
    }

    fn take_code(&mut self, _pool: &Pool, _id: ParticipationId) -> Result<Option<TakenCode>, Infallible> {
        let Some(code) = self.codes.get(self.codes_given) else { return Ok(None) };
        self.codes_given += 1;
        let left = self.codes.len() - self.codes_given;
        let count = |count: usize| u32::try_from(count).unwrap();
        Ok(Some(TakenCode { code: (*code).to_owned(), left: count(left), of: count(self.codes.len()) }))
    }

    fn freeze(&mut self, drawing: Drawing) -> Result<(), Infallible> {
        assert_eq!(self.drawing.replace(drawing), None, "a drawing is kept once");
        Ok(())
    }

    fn call_back(&mut self, callback: &Callback) -> Result<(), Infallible> {
        self.callbacks.push(callback.clone());
        Ok(())
    }

    fn numbers(&mut self) -> Option<&mut dyn NumberTx<Error = Infallible>> {
        Some(self.numbers.as_mut()?)
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(super) fn id(number: u8) -> ParticipationId {
    ParticipationId::from_bytes([number; 16])
}

/// A line that was not entered yet.
pub(super) fn line(number: u8, participant: u8, offer: Offer) -> Award {
    let whose = (id(number), BrandId::parse("acme").unwrap());
    Award::new(whose, key(), ContactKey::from_bytes([participant; 16]), offer)
}

fn key() -> LedgerKey {
    LedgerKey {
        scope: Scope::parse("spring").unwrap(),
        incentive: Some(IncentiveId::parse("early").unwrap()),
    }
}

/// The rules once the incentive is gone.
pub(super) fn no_rules() -> Rules {
    Rules::without_brand(key())
}

pub(super) fn code(text: &str) -> Reward {
    Reward::Code(text.to_owned())
}

/// The same code for everyone.
pub(super) fn fixed() -> Prize {
    Prize::Fixed(code("SPRING20"))
}

/// An incentive that is open for an hour.
pub(super) fn incentive(kind: Kind, quantity: u32) -> Incentive {
    Incentive {
        id: IncentiveId::parse("early").unwrap(),
        opens: at(0),
        closes: at(3_600),
        quantity: Quantity::Limited(NonZeroU32::new(quantity).unwrap()),
        kind,
        consolation: None,
    }
}

/// The rules of an incentive that Quikly is told of.
pub(super) fn rules(incentive: Incentive) -> Rules {
    Rules { incentive: Some(Arc::new(incentive)), call_back: true, ..no_rules() }
}

/// So many get the same code.
pub(super) fn first(quantity: u32) -> Rules {
    rules(incentive(Kind::First(fixed()), quantity))
}

/// So many get a code of their own.
pub(super) fn first_by_codes(quantity: u32) -> Rules {
    let pool = Pool::of_file("codes.txt").unwrap();
    rules(incentive(Kind::First(Prize::Codes(pool)), quantity))
}

pub(super) fn reserved(place: u32) -> AwardStatus {
    AwardStatus::Reserved { place }
}

pub(super) fn rewarded(place: u32) -> AwardStatus {
    AwardStatus::Rewarded { place: Some(place), reward: code("SPRING20") }
}

pub(super) fn no_prize(why: NoPrize) -> AwardStatus {
    AwardStatus::NoPrize(why)
}

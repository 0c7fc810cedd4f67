//! The changes in a ledger: participations are entered, credited or released, and raffles are drawn.
//!
//! If a participation waits that could take a place, then no place is free. So places are given in the order
//! of acceptance.

mod one_prize;

use std::num::NonZeroU64;

use crate::Timestamp;
use crate::award::{Award, AwardStatus, Refusal, Resolution, Resolutions};
use crate::callback::{Callback, CallbackKind};
use crate::codes::without_mark;
use crate::incentive::raffle::{Drawing, Seed, Ticket, winners};
use crate::incentive::{Incentive, Kind, NoPrize, Offer, Prize, Reward};
use crate::ledger::{Counts, Frozen, LedgerTx, Resolved, Rules, Standing, TakenCode};

/// Enters a participation that was just accepted, behind all that were accepted before. Returns where it stands.
///
/// # Errors
/// The store's error.
pub fn accept<B: LedgerTx>(book: &mut B, rules: &Rules, award: &Award) -> Result<Standing, B::Error> {
    let Some(incentive) = &rules.incentive else {
        let award = Award { status: AwardStatus::NoPrize(NoPrize::NoIncentive), ..award.clone() };
        book.keep(&award)?;
        return Ok(Standing::Unnumbered);
    };
    let mut counts = book.counts()?;
    let award = enter_line(book, (rules, incentive), &mut counts, award.clone())?;
    book.keep_counts(&counts)?;
    Ok(Standing::entered(&award, &counts))
}

/// Enters one line, under its own number or behind all others.
pub(super) fn enter_line<B: LedgerTx>(
    book: &mut B,
    (rules, incentive): (&Rules, &Incentive),
    counts: &mut Counts,
    mut award: Award,
) -> Result<Award, B::Error> {
    let drawn = award.number.take().map(NonZeroU64::get);
    let number = counts.number(book, incentive, (drawn, &award.offer))?;
    counts.arrivals += 1;
    counts.commitment = counts.commitment.or(rules.commitment);
    award.arrival = NonZeroU64::new(number.unwrap_or(counts.arrivals));
    if let Kind::Draw { .. } = incentive.kind {
        // However many keys a participant has, there is one draw for them: the first.
        let others = book.siblings_of(&award)?;
        award.offer = one_prize::drawn_before(&award, &others).unwrap_or(award.offer);
    }
    award.status = first_status(book, incentive, counts, (&award, number))?;
    if award.status == AwardStatus::InRaffle {
        let open = if counts.entered == 0 { Some(0) } else { counts.open_lots };
        counts.open_lots = open.map(|open| open + 1);
    }
    counts.moves(None, &award.status);
    book.keep(&award)?;
    Ok(award)
}

fn first_status<B: LedgerTx>(
    book: &mut B,
    incentive: &Incentive,
    counts: &mut Counts,
    (award, number): (&Award, Option<u64>),
) -> Result<AwardStatus, B::Error> {
    match &award.offer {
        Offer::Nothing(why) => return Ok(AwardStatus::NoPrize(*why)),
        Offer::Lot => return Ok(AwardStatus::InRaffle),
        Offer::ByPlace | Offer::Prize(_) => {}
    }
    // A number that was reclaimed is no place any more, whatever becomes of the line.
    let is_its_own = match number {
        Some(number) => counts.use_number(book, number)?,
        None => false,
    };
    let others = book.siblings_of(award)?;
    if others.iter().any(|other| other.reward().is_some()) || counts.keeps_any(book, &others)? {
        counts.ends_wait_of(number);
        return Ok(AwardStatus::NoPrize(NoPrize::Already));
    }
    if others.iter().any(Award::has_place) {
        return Ok(AwardStatus::Waiting);
    }
    let place = match number {
        Some(number) => counts.place_of(book, incentive, (number, is_its_own))?,
        // Where indexes lag, somebody may wait who has not been found yet.
        None if counts.waiting > 0 && book.numbers().is_some() => None,
        None => free_place(book, incentive, counts)?,
    };
    Ok(place.map_or(AwardStatus::Waiting, |place| AwardStatus::Reserved { place }))
}

/// A released place, or one that was never given. No waiting participation could take it, since it would have
/// it already.
pub(super) fn free_place<B: LedgerTx>(
    book: &mut B,
    incentive: &Incentive,
    counts: &mut Counts,
) -> Result<Option<u32>, B::Error> {
    let released = book.take_back()?;
    if counts.numbers.is_some() {
        return counts.take_lowest_place(book, incentive.quantity, released);
    }
    if released.is_some() {
        return Ok(released);
    }
    if !incentive.quantity.exceeds(counts.places) {
        return Ok(None);
    }
    counts.places += 1;
    Ok(Some(counts.places))
}

/// Credits or releases participations. Those that are resolved already are left as they are.
///
/// # Errors
/// The store's error.
pub fn resolve<B: LedgerTx>(
    book: &mut B,
    rules: &Rules,
    resolutions: &Resolutions,
    now: Timestamp,
) -> Result<Resolved, B::Error> {
    let mut keeper = Keeper::of(book, rules, now)?;
    for (id, resolution) in resolutions {
        let Some(mut award) = keeper.book.award(*id)? else { continue };
        if let Resolution::CreditAs(who) | Resolution::Identify(who) = resolution {
            keeper.identify(&mut award, *who)?;
        }
        if !award.is_resolved() {
            match resolution {
                Resolution::Credit | Resolution::CreditAs(_) => keeper.credit(&mut award)?,
                Resolution::Identify(_) => {}
                Resolution::Release => keeper.release(&mut award, None)?,
                Resolution::Refuse(why) => keeper.release(&mut award, Some(*why))?,
            }
        }
        keeper.resolved.awards.push(award);
    }
    keeper.close()
}

/// Gives free places and new codes to the participations that wait for them, after the quantity was raised or
/// codes were added.
///
/// # Errors
/// The store's error.
pub fn refill<B: LedgerTx>(book: &mut B, rules: &Rules, now: Timestamp) -> Result<Resolved, B::Error> {
    let mut keeper = Keeper::of(book, rules, now)?;
    for mut award in keeper.book.owed()? {
        if let AwardStatus::Reserved { place } = award.status {
            keeper.give_later(&mut award, place)?;
        }
    }
    keeper.move_up()?;
    keeper.close()
}

/// Draws a raffle once: `None` if it was drawn before, if the seed does not match the commitment, or if a
/// participation that was accepted before the close may still get its ticket.
///
/// # Errors
/// The store's error.
pub fn draw<B: LedgerTx>(
    book: &mut B,
    rules: &Rules,
    seed: &Seed,
    now: Timestamp,
) -> Result<Option<Resolved>, B::Error> {
    let counts = book.counts()?;
    let committed = counts.commitment.is_none_or(|commitment| commitment == seed.commitment());
    let Some(incentive) = rules.incentive.clone().filter(|_| committed && counts.drawn_at.is_none()) else {
        return Ok(None);
    };
    let entrants = book.entered()?;
    let credited = u32::try_from(entrants.len()).unwrap_or(u32::MAX);
    if counts.entered > credited && now < incentive.drawn_by() && !counts.lots_closed {
        return Ok(None);
    }
    let mut keeper = Keeper::of(book, rules, now)?;
    keeper.counts.lots_closed = true;
    keeper.counts.drawn_at = Some(now);
    let mut won = Vec::new();
    for id in winners(seed, &entrants, incentive.quantity) {
        let Some(mut award) = keeper.book.award(id)? else { continue };
        won.push(Ticket::of(id));
        keeper.counts.places += 1;
        if award.has_place() {
            // An earlier draw was interrupted after this winner; the same seed draws the same winners again.
            keeper.counts.moves(Some(&AwardStatus::InRaffle), &award.status);
            keeper.resolved.moved_up.push(award.id);
            continue;
        }
        let place = keeper.counts.places;
        // If no code is left, the winner still has the place, and a code is owed.
        keeper.stand(&mut award, AwardStatus::Reserved { place })?;
        keeper.give_later(&mut award, place)?;
    }
    let drawing = Drawing::new(entrants.iter().map(|entrant| Ticket::of(entrant.id)).collect(), won);
    keeper.counts.frozen = Some(Frozen::of(&drawing));
    keeper.book.freeze(drawing)?;
    keeper.close().map(Some)
}

/// A ledger while it is being changed.
pub(super) struct Keeper<'a, B> {
    before: Counts,
    pub(super) book: &'a mut B,
    pub(super) rules: &'a Rules,
    pub(super) counts: Counts,
    pub(super) now: Timestamp,
    resolved: Resolved,
}

impl<'a, B: LedgerTx> Keeper<'a, B> {
    pub(super) fn of(book: &'a mut B, rules: &'a Rules, now: Timestamp) -> Result<Self, B::Error> {
        let counts = book.counts()?;
        Ok(Self { before: counts.clone(), book, rules, counts, now, resolved: Resolved::default() })
    }

    fn credit(&mut self, award: &mut Award) -> Result<(), B::Error> {
        award.credited_at = Some(self.now);
        self.closes_lot_of(award);
        let consolation = || self.rules.incentive.as_ref()?.consolation.clone();
        let status = match &award.status {
            AwardStatus::Reserved { place } => self.reward(award, *place)?,
            AwardStatus::Waiting
            | AwardStatus::NoPrize(
                NoPrize::NotOpen | NoPrize::Closed | NoPrize::TooSlow | NoPrize::NotDrawn,
            ) => consolation().map(|reward| AwardStatus::Rewarded { place: None, reward }),
            AwardStatus::InRaffle if self.has_no_lot_any_more() => {
                Some(AwardStatus::NoPrize(NoPrize::Closed))
            }
            // Its incentive was removed before it was entered.
            AwardStatus::New => Some(AwardStatus::NoPrize(NoPrize::NoIncentive)),
            AwardStatus::InRaffle
            | AwardStatus::NoPrize(NoPrize::NoIncentive | NoPrize::Already)
            | AwardStatus::Rewarded { .. }
            | AwardStatus::Released => None,
        };
        self.stand(award, status.unwrap_or_else(|| award.status.clone()))?;
        if award.reward().is_some() {
            self.no_second_for(award)?;
        }
        self.call_back(award, CallbackKind::Credited)
    }

    /// Which participations have a ticket does not depend on when the draw is made, or repeated after an
    /// interruption.
    fn has_no_lot_any_more(&self) -> bool {
        let closed = self.rules.incentive.as_ref().is_some_and(|incentive| self.now > incentive.lots_until());
        closed || self.counts.lots_closed || self.counts.drawn_at.is_some()
    }

    /// The draw does not wait for a participation that is credited or has ended.
    fn closes_lot_of(&mut self, award: &Award) {
        if award.status == AwardStatus::InRaffle {
            self.counts.open_lots = self.counts.open_lots.map(|open| open.saturating_sub(1));
        }
    }

    fn release(&mut self, award: &mut Award, why: Option<Refusal>) -> Result<(), B::Error> {
        let place = match award.status {
            AwardStatus::Reserved { place } => Some(place),
            _ => None,
        };
        self.closes_lot_of(award);
        self.stand(award, AwardStatus::Released)?;
        if let Some(place) = place {
            self.book.put_back(place)?;
            self.move_up()?;
        }
        self.call_back_why(award, CallbackKind::Ended, why)
    }

    /// Gives free places to waiting participations, in the order of acceptance.
    pub(super) fn move_up(&mut self) -> Result<(), B::Error> {
        let Some(incentive) = self.rules.incentive.clone() else { return Ok(()) };
        while let Some(mut award) = self.book.first_waiting()? {
            if self.counts.may_be_behind_others(&award) {
                return Ok(());
            }
            let others = self.book.siblings_of(&award)?;
            if self.counts.keeps_any(self.book, &others)? {
                self.stand(&mut award, AwardStatus::NoPrize(NoPrize::Already))?;
                continue;
            }
            let Some(place) = free_place(self.book, &incentive, &mut self.counts)? else { return Ok(()) };
            if award.credited_at.is_some() {
                self.give_later(&mut award, place)?;
            } else {
                self.stand(&mut award, AwardStatus::Reserved { place })?;
            }
        }
        Ok(())
    }

    /// Gives a reward to a participation that was credited before.
    fn give_later(&mut self, award: &mut Award, place: u32) -> Result<(), B::Error> {
        let Some(status) = self.reward(award, place)? else { return Ok(()) };
        award.due_at = Some(self.now);
        self.stand(award, status)?;
        self.no_second_for(award)?;
        self.resolved.moved_up.push(award.id);
        self.call_back(award, CallbackKind::Rewarded)
    }

    /// The reward of a place; `None` if no code is left, and then the place is kept until there is one.
    fn reward(&mut self, award: &Award, place: u32) -> Result<Option<AwardStatus>, B::Error> {
        let Some(incentive) = &self.rules.incentive else { return Ok(None) };
        // The tickets of a raffle have no place of their own.
        let offer =
            if matches!(incentive.kind, Kind::Raffle { .. }) { &Offer::ByPlace } else { &award.offer };
        let reward = match incentive.prize(offer, place) {
            None => return Ok(None),
            Some(Prize::Fixed(reward)) => reward,
            Some(Prize::Codes(pool)) => match self.book.take_code(&pool, award.id)? {
                None => {
                    self.resolved.owed.push(pool.file().to_owned());
                    return Ok(None);
                }
                Some(taken) => {
                    self.watch_stock(pool.file(), &taken);
                    Reward::Code(without_mark(&taken.code).to_owned())
                }
            },
        };
        Ok(Some(AwardStatus::Rewarded { place: Some(place), reward }))
    }

    fn watch_stock(&mut self, pool: &str, taken: &TakenCode) {
        if taken.left == taken.of / 10 || taken.left == 0 {
            self.resolved.low.push((pool.to_owned(), taken.left));
        }
    }

    /// The participant's other participations no longer wait.
    fn no_second_for(&mut self, award: &Award) -> Result<(), B::Error> {
        for mut other in self.book.siblings_of(award)? {
            if other.status == AwardStatus::Waiting {
                self.stand(&mut other, AwardStatus::NoPrize(NoPrize::Already))?;
            }
        }
        Ok(())
    }

    fn stand(&mut self, award: &mut Award, status: AwardStatus) -> Result<(), B::Error> {
        self.counts.moves(Some(&award.status), &status);
        let was_rewarded = award.reward().is_some();
        award.status = status;
        if award.reward().is_none() {
            award.rewarded_at = None;
        } else if !was_rewarded {
            award.rewarded_at = Some(self.now);
        }
        self.book.keep(award)
    }

    pub(super) fn call_back(&mut self, award: &Award, kind: CallbackKind) -> Result<(), B::Error> {
        self.call_back_why(award, kind, None)
    }

    fn call_back_why(
        &mut self,
        award: &Award,
        kind: CallbackKind,
        refusal: Option<Refusal>,
    ) -> Result<(), B::Error> {
        if self.rules.call_back {
            let callback = Callback { refusal, ..Callback::of(award, kind, self.now) };
            self.book.call_back(&callback)?;
            self.resolved.callbacks.push(callback);
        }
        Ok(())
    }

    pub(super) fn close(self) -> Result<Resolved, B::Error> {
        // The incentive may be missing from the brand file while its ledger remains, since it may be added
        // again.
        if self.rules.incentive.is_some() || self.counts != self.before {
            self.book.keep_counts(&self.counts)?;
        }
        Ok(self.resolved)
    }
}

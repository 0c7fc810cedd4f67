//! Lines that are credited by their numbers alone.
//!
//! Up to the quantity, a number is a place. If the credit comes on receipt, and everybody who has the place would get the same reward, then
//! the number also decides what the line becomes. So a transaction keeps only the numbers, for many lines together, and each line is
//! stored later, in the save of its participation. If that save never happens, the number is still kept, and the line becomes the same again.

use std::num::NonZeroU64;

use super::bookkeeping::Keeper;
use crate::Timestamp;
use crate::award::{Award, AwardStatus, Resolution};
use crate::callback::CallbackKind;
use crate::incentive::{Incentive, Prize};
use crate::ledger::numbers::{draws_number, standing_of};
use crate::ledger::{Counts, LedgerTx, Resolved, Rules, Standing};

/// Whether a line's number alone decides what it becomes, if its participant has no other line. Codes are excluded, because each code goes
/// to one participant only.
#[must_use]
pub fn is_decided_by_number(rules: &Rules, award: &Award, resolution: Resolution) -> bool {
    let Some(incentive) = &rules.incentive else { return false };
    let is_new = award.status == AwardStatus::New && !award.is_entered() && !award.is_resolved();
    is_new
        && resolution == Resolution::Credit
        && draws_number(rules, &award.offer)
        && place_of(incentive, award).is_some_and(|place| rewarded(incentive, award, place).is_some())
}

/// The place of a line that is not entered yet: its number, up to the quantity.
fn place_of(incentive: &Incentive, award: &Award) -> Option<u32> {
    match standing_of(award.number?.get(), incentive.quantity) {
        Standing::Place(place) => Some(place),
        Standing::Unnumbered | Standing::Waiting(_) | Standing::WaitingAtLeast(_) | Standing::NotKnownYet => {
            None
        }
    }
}

/// The status of a line that gets the reward of this place, if the reward is no code.
fn rewarded(incentive: &Incentive, award: &Award, place: u32) -> Option<AwardStatus> {
    match incentive.prize(&award.offer, place)? {
        Prize::Fixed(reward) => Some(AwardStatus::Rewarded { place: Some(place), reward }),
        Prize::Codes(_) => None,
    }
}

/// Credits the lines whose numbers decide what they become, and returns them as they become. Their numbers are kept in the ledger. The
/// lines themselves are left to the caller, who stores each one with its participation. All others are left as they are, and so are
/// those whose participant has another line. Before the counters are read, each line has to be found by the keys that it shares.
///
/// # Errors
/// The store's error.
pub fn credit_by_number<B: LedgerTx>(
    book: &mut B,
    rules: &Rules,
    lines: &[Award],
    now: Timestamp,
) -> Result<Resolved, B::Error> {
    let mut keeper = Keeper::of(book, rules, now)?;
    let Some(incentive) =
        rules.incentive.as_deref().filter(|incentive| keeper.counts.begin_numbers(incentive))
    else {
        return Ok(Resolved::default());
    };
    let mut lines: Vec<&Award> =
        lines.iter().filter(|line| is_decided_by_number(rules, line, Resolution::Credit)).collect();
    // Numbers that follow each other need no page.
    lines.sort_by_key(|line| line.number);
    let mut credited = Vec::with_capacity(lines.len());
    for line in lines {
        if let Some(kept) = keeper.kept_line(incentive, line)? {
            credited.push(kept);
        } else if let Some(place) = place_of(incentive, line)
            && !keeper.counts_another(line)?
            && keeper.counts.keep_number(keeper.book, place.into())?
        {
            keeper.counts.arrivals += 1;
            keeper.counts.places = keeper.counts.places.max(place);
            let line = keeper.credited_line(incentive, line, place);
            keeper.counts.moves(None, &line.status);
            keeper.call_back(&line, CallbackKind::Credited)?;
            credited.push(line);
        }
    }
    keeper.give_out(incentive)?;
    Ok(Resolved { awards: credited, ..keeper.close()? })
}

impl Counts {
    /// Whether the number of one of these lines is kept, so that its participant has a reward.
    pub(super) fn keeps_any<B: LedgerTx>(&self, book: &mut B, lines: &[Award]) -> Result<bool, B::Error> {
        for line in lines.iter().filter(|line| !line.is_entered()) {
            if let Some(number) = line.number
                && self.is_kept(book, number.get())?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl<B: LedgerTx> Keeper<'_, B> {
    /// Whether the ledger counts another line of the same participant.
    fn counts_another(&mut self, award: &Award) -> Result<bool, B::Error> {
        let others = self.book.siblings_of(award)?;
        Ok(others.iter().any(Award::is_entered) || self.counts.keeps_any(self.book, &others)?)
    }

    /// The line of a number that was kept, as it is to be stored. `None` if the number was not kept.
    pub(super) fn kept_line(
        &mut self,
        incentive: &Incentive,
        award: &Award,
    ) -> Result<Option<Award>, B::Error> {
        let Some(number) = award.number.map(NonZeroU64::get) else { return Ok(None) };
        if !self.counts.is_kept(self.book, number)? {
            return Ok(None);
        }
        let line = self.credited_line(incentive, award, u32::try_from(number).unwrap_or(u32::MAX));
        if line.reward().is_none() {
            // The prize has become a code meanwhile. The line has its place and is owed the reward.
            self.counts.given = self.counts.given.saturating_sub(1);
            self.counts.moves(None, &line.status);
        }
        Ok(Some(line))
    }

    fn credited_line(&self, incentive: &Incentive, award: &Award, place: u32) -> Award {
        let status = rewarded(incentive, award, place);
        let rewarded_at = status.as_ref().map(|_| self.now);
        let status = status.unwrap_or(AwardStatus::Reserved { place });
        let (arrival, credited_at) = (award.number, Some(self.now));
        Award { arrival, number: None, status, credited_at, rewarded_at, ..award.clone() }
    }
}

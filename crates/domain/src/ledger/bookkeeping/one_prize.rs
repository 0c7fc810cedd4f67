//! One participant may have several lines in a ledger, under different keys. There is one prize for all of them.

use super::Keeper;
use crate::award::{Award, AwardStatus, Participant};
use crate::incentive::{Kind, NoPrize, Offer};
use crate::ledger::LedgerTx;

/// The result of an instant win that was drawn for the same participant under another key, if there is one.
pub(super) fn drawn_before(award: &Award, others: &[Award]) -> Option<Offer> {
    let is_drawn = |offer: &Offer| matches!(offer, Offer::ByPlace | Offer::Nothing(NoPrize::NotDrawn));
    let earlier =
        |other: &&Award| other.is_entered() && is_drawn(&other.offer) && other.arrival < award.arrival;
    let first = others.iter().filter(earlier).min_by_key(|other| other.arrival);
    first.filter(|_| is_drawn(&award.offer)).map(|other| other.offer.clone())
}

impl<B: LedgerTx> Keeper<'_, B> {
    /// Records what became known of the participant. If they have lines that were not known to be theirs, one prize
    /// is left for all of them: a reward that was given, or else the place of the line that was entered first.
    pub(super) fn identify(&mut self, award: &mut Award, who: Participant) -> Result<(), B::Error> {
        if !award.is_entered() || award.status == AwardStatus::Released || !award.learn(who) {
            return Ok(());
        }
        self.book.keep(award)?;
        let others = self.book.siblings_of(award)?;
        self.draws_once(award, &others)?;
        if award.reward().is_some() {
            // A consolation takes no place from anybody.
            let is_in_doubt = |other: &Award| other.status == AwardStatus::Waiting || award.has_place();
            for mut other in others.into_iter().filter(is_in_doubt) {
                self.give_up(&mut other, AwardStatus::NoPrize(NoPrize::Already))?;
            }
        } else if others.iter().any(|other| other.reward().is_some())
            || self.counts.keeps_any(self.book, &others)?
        {
            self.give_up(award, AwardStatus::NoPrize(NoPrize::Already))?;
        } else if award.status == AwardStatus::NoPrize(NoPrize::Already) {
            // Another participant has the reward, so this one may win after all.
            self.stand(award, AwardStatus::Waiting)?;
        } else if award.has_place() {
            for mut other in others.into_iter().filter(Award::has_place) {
                if other.arrival < award.arrival {
                    self.give_up(award, AwardStatus::Waiting)?;
                } else {
                    self.give_up(&mut other, AwardStatus::Waiting)?;
                }
            }
        }
        self.move_up()?;
        // Its own line may have moved up, too.
        if let Some(now) = self.book.award(award.id)? {
            *award = now;
        }
        Ok(())
    }

    /// Of two draws for one participant, the first counts.
    fn draws_once(&mut self, award: &mut Award, others: &[Award]) -> Result<(), B::Error> {
        let is_draw = |kind: &Kind| matches!(kind, Kind::Draw { .. });
        let is_draw = self.rules.incentive.as_ref().is_some_and(|incentive| is_draw(&incentive.kind));
        let Some(offer) = drawn_before(award, others).filter(|_| is_draw && award.reward().is_none()) else {
            return Ok(());
        };
        award.offer = offer;
        if award.offer == Offer::Nothing(NoPrize::NotDrawn) {
            self.give_up(award, AwardStatus::NoPrize(NoPrize::NotDrawn))?;
        }
        Ok(())
    }

    /// Gives back what a line has reserved or waits for. Other lines are as they were: a reward is never taken back.
    fn give_up(&mut self, award: &mut Award, status: AwardStatus) -> Result<(), B::Error> {
        match award.status {
            AwardStatus::Reserved { place } => {
                self.stand(award, status)?;
                self.book.put_back(place)
            }
            AwardStatus::Waiting => self.stand(award, status),
            AwardStatus::New
            | AwardStatus::InRaffle
            | AwardStatus::Rewarded { .. }
            | AwardStatus::NoPrize(_)
            | AwardStatus::Released => Ok(()),
        }
    }
}

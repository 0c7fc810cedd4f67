//! What a line in a ledger says about the prize.

use domain::award::{Award, AwardStatus};
use domain::incentive::{Incentive, Kind, NoPrize, Offer, Reward, Since};
use domain::participation::Participation;
use domain::time::between;

use super::{AnswerFacts, Sibling, Statement, Win};
use crate::plain;

/// The prospects of a prize before the participation is credited.
pub(super) fn before_credit(facts: &AnswerFacts<'_>, award: &Award) -> Option<Statement> {
    award.ledger.incentive.as_ref()?;
    match &award.status {
        AwardStatus::Reserved { place } => Some(Statement::PlaceReserved { place: *place }),
        AwardStatus::New => Some(Statement::PlaceNotKnownYet),
        AwardStatus::Released => None,
        AwardStatus::NoPrize(why) => Some(no_prize(facts, award, *why)),
        AwardStatus::Waiting => Some(waiting(facts, award)),
        AwardStatus::InRaffle => Some(in_raffle(facts)),
        AwardStatus::Rewarded { place, reward } => Some(won(facts, award, reward, *place)),
    }
}

/// What became of the prize once the participation is credited.
pub(super) fn after_credit(facts: &AnswerFacts<'_>, award: &Award) -> Vec<Statement> {
    match &award.status {
        AwardStatus::Rewarded { place: None, reward } => consolation(facts, award, reward),
        AwardStatus::Rewarded { place, reward } => vec![won(facts, award, reward, *place)],
        AwardStatus::Reserved { place } if award.credited_at.is_some() => {
            vec![Statement::CodeOwed { place: *place }]
        }
        AwardStatus::Reserved { place } => vec![Statement::PlaceReserved { place: *place }],
        AwardStatus::Waiting => {
            let mut statements = vec![waiting(facts, award)];
            statements.extend(chance_to_move_up(facts, award));
            statements
        }
        AwardStatus::InRaffle => vec![in_raffle(facts)],
        AwardStatus::NoPrize(why) => vec![no_prize(facts, award, *why)],
        AwardStatus::New => vec![Statement::PlaceNotKnownYet],
        AwardStatus::Released => vec![Statement::NotCredited],
    }
}

fn won(facts: &AnswerFacts<'_>, award: &Award, reward: &Reward, place: Option<u32>) -> Statement {
    let after = award.rewarded_at.map(|at| between(facts.participation.accepted_at(), at));
    Statement::Won { win: win(reward), place, after }
}

fn win(reward: &Reward) -> Win {
    match reward {
        Reward::Code(code) => Win::Code(plain::masked_code(code)),
        Reward::Value(amount) => Win::Value(*amount),
    }
}

/// The consolation, and why it is no prize.
fn consolation(facts: &AnswerFacts<'_>, award: &Award, reward: &Reward) -> Vec<Statement> {
    let why = match award.offer {
        Offer::Nothing(why) => no_prize(facts, award, why),
        Offer::ByPlace | Offer::Prize(_) | Offer::Lot => {
            Statement::SoldOut { quantity: facts.incentive.and_then(|incentive| incentive.quantity.limit()) }
        }
    };
    vec![Statement::Consolation { win: win(reward) }, why]
}

fn waiting(facts: &AnswerFacts<'_>, award: &Award) -> Statement {
    if let Some(own) = own_place(facts, award) {
        return Statement::WaitsForOwn { way: own.channel, place: own.award.place() };
    }
    let accepted_at = facts.participation.accepted_at();
    Statement::Waiting {
        quantity: facts.incentive.and_then(|incentive| incentive.quantity.limit()),
        late_by: facts
            .last_place_at
            .filter(|last| *last <= accepted_at)
            .map(|last| between(last, accepted_at)),
        in_line: facts.waiting_ahead.map(|ahead| ahead.saturating_add(1)),
    }
}

/// The same participant's line that has a place.
fn own_place<'a>(facts: &AnswerFacts<'a>, award: &Award) -> Option<&'a Sibling> {
    facts.siblings.iter().find(|other| other.award.has_place() && other.award.id != award.id)
}

/// Whether a place may still become free.
fn chance_to_move_up(facts: &AnswerFacts<'_>, award: &Award) -> Option<Statement> {
    if own_place(facts, award).is_some() {
        return None;
    }
    let counts = facts.counts?;
    if counts.held > 0 {
        return Some(Statement::PlacesHeld { held: counts.held });
    }
    let quantity = facts.incentive.and_then(|incentive| incentive.quantity.limit());
    Some(Statement::SoldOut { quantity: quantity.or((counts.given > 0).then_some(counts.given)) })
}

fn in_raffle(facts: &AnswerFacts<'_>) -> Statement {
    let drawn_at = facts.counts.and_then(|counts| counts.drawn_at);
    if drawn_at.is_some() {
        let frozen = facts.counts.and_then(|counts| counts.frozen);
        return Statement::RaffleLost { drawn_at, of: frozen.map(|frozen| (frozen.lots, frozen.winners)) };
    }
    Statement::InRaffle {
        drawn_from: facts.incentive.map(Incentive::drawn_from),
        tickets: facts.counts.map(|counts| counts.entered).filter(|tickets| *tickets > 0),
    }
}

fn no_prize(facts: &AnswerFacts<'_>, award: &Award, why: NoPrize) -> Statement {
    let accepted_at = facts.participation.accepted_at();
    let incentive = facts.incentive;
    match why {
        NoPrize::NoIncentive => Statement::NoIncentive,
        NoPrize::NotDrawn => Statement::NotDrawn,
        NoPrize::Already => already(facts, award),
        NoPrize::NotOpen => {
            let opens = incentive.map(|incentive| incentive.opens).filter(|opens| accepted_at < *opens);
            Statement::NotOpen { early_by: opens.map(|opens| between(accepted_at, opens)) }
        }
        // The ticket was accepted in time, and not credited in time.
        NoPrize::Closed if award.offer == Offer::Lot => Statement::CreditedLate,
        NoPrize::Closed => {
            let closes = incentive.map(|incentive| incentive.closes).filter(|closes| *closes <= accepted_at);
            Statement::Closed { late_by: closes.map(|closes| between(closes, accepted_at)) }
        }
        NoPrize::TooSlow => too_slow(facts.participation, incentive),
    }
}

fn already(facts: &AnswerFacts<'_>, award: &Award) -> Statement {
    let mut others = facts.siblings.iter().filter(|other| other.award.id != award.id);
    let other = others.find(|other| other.award.reward().is_some());
    Statement::AlreadyRewarded {
        way: other.and_then(|other| other.channel),
        place: other.and_then(|other| other.award.place()),
    }
}

fn too_slow(participation: &Participation, incentive: Option<&Incentive>) -> Statement {
    let Some(Incentive { kind: Kind::Speed { since, speed_tiers }, opens, .. }) = incentive else {
        return Statement::TooSlow { took: None, within: None, since: Since::Opens };
    };
    let began = match since {
        Since::Opens => Some(*opens),
        Since::SentAt => participation.event().and_then(|event| event.sent_at),
    };
    let took = began.map(|began| between(began, participation.accepted_at()));
    let within = speed_tiers.last().map(|slowest| slowest.within);
    // The brand file may have been changed since.
    let took = took.filter(|took| within.is_none_or(|within| *took > within));
    Statement::TooSlow { took, within: within.filter(|_| took.is_some()), since: *since }
}

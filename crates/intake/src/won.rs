//! What a participation has won, and where it stands, as answers say it.

use domain::award::{Award, AwardStatus};
use domain::incentive::raffle::Ticket;
use domain::ledger::numbers::{standing_of, takes_place};
use domain::ledger::{Counts, Standing};
use domain::participation::Participation;
use domain::seen::{self, Asking};
use ports::shown;
use serde::Serialize;
use serde_json::Value;

use crate::Intake;
use crate::incentives::{RewardsLeft, counts, unreachable};
use crate::problem::Problem;

/// The standing of a participation that was accepted now or before. Unknown members are absent.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Stands {
    /// The place, counted from 1; `null` while it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Option<u32>, required = false))]
    position: Option<Option<u32>>,
    /// All places are taken; 1 is the next to move up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    waiting: Option<u32>,
    /// All places are taken, and at least so many are ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    waiting_at_least: Option<u32>,
    /// The code or value, if it was given before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = RewardShown, required = false))]
    reward: Option<Value>,
}

/// A code, or a value in the brand's unit.
#[cfg(test)]
#[derive(Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes the JSON")]
pub(crate) enum RewardShown {
    /// A code.
    Code(String),
    /// A value.
    Value(f64),
}

/// What a participation has won. Everything is absent where there is nothing to win, or where the caller may not see it.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Won {
    /// The incentive's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    incentive: Option<String>,
    /// The code or value; `null` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Option<RewardShown>, required = false))]
    reward: Option<Option<Value>>,
    /// The place, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    position: Option<u32>,
    /// All places are taken; 1 is the next to move up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    waiting: Option<u32>,
    /// All places are taken, and at least so many are ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    waiting_at_least: Option<u32>,
    /// The ticket in a raffle.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    ticket: Option<String>,
    /// Why there is no prize.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    no_reward: Option<&'static str>,
    /// How many rewards there are; `null` for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Option<u32>, required = false))]
    quantity: Option<Option<u32>>,
    /// How many rewards were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    claimed: Option<u32>,
    /// How many a consumer who comes now can still get; `null` for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(value_type = Option<u32>, required = false))]
    remaining: Option<Option<u32>>,
}

impl Stands {
    /// Where a participation stands that was just accepted.
    pub(crate) fn of(standing: Standing) -> Self {
        let mut stands = Self::default();
        match standing {
            Standing::Unnumbered => {}
            Standing::Place(place) => stands.position = Some(Some(place)),
            Standing::Waiting(waiting) => stands.waiting = Some(waiting),
            Standing::WaitingAtLeast(ahead) => stands.waiting_at_least = Some(ahead),
            Standing::NotKnownYet => stands.position = Some(None),
        }
        stands
    }
}

/// Where a participation that was accepted before stands now, with the reward if it has one.
pub(crate) async fn of_earlier(
    intake: &Intake,
    participation: &Participation,
    asking: Asking,
) -> Result<Stands, Problem> {
    if !participation.has_award() || !seen::shows_win(participation, asking) {
        return Ok(Stands::default());
    }
    let read = intake.ledger.awards(&[participation.id()]).await;
    let Some(award) = read.map_err(|error| unreachable(intake, &error))?.found.pop() else {
        return Ok(Stands::default());
    };
    let award = seen::award(participation, award, asking);
    if award.status == AwardStatus::New {
        return Ok(Stands::of(not_entered(intake, &award)));
    }
    let (won, _) = of_award(intake, &award).await?;
    Ok(Stands {
        position: won.position.map(Some),
        waiting: won.waiting,
        waiting_at_least: None,
        reward: won.reward.flatten(),
    })
}

/// Where a participation stands whose line is not entered yet.
fn not_entered(intake: &Intake, award: &Award) -> Standing {
    if !takes_place(&award.offer) {
        return Standing::Unnumbered;
    }
    let known = intake.brands.activation(&award.ledger.scope).zip(award.ledger.incentive.as_ref());
    let incentive = known.and_then(|((_, activation), id)| activation.incentives.get(id));
    let numbered = award.number.zip(incentive);
    numbered
        .map_or(Standing::NotKnownYet, |(number, incentive)| standing_of(number.get(), incentive.quantity))
}

/// What a participation's award looks like to the caller that asks for the participation, with the counters of its ledger.
pub(crate) async fn of_award(intake: &Intake, award: &Award) -> Result<(Won, Counts), Problem> {
    let Some(id) = &award.ledger.incentive else { return Ok((Won::default(), Counts::default())) };
    let counts = counts(intake, &award.ledger).await?;
    let mut won = Won { incentive: Some(id.to_string()), reward: Some(None), ..Won::default() };
    let activation = intake.brands.activation(&award.ledger.scope).map(|(_, activation)| activation);
    if let Some(incentive) = activation.and_then(|activation| activation.incentives.get(id)) {
        won.shows(RewardsLeft::of(incentive, &counts));
    }
    match &award.status {
        AwardStatus::Rewarded { place, reward } => {
            won.reward = Some(Some(shown::reward(reward)));
            won.position = *place;
        }
        AwardStatus::Reserved { place } => won.position = Some(*place),
        AwardStatus::Waiting => {
            let ahead =
                intake.ledger.waiting_ahead_of(award).await.map_err(|error| unreachable(intake, &error))?;
            won.waiting = Some(ahead.saturating_add(1));
        }
        AwardStatus::InRaffle => {
            won.ticket = Some(hex::encode(Ticket::of(award.id).0));
            won.no_reward = counts.drawn_at.map(|_drawn| "not_drawn");
        }
        AwardStatus::New => {
            let stands = Stands::of(not_entered(intake, award));
            won.position = stands.position.flatten();
            (won.waiting, won.waiting_at_least) = (stands.waiting, stands.waiting_at_least);
        }
        AwardStatus::NoPrize(why) => won.no_reward = Some(why.name()),
        AwardStatus::Released => won.no_reward = Some("not_credited"),
    }
    Ok((won, counts))
}

impl Won {
    fn shows(&mut self, left: RewardsLeft) {
        self.quantity = Some(left.quantity);
        self.claimed = Some(left.claimed);
        self.remaining = Some(left.remaining);
    }
}

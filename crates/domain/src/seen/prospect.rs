//! What a consumer may expect, in one word: pages show it without knowing the states of a participation.

use crate::award::{Award, AwardStatus};
use crate::incentive::NoPrize;
use crate::participation::State;

/// Whether a participation has ended, as a caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenStage {
    /// It has not ended.
    Open,
    /// It ended with its credit.
    Earned,
    /// It ended without a credit.
    NotEarned,
}

impl SeenStage {
    /// The stage of a state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        match state {
            State::Open(_) => Self::Open,
            State::Ended(outcome) if outcome.earns() => Self::Earned,
            State::Ended(_) => Self::NotEarned,
        }
    }
}

/// What a consumer may expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// It is not known yet what the consumer gets.
    OnItsWay,
    /// The consumer has a prize.
    Won,
    /// All places are taken, and the consumer is in line.
    Waiting,
    /// The consumer takes part: in a draw, or in an activation without prizes.
    Entered,
    /// The consumer takes part and has won no prize; there may be a consolation.
    Nothing,
    /// The participation ended without a credit.
    Refused,
}

impl Prospect {
    /// The name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OnItsWay => "on_its_way",
            Self::Won => "won",
            Self::Waiting => "waiting",
            Self::Entered => "entered",
            Self::Nothing => "nothing",
            Self::Refused => "refused",
        }
    }
}

/// What a consumer may expect, and whether that can still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// What the consumer may expect.
    pub prospect: Prospect,
    /// Whether it stays so.
    pub is_final: bool,
}

impl Expected {
    /// What a consumer may expect at this stage. `award` is what the caller sees of the award; `drawn` says whether the raffle was drawn.
    #[must_use]
    pub fn of(stage: SeenStage, award: Option<&Award>, drawn: bool) -> Self {
        let last = |prospect| Self { prospect, is_final: true };
        let so_far = |prospect| Self { prospect, is_final: false };
        let credited = award.is_some_and(|award| award.credited_at.is_some());
        let status = award.map_or(&AwardStatus::NoPrize(NoPrize::NoIncentive), |award| &award.status);
        match (status, stage) {
            (AwardStatus::Rewarded { place: Some(_), .. }, _) => last(Prospect::Won),
            (AwardStatus::Rewarded { place: None, .. }, _) => last(Prospect::Nothing),
            (AwardStatus::Released, SeenStage::Open) => so_far(Prospect::OnItsWay),
            (AwardStatus::Released, SeenStage::Earned | SeenStage::NotEarned) => last(Prospect::Refused),
            (_, SeenStage::NotEarned) if !credited => last(Prospect::Refused),
            (AwardStatus::NoPrize(NoPrize::NoIncentive), SeenStage::Open) if !credited => {
                so_far(Prospect::OnItsWay)
            }
            (AwardStatus::NoPrize(NoPrize::NoIncentive), _) => last(Prospect::Entered),
            (AwardStatus::NoPrize(_), stage) => {
                Self { prospect: Prospect::Nothing, is_final: credited || stage != SeenStage::Open }
            }
            (AwardStatus::InRaffle, _) if drawn => last(Prospect::Nothing),
            (AwardStatus::InRaffle, _) => so_far(Prospect::Entered),
            (AwardStatus::Waiting, _) => so_far(Prospect::Waiting),
            (AwardStatus::New | AwardStatus::Reserved { .. }, _) => so_far(Prospect::OnItsWay),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::incentive::Reward;

    fn expected(status: AwardStatus, stage: SeenStage, credited: bool) -> (&'static str, bool) {
        let mut award = crate::award::tests::award(status, 7);
        award.credited_at = credited.then_some(Timestamp::UNIX_EPOCH);
        let Expected { prospect, is_final } = Expected::of(stage, Some(&award), false);
        (prospect.name(), is_final)
    }

    #[test]
    fn a_reward_is_the_last_word_whatever_the_participation_does() {
        for stage in [SeenStage::Open, SeenStage::Earned, SeenStage::NotEarned] {
            let rewarded = |place| AwardStatus::Rewarded { place, reward: Reward::Code("X".to_owned()) };
            assert_eq!(expected(rewarded(Some(1)), stage, true), ("won", true));
            assert_eq!(expected(rewarded(None), stage, true), ("nothing", true));
        }
    }

    #[test]
    fn who_ends_without_a_credit_is_refused_whatever_the_award_said_before() {
        for status in [
            AwardStatus::New,
            AwardStatus::Reserved { place: 1 },
            AwardStatus::Waiting,
            AwardStatus::InRaffle,
            AwardStatus::NoPrize(NoPrize::TooSlow),
            AwardStatus::Released,
        ] {
            assert_eq!(expected(status, SeenStage::NotEarned, false), ("refused", true));
        }
        assert_eq!(Expected::of(SeenStage::NotEarned, None, false).prospect, Prospect::Refused);
    }

    #[test]
    fn a_place_and_a_turn_in_line_can_still_change() {
        for stage in [SeenStage::Open, SeenStage::Earned] {
            assert_eq!(expected(AwardStatus::Reserved { place: 1 }, stage, false), ("on_its_way", false));
            assert_eq!(expected(AwardStatus::Waiting, stage, stage == SeenStage::Earned), ("waiting", false));
            assert_eq!(expected(AwardStatus::InRaffle, stage, false), ("entered", false));
        }
    }

    #[test]
    fn a_credit_that_waits_for_a_code_is_still_on_its_way_after_the_end() {
        let reserved = AwardStatus::Reserved { place: 1 };
        assert_eq!(expected(reserved, SeenStage::NotEarned, true), ("on_its_way", false));
    }

    #[test]
    fn a_ticket_that_was_not_drawn_has_won_nothing() {
        let award = crate::award::tests::award(AwardStatus::InRaffle, 7);
        let after = Expected::of(SeenStage::Earned, Some(&award), true);
        assert_eq!(after, Expected { prospect: Prospect::Nothing, is_final: true });
    }

    #[test]
    fn without_an_incentive_whoever_is_credited_has_entered() {
        assert_eq!(Expected::of(SeenStage::Open, None, false).prospect, Prospect::OnItsWay);
        let after = Expected::of(SeenStage::Earned, None, false);
        assert_eq!(after, Expected { prospect: Prospect::Entered, is_final: true });
    }

    #[test]
    fn what_was_lost_by_the_rules_is_final_with_the_credit() {
        let too_slow = AwardStatus::NoPrize(NoPrize::TooSlow);
        assert_eq!(expected(too_slow.clone(), SeenStage::Open, false), ("nothing", false));
        assert_eq!(expected(too_slow.clone(), SeenStage::Open, true), ("nothing", true));
        assert_eq!(expected(too_slow, SeenStage::Earned, false), ("nothing", true));
    }
}

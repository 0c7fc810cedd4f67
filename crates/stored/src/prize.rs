//! Offers, rewards and award statuses, as parts of records.

use domain::award::AwardStatus;
use domain::incentive::{Amount, NoPrize, Offer, Pool, Prize, Reward};
use serde::{Deserialize, Serialize};

use crate::error::Why;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OfferRecord {
    ByPlace,
    Fixed(RewardRecord),
    Codes(String),
    Lot,
    Nothing(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RewardRecord {
    Code(String),
    /// In ten-thousandths.
    Value(i64),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StandingRecord {
    Held(u32),
    Waiting,
    Entered,
    Rewarded {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<u32>,
        reward: RewardRecord,
    },
    Without(String),
    Released,
}

pub(crate) fn offer_record(offer: &Offer) -> OfferRecord {
    match offer {
        Offer::ByPlace => OfferRecord::ByPlace,
        Offer::Prize(Prize::Fixed(reward)) => OfferRecord::Fixed(reward_record(reward)),
        Offer::Prize(Prize::Codes(pool)) => OfferRecord::Codes(pool.file().to_owned()),
        Offer::Lot => OfferRecord::Lot,
        Offer::Nothing(why) => OfferRecord::Nothing(why.name().to_owned()),
    }
}

pub(crate) fn offer(record: OfferRecord) -> Result<Offer, Why> {
    Ok(match record {
        OfferRecord::ByPlace => Offer::ByPlace,
        OfferRecord::Fixed(stored) => Offer::Prize(Prize::Fixed(reward(stored)?)),
        OfferRecord::Codes(file) => Offer::Prize(Prize::Codes(Pool::of_file(&file).ok_or("not a pool")?)),
        OfferRecord::Lot => Offer::Lot,
        OfferRecord::Nothing(why) => Offer::Nothing(no_prize(&why)?),
    })
}

fn no_prize(name: &str) -> Result<NoPrize, Why> {
    NoPrize::named(name).ok_or_else(|| "an unknown reason to win nothing".into())
}

fn reward_record(reward: &Reward) -> RewardRecord {
    match reward {
        Reward::Code(code) => RewardRecord::Code(code.clone()),
        Reward::Value(amount) => RewardRecord::Value(amount.parts()),
    }
}

fn reward(record: RewardRecord) -> Result<Reward, Why> {
    Ok(match record {
        RewardRecord::Code(code) => Reward::Code(code),
        RewardRecord::Value(parts) => Reward::Value(Amount::from_parts(parts).ok_or("not an amount")?),
    })
}

pub(crate) fn standing_record(standing: &AwardStatus) -> StandingRecord {
    match standing {
        // An award that wins nothing has an arrival number; a new one has 0.
        AwardStatus::New => StandingRecord::Without(NoPrize::NoIncentive.name().to_owned()),
        AwardStatus::Reserved { place } => StandingRecord::Held(*place),
        AwardStatus::Waiting => StandingRecord::Waiting,
        AwardStatus::InRaffle => StandingRecord::Entered,
        AwardStatus::Rewarded { place, reward } => {
            StandingRecord::Rewarded { place: *place, reward: reward_record(reward) }
        }
        AwardStatus::NoPrize(why) => StandingRecord::Without(why.name().to_owned()),
        AwardStatus::Released => StandingRecord::Released,
    }
}

pub(crate) fn standing(record: StandingRecord) -> Result<AwardStatus, Why> {
    Ok(match record {
        StandingRecord::Held(place) => AwardStatus::Reserved { place },
        StandingRecord::Waiting => AwardStatus::Waiting,
        StandingRecord::Entered => AwardStatus::InRaffle,
        StandingRecord::Rewarded { place, reward: stored } => {
            AwardStatus::Rewarded { place, reward: reward(stored)? }
        }
        StandingRecord::Without(why) => AwardStatus::NoPrize(no_prize(&why)?),
        StandingRecord::Released => AwardStatus::Released,
    })
}

//! The stored form of awards, counters and notices.

use domain::award::{Award, Others, Refusal, Standing};
use domain::ids::{BrandId, ContactKey, IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::raffle::Commitment;
use domain::incentive::{Amount, NoPrize, Offer, Pool, Prize, Reward};
use domain::ledger::{Counts, Frozen};
use domain::notice::{News, Notice, NoticeId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{moment, text};
use crate::{Error, Result};

fn corrupt(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::corrupt("award, ledger or notice", source)
}

#[derive(Serialize, Deserialize)]
struct AwardRecord {
    brand: String,
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incentive: Option<String>,
    participant: String,
    /// Absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    others: Option<Vec<String>>,
    offer: OfferRecord,
    arrival: u64,
    standing: StandingRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credited_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OfferRecord {
    ByPlace,
    Fixed(RewardRecord),
    Codes(String),
    Lot,
    Nothing(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RewardRecord {
    Code(String),
    /// In ten-thousandths.
    Value(i64),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StandingRecord {
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

#[derive(Serialize, Deserialize)]
struct CountsRecord {
    arrivals: u64,
    places: u32,
    held: u32,
    given: u32,
    waiting: u32,
    entered: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commitment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drawn_at: Option<i64>,
    /// The lengths of the lists of tickets and of winners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frozen: Option<(u32, u32)>,
}

#[derive(Serialize, Deserialize)]
struct NoticeRecord {
    participation: String,
    news: String,
    brand: String,
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incentive: Option<String>,
    standing: StandingRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    at: i64,
}

/// A reward as everyone outside sees it: a text or a number.
#[must_use]
pub fn shown_reward(reward: &Reward) -> Value {
    match reward {
        Reward::Code(code) => Value::String(code.clone()),
        #[expect(clippy::expect_used, reason = "a reward that is shown as nothing looks like none")]
        Reward::Value(amount) => {
            serde_json::from_str(&amount.to_string()).expect("an amount is written as a JSON number")
        }
    }
}

/// An award as it is stored; its id is kept beside it.
#[must_use]
pub fn encode_award(award: &Award) -> String {
    text(&AwardRecord {
        brand: award.brand.to_string(),
        scope: award.ledger.scope.to_string(),
        incentive: award.ledger.incentive.as_ref().map(ToString::to_string),
        participant: award.participant.to_string(),
        others: match &award.others {
            Others::None => None,
            Others::Perhaps(ids) => Some(ids.iter().map(ToString::to_string).collect()),
        },
        offer: offer_record(&award.offer),
        arrival: award.arrival,
        standing: standing_record(&award.standing),
        credited_at: award.credited_at.map(domain::Timestamp::as_millisecond),
        due_at: award.due_at.map(domain::Timestamp::as_millisecond),
    })
}

/// An award read back.
///
/// # Errors
/// [`crate::Error::Corrupt`] when the text is not what [`encode_award`] makes.
pub fn decode_award(id: ParticipationId, stored: &str) -> Result<Award> {
    read_award(id, stored).map_err(|error| error.of(id))
}

fn read_award(id: ParticipationId, stored: &str) -> Result<Award> {
    let record: AwardRecord = serde_json::from_str(stored).map_err(corrupt)?;
    let mut participant = [0; 16];
    hex::decode_to_slice(&record.participant, &mut participant).map_err(corrupt)?;
    Ok(Award {
        id,
        brand: BrandId::parse(&record.brand).map_err(corrupt)?,
        ledger: ledger(&record.scope, record.incentive.as_deref())?,
        participant: ContactKey::from_bytes(participant),
        others: others(record.others)?,
        offer: offer(record.offer)?,
        arrival: record.arrival,
        standing: standing(record.standing)?,
        credited_at: record.credited_at.map(moment).transpose()?,
        due_at: record.due_at.map(moment).transpose()?,
    })
}

fn others(stored: Option<Vec<String>>) -> Result<Others> {
    let Some(ids) = stored else { return Ok(Others::None) };
    let ids: Result<_> = ids.iter().map(|id| ParticipationId::parse(id).map_err(corrupt)).collect();
    Ok(Others::Perhaps(ids?))
}

/// A ledger's counters as they are stored.
#[must_use]
pub fn encode_counts(counts: &Counts) -> String {
    text(&CountsRecord {
        arrivals: counts.arrivals,
        places: counts.places,
        held: counts.held,
        given: counts.given,
        waiting: counts.waiting,
        entered: counts.entered,
        commitment: counts.commitment.map(|commitment| hex::encode(commitment.0)),
        drawn_at: counts.drawn_at.map(domain::Timestamp::as_millisecond),
        frozen: counts.frozen.map(|frozen| (frozen.lots, frozen.winners)),
    })
}

/// A ledger's counters read back.
///
/// # Errors
/// [`crate::Error::Corrupt`] when the text is not what [`encode_counts`] makes.
pub fn decode_counts(stored: &str) -> Result<Counts> {
    let record: CountsRecord = serde_json::from_str(stored).map_err(corrupt)?;
    let commitment = record.commitment.map(|text| {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(corrupt)?;
        Ok(Commitment(bytes))
    });
    Ok(Counts {
        arrivals: record.arrivals,
        places: record.places,
        held: record.held,
        given: record.given,
        waiting: record.waiting,
        entered: record.entered,
        commitment: commitment.transpose()?,
        drawn_at: record.drawn_at.map(moment).transpose()?,
        frozen: record.frozen.map(|(lots, winners)| Frozen { lots, winners }),
    })
}

/// A notice as it is stored.
#[must_use]
pub fn encode_notice(notice: &Notice) -> String {
    text(&NoticeRecord {
        participation: notice.id.participation.to_string(),
        news: notice.id.news.name().to_owned(),
        brand: notice.brand.to_string(),
        scope: notice.ledger.scope.to_string(),
        incentive: notice.ledger.incentive.as_ref().map(ToString::to_string),
        standing: standing_record(&notice.standing),
        refusal: notice.refusal.map(|refusal| refusal.name().to_owned()),
        at: notice.at.as_millisecond(),
    })
}

/// A notice read back.
///
/// # Errors
/// [`crate::Error::Corrupt`] when the text is not what [`encode_notice`] makes.
pub fn decode_notice(stored: &str) -> Result<Notice> {
    let record: NoticeRecord = serde_json::from_str(stored).map_err(corrupt)?;
    Ok(Notice {
        id: NoticeId {
            participation: ParticipationId::parse(&record.participation).map_err(corrupt)?,
            news: News::named(&record.news).ok_or_else(|| corrupt("unknown news"))?,
        },
        brand: BrandId::parse(&record.brand).map_err(corrupt)?,
        ledger: ledger(&record.scope, record.incentive.as_deref())?,
        standing: standing(record.standing)?,
        refusal: record.refusal.as_deref().map(refusal).transpose()?,
        at: moment(record.at)?,
    })
}

fn ledger(scope: &str, incentive: Option<&str>) -> Result<LedgerKey> {
    let incentive = incentive.map(IncentiveId::parse).transpose().map_err(corrupt)?;
    Ok(LedgerKey { scope: Scope::parse(scope).map_err(corrupt)?, incentive })
}

fn refusal(name: &str) -> Result<Refusal> {
    Refusal::named(name).ok_or_else(|| corrupt("unknown refusal"))
}

fn offer_record(offer: &Offer) -> OfferRecord {
    match offer {
        Offer::ByPlace => OfferRecord::ByPlace,
        Offer::Prize(Prize::Fixed(reward)) => OfferRecord::Fixed(reward_record(reward)),
        Offer::Prize(Prize::Codes(pool)) => OfferRecord::Codes(pool.file().to_owned()),
        Offer::Lot => OfferRecord::Lot,
        Offer::Nothing(why) => OfferRecord::Nothing(why.name().to_owned()),
    }
}

fn offer(record: OfferRecord) -> Result<Offer> {
    Ok(match record {
        OfferRecord::ByPlace => Offer::ByPlace,
        OfferRecord::Fixed(stored) => Offer::Prize(Prize::Fixed(reward(stored)?)),
        OfferRecord::Codes(file) => {
            Offer::Prize(Prize::Codes(Pool::of_file(&file).ok_or_else(|| corrupt("a pool"))?))
        }
        OfferRecord::Lot => Offer::Lot,
        OfferRecord::Nothing(why) => Offer::Nothing(no_prize(&why)?),
    })
}

fn no_prize(name: &str) -> Result<NoPrize> {
    NoPrize::named(name).ok_or_else(|| corrupt("an unknown reason"))
}

fn reward_record(reward: &Reward) -> RewardRecord {
    match reward {
        Reward::Code(code) => RewardRecord::Code(code.clone()),
        Reward::Value(amount) => RewardRecord::Value(amount.parts()),
    }
}

fn reward(record: RewardRecord) -> Result<Reward> {
    Ok(match record {
        RewardRecord::Code(code) => Reward::Code(code),
        RewardRecord::Value(parts) => {
            Reward::Value(Amount::from_parts(parts).ok_or_else(|| corrupt("an amount"))?)
        }
    })
}

pub(super) fn standing_record(standing: &Standing) -> StandingRecord {
    match standing {
        Standing::Held { place } => StandingRecord::Held(*place),
        Standing::Waiting => StandingRecord::Waiting,
        Standing::Entered => StandingRecord::Entered,
        Standing::Rewarded { place, reward } => {
            StandingRecord::Rewarded { place: *place, reward: reward_record(reward) }
        }
        Standing::Without(why) => StandingRecord::Without(why.name().to_owned()),
        Standing::Released => StandingRecord::Released,
    }
}

pub(super) fn standing(record: StandingRecord) -> Result<Standing> {
    Ok(match record {
        StandingRecord::Held(place) => Standing::Held { place },
        StandingRecord::Waiting => Standing::Waiting,
        StandingRecord::Entered => Standing::Entered,
        StandingRecord::Rewarded { place, reward: stored } => {
            Standing::Rewarded { place, reward: reward(stored)? }
        }
        StandingRecord::Without(why) => Standing::Without(no_prize(&why)?),
        StandingRecord::Released => Standing::Released,
    })
}

//! The counters of a ledger. The ledger's name is stored next to them.

use std::fmt;

use domain::Timestamp;
use domain::incentive::raffle::Commitment;
use domain::ledger::{Counts, Frozen, NumbersUsed};
use domain::unknown::UnknownFields;
use serde::{Deserialize, Serialize};

use crate::error::{Unencodable, Unreadable, Why};
use crate::form::{self, Version};
use crate::values::{bytes, is_false, moment};

/// The newest version of the counters' form.
const NEWEST: u16 = 1;

#[derive(Serialize, Deserialize)]
struct CountersRecord {
    #[serde(default, skip_serializing_if = "Version::is_absent")]
    v: Version<NEWEST>,
    arrivals: u64,
    places: u32,
    held: u32,
    given: u32,
    waiting: u32,
    entered: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_lots: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    lots_closed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commitment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drawn_at: Option<i64>,
    /// The lengths of the lists of tickets and of winners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frozen: Option<(u32, u32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    numbers: Option<NumbersRecord>,
}

#[derive(Serialize, Deserialize)]
struct NumbersRecord {
    used_to: u64,
    last: u64,
    taken_to: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantity: Option<u32>,
    waited: u64,
}

impl NumbersRecord {
    fn of(numbers: &NumbersUsed) -> Self {
        let NumbersUsed { used_to, last, taken_to, quantity, waited } = *numbers;
        Self { used_to, last, taken_to, quantity, waited }
    }

    fn numbers(self) -> NumbersUsed {
        let Self { used_to, last, taken_to, quantity, waited } = self;
        NumbersUsed { used_to, last, taken_to, quantity, waited }
    }
}

impl form::Record for CountersRecord {
    const WHAT: &'static str = "ledger's counters";
    const NEWEST: u16 = NEWEST;
}

/// Encodes a ledger's counters for storage.
///
/// # Errors
/// If the counters hold a value that has no stored form.
pub fn encode(ledger: impl fmt::Display, counts: &Counts) -> Result<String, Unencodable> {
    let record = CountersRecord {
        v: Version::NEWEST,
        arrivals: counts.arrivals,
        places: counts.places,
        held: counts.held,
        given: counts.given,
        waiting: counts.waiting,
        entered: counts.entered,
        open_lots: counts.open_lots,
        lots_closed: counts.lots_closed,
        commitment: counts.commitment.map(|commitment| hex::encode(commitment.0)),
        drawn_at: counts.drawn_at.map(Timestamp::as_millisecond),
        frozen: counts.frozen.map(|frozen| (frozen.lots, frozen.winners)),
        numbers: counts.numbers.as_ref().map(NumbersRecord::of),
    };
    form::write(ledger, Ok(record), &counts.unknown)
}

/// Decodes a ledger's stored counters.
///
/// # Errors
/// If the text is in no form that counters have had, or in a newer one.
pub fn decode(ledger: impl fmt::Display, text: &str) -> Result<Counts, Unreadable> {
    form::read(ledger, text, counts)
}

fn counts(record: CountersRecord, unknown: UnknownFields) -> Result<Counts, Why> {
    Ok(Counts {
        arrivals: record.arrivals,
        places: record.places,
        held: record.held,
        given: record.given,
        waiting: record.waiting,
        entered: record.entered,
        open_lots: record.open_lots,
        lots_closed: record.lots_closed,
        commitment: record.commitment.as_deref().map(bytes).transpose()?.map(Commitment),
        drawn_at: record.drawn_at.map(moment).transpose()?,
        frozen: record.frozen.map(|(lots, winners)| Frozen { lots, winners }),
        numbers: record.numbers.map(NumbersRecord::numbers),
        unknown,
    })
}

//! Callbacks that are still to be delivered to Quikly's back end. A callback is written once and never
//! changed, so fields that a newer version stores in it stay there.

use std::fmt;

use domain::award::Refusal;
use domain::callback::{Callback, CallbackId, CallbackKind, LastAnswer, ReceiverAnswer};
use domain::ids::{BrandId, ParticipationId};
use domain::unknown::UnknownFields;
use serde::{Deserialize, Serialize};

use crate::award::ledger;
use crate::error::{Unencodable, Unreadable, Why};
use crate::form::{self, Version};
use crate::prize::{StandingRecord, standing, standing_record};
use crate::values::moment;

/// The newest version of a callback's form.
const NEWEST: u16 = 1;

#[derive(Serialize, Deserialize)]
struct CallbackRecord {
    #[serde(default, skip_serializing_if = "Version::is_absent")]
    v: Version<NEWEST>,
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
    /// What the last attempt led to, and when. It is beside the callback, and no part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_answer: Option<(String, i64)>,
}

impl form::Record for CallbackRecord {
    const WHAT: &'static str = "callback";
    const NEWEST: u16 = NEWEST;
}

/// Encodes a callback for storage.
///
/// # Errors
/// If the callback holds a value that has no stored form.
pub fn encode(callback: &Callback) -> Result<String, Unencodable> {
    let record = CallbackRecord {
        v: Version::NEWEST,
        participation: callback.id.participation.to_string(),
        news: callback.id.kind.name().to_owned(),
        brand: callback.brand.to_string(),
        scope: callback.ledger.scope.to_string(),
        incentive: callback.ledger.incentive.as_ref().map(ToString::to_string),
        standing: standing_record(&callback.status),
        refusal: callback.refusal.map(|refusal| refusal.name().to_owned()),
        at: callback.at.as_millisecond(),
        last_answer: None,
    };
    form::write(callback.id, Ok(record), &UnknownFields::default())
}

/// Decodes a stored callback. `id` is the key that it is stored under.
///
/// # Errors
/// If the text is in no form that a callback has had, or in a newer one.
pub fn decode(id: impl fmt::Display, text: &str) -> Result<Callback, Unreadable> {
    form::read(id, text, |record: CallbackRecord, _| callback(record))
}

/// Encodes what the last attempt to deliver a callback led to: a JSON array.
#[must_use]
pub fn encode_answer(answer: LastAnswer) -> String {
    serde_json::json!([answer.kind.name(), answer.at.as_millisecond()]).to_string()
}

/// Decodes what the last attempt led to; `None` if it cannot be read, since it is only shown.
#[must_use]
pub fn decode_answer(text: &str) -> Option<LastAnswer> {
    serde_json::from_str(text).ok().and_then(last_answer)
}

/// What the last attempt led to, according to a record that has it.
#[must_use]
pub fn answer_in(record: &str) -> Option<LastAnswer> {
    let record: CallbackRecord = serde_json::from_str(record).ok()?;
    record.last_answer.and_then(last_answer)
}

fn last_answer((kind, at): (String, i64)) -> Option<LastAnswer> {
    Some(LastAnswer { kind: ReceiverAnswer::named(&kind)?, at: moment(at).ok()? })
}

fn callback(record: CallbackRecord) -> Result<Callback, Why> {
    Ok(Callback {
        id: CallbackId {
            participation: ParticipationId::parse(&record.participation)?,
            kind: CallbackKind::named(&record.news).ok_or("unknown kind of callback")?,
        },
        brand: BrandId::parse(&record.brand)?,
        ledger: ledger(&record.scope, record.incentive.as_deref())?,
        status: standing(record.standing)?,
        refusal: record.refusal.as_deref().map(refusal).transpose()?,
        at: moment(record.at)?,
    })
}

fn refusal(name: &str) -> Result<Refusal, Why> {
    Refusal::named(name).ok_or_else(|| "an unknown refusal".into())
}

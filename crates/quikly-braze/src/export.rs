//! `export`: writes participations or winners to standard output, page by page.

use std::io;

use anyhow::Context;
use domain::attributes::{AttributeValue, Attributes};
use domain::audit::AuditEntry;
use domain::award::Award;
use domain::ids::Scope;
use domain::incentive::Reward;
use ports::Clock;
use ports::clock::SystemClock;
use ports::pages::StoredParticipation;
use reports::masked;
use serde_json::{Map, Value, json};

use crate::arguments::{ExportArguments, ExportCommand};
use crate::console;
use crate::operator;
use crate::row_output::{RowOutput, written};
use crate::storage::Opened;

const PARTICIPATION: &[&str] = &[
    "id",
    "brand",
    "scope",
    "way",
    "email",
    "phone",
    "state",
    "reason",
    "accepted_at",
    "credited_at",
    "rewarded_at",
    "updated_at",
    "kept_until",
    "imported",
    "incentive",
    "arrival",
    "award",
    "position",
    "reward",
    "consent",
    "consent_at",
    "consent_text_id",
    "attributes",
];

const WINNER: &[&str] = &[
    "id",
    "scope",
    "incentive",
    "position",
    "arrival",
    "email",
    "phone",
    "reward",
    "accepted_at",
    "credited_at",
    "rewarded_at",
    "state",
];

pub(crate) async fn run(command: ExportCommand) -> anyhow::Result<()> {
    let (what, arguments, columns) = match command {
        ExportCommand::Participations(arguments) => ("export participations", arguments, PARTICIPATION),
        ExportCommand::Winners(arguments) => ("export winners", arguments, WINNER),
    };
    let ExportArguments { storage, scope, format, reveal, operator } = arguments;
    let scope = Scope::parse(&scope).context("--scope")?;
    let storage = Opened::open(storage).await?;
    if reveal {
        let entry = AuditEntry::new(SystemClock.now(), operator::name(&operator), format!("{what} --reveal"));
        storage.operations().note(&entry.about([scope.to_string()])).await?;
    }
    let mut unreadable = 0;
    let rows = async {
        let mut output = RowOutput::begin(format, columns).map_err(Stopped::Output)?;
        let mut next = None;
        loop {
            let page = storage.operations().records(next.as_ref()).await.map_err(Stopped::Store)?;
            unreadable += page.unreadable.len();
            for record in page.records.iter().filter(|record| *record.participation.scope() == scope) {
                let row = if columns == WINNER {
                    winner(record, reveal)
                } else {
                    Some(participation(record, reveal))
                };
                if let Some(row) = row {
                    output.row(row).map_err(Stopped::Output)?;
                }
            }
            next = page.next;
            if next.is_none() {
                return output.end().map_err(Stopped::Output);
            }
        }
    };
    match rows.await {
        Ok(()) => {}
        Err(Stopped::Output(error)) => written(Err(error))?,
        Err(Stopped::Store(error)) => return Err(error.into()),
    }
    if unreadable > 0 {
        console::warn(&format!("{unreadable} participation(s) cannot be read and are left out"));
    }
    Ok(())
}

/// Why no more rows are written.
enum Stopped {
    Output(io::Error),
    Store(ports::Error),
}

fn participation(record: &StoredParticipation, reveal: bool) -> Vec<Value> {
    let StoredParticipation { participation: one, award } = record;
    let credited = award.as_ref().map_or(one.earned_at(), |award| award.credited_at);
    let time = |moment: Option<domain::Timestamp>| moment.map(|moment| moment.to_string());
    let consent = one.consent();
    let ledger = award.as_ref().and_then(|award| award.ledger.incentive.as_ref());
    vec![
        json!(one.id().to_string()),
        json!(one.brand().as_str()),
        json!(one.scope().as_str()),
        json!(one.channel().name()),
        json!(one.email().map(|email| masked::email(email, reveal))),
        json!(one.phone().map(|phone| masked::phone(phone, reveal))),
        json!(one.state().name()),
        json!(one.state().reason()),
        json!(one.accepted_at().to_string()),
        json!(time(credited)),
        json!(time(award.as_ref().and_then(|award| award.rewarded_at))),
        json!(one.updated_at().to_string()),
        json!(one.keep_until().to_string()),
        json!(one.is_imported()),
        json!(ledger.map(ToString::to_string)),
        json!(award.as_ref().and_then(|award| award.arrival).map(std::num::NonZeroU64::get)),
        json!(award.as_ref().map(standing)),
        json!(award.as_ref().and_then(Award::place)),
        json!(award.as_ref().and_then(|award| reward(award, reveal))),
        json!(consent.map(|consent| consent.given)),
        json!(consent.map(|consent| consent.at.to_string())),
        json!(consent.and_then(|consent| consent.text_id.clone())),
        if reveal { attributes(one.attributes()) } else { Value::Null },
    ]
}

fn winner(record: &StoredParticipation, reveal: bool) -> Option<Vec<Value>> {
    let StoredParticipation { participation: one, award } = record;
    let award = award.as_ref().filter(|award| award.reward().is_some())?;
    Some(vec![
        json!(one.id().to_string()),
        json!(one.scope().as_str()),
        json!(award.ledger.incentive.as_ref().map(ToString::to_string)),
        json!(award.place()),
        json!(award.arrival.map(std::num::NonZeroU64::get)),
        json!(one.email().map(|email| masked::email(email, reveal))),
        json!(one.phone().map(|phone| masked::phone(phone, reveal))),
        json!(reward(award, reveal)),
        json!(one.accepted_at().to_string()),
        json!(award.credited_at.map(|at| at.to_string())),
        json!(award.rewarded_at.map(|at| at.to_string())),
        json!(one.state().name()),
    ])
}

/// The status of an award, in a word.
pub(crate) fn standing(award: &Award) -> &'static str {
    use domain::award::AwardStatus as Status;
    match award.status {
        Status::New => "new",
        Status::Reserved { .. } => "reserved",
        Status::Waiting => "waiting",
        Status::InRaffle => "in_raffle",
        Status::Rewarded { .. } => "rewarded",
        Status::NoPrize(_) => "no_prize",
        Status::Released => "released",
    }
}

/// The reward. A code is money, so it is shown only if it is to be revealed.
fn reward(award: &Award, reveal: bool) -> Option<String> {
    match award.reward()?.0 {
        Reward::Code(code) if reveal => Some(code.clone()),
        Reward::Code(_) => Some("a code".to_owned()),
        Reward::Value(amount) => Some(amount.to_string()),
    }
}

/// Attributes as JSON; `null` if there are none.
pub(crate) fn attributes(attributes: &Attributes) -> Value {
    let value = |value: &AttributeValue| match value {
        AttributeValue::Text(text) => json!(text),
        AttributeValue::Integer(number) => json!(number),
        AttributeValue::Float(number) => json!(number),
        AttributeValue::Boolean(value) => json!(value),
        AttributeValue::List(items) => json!(items),
    };
    let all: Map<String, Value> =
        attributes.iter().map(|(name, one)| (name.to_owned(), value(one))).collect();
    if all.is_empty() { Value::Null } else { Value::Object(all) }
}

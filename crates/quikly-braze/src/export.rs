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

use crate::arguments::{ExportArguments, ExportCommand, Operator, StorageArguments};
use crate::console;
use crate::operator;
use crate::row_output::{RowOutput, unless_left, written};
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

/// The columns of winners.
pub(crate) const WINNER: &[&str] = &[
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
    let ExportArguments { storage, scope, form, reveal, operator } = arguments;
    let scope = Scope::parse(&scope).context("--scope")?;
    let storage = opened(storage, (what, &scope), reveal, &operator).await?;
    let output = RowOutput::begin(form.chosen(), columns);
    let Some(mut output) = unless_left(output)? else { return Ok(()) };
    let each = |record: &StoredParticipation| {
        let row =
            if columns == WINNER { winner(record, reveal) } else { Some(participation(record, reveal)) };
        row.map_or(Ok(()), |row| output.row(row))
    };
    if each_record(&storage, &scope, each).await? { written(output.end()) } else { Ok(()) }
}

/// Opens the storage. If contacts and codes are to be revealed, the audit log says so first.
pub(crate) async fn opened(
    storage: StorageArguments,
    (what, scope): (&str, &Scope),
    reveal: bool,
    operator: &Operator,
) -> anyhow::Result<Opened> {
    let storage = Opened::open(storage).await?;
    if reveal {
        let entry = AuditEntry::new(SystemClock.now(), operator::name(operator), format!("{what} --reveal"));
        storage.operations().note(&entry.about([scope.to_string()])).await?;
    }
    Ok(storage)
}

/// Reads an activation's participations page by page, until the reader of the output leaves. Returns whether it stayed.
pub(crate) async fn each_record(
    storage: &Opened,
    scope: &Scope,
    mut each: impl FnMut(&StoredParticipation) -> io::Result<()>,
) -> anyhow::Result<bool> {
    let (mut next, mut unreadable) = (None, 0);
    loop {
        let page = storage.operations().records_of(scope, next.as_ref()).await?;
        unreadable += page.unreadable.len();
        let rows = page.records.iter().try_for_each(&mut each);
        if unless_left(rows)?.is_none() {
            return Ok(false);
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    if unreadable > 0 {
        console::warn(&format!("{unreadable} participation(s) cannot be read and are left out"));
    }
    Ok(true)
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

/// Somebody who won, as a row; `None` if the participation has no reward.
pub(crate) fn winner(record: &StoredParticipation, reveal: bool) -> Option<Vec<Value>> {
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

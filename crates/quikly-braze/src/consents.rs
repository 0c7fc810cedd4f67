//! `consents`: the register of consents, page by page.

use std::io;

use anyhow::Context;
use domain::audit::AuditEntry;
use domain::consent::{Consent, Page};
use domain::ids::{BrandId, Channel, Scope};
use domain::participation::{Forgotten, Participation, Way};
use ports::Clock;
use ports::clock::SystemClock;
use reports::masked;
use serde_json::{Value, json};

use crate::arguments::Consents;
use crate::console;
use crate::operator;
use crate::row_output::{RowOutput, written};
use crate::storage::Opened;

const COLUMNS: &[&str] = &[
    "at",
    "brand",
    "scope",
    "participation",
    "channel",
    "given",
    "text_id",
    "text_sha256",
    "page",
    "braze",
    "email",
    "phone",
    "erased",
    "proof",
    "imported",
];

pub(crate) async fn run(arguments: Consents) -> anyhow::Result<()> {
    let scope = arguments.scope.as_deref().map(Scope::parse).transpose().context("--scope")?;
    let brand = arguments.brand.as_deref().map(BrandId::parse).transpose().context("--brand")?;
    let is_meant = |one: &Participation| {
        scope.as_ref().is_none_or(|scope| one.scope() == scope)
            && brand.as_ref().is_none_or(|brand| one.brand() == brand)
    };
    let storage = Opened::open(arguments.storage).await?;
    if arguments.reveal {
        let about = scope.iter().map(ToString::to_string).chain(brand.iter().map(ToString::to_string));
        let who = operator::name(&arguments.operator);
        let entry = AuditEntry::new(SystemClock.now(), who, "consents --reveal").about(about);
        storage.operations().note(&entry).await?;
    }
    let mut unreadable = 0;
    let mut output = RowOutput::begin(arguments.form.chosen(), COLUMNS)?;
    let mut next = None;
    let end: io::Result<()> = loop {
        let page = storage.operations().records(next.as_ref()).await?;
        unreadable += page.unreadable.len();
        let found = page.records.iter().map(|record| &record.participation).filter(|one| is_meant(one));
        let mut rows = found.flat_map(|one| rows(one, arguments.reveal));
        if let Some(error) = rows.find_map(|row| output.row(row).err()) {
            break Err(error);
        }
        next = page.next;
        if next.is_none() {
            break output.end();
        }
    };
    written(end)?;
    if unreadable > 0 {
        console::warn(&format!("{unreadable} participation(s) cannot be read and are left out"));
    }
    Ok(())
}

/// The consents of a participation: one row for each channel.
fn rows(one: &Participation, reveal: bool) -> Vec<Vec<Value>> {
    let Some(consent) = one.consent() else { return Vec::new() };
    channels(one, consent)
        .into_iter()
        .map(|(channel, given)| row(one, consent, (channel, given), reveal))
        .collect()
}

fn channels(one: &Participation, consent: &Consent) -> Vec<(&'static str, bool)> {
    let way = match one.way() {
        // The way of a forgotten consumer is not kept. A consent with an answer for each channel says it.
        Way::Forgotten(_) if consent.sms.is_some() => Channel::Sms,
        other => other.channel(),
    };
    let email = consent.email.map(|email| ("email", email.given));
    let of_way = match way {
        Channel::Sms => Some(("sms", consent.given)),
        Channel::Email | Channel::Event => email.is_none().then_some(("email", consent.given)),
    };
    of_way.into_iter().chain(email).collect()
}

fn row(one: &Participation, consent: &Consent, (channel, given): (&str, bool), reveal: bool) -> Vec<Value> {
    let proof = match one.way() {
        Way::Forgotten(Forgotten { proof, .. }) => proof.iter().map(ToString::to_string).collect(),
        Way::Email { .. } | Way::Sms { .. } | Way::Event { .. } => Vec::new(),
    };
    vec![
        json!(consent.at.to_string()),
        json!(one.brand().as_str()),
        json!(one.scope().as_str()),
        json!(one.id().to_string()),
        json!(channel),
        json!(given),
        json!(consent.text_id),
        json!(consent.text.map(|text| text.to_string())),
        json!(consent.page.as_ref().map(Page::as_str)),
        json!(consent.word()),
        json!(one.email().map(|email| masked::email(email, reveal))),
        json!(one.phone().map(|phone| masked::phone(phone, reveal))),
        json!(matches!(one.way(), Way::Forgotten(_))),
        json!(proof.join(" ")),
        json!(one.is_imported()),
    ]
}

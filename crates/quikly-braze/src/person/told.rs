//! Everything about a person, as JSON.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::award::Award;
use domain::consent::{Consent, Page};
use domain::ids::ParticipationId;
use domain::incentive::Reward;
use domain::participation::{Participation, Way};
use domain::profile::ProfileRef;
use ports::pages::StoredParticipation;
use serde_json::{Value, json};

use super::gathered::{Gathered, Sought};
use crate::export::{attributes, standing};

/// When Quikly was first told the results of participations.
pub(super) type ResultTimes = BTreeMap<ParticipationId, Timestamp>;

/// Everything that is stored.
pub(super) fn everything(
    gathered: &Gathered,
    told_at: &ResultTimes,
    (sought, now): (&Sought, Timestamp),
) -> Value {
    let record = |stored: &StoredParticipation| record(stored, told_at);
    let records: Vec<Value> = gathered.records.iter().map(record).collect();
    let earlier: Vec<Value> = gathered.earlier.iter().map(record).collect();
    let hint = |hint: &domain::profile::ProfileHint| json!({ "profile": profile(&hint.profile), "learned_at": hint.learned_at.to_string() });
    let hints: Vec<Value> = gathered.hints.iter().map(hint).collect();
    json!({
        "exported_at": now.to_string(),
        "found_by": sought.by(),
        "participations": records,
        "erased_earlier": earlier,
        "braze_profiles": hints,
        "unreadable_participations": gathered.unreadable,
    })
}

fn record(
    StoredParticipation { participation: one, award }: &StoredParticipation,
    told_at: &ResultTimes,
) -> Value {
    let credited = award.as_ref().map_or(one.earned_at(), |award| award.credited_at);
    let profiles: Vec<Value> = one.profiles().iter().map(profile).collect();
    json!({
        "id": one.id().to_string(),
        "brand": one.brand().as_str(),
        "activation": one.scope().as_str(),
        "way": one.channel().name(),
        "event": one.event().map(|event| event.name.clone()),
        "email": one.email().map(|email| email.as_str()),
        "phone": one.phone().map(|phone| phone.as_str()),
        "attributes": attributes(one.attributes()),
        "consent": one.consent().map(|given| consent(one, given)),
        "first_consent": one.replaced().map(|replaced| consent(one, &replaced.first_consent)),
        "state": one.state().name(),
        "reason": one.state().reason(),
        "accepted_at": one.accepted_at().to_string(),
        "credited_at": credited.map(|at| at.to_string()),
        "quikly_told_at": told_at.get(&one.id()).map(ToString::to_string),
        "updated_at": one.updated_at().to_string(),
        "kept_until": one.keep_until().to_string(),
        "came_from_a_file": one.is_imported(),
        "erased": matches!(one.way(), Way::Forgotten(_)),
        "braze_profiles": profiles,
        "award": award.as_ref().map(of_award),
        "timeline": timeline(one),
    })
}

fn consent(one: &Participation, consent: &Consent) -> Value {
    let proof: Vec<String> = match one.way() {
        Way::Forgotten(forgotten) => forgotten.proof.iter().map(ToString::to_string).collect(),
        Way::Email { .. } | Way::Sms { .. } | Way::Event { .. } => Vec::new(),
    };
    json!({
        "given": consent.given,
        "at": consent.at.to_string(),
        "text_id": consent.text_id,
        "text_sha256": consent.text.map(|text| text.to_string()),
        "page": consent.page.as_ref().map(Page::as_str),
        "email": consent.email.map(|email| email.given),
        "sms": consent.sms.map(|sms| sms.given),
        "braze": consent.word(),
        "keyed_hashes": proof,
    })
}

fn of_award(award: &Award) -> Value {
    let reward = award.reward().map(|(reward, _)| match reward {
        Reward::Code(code) => code.clone(),
        Reward::Value(amount) => amount.to_string(),
    });
    json!({
        "incentive": award.ledger.incentive.as_ref().map(ToString::to_string),
        "status": standing(award),
        "position": award.place(),
        "order_of_arrival": award.arrival.map(std::num::NonZeroU64::get),
        "reward": reward,
        "credited_at": award.credited_at.map(|at| at.to_string()),
        "rewarded_at": award.rewarded_at.map(|at| at.to_string()),
    })
}

/// What happened to a participation, in order.
fn timeline(one: &Participation) -> Vec<Value> {
    let accepted = one.accepted_at();
    let entries = one.timeline().entries().iter();
    let entries = entries.map(|entry| {
        json!({
            "what": entry.code.name(),
            "at": entry.began_at(accepted).to_string(),
            "last_at": (entry.times > 1).then(|| entry.ended_at(accepted).to_string()),
            "times": entry.times,
        })
    });
    entries.collect()
}

/// A profile in Braze, as it is named there.
fn profile(profile: &ProfileRef) -> Value {
    match profile {
        ProfileRef::ExternalId(id) => json!({ "external_id": id }),
        ProfileRef::BrazeId(id) => json!({ "braze_id": id }),
        ProfileRef::Alias(alias) => json!({ "alias_label": alias.label(), "alias_name": alias.name() }),
        ProfileRef::Email(email) => json!({ "email": email.as_str() }),
        ProfileRef::Phone(phone) => json!({ "phone": phone.as_str() }),
    }
}

//! A participation as JSON.

use domain::Timestamp;
use domain::consent::{ChannelConsent, Consent};
use ports::inspection::InspectedCallback;
use reports::language::Language;
use reports::timeline::{TimelineRow, rows};
use reports::{masked, plain};
use serde_json::{Value, json};

use super::ShownOnConsole;
use crate::calls::as_json;

pub(super) fn shown(shown: &ShownOnConsole<'_>) -> Value {
    let participation = &shown.inspected.participation;
    let award = shown.inspected.award.as_ref();
    let waits = participation.waits();
    let reward = award.and_then(|award| award.reward());
    json!({
        "id": participation.id().to_string(),
        "brand": participation.brand().as_str(),
        "scope": participation.scope().as_str(),
        "channel": participation.channel().name(),
        "code": shown.answer.code(),
        "answer": {
            "en": shown.answer.text(Language::English),
            "fr": shown.answer.text(Language::French),
        },
        "state": participation.state().name(),
        "reason": participation.state().reason().map(plain::shown),
        "email": participation.email().map(|email| masked::email(email, shown.revealed)),
        "phone": participation.phone().map(|phone| masked::phone(phone, shown.revealed)),
        "incentive": award.and_then(|award| award.ledger.incentive.as_ref()).map(|id| id.as_str()),
        "number": award.and_then(|award| award.arrival).map(std::num::NonZeroU64::get),
        "position": award.and_then(domain::award::Award::place),
        "reward": reward.map(|(reward, _)| masked::reward(reward, shown.revealed)),
        "accepted_at": participation.accepted_at().to_string(),
        "credited_at": moment(award.and_then(|award| award.credited_at).or(participation.earned_at())),
        "rewarded_at": moment(award.and_then(|award| award.rewarded_at)),
        "shown_at": moment(participation.shown_at()),
        "told_at": moment(shown.inspected.told_at),
        "updated_at": participation.updated_at().to_string(),
        "due_at": moment(participation.due_at()),
        "keep_until": participation.keep_until().to_string(),
        "waits": waits.map(|waits| json!({ "why": waits.cause.name(), "since": waits.since.to_string() })),
        "consent": participation.consent().map(consent),
        "timeline": rows(participation).iter().map(row).collect::<Vec<Value>>(),
        "callbacks": shown.inspected.callbacks.iter().map(callback).collect::<Vec<Value>>(),
        "calls": shown.calls.calls.iter().map(|call| as_json(participation.brand(), call)).collect::<Vec<Value>>(),
        "calls_are_cut": shown.calls.are_cut,
        "calls_that_may_be_about_it": shown.calls.unnamed,
        "calls_kept_since": moment(shown.calls.kept_since),
        "paused_since": moment(shown.paused_since),
        "knows_the_brand_file": shown.has_terms,
    })
}

fn moment(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn consent(consent: &Consent) -> Value {
    let given = |channel: Option<ChannelConsent>| channel.map(|channel| channel.given);
    json!({
        "at": consent.at.to_string(),
        "given": consent.given,
        "email": given(consent.email),
        "sms": given(consent.sms),
        "text_id": consent.text_id.as_deref().map(plain::shown),
        "text_sha256": consent.text.map(|text| text.to_string()),
        "page": consent.page.as_ref().map(|page| plain::shown(page.as_str())),
        "state": consent.word(),
    })
}

fn row(row: &TimelineRow) -> Value {
    match row {
        TimelineRow::Accepted(at) => json!({ "code": "accepted", "at": at.to_string() }),
        TimelineRow::Dropped(times) => json!({ "code": "dropped", "times": times }),
        TimelineRow::TimelineStep(step) => json!({
            "code": step.code.name(),
            "why": step.cause.map(domain::participation::Cause::name),
            "at": step.began_at.to_string(),
            "until": step.ended_at.to_string(),
            "after_ms": u64::try_from(step.after.as_millis()).unwrap_or(u64::MAX),
            "times": step.times,
        }),
    }
}

fn callback(callback: &InspectedCallback) -> Value {
    let answer = |answer: domain::callback::LastAnswer| json!({ "answer": answer.kind.name(), "at": answer.at.to_string() });
    json!({
        "id": callback.callback.id.to_string(),
        "kind": callback.callback.id.kind.name(),
        "at": callback.callback.at.to_string(),
        "attempts": callback.attempts,
        "due_at": moment(callback.due_at),
        "parked": callback.due_at.is_none(),
        "last": callback.last_answer.map(answer),
    })
}

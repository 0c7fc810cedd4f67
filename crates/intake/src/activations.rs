//! `GET /activations/{scope}`: everything that a page needs to know of an activation.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use domain::brand::{Activation, Phase};
use domain::consent::{ConsentRules, Demand};
use domain::ids::{Channel, Scope};
use domain::incentive::{Incentive, Kind};
use domain::ledger::Counts;
use http::HeaderMap;
use serde::Serialize;

use crate::freshness::{A_SECOND, Tagged};
use crate::incentives::{RewardsLeft, watched_counts};
use crate::limits::{self, AttributeLimits};
use crate::pace::in_ms;
use crate::problem::Problem;
use crate::{Intake, paused};

/// An activation, as pages see it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct ShownActivation {
    /// The activation's id.
    scope: String,
    /// The server's time.
    now: String,
    /// When consumers can begin to take part.
    opens: String,
    /// When consumers can no longer take part.
    closes: String,
    phase: ShownPhase,
    /// `true` while nobody new can take part for a while; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    paused: Option<bool>,
    /// How consumers can take part.
    ways: Vec<ShownWay>,
    /// What consumers are asked for.
    attributes: Vec<ShownAttribute>,
    /// Which consents consumers are asked for; absent if the activation does not list any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    consent: Option<ShownConsent>,
    /// What can be won.
    incentives: Vec<ActivationIncentive>,
    /// When to ask again, in milliseconds; absent if nothing changes any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    next_ms: Option<u64>,
}

/// Whether consumers can take part now.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
enum ShownPhase {
    Upcoming,
    Open,
    Closed,
}

/// A way to take part.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct ShownWay {
    way: ShownChannel,
    /// The incentive that can be won in this way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    incentive: Option<String>,
    /// By event: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    event: Option<String>,
    /// By SMS: the country of numbers without a country code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    region: Option<String>,
    /// How long the consumer has to confirm, in seconds; absent if there is nothing to confirm.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    answer_within_s: Option<u64>,
}

/// By e-mail address, by mobile number, or by an event in the brand's app.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
enum ShownChannel {
    Email,
    Sms,
    Event,
}

/// An attribute that consumers are asked for.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct ShownAttribute {
    /// The name under which it is sent.
    name: String,
    /// `text`, `number`, `boolean`, `date` or `list`.
    kind: &'static str,
    /// Whether nobody takes part without it.
    required: bool,
    #[serde(flatten)]
    limits: AttributeLimits,
}

/// Which consents consumers are asked for.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct ShownConsent {
    /// To e-mail, of those who take part by e-mail; absent if they are not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    by_email: Option<AskedConsent>,
    /// To e-mail, of those who take part by number; absent if they are not asked. Their consent to messages is always required.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    by_phone: Option<AskedConsent>,
    /// The ids of the texts that consumers are shown. A consent names one.
    texts: Vec<String>,
}

/// Whether taking part depends on a consent.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
enum AskedConsent {
    Required,
    Optional,
}

/// What can be won, and how much of it is left.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct ActivationIncentive {
    /// The incentive's id.
    id: String,
    /// `first`, `tiers`, `speed`, `decay`, `draw` or `raffle`.
    kind: &'static str,
    /// An earlier participation wins nothing.
    opens: String,
    /// A participation from then on wins nothing.
    closes: String,
    #[serde(flatten)]
    left: RewardsLeft,
    /// How many places are kept for participations that are not credited yet.
    held: u32,
    /// How many wait for a place.
    waiting: u32,
    /// Of a raffle: when it is drawn at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(nullable = false))]
    drawn_by: Option<String>,
}

/// Shows an activation.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/activations/{scope}",
    tag = "public",
    operation_id = "activation",
    params(("scope" = String, Path, description = "The activation.")),
    responses(
        (status = 200, body = ShownActivation, description = "The activation."),
        (status = 304, description = "It is that of the `If-None-Match`, apart from the time."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem."),
    )
))]
pub(crate) async fn show(
    Shared(intake): Shared<Intake>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let none = Problem::no_such_activation;
    let Path(scope) = path.map_err(|_| none())?;
    let scope = Scope::parse(&scope).map_err(|_| none())?;
    let (_, activation) = intake.known(&scope)?.ok_or_else(none)?;
    let ledgers = activation.incentives.keys().map(|id| activation.ledger(Some(id)));
    let ledgers: Vec<_> = ledgers.collect();
    let counted =
        futures::future::join_all(ledgers.iter().map(|ledger| watched_counts(&intake, ledger))).await;
    let now = intake.clock.now();
    let mut next = match activation.phase(now) {
        Phase::Upcoming => Some(domain::time::between(now, activation.opens)),
        Phase::Open => Some(domain::time::between(now, activation.closes)),
        Phase::Closed => None,
    };
    let mut incentives = Vec::new();
    for ((incentive, ledger), counts) in activation.incentives.values().zip(&ledgers).zip(counted) {
        let counts = counts?;
        let again = intake.pace.of_counters((ledger, incentive), &counts, now);
        next = next.into_iter().chain(again).min();
        incentives.push(ActivationIncentive::of(incentive, &counts));
    }
    let shown = ShownActivation {
        scope: scope.to_string(),
        now: now.to_string(),
        opens: activation.opens.to_string(),
        closes: activation.closes.to_string(),
        phase: ShownPhase::of(activation.phase(now)),
        paused: paused::since(&intake, &scope).await.map(|_| true),
        ways: ways(activation),
        attributes: attributes(activation),
        consent: activation.consent.as_ref().map(ShownConsent::of),
        incentives,
        next_ms: next.map(|next| in_ms(next).clamp(1_000, 15_000)),
    };
    Ok(Tagged::of(&shown, &[]).answer(&headers, A_SECOND))
}

impl ShownPhase {
    fn of(phase: Phase) -> Self {
        match phase {
            Phase::Upcoming => Self::Upcoming,
            Phase::Open => Self::Open,
            Phase::Closed => Self::Closed,
        }
    }
}

fn ways(activation: &Activation) -> Vec<ShownWay> {
    let within = |channel| activation.answers_within(channel).map(|window| window.as_secs());
    let email = activation.email.iter().map(|email| ShownWay {
        way: ShownChannel::Email,
        incentive: email.incentive.as_ref().map(ToString::to_string),
        event: None,
        region: None,
        answer_within_s: within(Channel::Email),
    });
    let sms = activation.sms.iter().map(|sms| ShownWay {
        way: ShownChannel::Sms,
        incentive: sms.incentive.as_ref().map(ToString::to_string),
        event: None,
        region: Some(sms.region.to_string()),
        answer_within_s: within(Channel::Sms),
    });
    let events = activation.events.iter().map(|(name, event)| ShownWay {
        way: ShownChannel::Event,
        incentive: event.incentive.as_ref().map(ToString::to_string),
        event: Some(name.clone()),
        region: None,
        answer_within_s: None,
    });
    email.chain(sms).chain(events).collect()
}

fn attributes(activation: &Activation) -> Vec<ShownAttribute> {
    let rules = activation.answers.iter().flat_map(|rules| &rules.by_name);
    let shown = rules.map(|(name, rule)| ShownAttribute {
        name: name.clone(),
        kind: limits::name(&rule.kind),
        required: rule.required,
        limits: AttributeLimits::of(&rule.kind),
    });
    shown.collect()
}

impl ShownConsent {
    fn of(rules: &ConsentRules) -> Self {
        let asked = |way| {
            rules.email_of(way).map(|demand| match demand {
                Demand::Required => AskedConsent::Required,
                Demand::Optional => AskedConsent::Optional,
            })
        };
        Self {
            by_email: asked(Channel::Email),
            by_phone: asked(Channel::Sms),
            texts: rules.texts.keys().cloned().collect(),
        }
    }
}

impl ActivationIncentive {
    fn of(incentive: &Incentive, counts: &Counts) -> Self {
        let (kind, drawn_by) = match incentive.kind {
            Kind::First(_) => ("first", None),
            Kind::Tiers(_) => ("tiers", None),
            Kind::Speed { .. } => ("speed", None),
            Kind::Decay { .. } => ("decay", None),
            Kind::Draw { .. } => ("draw", None),
            Kind::Raffle { .. } => ("raffle", Some(incentive.drawn_by().to_string())),
        };
        Self {
            id: incentive.id.to_string(),
            kind,
            opens: incentive.opens.to_string(),
            closes: incentive.closes.to_string(),
            left: RewardsLeft::of(incentive, counts),
            held: counts.held,
            waiting: counts.waiting,
            drawn_by,
        }
    }
}

//! Sends callbacks to Quikly. Each is tried until it is accepted, for at most a day; then it is parked.

use std::time::Duration;

use bytes::Bytes;
use callback::{Addresses, Flaw, Signed, SigningSecret};
use domain::Timestamp;
use domain::award::AwardStatus;
use domain::callback::{Callback, CallbackId, CallbackKind, LastAnswer, ReceiverAnswer};
use domain::ids::BrandId;
use domain::time::{between, later};
use futures::FutureExt;
use futures::future::join_all;
use ports::error::in_full;
use ports::health::Subject;
use ports::ledger::{CALLBACK_LEASE, CallbackDelivery, DeliveryOutcome};
use ports::repeats::Repeated;
use ports::shown;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use supervision::guarded;
use tokio::sync::watch;

use crate::connector::Connector;
use crate::without_terms;

/// How many callbacks are sent at once. All of them succeed or time out before another worker may take them.
const AT_ONCE: usize = 64;

/// A callback that was not accepted for this long since it was made or revived is parked.
const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// The first wait after a failure. It doubles up to the longest wait.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(3_600);

/// The log event for a receiver that does not accept callbacks.
const NOT_TOLD: &str = "connector.not_told";

/// How long the health report shows it after the last attempt: the longest wait, and some more.
const SHOWN_FOR: Duration = Duration::from_secs(2 * 3_600);

/// The result of sending callbacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dispatched {
    /// How many callbacks were tried.
    pub tried: usize,
    /// When the first failed callback is to be tried again.
    pub again_at: Option<Timestamp>,
}

impl Connector {
    /// Sends the callbacks that are due.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn dispatch(&self) -> ports::Result<Dispatched> {
        let made = self.made_here();
        if !made.is_empty() {
            return self.deliver(made).await;
        }
        let taken = self.deps.callbacks.take_callbacks(self.deps.clock.now(), AT_ONCE).await?;
        for error in &taken.unreadable {
            tracing::error!(event = "connector.not_told", error = %in_full(error), "A callback cannot be read and is parked.");
        }
        self.deliver(taken.callbacks).await
    }

    /// Some callbacks that were made here and are not due for others yet.
    fn made_here(&self) -> Vec<CallbackDelivery> {
        let lease = self.deps.callbacks.makers_lease();
        lease.map(|lease| self.made_callbacks.take(lease, self.deps.clock.now(), AT_ONCE)).unwrap_or_default()
    }

    /// Notes callbacks that this process has made, to deliver them next.
    pub(crate) fn callbacks_are_made(&self, callbacks: &[Callback]) {
        if callbacks.is_empty() {
            return;
        }
        if self.deps.callbacks.makers_lease().is_some() {
            self.made_callbacks.add(callbacks);
        }
        self.callbacks_due.notify_one();
    }

    async fn deliver(&self, taken: Vec<CallbackDelivery>) -> ports::Result<Dispatched> {
        let told = join_all(taken.iter().map(|outbound| self.deliver_one(outbound))).await;
        let outcomes: Vec<(CallbackId, DeliveryOutcome)> =
            taken.iter().map(|outbound| outbound.callback.id).zip(told).collect();
        if !outcomes.is_empty() {
            self.deps.callbacks.delivered(&outcomes).await?;
        }
        let again_at = outcomes.iter().filter_map(|(_, told)| match told {
            DeliveryOutcome::RetryAt(at, _) => Some(*at),
            DeliveryOutcome::Delivered(_) | DeliveryOutcome::Parked(_) => None,
        });
        Ok(Dispatched { tried: outcomes.len(), again_at: again_at.min() })
    }

    /// Sends the callbacks that were made since the last call. Where the maker has not taken them, it sends what is due. A worker that
    /// processes a batch need not look otherwise.
    ///
    /// # Errors
    /// If the store cannot be reached.
    pub async fn deliver_callbacks(&self) -> ports::Result<Dispatched> {
        if self.callbacks_due.notified().now_or_never().is_none() {
            return Ok(Dispatched::default());
        }
        if self.deps.callbacks.makers_lease().is_none() {
            return self.dispatch().await;
        }
        let mut dispatched = Dispatched::default();
        loop {
            let made = self.made_here();
            if made.is_empty() {
                return Ok(dispatched);
            }
            let Dispatched { tried, again_at } = self.deliver(made).await?;
            dispatched.tried += tried;
            dispatched.again_at = [dispatched.again_at, again_at].into_iter().flatten().min();
        }
    }

    /// Sends callbacks until `stop` turns true. Even if none were made here, it looks for callbacks that
    /// another worker took and did not deliver.
    pub(crate) async fn deliver_until_stopped(&self, mut stop: watch::Receiver<bool>) {
        let mut again_at: Option<Timestamp> = None;
        while !*stop.borrow() {
            match self.dispatch().await {
                Ok(dispatched) => {
                    again_at = [again_at, dispatched.again_at].into_iter().flatten().min();
                    if dispatched.tried > 0 {
                        continue;
                    }
                }
                Err(error) => {
                    if let Some(line) = self.line("connector.notices_failed", "") {
                        tracing::error!(event = "connector.notices_failed", times = line.times, error = %in_full(&error), "The callbacks that are due cannot be read.");
                    }
                }
            }
            let now = self.deps.clock.now();
            again_at = again_at.filter(|at| *at > now);
            let retry = again_at.map(|at| between(now, at));
            tokio::select! {
                biased;
                () = self.callbacks_due.notified() => {}
                () = self.deps.clock.sleep(retry.unwrap_or(CALLBACK_LEASE).min(CALLBACK_LEASE)) => {}
                _stopped_or_alone = stop.changed() => return,
            }
        }
    }

    async fn deliver_one(&self, outbound: &CallbackDelivery) -> DeliveryOutcome {
        let id = outbound.callback.id;
        if self.brands().may_be_broken(&outbound.callback.brand) {
            // The receiver is not at fault: the callback waits until the brand's file is repaired, however
            // long that takes.
            let repaired = self.deps.chance.jitter(without_terms::WHILE_BROKEN);
            let now = self.deps.clock.now();
            let answer = LastAnswer { kind: ReceiverAnswer::NotSent, at: now };
            return DeliveryOutcome::RetryAt(later(now, repaired), answer);
        }
        let attempted = guarded(self.attempt(&outbound.callback)).await.unwrap_or_else(|panicked| {
            self.panicked(&outbound.callback.brand, "delivering a callback", &panicked);
            Err((ReceiverAnswer::NotSent, panicked.to_string()))
        });
        let receiver = self.receiver(&outbound.callback);
        match attempted {
            Ok(()) => {
                tracing::debug!(event = "connector.told", callback = %id, "A callback was delivered.");
                self.takes_again(receiver);
                DeliveryOutcome::Delivered(self.deps.clock.now())
            }
            Err((kind, why)) => {
                let now = self.deps.clock.now();
                let answer = LastAnswer { kind, at: now };
                if is_given_up(outbound.callback.at, outbound.revived_at, now) {
                    if let Some(line) = self.line(NOT_TOLD, &format!("parked {receiver}")) {
                        tracing::error!(event = "connector.not_told", receiver, times = line.times, callback = %id, why, "A callback was not accepted for a day; it is parked.");
                    }
                    return DeliveryOutcome::Parked(answer);
                }
                let doubled = SHORTEST.saturating_mul(2_u32.saturating_pow(outbound.attempts.min(16)));
                let next_try = later(
                    now,
                    self.deps.chance.jitter(doubled.min(LONGEST).checked_div(2).unwrap_or(LONGEST)),
                );
                self.takes_nothing(receiver, &why, next_try);
                DeliveryOutcome::RetryAt(next_try, answer)
            }
        }
    }

    /// The receiver of a callback: the brand, and the host without the rest of the URL, which may contain a
    /// secret.
    fn receiver(&self, callback: &Callback) -> String {
        let brands = self.brands();
        let target = brands.brand(&callback.brand).and_then(|brand| brand.callback.as_ref());
        let host = target.and_then(|target| target.url.host_str()).unwrap_or("-");
        format!("{} {host}", callback.brand)
    }

    /// Reports once a minute that a receiver does not accept callbacks, however many wait for it.
    fn takes_nothing(&self, receiver: String, why: &str, next_try: Timestamp) {
        let now = self.deps.clock.now();
        if let Some(Repeated { times, since }) = self.line(NOT_TOLD, &receiver) {
            tracing::warn!(event = "connector.not_told", receiver, times, %since, %next_try, why, "A receiver does not accept callbacks; they are tried again.");
        }
        let text = format!("callbacks are not accepted, next try {next_try}: {why}");
        self.deps.troubles.report_for(
            SHOWN_FOR,
            "callback_not_taken",
            Subject::Receiver(receiver),
            now,
            text,
        );
    }

    fn takes_again(&self, receiver: String) {
        if self.deps.troubles.clear("callback_not_taken", Subject::Receiver(receiver.clone())) {
            tracing::warn!(event = "connector.told_again", receiver, "A receiver accepts callbacks again.");
        }
    }

    /// Commands that an operator runs refuse a secret with a flaw. If it was in use before that check
    /// existed, callbacks are still sent, with an error in the log.
    fn report(&self, brand: &BrandId, flaw: Option<Flaw>, now: Timestamp) {
        let Some(flaw) = flaw.filter(|flaw| *flaw != Flaw::Plain) else { return };
        let repeats = self.deps.troubles.repeats();
        if let Some(line) = repeats.line("connector.flawed_callback_secret", brand.as_str(), now) {
            tracing::error!(event = "connector.flawed_callback_secret", %brand, %flaw, times = line.times, since = %line.since, "The callback secret has a flaw; callbacks are still signed with it.");
        }
    }

    async fn attempt(&self, callback: &Callback) -> Result<(), (ReceiverAnswer, String)> {
        let not_sent = |why: String| (ReceiverAnswer::NotSent, why);
        let brands = self.brands();
        let target = brands.brand(&callback.brand).and_then(|brand| brand.callback.as_ref());
        let target = target.ok_or_else(|| not_sent("the brand no longer has a callback".to_owned()))?;
        let secret = self.deps.secrets.get(&target.secret).await;
        let secret = secret.map_err(|error| not_sent(in_full(&error)))?;
        let secret = SigningSecret::new(secret.expose_secret());
        let now = self.deps.clock.now();
        self.report(&callback.brand, secret.flaw(), now);
        let timestamp = now.as_second();
        let body = Bytes::from(body(callback).to_string());
        let signed = Signed::new(&target.url, &secret, &callback.id.to_string(), timestamp, body);
        let signed = signed.map_err(|error| not_sent(error.to_string()))?;
        let addresses = if target.allow_private { Addresses::Any } else { Addresses::Public };
        match self.deps.callback_transport.send(&signed, addresses).await {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => {
                Err((ReceiverAnswer::Status(status.as_u16()), format!("it was answered with {status}")))
            }
            Err(error) => Err((ReceiverAnswer::NoAnswer, error.to_string())),
        }
    }
}

/// Whether a callback that was made, and perhaps revived, at these moments has been tried for long enough.
fn is_given_up(made_at: Timestamp, revived_at: Option<Timestamp>, now: Timestamp) -> bool {
    now >= later(revived_at.unwrap_or(made_at), GIVE_UP_AFTER)
}

/// The body of a callback. It depends only on the callback, so every attempt sends the same.
fn body(callback: &Callback) -> Value {
    let kind = match callback.id.kind {
        CallbackKind::Credited | CallbackKind::Rewarded => "participation.credited",
        CallbackKind::Ended => "participation.ended",
        CallbackKind::RewardUnplaced => "participation.reward_unplaced",
        CallbackKind::EventUnplaced | CallbackKind::ConsentNotWritten => return beside_credit(callback),
    };
    let mut data = Map::new();
    data.insert("id".to_owned(), callback.id.participation.to_string().into());
    data.insert("scope".to_owned(), callback.ledger.scope.as_str().into());
    data.insert("credited".to_owned(), (callback.id.kind != CallbackKind::Ended).into());
    if let Some(incentive) = &callback.ledger.incentive {
        data.insert("incentive".to_owned(), incentive.as_str().into());
        data.extend(outcome(&callback.status));
    }
    if let Some(refusal) = callback.refusal {
        data.insert("reason".to_owned(), refusal.reason().into());
    }
    json!({ "type": kind, "timestamp": Timestamp::to_string(&callback.at), "data": data })
}

/// The body of a callback about something beside the credit. It says nothing of the credit, which may come before or after
/// it.
fn beside_credit(callback: &Callback) -> Value {
    let kind = callback.id.kind.name();
    let mut data = json!({
        "id": callback.id.participation.to_string(),
        "scope": callback.ledger.scope.as_str(),
    });
    if callback.id.kind == CallbackKind::ConsentNotWritten {
        data["consent"] = "not_written".into();
    }
    let timestamp = Timestamp::to_string(&callback.at);
    json!({ "type": format!("participation.{kind}"), "timestamp": timestamp, "data": data })
}

/// The outcome of an incentive.
fn outcome(status: &AwardStatus) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    match status {
        AwardStatus::Rewarded { place, reward } => {
            put("reward", shown::reward(reward));
            if let Some(place) = place {
                put("position", (*place).into());
            }
        }
        AwardStatus::New | AwardStatus::Reserved { .. } | AwardStatus::InRaffle | AwardStatus::Released => {
            put("reward", Value::Null);
        }
        AwardStatus::Waiting => {
            put("reward", Value::Null);
            put("waiting", true.into());
        }
        AwardStatus::NoPrize(why) => {
            put("reward", Value::Null);
            put("reason", why.name().into());
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_given_up_a_day_after_it_was_made_or_revived() {
        let hour = Duration::from_secs(3_600);
        let made_at: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        assert!(!is_given_up(made_at, None, made_at + 23 * hour));
        assert!(is_given_up(made_at, None, made_at + 24 * hour));
        let revived_at = made_at + 48 * hour;
        assert!(!is_given_up(made_at, Some(revived_at), revived_at + 23 * hour));
        assert!(is_given_up(made_at, Some(revived_at), revived_at + 24 * hour));
    }
}

//! Which calls a fault strikes: as the dice fall, or as a test has arranged.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::StatusCode;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fault_proxy::incoming::{CalledService, Incoming, refused};
use crate::fault_proxy::plan::FaultPlan;
use crate::fault_proxy::weighed::WrittenItem;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallFault {
    /// It is refused because there were too many. Nothing is done.
    Throttled,
    /// It is answered with 500. Nothing is done.
    Failed,
    /// It takes effect, and the answer is 500.
    Lost,
    /// It takes effect, and the connection breaks before the answer is complete.
    Broken,
    /// The write meets a transaction, or the transaction another one. Nothing is done.
    Conflict,
    /// The transaction is cancelled because a part of it is throttled. Nothing is done.
    PartThrottled,
    /// Only the first half of the batch is done.
    Partial,
}

/// A fault that strikes certain calls, whatever the dice say.
#[derive(Debug, Clone)]
pub struct Strike {
    /// The fault.
    pub fault: CallFault,
    /// The actions of the calls. If there are none, the fault strikes every call that it can happen to.
    pub actions: &'static [&'static str],
    /// How many of these calls are left alone first.
    pub after: usize,
    /// How many are struck then.
    pub times: usize,
}

impl CallFault {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Throttled,
        Self::Failed,
        Self::Lost,
        Self::Broken,
        Self::Conflict,
        Self::PartThrottled,
        Self::Partial,
    ];

    /// Its name in the counts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Broken => "broken",
            Self::Conflict => "conflict",
            Self::PartThrottled => "part_throttled",
            Self::Partial => "partial",
        }
    }

    /// Whether it can happen to this call.
    fn concerns(self, call: &Incoming) -> bool {
        if call.sets_up() || call.service == CalledService::Function {
            return false;
        }
        match self {
            Self::Throttled | Self::Failed | Self::Lost | Self::Broken => true,
            Self::Conflict => {
                call.service == CalledService::Dynamo && (call.writes_one_item() || call.is_transaction())
            }
            Self::PartThrottled => call.is_transaction(),
            Self::Partial => call.service == CalledService::Dynamo && call.action.starts_with("Batch"),
        }
    }

    /// The answer to a call that is not passed on.
    pub(super) fn instead(self, call: &Incoming) -> Option<Response> {
        match self {
            Self::Throttled => Some(match call.service {
                CalledService::Dynamo => refused(
                    call,
                    "ProvisionedThroughputExceededException",
                    "The level of configured provisioned throughput was exceeded.",
                ),
                CalledService::Sqs => refused(call, "RequestThrottled", "Request is throttled."),
                _ => refused(call, "ThrottlingException", "Rate exceeded"),
            }),
            Self::Failed => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
            Self::Conflict if call.is_transaction() => Some(cancelled(call, "TransactionConflict")),
            Self::Conflict => {
                Some(refused(call, "TransactionConflictException", "Transaction is ongoing for the item"))
            }
            Self::PartThrottled => Some(cancelled(call, "ThrottlingError")),
            Self::Lost | Self::Broken | Self::Partial => None,
        }
    }

    /// The answer to a call that was passed on, if this fault spoils it.
    pub(super) fn spoils(self) -> Option<Response> {
        match self {
            Self::Lost => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
            Self::Broken => {
                let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                let body = Body::from_stream(stream::iter([Ok(bytes::Bytes::from("{")), Err(broken)]));
                Some(([("content-length", "100")], body).into_response())
            }
            _ => None,
        }
    }
}

/// A transaction that is cancelled for the sake of its first item.
fn cancelled(call: &Incoming, code: &str) -> Response {
    let items = call.json["TransactItems"].as_array().map_or(0, Vec::len);
    let reason = |item| json!({ "Code": if item == 0 { code } else { "None" } });
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{code}]"),
        "CancellationReasons": (0..items).map(reason).collect::<Vec<_>>(),
    });
    (StatusCode::BAD_REQUEST, body.to_string()).into_response()
}

/// The dice, and what tests have arranged.
pub(super) struct FaultDice {
    state: Mutex<FaultState>,
}

struct FaultState {
    plan: FaultPlan,
    dice: fastrand::Rng,
    strikes: Vec<Strike>,
    /// A parameter that the caller may not read.
    denied: Option<String>,
    /// The items that transactions have written. No other item can meet a transaction.
    in_transactions: HashSet<String>,
    struck: BTreeMap<String, u64>,
}

impl FaultDice {
    pub(super) fn new(seed: u64, plan: FaultPlan) -> Self {
        let dice = fastrand::Rng::with_seed(seed);
        Self {
            state: Mutex::new(FaultState {
                plan,
                dice,
                strikes: Vec::new(),
                denied: None,
                in_transactions: HashSet::new(),
                struck: BTreeMap::new(),
            }),
        }
    }

    pub(super) fn plan(&self) -> FaultPlan {
        self.state.lock().plan.clone()
    }

    pub(super) fn follow(&self, plan: FaultPlan) {
        self.state.lock().plan = plan;
    }

    /// Arranges a fault. It replaces an earlier one that is the same for the same calls.
    pub(super) fn arrange(&self, strike: Strike) {
        let mut state = self.state.lock();
        state.strikes.retain(|other| (other.fault, other.actions) != (strike.fault, strike.actions));
        state.strikes.push(strike);
    }

    pub(super) fn deny(&self, parameter: &str) {
        self.state.lock().denied = Some(parameter.to_owned());
    }

    /// The answer to a caller who may not read a parameter (IAM).
    pub(super) fn denies(&self, call: &Incoming) -> Option<Response> {
        let state = self.state.lock();
        let mut names = call.json["Names"].as_array().into_iter().flatten();
        let is_denied = names.any(|name| name.as_str().is_some() && name.as_str() == state.denied.as_deref());
        is_denied.then(|| refused(call, "AccessDeniedException", "refused"))
    }

    /// The fault that strikes this call.
    pub(super) fn strike(&self, call: &Incoming, written: &[WrittenItem]) -> Option<CallFault> {
        let mut state = self.state.lock();
        if call.is_transaction() {
            state.in_transactions.extend(written.iter().map(WrittenItem::counted_as));
        }
        let meets_one = written.iter().any(|item| state.in_transactions.contains(&item.counted_as()));
        let struck = state.arranged(call).or_else(|| state.drawn(call, meets_one))?;
        state.count(struck.name());
        Some(struck)
    }

    /// How much longer this call takes.
    pub(super) fn delay(&self, call: &Incoming) -> Option<Duration> {
        let mut state = self.state.lock();
        let plan = state.plan.clone();
        if call.sets_up() || plan.slow == 0.0 || state.dice.f64() >= plan.slow {
            return None;
        }
        state.count("slow");
        Some(Duration::from_millis(plan.slow_ms).mul_f64(state.dice.f64()))
    }

    /// How long an index takes to show a write that was made now.
    pub(super) fn lag(&self) -> Duration {
        let mut state = self.state.lock();
        Duration::from_millis(state.plan.indexes_lag_ms).mul_f64(state.dice.f64())
    }

    pub(super) fn count(&self, what: &str) {
        self.state.lock().count(what);
    }

    pub(super) fn struck(&self) -> BTreeMap<String, u64> {
        self.state.lock().struck.clone()
    }
}

impl FaultState {
    fn count(&mut self, what: &str) {
        *self.struck.entry(what.to_owned()).or_default() += 1;
    }

    fn arranged(&mut self, call: &Incoming) -> Option<CallFault> {
        for strike in &mut self.strikes {
            let named = strike.actions.is_empty() || strike.actions.contains(&call.action.as_str());
            if !named || !strike.fault.concerns(call) || strike.times == 0 {
                continue;
            }
            if strike.after > 0 {
                strike.after -= 1;
                continue;
            }
            strike.times = strike.times.saturating_sub(1);
            return Some(strike.fault);
        }
        None
    }

    fn drawn(&mut self, call: &Incoming, meets_one: bool) -> Option<CallFault> {
        if self.plan.spares_last_attempts && call.is_last_attempt() {
            return None;
        }
        let lost = if call.adds() { self.plan.lost_additions } else { self.plan.lost };
        let shares = [
            (CallFault::Throttled, self.plan.throttled),
            (CallFault::Failed, self.plan.failed),
            (CallFault::Lost, lost / 2.0),
            (CallFault::Broken, lost / 2.0),
            (CallFault::Conflict, if meets_one { self.plan.conflicts } else { 0.0 }),
            (CallFault::PartThrottled, self.plan.conflicts / 2.0),
            (CallFault::Partial, self.plan.partial),
        ];
        let possible = shares.into_iter().filter(|(fault, share)| *share > 0.0 && fault.concerns(call));
        possible.into_iter().find_map(|(fault, share)| (self.dice.f64() < share).then_some(fault))
    }
}

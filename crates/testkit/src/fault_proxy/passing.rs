//! What the proxy does with a call: it refuses it, or passes it on and counts what it took.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use ports::Clock;
use serde_json::Value;
use tokio::sync::watch;

use crate::fault_proxy::counts::{Call, LimitCounts};
use crate::fault_proxy::emulated::Emulated;
use crate::fault_proxy::faults::{CallFault, FaultDice};
use crate::fault_proxy::incoming::{CalledService, Incoming, refused};
use crate::fault_proxy::lag::LaggingIndexes;
use crate::fault_proxy::partial::Halved;
use crate::fault_proxy::plan::{FaultPlan, Quotas};
use crate::fault_proxy::quotas::Buckets;
use crate::fault_proxy::weighed::{self, ByKey, WrittenItem};

/// What the calls of a proxy share.
pub(super) struct ProxyState {
    emulated: Emulated,
    clock: Arc<dyn Clock>,
    pub(super) faults: FaultDice,
    pub(super) indexes: LaggingIndexes,
    buckets: Mutex<Buckets>,
    /// The requests that each function is processing.
    running: Mutex<HashMap<String, u32>>,
    /// The action and the end of the table's name of the calls that are held.
    pub(super) held: watch::Sender<Option<(&'static str, &'static str)>>,
    pub(super) calls: Mutex<Vec<Call>>,
    pub(super) counts: Mutex<LimitCounts>,
}

/// Answers a call.
pub(super) async fn answer(State(shared): State<Arc<ProxyState>>, request: Request) -> Response {
    let Some(call) = Incoming::read(request).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if let Some(answer) = shared.controlled(&call).await {
        return answer;
    }
    if let Some(refusal) = shared.faults.denies(&call) {
        return refusal;
    }
    shared.is_let_go(&call).await;
    let written = WrittenItem::all_of(&call, &shared.emulated).await;
    if let Some(refusal) = shared.over_a_limit(&call, &written) {
        return refusal;
    }
    let fault = shared.faults.strike(&call, &written);
    if let Some(instead) = fault.and_then(|fault| fault.instead(&call)) {
        return instead;
    }
    if let Some(delay) = shared.faults.delay(&call) {
        shared.clock.sleep(delay).await;
    }
    let answer = shared.pass_on(&call, &written, fault).await;
    fault.and_then(CallFault::spoils).unwrap_or(answer)
}

impl ProxyState {
    pub(super) fn new(emulator: &str, seed: u64, plan: FaultPlan, clock: Arc<dyn Clock>) -> Self {
        let emulated = Emulated::at(emulator);
        Self {
            indexes: LaggingIndexes::new(emulated.clone(), clock.clone()),
            emulated,
            clock,
            faults: FaultDice::new(seed, plan),
            buckets: Mutex::default(),
            running: Mutex::default(),
            held: watch::Sender::default(),
            calls: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    /// Returns once the call is held no more.
    async fn is_let_go(&self, call: &Incoming) {
        let holds =
            |(action, table): (&str, &str)| call.action == action && call.text("TableName").ends_with(table);
        let mut held = self.held.subscribe();
        let _ended = held.wait_for(|held| !held.is_some_and(holds)).await;
    }

    /// The answer to a call of the proxy itself.
    async fn controlled(&self, call: &Incoming) -> Option<Response> {
        let as_json = |text: serde_json::Result<String>| text.unwrap_or_default().into_response();
        match (call.head.method.clone(), call.head.uri.path()) {
            (Method::GET, "/__counts") => Some(as_json(serde_json::to_string_pretty(&self.counted()))),
            (Method::GET, "/__plan") => Some(as_json(serde_json::to_string_pretty(&self.faults.plan()))),
            (Method::PUT, "/__plan") => Some(match serde_json::from_slice(&call.body) {
                Ok(plan) => {
                    self.faults.follow(plan);
                    StatusCode::NO_CONTENT.into_response()
                }
                Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
            }),
            (Method::POST, "/__indexes") => {
                self.indexes.catch_up().await;
                Some(StatusCode::NO_CONTENT.into_response())
            }
            _ => None,
        }
    }

    pub(super) fn counted(&self) -> LimitCounts {
        LimitCounts { struck: self.faults.struck(), ..self.counts.lock().clone() }
    }

    /// The refusal of a call for which nothing is left of a limit.
    fn over_a_limit(&self, call: &Incoming, written: &[WrittenItem]) -> Option<Response> {
        let Quotas { fifo_calls, fifo_by_group, write_units, parameter_calls, .. } =
            self.faults.plan().quotas;
        let now = self.clock.now();
        let mut buckets = self.buckets.lock();
        let mut is_open = |key: &str, limit: Option<u32>, used: f64| {
            let Some(limit) = limit else { return true };
            let open = buckets.is_open(key, limit, now);
            buckets.charge(key, limit, if open { used } else { 0.0 }, now);
            open
        };
        let open = match call.service {
            CalledService::Sqs if call.queue().ends_with(".fifo") && !call.sets_up() => {
                let action = call.action.trim_end_matches("Batch");
                let named = if fifo_by_group { group(call) } else { String::new() };
                is_open(&format!("{action} {} {named}", call.queue()), fifo_calls, 1.0)
            }
            CalledService::Ssm if call.action.starts_with("Get") => {
                is_open("parameters", parameter_calls, 1.0)
            }
            CalledService::Dynamo => written.iter().flat_map(WrittenItem::keys).all(|key| {
                // What a write takes is known afterwards.
                is_open(&format!("write {key}"), write_units, 0.0)
            }),
            _ => true,
        };
        if open {
            return None;
        }
        self.faults.count("over a limit");
        if call.is_transaction() {
            return CallFault::PartThrottled.instead(call);
        }
        CallFault::Throttled.instead(call)
    }

    /// Passes a call on, and counts it.
    async fn pass_on(&self, call: &Incoming, written: &[WrittenItem], fault: Option<CallFault>) -> Response {
        let plan = self.faults.plan();
        let Some(_environment) = BusyEnvironment::of(self, call, plan.quotas.environments) else {
            self.faults.count("over a limit");
            return refused(call, "TooManyRequestsException", "Rate Exceeded.");
        };
        let lags = plan.indexes_lag_ms > 0 || plan.indexes_held;
        let weighs = plan.weighs || plan.quotas.weigh();
        let halved = Halved::of(call).filter(|_| fault == Some(CallFault::Partial));
        let mut body = halved.as_ref().map_or_else(|| call.body.clone(), |half| half.done.to_string().into());
        if lags {
            body = self.through_copies(call, written, body).await;
        }
        let before = if weighs { self.items(written).await } else { Vec::new() };
        let head = &call.head;
        let passed = self.emulated.pass_on(&head.method, &head.uri, &head.headers, body).await;
        let Some((status, mut headers, mut answered)) = passed else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        if call.sets_up() && call.service == CalledService::Dynamo {
            self.emulated.table_changed(call.text("TableName"));
        }
        let after = if weighs { self.items(written).await } else { Vec::new() };
        self.count(call, written, (&before, &after), &answered, weighs).await;
        if lags {
            for item in written.iter().filter(|item| !item.schema.indexes.is_empty()) {
                let at = (!plan.indexes_held).then(|| self.clock.now() + self.faults.lag());
                self.indexes.note(&item.table, item.key.clone(), at);
            }
        }
        if let Some(halved) = halved {
            answered = halved.answer(&answered);
            headers.remove("x-amz-crc32");
        }
        headers.remove(http::header::CONTENT_LENGTH);
        (status, headers, answered).into_response()
    }

    /// Makes the copies of the tables that a call writes. A call that asks an index gets the copy's name instead of the table's.
    async fn through_copies(&self, call: &Incoming, written: &[WrittenItem], body: Bytes) -> Bytes {
        for item in written {
            self.indexes.copy_of(&item.table).await;
        }
        if call.json["IndexName"].is_null() {
            return body;
        }
        let Some(copy) = self.indexes.copy_of(call.text("TableName")).await else { return body };
        let mut asked = call.json.clone();
        asked["TableName"] = copy.into();
        asked.to_string().into()
    }

    async fn items(&self, written: &[WrittenItem]) -> Vec<Option<Value>> {
        let mut items = Vec::with_capacity(written.len());
        for item in written {
            items.push(self.emulated.item(&item.table, &item.key).await);
        }
        items
    }

    async fn count(
        &self,
        call: &Incoming,
        written: &[WrittenItem],
        (before, after): (&[Option<Value>], &[Option<Value>]),
        answered: &Bytes,
        weighs: bool,
    ) {
        if call.service == CalledService::Function || call.sets_up() && call.service == CalledService::Dynamo
        {
            return;
        }
        let mut calls = Vec::new();
        for (number, item) in written.iter().enumerate() {
            let of = |items: &[Option<Value>]| items.get(number).cloned().flatten();
            let units =
                if weighs { item.units(of(before).as_ref(), of(after).as_ref(), call) } else { ByKey::new() };
            self.charge(&units, |counts| &mut counts.write_units, "write");
            calls.push(Call {
                by: call.by.clone(),
                action: format!("dynamodb:{}", item.action),
                resource: item.table.clone(),
                write_units: units.values().map(|units| *units as u64).sum(),
                read_units: 0.0,
            });
        }
        if written.is_empty() {
            let (action, resource) = call.in_words();
            let weighed = weighs && call.service == CalledService::Dynamo;
            let units =
                if weighed { weighed::read(call, answered, &self.emulated).await } else { ByKey::new() };
            self.charge(&units, |counts| &mut counts.read_units, "read");
            let read_units = units.values().sum();
            calls.push(Call { by: call.by.clone(), action, resource, write_units: 0, read_units });
            self.count_other(call);
        }
        self.calls.lock().extend(calls);
    }

    fn charge(&self, units: &ByKey, counted: fn(&mut LimitCounts) -> &mut ByKey, kind: &str) {
        let quotas = self.faults.plan().quotas;
        let limit = if kind == "write" { quotas.write_units } else { quotas.read_units };
        let (now, mut counts, mut buckets) = (self.clock.now(), self.counts.lock(), self.buckets.lock());
        for (key, units) in units {
            *counted(&mut counts).entry(key.clone()).or_default() += units;
            if let Some(limit) = limit {
                buckets.charge(&format!("{kind} {key}"), limit, *units, now);
            }
        }
    }

    fn count_other(&self, call: &Incoming) {
        let mut counts = self.counts.lock();
        if call.sends() && call.queue().ends_with(".fifo") {
            *counts.sends.entry(call.queue().to_owned()).or_default() += 1.0;
            let group = format!("{} {}", call.queue(), group(call));
            *counts.sends_of_groups.entry(group).or_default() += 1.0;
        }
        counts.parameter_calls +=
            u64::from(call.service == CalledService::Ssm && call.action.starts_with("Get"));
    }
}

/// The message group that a call sends to.
fn group(call: &Incoming) -> String {
    let first = call.json["Entries"].get(0).unwrap_or(&call.json);
    first["MessageGroupId"].as_str().unwrap_or_default().to_owned()
}

/// An environment of a function, which processes one request.
struct BusyEnvironment<'a>(&'a ProxyState, String);

impl<'a> BusyEnvironment<'a> {
    /// An environment for a request; `None` when all are busy. A call of anything else gets one without a limit.
    fn of(shared: &'a ProxyState, call: &Incoming, most: Option<u32>) -> Option<Self> {
        let (host, most) = match call.service {
            CalledService::Function => (call.host(), most),
            _ => (String::new(), None),
        };
        let mut running = shared.running.lock();
        let count = running.entry(host.clone()).or_default();
        if most.is_some_and(|most| *count >= most) {
            return None;
        }
        *count += 1;
        Some(Self(shared, host))
    }
}

impl Drop for BusyEnvironment<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0.running.lock().get_mut(&self.1) {
            *count = count.saturating_sub(1);
        }
    }
}

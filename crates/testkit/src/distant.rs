//! A workspace with latency: requests take their time on the way there and back, and are counted.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use braze::{Transport, TransportError};
use bytes::Bytes;
use domain::Timestamp;
use http::{Request, Response, StatusCode};
use parking_lot::{Mutex, MutexGuard};
use ports::Clock;

/// The endpoint for look-ups.
pub const LOOK_UP: &str = "/users/export/ids";

/// The same endpoint, when it is asked for several profiles that were written before.
pub const LOOK_AT_SEVERAL: &str = "/users/export/ids, several";

/// The requests that a workspace has received.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Requests by endpoint.
    pub requests: BTreeMap<String, u64>,
    /// Answers with 429.
    pub throttled: u64,
    /// Look-ups that had been answered before, word for word.
    pub twice: u64,
    /// When the last answer of each endpoint arrived.
    pub last_answer: BTreeMap<String, Timestamp>,
}

/// A transport to workspaces with latency.
pub struct WithLatency {
    way: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    /// Half of an answer's time.
    each_way: Duration,
    asked: Mutex<Asked>,
    /// The look-ups that were answered.
    looked_up: Mutex<HashSet<Bytes>>,
}

impl WithLatency {
    /// Makes each answer on `way` take `latency`. Half of that passes until the request arrives.
    pub fn new(way: Arc<dyn Transport>, clock: Arc<dyn Clock>, latency: Duration) -> Self {
        Self { way, clock, each_way: latency / 2, asked: Mutex::default(), looked_up: Mutex::default() }
    }

    /// The requests so far.
    pub fn asked(&self) -> Asked {
        self.lock().clone()
    }

    async fn travel(&self) {
        if !self.each_way.is_zero() {
            self.clock.sleep(self.each_way).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock()
    }
}

fn endpoint_of(request: &Request<Bytes>) -> String {
    let path = request.uri().path();
    let names_several = || {
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap_or_default();
        body.get("user_aliases").is_some() || body.get("external_ids").is_some()
    };
    if path == LOOK_UP && names_several() { LOOK_AT_SEVERAL.to_owned() } else { path.to_owned() }
}

#[async_trait]
impl Transport for WithLatency {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let body = request.body().clone();
        let endpoint = endpoint_of(&request);
        self.travel().await;
        let response = self.way.send(request).await?;
        self.travel().await;
        let mut asked = self.lock();
        *asked.requests.entry(endpoint.clone()).or_default() += 1;
        let throttled = response.status() == StatusCode::TOO_MANY_REQUESTS;
        asked.throttled += u64::from(throttled);
        if endpoint == LOOK_UP && !throttled {
            let mut looked_up = self.looked_up.lock();
            asked.twice += u64::from(!looked_up.insert(body));
        }
        asked.last_answer.insert(endpoint, self.clock.now());
        Ok(response)
    }
}

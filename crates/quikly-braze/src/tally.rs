//! What `serve` did, one line a minute: the figures that are metrics on AWS, by the same names.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use axum::body::Bytes;
use braze::{Transport, TransportError};
use connector::{Connector, Tally};
use http::{Request, Response, StatusCode};

/// Requests to Braze.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Calls {
    sent: u64,
    /// Those of them that were answered with 429.
    throttled: u64,
    /// Those of them that were answered with 5xx, or not at all.
    failed: u64,
}

/// The way to Braze, counted.
pub(crate) struct Counting<T> {
    way: T,
    calls: Mutex<Calls>,
}

impl<T> Counting<T> {
    pub(crate) fn on(way: T) -> Self {
        Self { way, calls: Mutex::default() }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted since this was last asked.
    fn take(&self) -> Calls {
        mem::take(&mut *self.calls())
    }
}

#[async_trait]
impl<T: Transport> Transport for Counting<T> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let answer = self.way.send(request).await;
        let status = answer.as_ref().ok().map(Response::status);
        let mut calls = self.calls();
        calls.sent += 1;
        calls.throttled += u64::from(status == Some(StatusCode::TOO_MANY_REQUESTS));
        calls.failed += u64::from(status.is_none_or(|status| status.is_server_error()));
        drop(calls);
        answer
    }
}

/// Says what was done since it was last said; nothing where nothing was.
pub(crate) fn say<T>(connector: &Connector, braze: &Counting<T>) {
    let (tally, calls) = (connector.take_tally(), braze.take());
    if (tally, calls) == (Tally::default(), Calls::default()) {
        return;
    }
    tracing::info!(
        event = "serve.tally",
        Ended = tally.ended,
        Credited = tally.credited,
        Deferred = tally.deferred,
        LookUpsWaiting = tally.look_ups_waiting,
        LookUpBacklog = u64::try_from(tally.look_up_backlog.as_millis()).unwrap_or(u64::MAX),
        AttributesSaved = tally.attributes_saved,
        KeysRefused = tally.keys_refused,
        Panics = tally.panics,
        BrazeUnanswered = tally.braze_unanswered,
        BrazeCalls = calls.sent,
        BrazeThrottled = calls.throttled,
        BrazeFailed = calls.failed,
        "This was done since the last tally."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with the status that the path names, or not at all.
    struct ByPath;

    #[async_trait]
    impl Transport for ByPath {
        async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
            let lost = || TransportError::Lost("no answer".to_owned());
            let status = request.uri().path().trim_matches('/').parse::<u16>().map_err(|_| lost())?;
            Ok(Response::builder().status(status).body(Bytes::new()).unwrap())
        }
    }

    #[tokio::test]
    async fn requests_to_braze_are_counted_until_somebody_asks() {
        let braze = Counting::on(ByPath);
        for path in ["/200", "/429", "/503", "/400", "/lost"] {
            let _answer = braze.send(Request::get(path).body(Bytes::new()).unwrap()).await;
        }
        assert_eq!(braze.take(), Calls { sent: 5, throttled: 1, failed: 2 });
        assert_eq!(braze.take(), Calls::default());
    }
}

//! The way to Braze, counted; and opened before it is needed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use braze::{HttpTransport, Timeouts, Transport, TransportError};
use bytes::Bytes;
use domain::brand::Brands;
use futures::future::join_all;
use http::{Request, Response, StatusCode};

/// Hosts that are connected to at the start, at most: whoever has more brands than that keeps its functions busy anyway.
const MOST_HOSTS: usize = 4;

/// Connections to each, for look-ups side by side. Where a host speaks HTTP/2, they become one.
const CONNECTIONS: usize = 4;

/// Braze answers in a fraction of a second or is in trouble. A look asks it twice or three times, which must fit a function's time-out:
/// what is killed has told nobody what it has done.
const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(3), total: Duration::from_secs(8) };

/// Requests to Braze and what was counted of them.
pub(crate) struct BrazeCalls {
    transport: HttpTransport,
    sent: AtomicU64,
    throttled: AtomicU64,
    failed: AtomicU64,
}

/// What was counted since somebody last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Requests.
    pub(crate) sent: u64,
    /// Those of them that were answered with 429.
    pub(crate) throttled: u64,
    /// Those of them that were answered with 5xx, or not at all.
    pub(crate) failed: u64,
}

impl BrazeCalls {
    /// # Errors
    /// When the machine's TLS roots cannot be read.
    pub(crate) fn new() -> Result<Self, TransportError> {
        let transport = HttpTransport::new(TIMEOUTS)?;
        Ok(Self {
            transport,
            sent: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    /// Connects to the brands' Braze hosts. Nothing is asked of them: whatever they answer, the connection stays.
    pub(crate) async fn connect(&self, brands: &Brands) {
        let hosts: BTreeSet<&str> = brands.iter().map(|brand| brand.braze.endpoint.url().as_str()).collect();
        let connections = hosts.into_iter().take(MOST_HOSTS).flat_map(|host| [host; CONNECTIONS]);
        let connect = |host: &str| {
            let request = Request::head(host).body(Bytes::new()).ok();
            async {
                if let Some(request) = request { self.transport.send(request).await.err() } else { None }
            }
        };
        for error in join_all(connections.map(connect)).await.into_iter().flatten() {
            tracing::debug!(event = "lambda.not_connected", %error, "A connection to Braze could not be opened; the first request opens it.");
        }
    }

    /// What was counted since this was last asked.
    pub(crate) fn take(&self) -> Counted {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Counted { sent: take(&self.sent), throttled: take(&self.throttled), failed: take(&self.failed) }
    }
}

#[async_trait]
impl Transport for BrazeCalls {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let answer = self.transport.send(request).await;
        self.sent.fetch_add(1, Ordering::Relaxed);
        match &answer {
            Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS => {
                self.throttled.fetch_add(1, Ordering::Relaxed);
            }
            Ok(answer) if !answer.status().is_server_error() => {}
            Ok(_) | Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        answer
    }
}

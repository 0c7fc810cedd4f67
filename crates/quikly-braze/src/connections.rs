//! Connections to the routes. Hyper is used directly, so that a client that sends nothing, or too much, can be cut off.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use domain::Timestamp;
use http::header::CONNECTION;
use http::{HeaderMap, HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use intake::Caller;
use parking_lot::Mutex;
use ports::Clock;
use ports::clock::SystemClock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, watch};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::connection_slots::{ConnectionSlots, Share, Wait};
use crate::descriptors;
use crate::forwarded::{ForwardedBy, NoAddress};
use crate::listen::stopped;

/// How long a request's head may take, and how long a connection may be idle between two requests.
const HEAD_WITHIN: Duration = Duration::from_secs(15);

/// How long a client may go without reading any of its answer.
const TAKES_WITHIN: Duration = Duration::from_secs(15);

/// The most header lines of a request.
const MOST_HEADERS: usize = 64;

/// The largest head of a request in bytes.
const LARGEST_HEAD: usize = 32 * 1024;

/// The most connections at a time, if the limit of descriptors allows that many. Others wait to be accepted.
const MOST_CONNECTIONS: usize = 8_192;

/// The most connections at a time that read metrics.
const MOST_SCRAPERS: usize = 32;

/// How long to wait after a connection could not be accepted. The cause goes away when other connections are closed.
const NOT_ACCEPTED: Duration = Duration::from_millis(100);

/// How long a request's head may take while nearly all slots are taken.
const SCARCE_HEAD_WITHIN: Duration = Duration::from_secs(5);

/// How long a connection that makes room may take to send its answer.
const CLOSES_WITHIN: Duration = Duration::from_secs(1);

/// How often an unreadable proxy header is logged.
const REPORTED_EVERY: Duration = Duration::from_secs(60);

/// Paths that are served from the reserve of connections.
const RESERVED_PATHS: [&str; 2] = ["/healthz", "/webhook/braze"];

/// Where a client's address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    /// Clients connect directly, each with at most this many connections.
    Connect(Option<NonZeroU32>),
    /// Our own proxy connects, and adds the address that it saw to a header.
    AreForwarded(ForwardedBy),
    /// The clients read metrics. A few connections are enough for them.
    Scrape,
}

impl Clients {
    /// Who the caller is. Without a readable proxy header, it is the proxy itself.
    fn caller(self, peer: SocketAddr, headers: &HeaderMap) -> Result<Caller, NoAddress> {
        let forwarded = match self {
            Self::Connect(_) | Self::Scrape => None,
            Self::AreForwarded(by) => by.client(headers)?,
        };
        Ok(Caller(forwarded.unwrap_or_else(|| peer.ip())))
    }

    fn slots(self) -> ConnectionSlots {
        let (most, each) = match self {
            Self::Connect(each) => (MOST_CONNECTIONS, each),
            Self::AreForwarded(_) => (MOST_CONNECTIONS, None),
            Self::Scrape => (MOST_SCRAPERS, None),
        };
        ConnectionSlots::new(descriptors::room_for_connections().min(most), each)
    }
}

/// What all connections share.
struct Serving {
    routes: Router,
    clients: Clients,
    slots: ConnectionSlots,
    reported: Mutex<Option<Timestamp>>,
}

/// Serves until `stop` turns true, and then until the requests in progress are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    clients: Clients,
    stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let slots = clients.slots();
    let serving = Arc::new(Serving { routes, clients, slots, reported: Mutex::default() });
    let stopping = stopped(stop);
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            (stream, peer, place) = accept(&listener, &serving.slots) => {
                serving.slots.make_room();
                let connection = Connection {
                    from_reserve: serving.slots.only_reserve_left(),
                    serving: serving.clone(),
                    peer,
                    _place: place,
                };
                tokio::spawn(connection.serve(stream, graceful.watcher()));
            }
            () = &mut stopping => break,
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Accepts the next connection once a slot is free. A client that has its share of connections already is turned away.
async fn accept(listener: &TcpListener, slots: &ConnectionSlots) -> (TcpStream, SocketAddr, ConnectionHold) {
    let free = slots.free().await;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match slots.share_of(peer.ip()) {
                Some(share) => return (stream, peer, (free, share)),
                None => tracing::debug!(
                    event = "serve.turned_away",
                    "A client has too many connections; a further one was closed."
                ),
            },
            Err(error) => {
                tracing::warn!(event = "serve.not_accepted", error = %error, "A connection could not be accepted.");
                SystemClock.sleep(NOT_ACCEPTED).await;
            }
        }
    }
}

/// What a connection holds as long as it is open.
type ConnectionHold = (Option<OwnedSemaphorePermit>, Share);

struct Connection {
    serving: Arc<Serving>,
    peer: SocketAddr,
    from_reserve: bool,
    _place: ConnectionHold,
}

impl Connection {
    async fn serve(self, stream: TcpStream, watcher: Watcher) {
        let _slower = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(TAKES_WITHIN));
        let slots = &self.serving.slots;
        let close = Arc::new(Notify::new());
        let wait = Mutex::new(Some(slots.wait(&close)));
        let answered = AtomicBool::new(false);
        let set = |waits: Option<Wait>| *wait.lock() = waits;
        let service = service_fn(async |request: Request<Incoming>| {
            set(None);
            let answer = self.answer(request).await;
            answered.store(true, Ordering::Relaxed);
            set(Some(slots.wait(&close)));
            answer
        });
        let head_within = if slots.are_scarce() { SCARCE_HEAD_WITHIN } else { HEAD_WITHIN };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_within)
            .max_headers(MOST_HEADERS)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        // It is normal for a client to go away or to be cut off.
        let closed = watcher.watch(connection);
        tokio::pin!(closed);
        tokio::select! {
            _closed = &mut closed => {}
            () = close.notified() => if answered.load(Ordering::Relaxed) {
                let _closed = tokio::time::timeout(CLOSES_WITHIN, closed).await;
            }
        }
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        if let Some(refused) = intake::refused_head(&request) {
            return Ok(refused);
        }
        if self.from_reserve && self.serving.slots.only_reserve_left() && !is_reserved(request.uri().path()) {
            let mut busy = intake::busy();
            busy.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return Ok(busy);
        }
        let caller = self.caller(request.headers());
        request.extensions_mut().insert(caller);
        self.serving.routes.clone().oneshot(request.map(Body::new)).await
    }

    fn caller(&self, headers: &HeaderMap) -> Caller {
        self.serving.clients.caller(self.peer, headers).unwrap_or_else(|NoAddress| {
            self.serving.report_unreadable();
            Caller(self.peer.ip())
        })
    }
}

fn is_reserved(path: &str) -> bool {
    RESERVED_PATHS.contains(&path.strip_suffix('/').unwrap_or(path))
}

impl Serving {
    /// Logs, once a minute, that clients cannot be distinguished.
    fn report_unreadable(&self) {
        let now = SystemClock.now();
        let mut reported = self.reported.lock();
        if reported.is_none_or(|last| now.duration_since(last).unsigned_abs() >= REPORTED_EVERY) {
            *reported = Some(now);
            tracing::warn!(
                event = "serve.client_unreadable",
                "The proxy's header holds no address; these clients share the proxy's limit."
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(clients: Clients, forwarded: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let caller = clients.caller("192.0.2.9:1234".parse().unwrap(), &headers);
        caller.map(|caller| caller.0.to_string()).ok()
    }

    #[test]
    fn a_forwarded_address_counts_only_behind_a_proxy_and_only_the_one_it_added() {
        let forwarded = Clients::AreForwarded(ForwardedBy::XForwardedFor);
        assert_eq!(caller(Clients::Connect(None), &["198.51.100.1"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(caller(forwarded, &["203.0.113.7, 198.51.100.1"]).as_deref(), Some("198.51.100.1"));
        assert_eq!(caller(forwarded, &["203.0.113.7", "198.51.100.2"]).as_deref(), Some("198.51.100.2"));
        assert_eq!(caller(forwarded, &[]).as_deref(), Some("192.0.2.9"));
        assert_eq!(caller(forwarded, &["unknown"]), None);
    }
}

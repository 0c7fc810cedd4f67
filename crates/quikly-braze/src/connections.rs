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
use intake::Caller;
use parking_lot::Mutex;
use ports::Clock;
use ports::clock::SystemClock;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_io_timeout::TimeoutStream;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::connection_slots::{ConnectionSlots, Idleness, Share};
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
    let connections = TaskTracker::new();
    let slots = clients.slots();
    let serving = Arc::new(Serving { routes, clients, slots, reported: Mutex::default() });
    let stopping = stopped(stop.clone());
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            (stream, peer, place) = accept(&listener, &serving.slots) => {
                let _slower = stream.set_nodelay(true);
                connections.spawn(Connection::new(&serving, peer, place).serve(stream, stop.clone()));
            }
            () = &mut stopping => break,
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
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
    // Dropped before `idleness`: a connection that was asked to close counts as closing until its slot is free.
    _place: ConnectionHold,
    idleness: Idleness,
}

impl Connection {
    /// Begins a connection that was accepted. If slots are scarce, an idle connection is asked to make room for it.
    fn new(serving: &Arc<Serving>, peer: SocketAddr, place: ConnectionHold) -> Self {
        serving.slots.make_room();
        Self {
            from_reserve: serving.slots.only_reserve_left(),
            idleness: serving.slots.idleness(),
            serving: serving.clone(),
            peer,
            _place: place,
        }
    }

    /// Serves until the client leaves or is cut off, until the connection has to make room, or until `stop` turns true. A request in
    /// progress is answered in any case.
    async fn serve(self, stream: impl AsyncRead + AsyncWrite, stop: watch::Receiver<bool>) {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(TAKES_WITHIN));
        let answered = AtomicBool::new(false);
        let service = service_fn(async |request: Request<Incoming>| {
            self.idleness.end();
            let answer = self.answer(request).await;
            answered.store(true, Ordering::Relaxed);
            self.idleness.begin();
            answer
        });
        let scarce = self.serving.slots.are_scarce();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(if scarce { SCARCE_HEAD_WITHIN } else { HEAD_WITHIN })
            .max_headers(MOST_HEADERS)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        tokio::pin!(connection);
        // It is normal for a client to go away or to be cut off. The connection is polled first, so that a request that has arrived is seen.
        let makes_room = tokio::select! {
            biased;
            _closed = &mut connection => return,
            () = self.idleness.makes_room() => true,
            () = stopped(stop) => false,
        };
        connection.as_mut().graceful_shutdown();
        if makes_room && self.idleness.is_idle() {
            // Nothing is left to do but to send the rest of an answer.
            let sent_within = if answered.load(Ordering::Relaxed) { CLOSES_WITHIN } else { Duration::ZERO };
            let _closed = tokio::time::timeout(sent_within, &mut connection).await;
            if self.idleness.is_idle() {
                return;
            }
        }
        let _closed = connection.await;
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
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    fn serving(slots: &ConnectionSlots) -> Arc<Serving> {
        let takes_a_while = async || {
            tokio::task::yield_now().await;
            "here"
        };
        let routes = Router::new().route("/", get(takes_a_while));
        Arc::new(Serving {
            routes,
            clients: Clients::Connect(None),
            slots: slots.clone(),
            reported: Mutex::default(),
        })
    }

    async fn connection(serving: &Arc<Serving>) -> Connection {
        let slots = &serving.slots;
        let place = (slots.free().await, slots.share_of([127, 0, 0, 1].into()).unwrap());
        Connection::new(serving, ([127, 0, 0, 1], 1).into(), place)
    }

    /// The answer to what was sent before the connection had to make room, up to the connection's end.
    async fn answer_when_making_room(sent: &[u8]) -> String {
        let slots = ConnectionSlots::new(2, None);
        let serving = serving(&slots);
        let (mut client, server) = tokio::io::duplex(1_024);
        let (_stop, stopping) = watch::channel(false);
        client.write_all(sent).await.unwrap();
        let connection = connection(&serving).await;
        let _last = slots.free().await;
        slots.make_room();
        connection.serve(server, stopping).await;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_request_that_arrived_before_its_connection_made_room_is_answered() {
        let answer = answer_when_making_room(REQUEST).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    }

    #[tokio::test]
    async fn a_connection_that_sent_no_whole_request_makes_room_at_once() {
        for sent in [&REQUEST[..0], &REQUEST[..20]] {
            assert_eq!(answer_when_making_room(sent).await, "");
        }
    }

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

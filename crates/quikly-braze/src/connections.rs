//! Connections to the routes. Hyper is used directly: whoever connects and then says nothing, or too much, is cut off.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use intake::Caller;
use ports::Clock;
use ports::clock::SystemClock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::descriptors;
use crate::listen::stopped;
use crate::places::{Places, Share};

/// How long a request's head may take; and how long a connection may be quiet between two.
const HEAD_WITHIN: Duration = Duration::from_secs(15);

/// How long a client may take nothing of what it is told.
const TAKES_WITHIN: Duration = Duration::from_secs(15);

/// Header lines of a request.
const MOST_HEADERS: usize = 64;

/// Bytes of a request's head.
const LARGEST_HEAD: usize = 32 * 1024;

/// Connections at a time, where there may be as many. More wait to be accepted.
const MOST_CONNECTIONS: usize = 8_192;

/// How long to wait when a connection cannot be accepted, which passes when others have closed.
const NOT_ACCEPTED: Duration = Duration::from_millis(100);

/// Where the client's address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    /// They connect themselves, each so many times at most.
    Connect(Option<NonZeroU32>),
    /// A proxy of ours connects, and adds whom it saw at the end of `X-Forwarded-For`.
    AreForwarded,
}

impl Clients {
    fn caller(self, peer: SocketAddr, headers: &HeaderMap) -> Caller {
        let forwarded = || -> Option<IpAddr> {
            let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            last.rsplit(',').next()?.trim().parse().ok()
        };
        Caller(match self {
            Self::Connect(_) => peer.ip(),
            Self::AreForwarded => forwarded().unwrap_or_else(|| peer.ip()),
        })
    }

    fn places(self) -> Places {
        let each = match self {
            Self::Connect(each) => each,
            Self::AreForwarded => None,
        };
        Places::new(descriptors::room_for_connections().min(MOST_CONNECTIONS), each)
    }
}

/// Serves until `stop` turns true, and then until requests under way are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    clients: Clients,
    stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let places = clients.places();
    let stopping = stopped(stop);
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            (stream, peer, place) = accept(&listener, &places) => {
                let connection = Connection { routes: routes.clone(), clients, peer, _place: place };
                tokio::spawn(connection.serve(stream, graceful.watcher()));
            }
            () = &mut stopping => break,
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

/// The next connection, once there is room for it. Who has enough of them already is turned away.
async fn accept(listener: &TcpListener, places: &Places) -> (TcpStream, SocketAddr, Place) {
    let free = places.free().await;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match places.share_of(peer.ip()) {
                Some(share) => return (stream, peer, (free, share)),
                None => tracing::debug!("serve.turned_away: a client has too many connections"),
            },
            Err(error) => {
                tracing::warn!(error = %error, "serve.not_accepted");
                SystemClock.sleep(NOT_ACCEPTED).await;
            }
        }
    }
}

/// What a connection holds for as long as it is open.
type Place = (Option<OwnedSemaphorePermit>, Share);

struct Connection {
    routes: Router,
    clients: Clients,
    peer: SocketAddr,
    _place: Place,
}

impl Connection {
    async fn serve(self, stream: TcpStream, watcher: Watcher) {
        let _slower = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(TAKES_WITHIN));
        let service = service_fn(|mut request: Request<Incoming>| {
            let caller = self.clients.caller(self.peer, request.headers());
            request.extensions_mut().insert(caller);
            self.routes.clone().oneshot(request.map(Body::new))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_headers(MOST_HEADERS)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        // A client that goes away, or is cut off, is no event for us.
        let _closed = watcher.watch(connection).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(clients: Clients, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        clients.caller("192.0.2.9:1234".parse().unwrap(), &headers).0.to_string()
    }

    #[test]
    fn what_a_client_says_of_itself_counts_only_behind_a_proxy_and_only_what_that_added() {
        assert_eq!(caller(Clients::Connect(None), &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(caller(Clients::AreForwarded, &["203.0.113.7, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(caller(Clients::AreForwarded, &["203.0.113.7", "198.51.100.2"]), "198.51.100.2");
        assert_eq!(caller(Clients::AreForwarded, &["unknown"]), "192.0.2.9");
        assert_eq!(caller(Clients::AreForwarded, &[]), "192.0.2.9");
    }
}

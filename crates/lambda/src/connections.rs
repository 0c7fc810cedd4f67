//! Connections to Braze that are opened before they are needed.

use std::collections::BTreeSet;
use std::time::Duration;

use braze::{HttpTransport, Timeouts, Transport};
use bytes::Bytes;
use domain::brand::Brands;
use futures::future::join_all;
use http::Request;

/// The most hosts that are connected to at start-up. With more brands than that, the functions are kept warm anyway.
const MOST_HOSTS: usize = 4;

/// Connections to each host, for concurrent look-ups. With HTTP/2 they become one connection.
const CONNECTIONS: usize = 4;

/// Braze answers in a fraction of a second, or it is unavailable. One step asks it two or three times, which must fit the function's
/// time-out: a function that is killed cannot save what it has done.
pub(crate) const TIMEOUTS: Timeouts =
    Timeouts { connect: Duration::from_secs(3), total: Duration::from_secs(8) };

/// Connects to the brands' Braze hosts. The answers do not matter, since the connections stay open whatever they are.
pub(crate) async fn open(transport: &HttpTransport, brands: &Brands) {
    let hosts: BTreeSet<&str> = brands.iter().map(|brand| brand.braze.endpoint.url().as_str()).collect();
    let connections = hosts.into_iter().take(MOST_HOSTS).flat_map(|host| [host; CONNECTIONS]);
    let connect = |host: &str| {
        let request = Request::head(host).body(Bytes::new()).ok();
        async { if let Some(request) = request { transport.send(request).await.err() } else { None } }
    };
    for error in join_all(connections.map(connect)).await.into_iter().flatten() {
        tracing::debug!(event = "lambda.not_connected", %error, "A connection to Braze could not be opened; the first request opens it.");
    }
}

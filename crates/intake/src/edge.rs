//! Requests that come through a content delivery network. To us they all come from its edges, and the network
//! names the client that the edge saw in a header. Anybody can write that header, so it counts only together
//! with a secret that the network adds to the requests that it forwards.
//!
//! CloudFront adds `CloudFront-Viewer-Address` if its origin request policy says so, and any custom origin header (AWS docs, "Add
//! CloudFront request headers" and "Add custom headers to origin requests").

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use domain::brand::SecretRef;
use http::{HeaderMap, HeaderName};
use ports::Secrets;
use ports::error::in_full;
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use crate::clients::Caller;

/// The header with the secret.
pub const EDGE_SECRET_HEADER: HeaderName = HeaderName::from_static("x-quikly-edge-secret");

/// How the network proves itself.
pub(crate) struct Edge {
    /// The secret that it adds; `None` if there is no such network.
    pub(crate) secret: Option<SecretRef>,
    /// Reads the secret.
    pub(crate) secrets: Arc<dyn Secrets>,
}

/// The header with the viewer's address and port.
const VIEWER: HeaderName = HeaderName::from_static("cloudfront-viewer-address");

impl Edge {
    /// Replaces the caller's address by the viewer that the edge saw, if the request proves that it came through
    /// the edge.
    pub(crate) async fn name_viewer(&self, request: &mut Request) {
        if let Some(viewer) = seen_by_the_edge(request.headers())
            && self.has_forwarded(request.headers()).await
        {
            request.extensions_mut().insert(Caller(viewer));
        }
    }

    async fn has_forwarded(&self, headers: &HeaderMap) -> bool {
        let (Some(reference), Some(shown)) = (&self.secret, headers.get(EDGE_SECRET_HEADER)) else {
            return false;
        };
        match self.secrets.get(reference).await {
            Ok(secret) => {
                let secret = secret.expose_secret().trim();
                !secret.is_empty() && bool::from(secret.as_bytes().ct_eq(shown.as_bytes()))
            }
            Err(error) => {
                tracing::warn!(event = "intake.no_edge_secret", error = %in_full(&error), "The secret of the edge cannot be read; viewers share the limit of the edge that they come through.");
                false
            }
        }
    }
}

/// Reads an address and a port, separated by the last colon. An IPv6 address may be in brackets or not.
fn seen_by_the_edge(headers: &HeaderMap) -> Option<IpAddr> {
    let (address, port) = headers.get(VIEWER)?.to_str().ok()?.trim().rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    address.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(VIEWER, value.parse().unwrap());
        seen_by_the_edge(&headers).map(|address| address.to_string())
    }

    #[test]
    fn a_viewers_address_is_read_without_its_port() {
        for (value, address) in [
            ("198.51.100.10:46532", "198.51.100.10"),
            ("2001:db8::1:46532", "2001:db8::1"),
            ("[2001:db8::1]:46532", "2001:db8::1"),
            ("2001:0db8:0000:0000:0000:0000:0000:0001:443", "2001:db8::1"),
        ] {
            assert_eq!(seen(value).as_deref(), Some(address), "{value}");
        }
        for value in ["", "198.51.100.10", "unknown:1", "198.51.100.10:port", "2001:db8::1:99999"] {
            assert_eq!(seen(value), None, "{value}");
        }
    }
}

//! Sends one request and returns its answer's status.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

use crate::address::is_public;
use crate::error::CallbackError;
use crate::signature::Signed;

/// The time-outs of a connection and of a whole request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Which addresses a callback may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// Only public addresses.
    Public,
    /// Any address, for tests and closed networks.
    Any,
}

/// Carries callbacks to their receivers.
#[async_trait]
pub trait CallbackTransport: Send + Sync {
    /// Sends the callback once and returns the status of the answer. A redirect is an answer like any other.
    ///
    /// # Errors
    /// If there is no answer.
    async fn send(&self, callback: &Signed, addresses: Addresses) -> Result<StatusCode, CallbackError>;
}

/// Sends callbacks over HTTP, with TLS by rustls.
#[derive(Debug, Clone)]
pub struct HttpCallbacks {
    public: reqwest::Client,
    any: reqwest::Client,
}

impl HttpCallbacks {
    /// # Errors
    /// If the machine's TLS roots cannot be read.
    pub fn new() -> Result<Self, CallbackError> {
        let client = || {
            reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                // A proxy would look the name up itself and skip our check.
                .no_proxy()
                .user_agent(concat!("quikly-braze/", env!("CARGO_PKG_VERSION")))
        };
        let failed = |error: reqwest::Error| CallbackError::NoRequest(cause(&error));
        Ok(Self {
            public: client().dns_resolver(Arc::new(PublicOnly)).build().map_err(failed)?,
            any: client().build().map_err(failed)?,
        })
    }
}

#[async_trait]
impl CallbackTransport for HttpCallbacks {
    async fn send(&self, callback: &Signed, addresses: Addresses) -> Result<StatusCode, CallbackError> {
        let request = reqwest::Request::try_from(callback.request().clone())
            .map_err(|error| CallbackError::NoRequest(cause(&error)))?;
        let client = match addresses {
            Addresses::Any => &self.any,
            // A literal address is never looked up, so it is checked here.
            Addresses::Public if !is_public_literal(request.url()) => return Err(CallbackError::Private),
            Addresses::Public => &self.public,
        };
        match client.execute(request).await {
            Ok(answer) => Ok(answer.status()),
            Err(error) if cause(&error) == NOT_PUBLIC => Err(CallbackError::Private),
            Err(error) => Err(CallbackError::NoAnswer(cause(&error))),
        }
    }
}

fn is_public_literal(url: &url::Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    }
}

const NOT_PUBLIC: &str = "the name leads to no public address";

/// Looks names up and drops every address that is not public.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> =
                found.into_iter().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NOT_PUBLIC.into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// The innermost cause, without the URL.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

//! Quikly's receiver of callbacks, as a server of its own that outlives the connector when that is killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::Value;

use crate::secrets::SECRET;
use crate::server::SECRET_VARIABLE;

/// A callback as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedCallback {
    pub(crate) id: String,
    pub(crate) body: Value,
}

pub(crate) struct QuiklyEnd {
    url: String,
    told: Arc<Mutex<Vec<ReceivedCallback>>>,
    out_of_order: Arc<AtomicBool>,
}

impl QuiklyEnd {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let told: Arc<Mutex<Vec<ReceivedCallback>>> = Arc::default();
        let out_of_order: Arc<AtomicBool> = Arc::default();
        let (kept, refuses) = (told.clone(), out_of_order.clone());
        let hook = move |headers: HeaderMap, body: Bytes| async move {
            let Some(id) = verified(&headers, &body) else { return StatusCode::UNAUTHORIZED };
            if refuses.load(Ordering::SeqCst) {
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
            let body = serde_json::from_slice(&body).unwrap();
            kept.lock().push(ReceivedCallback { id, body });
            StatusCode::NO_CONTENT
        };
        let routes = Router::new().route("/hook", post(hook));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, told, out_of_order }
    }

    /// The section of the brand file that names this receiver.
    pub(crate) fn section(&self) -> String {
        let url = &self.url;
        format!(
            "[callback]\nurl = \"{url}\"\nsecret = {{ env = \"{SECRET_VARIABLE}\" }}\nallow_private = true\n"
        )
    }

    /// From now on it accepts no callbacks, or all of them again.
    pub(crate) fn is_out_of_order(&self, now: bool) {
        self.out_of_order.store(now, Ordering::SeqCst);
    }

    /// Every callback that was accepted so far.
    pub(crate) fn told(&self) -> Vec<ReceivedCallback> {
        self.told.lock().clone()
    }
}

/// The message's id, if its signature is correct. It is checked as a receiver would, from the headers and the body alone.
fn verified(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
    let url = "http://receiver.example/".parse().ok()?;
    let secret = callback::SigningSecret::new(SECRET);
    let body = bytes::Bytes::copy_from_slice(body);
    let expected = callback::Signed::new(&url, &secret, &id, timestamp.parse().ok()?, body).ok()?;
    let signature = header("webhook-signature")?;
    (expected.request().headers()["webhook-signature"] == signature).then_some(id)
}

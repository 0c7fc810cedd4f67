//! Signatures after Standard Webhooks 1.0: HMAC-SHA256 over id, time and body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, header};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use url::Url;

use crate::transport::TransportError;

/// What callbacks are signed with.
pub struct SigningSecret(SecretSlice<u8>);

impl SigningSecret {
    /// A secret as it is configured: `whsec_` and base64, or any text as it stands.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let encoded = text.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
        Self(SecretSlice::from(encoded.unwrap_or_else(|| text.as_bytes().to_vec())))
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        #[expect(
            clippy::expect_used,
            reason = "an empty signature would be refused by every receiver, and nobody would know why"
        )]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// A callback, ready to be sent.
#[derive(Debug, Clone)]
pub struct Signed(pub(crate) Request<Bytes>);

impl Signed {
    /// Signs `body`. `id` names the message, whichever attempt this is; `timestamp` is the attempt's, in seconds since 1970.
    ///
    /// # Errors
    /// When the address or the id cannot stand in a request.
    pub fn new(
        url: &Url,
        secret: &SigningSecret,
        id: &str,
        timestamp: i64,
        body: Bytes,
    ) -> Result<Self, TransportError> {
        Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", secret.sign(id, timestamp, &body))
            .body(body)
            .map(Self)
            .map_err(|error| TransportError::NoRequest(error.to_string()))
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request<Bytes> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the implementations of Standard Webhooks share.
    #[test]
    fn the_known_message_has_the_known_signature() {
        let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_plain_text_is_a_secret_too() {
        let of = |text: &str| SigningSecret::new(text).sign("id", 1, b"{}");
        assert_ne!(of("one"), of("other"));
        assert_eq!(of("whsec_c2VjcmV0"), of("secret"));
    }

    #[test]
    fn every_header_of_the_standard_is_there() {
        let url = Url::parse("https://quikly.example/hook").unwrap();
        let signed =
            Signed::new(&url, &SigningSecret::new("s"), "msg-1", 7, Bytes::from_static(b"{}")).unwrap();
        let headers = signed.request().headers();
        assert_eq!(headers["webhook-id"], "msg-1");
        assert_eq!(headers["webhook-timestamp"], "7");
        assert!(headers["webhook-signature"].to_str().unwrap().starts_with("v1,"));
    }
}

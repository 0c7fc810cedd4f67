//! Signatures after Standard Webhooks 1.0: HMAC-SHA256 over id, time and body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, header};
use secrecy::{ExposeSecret, SecretSlice};
use standardwebhooks::Webhook;
use url::Url;

use crate::error::CallbackError;

/// The prefix of a secret in the form that the standard's libraries take; the key follows in Base64.
const PREFIX: &str = "whsec_";

/// A key shorter than this can be guessed. In bytes.
const SHORTEST_KEY: usize = 16;

/// The secret that callbacks are signed with.
pub struct SigningSecret {
    key: SecretSlice<u8>,
    flaw: Option<Flaw>,
}

/// What is wrong with a secret that can still be used for signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// No library of the standard accepts the secret.
    #[error(
        "begins with whsec_, and what follows is not Base64 (A-Z, a-z, 0-9, + and /, padded with =), so no library of Standard Webhooks takes it"
    )]
    NotBase64,
    /// The secret can be guessed.
    #[error("is too short: a key needs at least 16 bytes")]
    Short,
    /// Receivers must convert the secret before they can use it.
    #[error(
        "does not begin with whsec_: receivers that use a library of Standard Webhooks need whsec_ and its Base64"
    )]
    Plain,
}

impl SigningSecret {
    /// Makes a secret from its configured text, without surrounding space. The text is `whsec_` and Base64,
    /// or any text, which is used byte for byte. A text that begins with `whsec_` and is not Base64 is also
    /// used byte for byte, as it always was; it has a flaw.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        let encoded = text.starts_with(PREFIX);
        // The library refuses other alphabets and missing padding, as the libraries of other languages do.
        let readable = !encoded || Webhook::new(text).is_ok();
        let decoded = (encoded && readable).then(|| decoded(text)).flatten();
        let key = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
        let flaw = match (encoded, readable) {
            (true, false) => Some(Flaw::NotBase64),
            _ if key.len() < SHORTEST_KEY => Some(Flaw::Short),
            (false, _) => Some(Flaw::Plain),
            (true, true) => None,
        };
        Self { key: SecretSlice::from(key), flaw }
    }

    /// What is wrong with the secret, if anything.
    #[must_use]
    pub fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Result<String, CallbackError> {
        let failed = |error: standardwebhooks::WebhookError| CallbackError::NoRequest(error.to_string());
        let key = Webhook::from_bytes(self.key.expose_secret().to_vec()).map_err(failed)?;
        key.sign(id, timestamp, body).map_err(failed)
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.strip_prefix(PREFIX)?).ok()
}

/// A signed callback, ready to be sent.
#[derive(Debug, Clone)]
pub struct Signed(pub(crate) Request<Bytes>);

impl Signed {
    /// Signs `body`. `id` names the message and is the same for every attempt; `timestamp` is the time of
    /// this attempt, in seconds since 1970.
    ///
    /// # Examples
    ///
    /// ```
    /// use callback::{Signed, SigningSecret};
    ///
    /// let url = "https://api.quikly.example/braze".parse()?;
    /// let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    /// let callback = Signed::new(&url, &secret, "3cb8ed5b-credited", 1_795_000_000, "{}".into())?;
    /// assert_eq!(callback.request().headers()["webhook-id"], "3cb8ed5b-credited");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the address or the id cannot be used in a request.
    pub fn new(
        url: &Url,
        secret: &SigningSecret,
        id: &str,
        timestamp: i64,
        body: Bytes,
    ) -> Result<Self, CallbackError> {
        Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", secret.sign(id, timestamp, &body)?)
            .body(body)
            .map(Self)
            .map_err(|error| CallbackError::NoRequest(error.to_string()))
    }

    /// The signed request.
    #[must_use]
    pub fn request(&self) -> &Request<Bytes> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(text: &str) -> String {
        SigningSecret::new(text).sign("id", 1, b"{}").unwrap()
    }

    fn flaw(text: &str) -> Option<Flaw> {
        SigningSecret::new(text).flaw()
    }

    /// The example that all implementations of Standard Webhooks share.
    #[test]
    fn the_known_message_has_the_known_signature() {
        let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(secret.flaw(), None);
    }

    #[test]
    fn a_plain_text_is_used_byte_for_byte_and_receivers_write_it_as_base64() {
        let text = "a text of some length";
        assert_eq!(flaw(text), Some(Flaw::Plain));
        assert_eq!(signed(text), signed(&format!("whsec_{}", STANDARD.encode(text))));
        assert_ne!(signed(text), signed("another text of that length"));
    }

    #[test]
    fn space_around_a_secret_is_not_part_of_it() {
        for secret in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a text of some length"] {
            for text in [format!("{secret}\n"), format!(" {secret}"), format!("\t{secret}\r\n")] {
                assert_eq!((signed(&text), flaw(&text)), (signed(secret), flaw(secret)), "{text:?}");
            }
        }
    }

    #[test]
    fn what_the_standards_libraries_refuse_is_a_flaw() {
        for text in [
            "whsec_!!!!",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa_-",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLQ",
            "whsec_MfKQ9r8GKYqr TwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=",
        ] {
            assert_eq!(flaw(text), Some(Flaw::NotBase64), "{text}");
            assert!(Webhook::new(text).is_err(), "{text}");
        }
        for text in ["", "whsec_", "whsec_c2VjcmV0", "x", "fifteen letters"] {
            assert_eq!(flaw(text), Some(Flaw::Short), "{text}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the standard's library asks the clock itself")]
    fn the_standards_library_verifies_what_we_sign() {
        let url = Url::parse("https://quikly.example/hook").unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        for length in [16, 17, 24, 64, 100] {
            let secret = format!("whsec_{}", STANDARD.encode(vec![7; length]));
            let body = Bytes::from_static(b"{\"type\":\"participation.credited\"}");
            let signed = Signed::new(
                &url,
                &SigningSecret::new(&format!("{secret}\n")),
                "msg-1",
                i64::try_from(now).unwrap(),
                body,
            );
            let signed = signed.unwrap();
            let receiver = Webhook::new(&secret).unwrap();
            assert!(receiver.verify(signed.request().body(), signed.request().headers()).is_ok(), "{length}");
        }
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

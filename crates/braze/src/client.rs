//! The client of a workspace. Each call sends one request and returns one answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::confirmation::{RequestPurpose, confirmed};
use crate::error::Error;
use crate::export::{Export, ExportQuery, Fields};
use crate::limits::RateLimit;
use crate::outcome::{self, WriteOutcome};
use crate::permission::{Grant, Permission};
use crate::redact::Redactor;
use crate::subscription::{self, GroupContacts, GroupPhones, MOST_PHONES, SetEndpoint, StatusBody, Statuses};
use crate::track::{self, TrackWrite};
use crate::transport::{Transport, TransportError};

/// A REST API key. It does not print itself.
#[derive(Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// Makes a key from the text that Braze's dashboard shows.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self(SecretString::from(key.trim()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// The result of a request, and what the answer's headers said about the limits.
#[derive(Debug)]
pub struct Answer<T> {
    /// The HTTP status; `None` when no answer came.
    pub status: Option<StatusCode>,
    /// The rate-limit headers; empty when no answer came.
    pub limits: RateLimit,
    /// The result.
    pub result: Result<T, Error>,
}

impl<T> Answer<T> {
    /// The result of a request that was not sent.
    fn not_sent(error: Error) -> Self {
        Self { status: None, limits: RateLimit::default(), result: Err(error) }
    }

    /// How long Braze asks us to wait after an answer that was not a success: `Retry-After` in any form, or
    /// else the time until the window ends, if no request is left in it. A 429 means that none is left,
    /// whatever else it says.
    #[must_use]
    pub fn asked_wait(&self, now: Timestamp) -> Option<Duration> {
        match self.result.as_ref().err()? {
            Error::Throttled { .. } => self.limits.wait_when_throttled(now),
            _ => self.limits.wait(now),
        }
    }
}

/// What an answer says before its body.
#[derive(Default)]
struct AnswerHead {
    status: Option<StatusCode>,
    limits: RateLimit,
}

impl AnswerHead {
    fn with<T>(self, result: Result<T, Error>) -> Answer<T> {
        Answer { status: self.status, limits: self.limits, result }
    }
}

/// A client of one Braze workspace.
#[derive(Clone)]
pub struct Client {
    endpoint: Url,
    key: ApiKey,
    transport: Arc<dyn Transport>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.endpoint)
    }
}

impl Client {
    /// Makes a client for the workspace that `key` belongs to, on the instance at `endpoint`.
    pub fn new(endpoint: Url, key: ApiKey, transport: Arc<dyn Transport>) -> Self {
        Self { endpoint, key, transport }
    }

    /// `POST /users/track`: sends these writes in one request and returns an outcome for each, in order.
    ///
    /// The caller keeps to the batch limit of its contract ([`crate::pack`]).
    pub async fn track(&self, writes: &[TrackWrite]) -> Answer<Vec<WriteOutcome>> {
        let (heard, answered) = self.post("/users/track", &track::body(writes)).await;
        let result = answered.and_then(|response| outcome::of_track(response, writes, &self.redactor()));
        heard.with(result)
    }

    /// `POST /users/export/ids`: returns the profiles that a query finds. It never asks for campaigns or
    /// Canvases, since they would cost the workspace the faster rate limit.
    pub async fn export_ids(&self, query: &ExportQuery, fields: Fields) -> Answer<Export> {
        let body = match query.body(fields) {
            Ok(body) => body,
            Err(error) => return Answer::not_sent(error),
        };
        let (heard, answered) = self.post("/users/export/ids", &body).await;
        let result = answered.and_then(|response| {
            let response = confirmed(response, RequestPurpose::Reading, &self.redactor())?;
            decode(response.body())
        });
        heard.with(result)
    }

    /// `GET /subscription/status/get`: returns the states of up to [`MOST_PHONES`] numbers in a group.
    pub async fn subscription_statuses(&self, group: &str, phones: &[String]) -> Answer<Statuses> {
        self.statuses_of(group, GroupContacts::Phones(phones)).await
    }

    /// Does the same for numbers or addresses.
    pub async fn statuses_of(&self, group: &str, contacts: GroupContacts<'_>) -> Answer<Statuses> {
        if let Err(error) = check_count(contacts.texts().len()) {
            return Answer::not_sent(error);
        }
        let path = subscription::status_path(group, contacts);
        let (heard, answered) = self.send(Method::GET, &path, Bytes::new()).await;
        let result = answered.and_then(|response| {
            let response = confirmed(response, RequestPurpose::Reading, &self.redactor())?;
            let body: StatusBody = decode(response.body())?;
            Ok(body.of(contacts.texts()))
        });
        heard.with(result)
    }

    /// Subscribes up to [`MOST_PHONES`] numbers, counted over all groups, to their groups. Setting a state
    /// twice changes nothing. Braze confirms that it accepted the request, not the result for each number:
    /// read the statuses for that.
    pub async fn subscribe(
        &self,
        endpoint: SetEndpoint,
        wanted: &[GroupPhones],
        double_opt_in: bool,
    ) -> Answer<()> {
        let count = wanted.iter().map(|wanted| wanted.phones.len()).sum();
        let body = check_count(count).and_then(|()| endpoint.body(wanted, double_opt_in));
        let body = match body {
            Ok(body) => body,
            Err(error) => return Answer::not_sent(error),
        };
        let (heard, answered) = self.post(endpoint.path(), &body).await;
        let result = answered
            .and_then(|response| confirmed(response, RequestPurpose::Writing, &self.redactor()))
            .map(|_| ());
        heard.with(result)
    }

    /// Asks whether the key has a permission, without a side effect.
    pub async fn ask_for(&self, permission: Permission) -> Grant {
        let (method, path, body) = permission.request();
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let (_, answered) = self.send(method, path, body).await;
        let confirmed =
            answered.and_then(|response| confirmed(response, RequestPurpose::Writing, &self.redactor()));
        Grant::of(confirmed.map(|_| ()))
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> (AnswerHead, Result<Response<Bytes>, Error>) {
        match serde_json::to_vec(body) {
            Ok(body) => self.send(Method::POST, path, Bytes::from(body)).await,
            Err(_) => (AnswerHead::default(), Err(Error::Unsendable("the body is not JSON"))),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> (AnswerHead, Result<Response<Bytes>, Error>) {
        let request = match self.request(method, path, body) {
            Ok(request) => request,
            Err(error) => return (AnswerHead::default(), Err(error)),
        };
        match self.transport.send(request).await {
            Ok(response) => {
                let limits = RateLimit::read(response.headers());
                (AnswerHead { status: Some(response.status()), limits }, Ok(response))
            }
            Err(TransportError::NotSent(source)) => (AnswerHead::default(), Err(Error::NotSent(source))),
            Err(TransportError::Lost(source)) => (AnswerHead::default(), Err(Error::Lost(source))),
        }
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Bytes>, Error> {
        let bearer = format!("Bearer {}", self.key.0.expose_secret());
        let mut authorization = HeaderValue::try_from(bearer)
            .map_err(|_| Error::Unsendable("the API key has characters that cannot be sent in a header"))?;
        authorization.set_sensitive(true);
        // Braze answers a trailing slash with 403 and a doubled one with 404.
        let base = self.endpoint.as_str().trim_end_matches('/');
        Request::builder()
            .method(method)
            .uri(format!("{base}{path}"))
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body)
            .map_err(|_| Error::Unsendable("the request cannot be built"))
    }

    fn redactor(&self) -> Redactor<'_> {
        Redactor::new(self.key.0.expose_secret())
    }
}

fn check_count(phones: usize) -> Result<(), Error> {
    if (1..=MOST_PHONES).contains(&phones) {
        Ok(())
    } else {
        Err(Error::Unsendable("a subscription request must name 1 to 50 phone numbers"))
    }
}

/// An unreadable answer to a request may still stand for a success.
fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|_| Error::Unreadable)
}

//! Reads a body strictly: JSON that is declared as such, is one object, and repeats no key; or a form.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use futures::StreamExt;
use http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::Value;
use tokio::time::timeout;

use crate::LARGEST_BODY;
use crate::field_error::FieldError;
use crate::form::{self, FormWishes};
use crate::loose::{self, Loose};
use crate::problem::Problem;
use crate::strict::Strict;

/// How many bytes of a body that is too large are read before the connection is closed.
pub(crate) const LARGEST_DISCARDED: usize = 16 * 1024 * 1024;

/// How long a body may take to arrive, so that a client that sends a byte now and then cannot hold a
/// connection for ever.
const ARRIVES_WITHIN: Duration = Duration::from_secs(15);

/// The members of a JSON object, which are taken one by one; any that are left over are unknown. It does not
/// print, since it contains contacts.
pub(crate) struct Members(BTreeMap<String, Value>);

impl Members {
    fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes).map_err(|error| {
            let place = format!("at line {}, column {}", error.line(), error.column());
            Problem::malformed(match error.classify() {
                serde_json::error::Category::Data => {
                    format!("It must be one object without repeated keys: {place}.")
                }
                _ => format!("It is not valid JSON: {place}."),
            })
        })
    }

    /// The members of an object.
    pub(crate) fn of(object: serde_json::Map<String, Value>) -> Self {
        Self(object.into_iter().collect())
    }

    /// The object with these members.
    pub(crate) fn into_object(self) -> serde_json::Map<String, Value> {
        self.0.into_iter().collect()
    }

    /// Returns a text without taking it.
    pub(crate) fn peek(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(Value::as_str)
    }

    /// The answers, if they are an object.
    pub(crate) fn attributes_mut(&mut self) -> Option<&mut serde_json::Map<String, Value>> {
        self.0.get_mut("attributes").and_then(Value::as_object_mut)
    }

    /// Whether a field is `true`.
    pub(crate) fn says(&self, field: &str) -> bool {
        matches!(self.0.get(field), Some(Value::Bool(true)))
    }

    /// Takes a text; absent and `null` are the same.
    pub(crate) fn text(&mut self, field: &str, errors: &mut Vec<FieldError>) -> Option<String> {
        match self.0.remove(field)? {
            Value::String(text) => Some(text),
            other => wrong(&other, field, ("must be a string", "string"), errors),
        }
    }

    /// Takes `true` or `false`; absent and `null` are the same as `false`.
    pub(crate) fn flag(&mut self, field: &str, errors: &mut Vec<FieldError>) -> bool {
        match self.0.remove(field) {
            None => false,
            Some(Value::Bool(value)) => value,
            Some(other) => {
                wrong::<bool>(&other, field, ("must be true or false", "boolean"), errors).unwrap_or_default()
            }
        }
    }

    /// Takes a value of any type.
    pub(crate) fn value(&mut self, field: &str) -> Option<Value> {
        self.0.remove(field)
    }

    /// Takes an object; absent and `null` are the same as an empty one.
    pub(crate) fn object(
        &mut self,
        field: &str,
        errors: &mut Vec<FieldError>,
    ) -> serde_json::Map<String, Value> {
        match self.0.remove(field) {
            Some(Value::Object(members)) => members,
            None | Some(Value::Null) => serde_json::Map::new(),
            Some(Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Bool(_)) => {
                errors.push(FieldError::wrong_type(field, "must be an object", "object"));
                serde_json::Map::new()
            }
        }
    }

    /// Reports the members that were not taken.
    pub(crate) fn finish(self, errors: &mut Vec<FieldError>) {
        if !self.0.is_empty() {
            errors.extend(self.0.into_keys().map(|name| FieldError::unknown(shown(&name))));
        }
    }
}

/// Reports a value of the wrong kind. `null` counts as absent.
fn wrong<T>(
    value: &Value,
    field: &str,
    (must, expected): (&str, &'static str),
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    if !value.is_null() {
        errors.push(FieldError::wrong_type(field, must, expected));
    }
    None
}

/// A field's name as it may be repeated to the caller: only if it is short and plain.
pub(crate) fn shown(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.len() <= 64 && !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        "(a name that is not shown)".to_owned()
    }
}

/// A body's bytes and its members. The signature is over the bytes, and decides whether the members count.
pub(crate) struct Received {
    pub(crate) raw: Vec<u8>,
    pub(crate) members: Members,
    /// What a form says about its answer; `None` for JSON.
    pub(crate) form: Option<FormWishes>,
}

impl Received {
    /// Reads a body that is JSON or a form.
    pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let is_form = form::is_declared(headers);
        if !is_form && !is_json(headers) {
            return Err(Problem::not_json());
        }
        let raw = read(body).await?;
        let (members, form) = match is_form {
            true => form::read(&raw).map(|(members, wishes)| (Members::of(members), Some(wishes)))?,
            false => (Members::parse(&raw)?, None),
        };
        Ok(Self { raw, members, form })
    }
}

/// The members of a webhook's body, under any content type: Braze would drop a refused event for good, and
/// the token is known.
pub(crate) async fn of_webhook(request: Request) -> Result<Vec<(String, Loose)>, Problem> {
    let bytes = read(request.into_body()).await?;
    loose::members(&bytes).ok_or_else(|| Problem::malformed("It is not a JSON object."))
}

/// Reads and drops a body that is not needed. Returns whether it ended within the limits of size and time.
pub(crate) async fn discard(body: Body) -> bool {
    timeout(ARRIVES_WITHIN, discard_all(body)).await.unwrap_or(false)
}

async fn discard_all(body: Body) -> bool {
    let mut chunks = body.into_data_stream();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        length += chunk.map_or(LARGEST_DISCARDED, |chunk| chunk.len());
        if length >= LARGEST_DISCARDED {
            return false;
        }
    }
    true
}

/// Reads a body, and fails if it takes too long to arrive.
async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    let mut reading = pin!(read_all(body));
    match at_once(reading.as_mut()).await {
        Some(read) => read,
        None => timeout(ARRIVES_WITHIN, reading).await.unwrap_or_else(|_| Err(Problem::too_slow())),
    }
}

/// The output of a future that has it at the first or the second poll. hyper hands over a body that arrived with its head only at the second, so
/// most requests need no timer. The first poll wakes the task by itself: hyper's wake would come during the second, and cause a third.
async fn at_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut was_polled = false;
    let poll = |context: &mut Context<'_>| {
        if was_polled {
            return Poll::Ready(match future.as_mut().poll(context) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            });
        }
        was_polled = true;
        let first = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if first.is_pending() {
            context.waker().wake_by_ref();
        }
        first.map(Some)
    };
    poll_fn(poll).await
}

/// Reads a body up to [`LARGEST_BODY`]. More is read and dropped, up to a limit.
async fn read_all(body: Body) -> Result<Vec<u8>, Problem> {
    let mut chunks = body.into_data_stream();
    let mut read = Vec::new();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::malformed("It did not arrive completely."))?;
        length += chunk.len();
        if length <= LARGEST_BODY {
            read.extend_from_slice(&chunk);
        } else if length > LARGEST_DISCARDED {
            break;
        }
    }
    if length > LARGEST_BODY { Err(Problem::too_large()) } else { Ok(read) }
}

/// Whether the body is declared as JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|declared| declared.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(StrictMembers)
    }
}

struct StrictMembers;

impl<'de> Visitor<'de> for StrictMembers {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, Strict(value))) = map.next_entry::<String, Strict>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a key is repeated"));
            }
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use axum::body::Bytes;
    use futures::stream;
    use tokio::runtime::Builder;

    use super::*;

    /// A body that has its content at this poll.
    fn arrives_at_poll(number: usize) -> Body {
        let mut polls = 0;
        let mut content = Some(Ok::<_, axum::Error>(Bytes::from_static(b"{}")));
        Body::from_stream(stream::poll_fn(move |context| {
            polls += 1;
            if polls < number {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(content.take())
        }))
    }

    #[test]
    fn a_body_that_arrived_with_its_head_needs_no_timer() {
        let without_timers = Builder::new_current_thread().build().unwrap();
        for number in [1, 2] {
            assert_eq!(without_timers.block_on(read(arrives_at_poll(number))).ok(), Some(b"{}".to_vec()));
        }
    }

    struct CountedWakes(AtomicUsize);

    impl Wake for CountedWakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// As hyper does, it wakes during the second poll the task that polled first.
    #[test]
    fn a_task_that_has_its_body_is_not_woken_for_it_again() {
        let mut first: Option<Waker> = None;
        let mut content = Some(Ok::<_, axum::Error>(Bytes::from_static(b"{}")));
        let body = Body::from_stream(stream::poll_fn(move |context| match &first {
            None => {
                first = Some(context.waker().clone());
                Poll::Pending
            }
            Some(first) => {
                first.wake_by_ref();
                Poll::Ready(content.take())
            }
        }));
        let wakes = Arc::new(CountedWakes(AtomicUsize::new(0)));
        let waker = Waker::from(wakes.clone());
        let mut reading = pin!(read(body));
        assert!(reading.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(reading.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "the wake for the second poll");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_arrives_later_is_read_and_one_that_never_arrives_is_given_up() {
        assert_eq!(read(arrives_at_poll(5)).await.ok(), Some(b"{}".to_vec()));
        let never = Body::from_stream(stream::pending::<Result<Bytes, axum::Error>>());
        assert_eq!(read(never).await.err().unwrap().code(), "body-too-slow");
    }
}

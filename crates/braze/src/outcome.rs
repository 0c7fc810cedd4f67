//! The outcome of each object of a `/users/track` request.
//!
//! Braze answers 201 with an `errors` array for the objects it refused. The form of the entries is not
//! documented; `{type, input_array, index}`, other objects and plain strings were seen. If an entry does not
//! name its object, every object that it could be about counts as unknown.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::confirmation::{RequestPurpose, confirmed};
use crate::error::Error;
use crate::known_text::known_text;
use crate::redact::Redactor;
use crate::track::TrackWrite;

/// Why Braze refused an object, as its redacted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRefusal(String);

impl ObjectRefusal {
    /// What Braze said, as far as it is a known text, which names nobody.
    #[must_use]
    pub fn known_text(&self) -> Option<&'static str> {
        known_text(&self.0)
    }
}

impl fmt::Display for ObjectRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The outcome of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectOutcome {
    /// Braze accepted the object and applies it a little later.
    Done,
    /// Braze refused the object for good.
    Refused(ObjectRefusal),
    /// Braze certainly did not process the object, and the object itself is not the reason.
    NotDone,
    /// Braze may have accepted the object.
    Unknown,
}

/// The outcome of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOutcome {
    /// The outcome of the attributes, if the write has any.
    pub attributes: Option<ObjectOutcome>,
    /// The outcomes of the events, in order.
    pub events: Vec<ObjectOutcome>,
}

impl WriteOutcome {
    /// The outcome that decides for the whole write: refused, else unknown, else not done, else done.
    #[must_use]
    pub fn worst(&self) -> &ObjectOutcome {
        let rank = |outcome: &&ObjectOutcome| match outcome {
            ObjectOutcome::Done => 0,
            ObjectOutcome::NotDone => 1,
            ObjectOutcome::Unknown => 2,
            ObjectOutcome::Refused(_) => 3,
        };
        self.attributes.iter().chain(&self.events).max_by_key(rank).unwrap_or(&ObjectOutcome::Done)
    }
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    errors: Value,
    attributes_processed: Option<u64>,
    events_processed: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Array {
    Attributes,
    Events,
}

/// Error entries, sorted by the object that they are about.
#[derive(Default)]
struct ErrorEntries {
    placed: BTreeMap<(Array, usize), ObjectRefusal>,
    unplaced: BTreeMap<Array, ObjectRefusal>,
}

/// Assigns Braze's answer to the writes.
pub(crate) fn of_track(
    response: Response<Bytes>,
    writes: &[TrackWrite],
    redactor: &Redactor<'_>,
) -> Result<Vec<WriteOutcome>, Error> {
    let sent = Sent::of(writes);
    let status = response.status();
    if status.is_success() {
        let response = confirmed(response, RequestPurpose::Writing, redactor)?;
        let body: Body = serde_json::from_slice(response.body()).map_err(|_| Error::Unreadable)?;
        let mut entries = ErrorEntries::read(&body.errors, sent, redactor);
        entries.compare(Array::Attributes, sent.attributes, body.attributes_processed);
        entries.compare(Array::Events, sent.events, body.events_processed);
        return Ok(outcomes(writes, &entries, &ObjectOutcome::Done));
    }
    let body: Option<Body> = serde_json::from_slice(response.body()).ok();
    let error = Error::of_status(&response, redactor);
    let entries = body.map(|body| ErrorEntries::read(&body.errors, sent, redactor)).unwrap_or_default();
    // A 400 that names objects refuses those; Braze did not process the rest of the request.
    if status == StatusCode::BAD_REQUEST && !entries.placed.is_empty() {
        return Ok(outcomes(writes, &entries, &ObjectOutcome::NotDone));
    }
    Err(error)
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    attributes: usize,
    events: usize,
}

impl Sent {
    fn of(writes: &[TrackWrite]) -> Self {
        Self {
            attributes: writes.iter().filter(|write| write.attributes.is_some()).count(),
            events: writes.iter().map(|write| write.events.len()).sum(),
        }
    }

    fn len(self, array: Array) -> usize {
        match array {
            Array::Attributes => self.attributes,
            Array::Events => self.events,
        }
    }

    /// The only object of the request, if it has just one: any error must be about that one.
    fn single(self) -> Option<(Array, usize)> {
        match (self.attributes, self.events) {
            (1, 0) => Some((Array::Attributes, 0)),
            (0, 1) => Some((Array::Events, 0)),
            _ => None,
        }
    }
}

impl ErrorEntries {
    fn read(errors: &Value, sent: Sent, redactor: &Redactor<'_>) -> Self {
        let mut entries = Self::default();
        let listed = match errors {
            Value::Null => &[],
            Value::Array(listed) => listed.as_slice(),
            single => std::slice::from_ref(single),
        };
        for entry in listed {
            entries.place(entry, sent, redactor);
        }
        entries
    }

    fn place(&mut self, entry: &Value, sent: Sent, redactor: &Redactor<'_>) {
        let refusal = ObjectRefusal(redactor.clean(text(entry)));
        let array = match entry.get("input_array").and_then(Value::as_str) {
            Some("attributes") => Some(Array::Attributes),
            Some("events") => Some(Array::Events),
            _ => None,
        };
        let index = entry.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
        let named = array.zip(index).filter(|(array, index)| *index < sent.len(*array));
        match (named.or(sent.single()), array) {
            (Some(place), _) => {
                self.placed.insert(place, refusal);
            }
            (None, Some(array)) => {
                self.unplaced.insert(array, refusal);
            }
            (None, None) => {
                self.unplaced.insert(Array::Attributes, refusal.clone());
                self.unplaced.insert(Array::Events, refusal);
            }
        }
    }

    /// Braze reports how many objects it processed. If fewer are accounted for, the rest of the array is
    /// uncertain.
    fn compare(&mut self, array: Array, sent: usize, processed: Option<u64>) {
        let refused = self.placed.keys().filter(|(of, _)| *of == array).count();
        let expected = u64::try_from(sent.saturating_sub(refused)).unwrap_or(u64::MAX);
        if processed.is_some_and(|processed| processed < expected) {
            self.unplaced
                .entry(array)
                .or_insert_with(|| ObjectRefusal("fewer objects were processed than sent".into()));
        }
    }

    fn outcome(&self, array: Array, index: usize, otherwise: &ObjectOutcome) -> ObjectOutcome {
        if let Some(refusal) = self.placed.get(&(array, index)) {
            return ObjectOutcome::Refused(refusal.clone());
        }
        match otherwise {
            ObjectOutcome::Done if self.unplaced.contains_key(&array) => ObjectOutcome::Unknown,
            other => other.clone(),
        }
    }
}

fn text(entry: &Value) -> &str {
    let named = ["type", "message", "error"].iter().find_map(|key| entry.get(key)?.as_str());
    entry.as_str().or(named).unwrap_or("an error without a text")
}

fn outcomes(writes: &[TrackWrite], entries: &ErrorEntries, otherwise: &ObjectOutcome) -> Vec<WriteOutcome> {
    let (mut attributes, mut events) = (0.., 0..);
    let mut next = |array: Array| {
        let index = match array {
            Array::Attributes => attributes.next(),
            Array::Events => events.next(),
        };
        entries.outcome(array, index.unwrap_or(usize::MAX), otherwise)
    };
    writes
        .iter()
        .map(|write| WriteOutcome {
            attributes: write.attributes.as_ref().map(|_| next(Array::Attributes)),
            events: write.events.iter().map(|_| next(Array::Events)).collect(),
        })
        .collect()
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;

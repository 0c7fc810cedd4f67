//! Counts, since this process began, the webhook calls that were accepted, those that were refused by reason,
//! and the values left out of accepted ones.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::{Value, json};

/// The counters of webhook calls.
#[derive(Debug, Default)]
pub(crate) struct Webhooks(Mutex<WebhookCounters>);

#[derive(Debug, Default)]
struct WebhookCounters {
    accepted: u64,
    refused: BTreeMap<&'static str, u64>,
    dropped: BTreeMap<&'static str, u64>,
}

/// A kind of value that was left out of an accepted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Template syntax, or a word such as `null`, instead of an identifier.
    UnrenderedLiquid,
    /// An identifier that cannot be valid.
    UnusableIdentifier,
    /// A value that is not JSON, or not of a usable type.
    UnusableValue,
    /// The second value of a key.
    RepeatedKey,
    /// A value that does not fit into the attributes' limit.
    TooLarge,
}

impl Dropped {
    /// The name that it is counted under.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UnrenderedLiquid => "unrendered-liquid",
            Self::UnusableIdentifier => "unusable-identifier",
            Self::UnusableValue => "unusable-value",
            Self::RepeatedKey => "repeated-key",
            Self::TooLarge => "too-large",
        }
    }
}

impl Webhooks {
    pub(crate) fn accepted(&self) {
        self.lock().accepted += 1;
    }

    /// Counts a refusal of this kind, and returns how many there were.
    pub(crate) fn refused(&self, kind: &'static str) -> u64 {
        let mut counters = self.lock();
        let count = counters.refused.entry(kind).or_default();
        *count += 1;
        *count
    }

    /// Counts a value that was left out, and returns how many there were.
    pub(crate) fn dropped(&self, kind: &'static str) -> u64 {
        let mut counters = self.lock();
        let count = counters.dropped.entry(kind).or_default();
        *count += 1;
        *count
    }

    pub(crate) fn show(&self) -> Value {
        let counters = self.lock();
        let mut shown = json!({ "accepted": counters.accepted, "refused": counters.refused });
        if !counters.dropped.is_empty() {
            shown["dropped"] = json!(counters.dropped);
        }
        shown
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, WebhookCounters> {
        self.0.lock()
    }
}

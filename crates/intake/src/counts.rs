//! How many webhook calls were taken, and how many were refused and why, and what was left out of those taken, since this process began.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde_json::{Value, json};

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Webhooks(Mutex<WebhookCounters>);

#[derive(Debug, Default)]
struct WebhookCounters {
    accepted: u64,
    refused: BTreeMap<&'static str, u64>,
    dropped: BTreeMap<&'static str, u64>,
}

/// What was left out of an event that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// A piece of a template, or a word for nothing, where somebody should be named.
    UnrenderedLiquid,
    /// An identifier that cannot be one.
    UnusableIdentifier,
    /// A value that is no JSON, or of no kind that could be used.
    UnusableValue,
    /// The second value of a key.
    RepeatedKey,
    /// A value for which the attributes have no room.
    TooLarge,
}

impl Dropped {
    /// As what it is counted.
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

    /// Counts a refusal of this kind, and says how many there were.
    pub(crate) fn refused(&self, kind: &'static str) -> u64 {
        let mut counters = self.lock();
        let count = counters.refused.entry(kind).or_default();
        *count += 1;
        *count
    }

    /// Counts a value that was left out, and says how many there were.
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

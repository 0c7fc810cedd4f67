//! How many webhook calls were taken, and how many were refused and why, since this process began.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Webhooks(Mutex<Counters>);

#[derive(Debug, Default)]
struct Counters {
    accepted: u64,
    refused: BTreeMap<&'static str, u64>,
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

    pub(crate) fn show(&self) -> Value {
        let counters = self.lock();
        json!({ "accepted": counters.accepted, "refused": counters.refused })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

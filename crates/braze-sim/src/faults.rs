//! Faults on request. They are counted, not drawn at random: the same requests meet the same faults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// An answer with `status`.
    Status,
    /// The connection is closed without an answer.
    Drop,
    /// The answer is delayed by `delay_ms`.
    Delay,
    /// A success whose body is not JSON.
    Garbage,
    /// An answer with `status`, `headers` and `body`, such as a proxy's error page or an undocumented answer of Braze.
    Answer,
}

/// Whether a fault occurs before or after the request has done its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The request does nothing.
    #[default]
    Before,
    /// The request does its work, and only the answer is faulty.
    After,
}

/// A fault to be played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The path that it applies to; every path when absent.
    pub path: Option<String>,
    /// The kind of fault.
    pub kind: FaultKind,
    /// The status of a `status` or `answer` fault.
    #[serde(default = "service_unavailable")]
    pub status: u16,
    /// When it occurs.
    #[serde(default)]
    pub when: When,
    /// How many times it is played at most; without a limit when absent.
    pub count: Option<u64>,
    /// It is played at every n-th request that it applies to.
    pub one_in: Option<u64>,
    /// `Retry-After` of a `status` fault, in seconds.
    pub retry_after: Option<u64>,
    /// Further headers of a `status` or `answer` fault; they replace the usual ones.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body of an `answer` fault: a text as it is, anything else as JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// Delay of a `delay` fault.
    #[serde(default)]
    pub delay_ms: u64,
}

fn service_unavailable() -> u16 {
    503
}

/// The active faults, and how often each was met and played.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct FaultSet(Vec<SetFault>);

#[derive(Debug, Serialize)]
struct SetFault {
    #[serde(flatten)]
    fault: Fault,
    met: u64,
    played: u64,
}

impl FaultSet {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(SetFault { fault, met: 0, played: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that a request to this path meets, if any.
    pub(crate) fn meet(&mut self, path: &str) -> Option<Fault> {
        let mut played = None;
        for set in &mut self.0 {
            let fault = &set.fault;
            if fault.path.as_deref().is_some_and(|of| of != path)
                || fault.count.is_some_and(|count| set.played >= count)
            {
                continue;
            }
            set.met += 1;
            if played.is_none() && set.met % fault.one_in.unwrap_or(1).max(1) == 0 {
                set.played += 1;
                played = Some(fault.clone());
            }
        }
        played
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_fault_meets_every_nth_request_to_its_path_up_to_its_count() {
        let mut faults = FaultSet::default();
        faults.add(fault(r#"{"path": "/users/track", "kind": "status", "one_in": 3, "count": 2}"#));
        let met: Vec<bool> = (0..10).map(|_| faults.meet("/users/track").is_some()).collect();
        assert_eq!(met, [false, false, true, false, false, true, false, false, false, false]);
        assert!(faults.meet("/users/export/ids").is_none());
    }
}

//! A batch of which only a part is done. DynamoDB answers with what is left, and the caller asks for that again.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::fault_proxy::incoming::Incoming;

/// The half of a batch that is done, and what is left of it.
pub(super) struct Halved {
    pub(super) done: Value,
    left: Value,
    /// The name under which the answer has what is left.
    name: &'static str,
}

impl Halved {
    /// Halves a batch; `None` if it has one part only.
    pub(super) fn of(call: &Incoming) -> Option<Self> {
        let (name, reads) = match call.action.as_str() {
            "BatchGetItem" => ("UnprocessedKeys", true),
            "BatchWriteItem" => ("UnprocessedItems", false),
            _ => return None,
        };
        let (table, whole) = call.json["RequestItems"].as_object()?.iter().next()?;
        let parts = if reads { &whole["Keys"] } else { whole }.as_array()?;
        if parts.len() < 2 {
            return None;
        }
        let (first, rest) = parts.split_at(parts.len() / 2);
        let with = |parts: &[Value]| {
            let mut some = whole.clone();
            if reads {
                some["Keys"] = json!(parts);
            } else {
                some = json!(parts);
            }
            json!({ table.clone(): some })
        };
        let mut done = call.json.clone();
        done["RequestItems"] = with(first);
        Some(Self { done, left: with(rest), name })
    }

    /// The answer with what is left.
    pub(super) fn answer(&self, answer: &Bytes) -> Bytes {
        let Ok(mut answer) = serde_json::from_slice::<Value>(answer) else { return answer.clone() };
        answer[self.name] = self.left.clone();
        answer.to_string().into()
    }
}

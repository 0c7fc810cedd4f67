//! Attempts to write an item. When the answer to a conditional write is lost, the SDK repeats the write. The condition then no longer holds,
//! because of the first attempt. The item says whose write it holds, so that this does not count as a refusal.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use ports::Chance;
use ports::clock::SystemChance;

use crate::dynamo::item::{Item, text, text_of};

/// The attribute of an item that distinguishes its last write from every other. Where many write one item, it names their last writes.
pub(crate) const ATTEMPT: &str = "attempt";

/// How many writes an item names at most, which takes a quarter of a kilobyte.
const MOST_NAMED: usize = 16;

/// One write, however often the SDK repeats it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt(String);

impl Attempt {
    pub(crate) fn new() -> Self {
        Self(format!("{:016x}", SystemChance.bits()))
    }

    /// The value of the attribute.
    pub(crate) fn value(&self) -> AttributeValue {
        text(&self.0)
    }

    /// The value of the attribute together with the writes that it named before.
    pub(crate) fn value_before(&self, earlier: &str) -> AttributeValue {
        let named: Vec<&str> =
            std::iter::once(self.0.as_str()).chain(earlier.split_whitespace()).take(MOST_NAMED).collect();
        text(named.join(" "))
    }

    /// Whether the item names this write.
    pub(crate) fn wrote(&self, item: &Item) -> bool {
        named(item).split_whitespace().any(|attempt| attempt == self.0)
    }

    /// Whether this write itself is why it was refused. The request has to ask for the item as it was.
    pub(crate) fn is_behind(&self, refused: &ConditionalCheckFailedException) -> bool {
        refused.item().is_some_and(|item| self.wrote(item))
    }
}

/// The writes that an item names.
pub(crate) fn named(item: &Item) -> &str {
    text_of(item, ATTEMPT).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_names_the_last_writes_and_no_more() {
        let attempts: Vec<Attempt> = (0..20).map(|_| Attempt::new()).collect();
        let mut item = Item::new();
        for attempt in &attempts {
            let value = attempt.value_before(named(&item));
            item.insert(ATTEMPT.to_owned(), value);
        }
        let wrote: Vec<bool> = attempts.iter().map(|attempt| attempt.wrote(&item)).collect();
        assert_eq!(wrote, [[false; 4].as_slice(), &[true; 16]].concat());
    }
}

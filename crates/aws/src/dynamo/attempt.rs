//! Attempts to write an item. When the answer to a conditional write is lost, the SDK repeats the write. The condition then no longer holds,
//! because of the first attempt. The item says whose write it holds, so that this does not count as a refusal.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use ports::Chance;
use ports::clock::SystemChance;

use crate::dynamo::item::{Item, text};

/// The attribute of an item that distinguishes the last write from every other.
pub(crate) const ATTEMPT: &str = "attempt";

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

    /// Whether this write was the last one of the item.
    pub(crate) fn wrote(&self, item: &Item) -> bool {
        item.get(ATTEMPT) == Some(&self.value())
    }

    /// Whether this write itself is why it was refused. The request has to ask for the item as it was.
    pub(crate) fn is_behind(&self, refused: &ConditionalCheckFailedException) -> bool {
        refused.item().is_some_and(|item| self.wrote(item))
    }
}

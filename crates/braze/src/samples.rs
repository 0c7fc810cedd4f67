//! Sample writes for tests.

use jiff::Timestamp;
use serde_json::Map;

use crate::track::{AttributesObject, Event, Identifier, TrackWrite};

/// A write to one profile with a number of events.
pub(crate) fn write(with_attributes: bool, events: usize) -> TrackWrite {
    let identifier = Identifier::ExternalId("u".into());
    let event = Event {
        identifier: identifier.clone(),
        name: "e".into(),
        time: Timestamp::UNIX_EPOCH,
        properties: Map::new(),
        update_existing_only: None,
    };
    let attributes =
        AttributesObject { identifier, update_existing_only: None, email: None, fields: Map::new() };
    TrackWrite { attributes: with_attributes.then_some(attributes), events: vec![event; events] }
}

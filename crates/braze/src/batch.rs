//! Packs writes into requests.

use std::ops::Range;

use crate::track::{AttributesObject, Event, TrackWrite};

/// The largest request body that is built, in bytes. Most of Braze's endpoints take 4 MB; this leaves a
/// margin.
pub const LARGEST_BODY: usize = 3_500_000;

/// Braze's hard limit on objects in one request.
const MOST_OBJECTS: u32 = 75;

/// How many objects a request may hold. Contracts differ: 75 or 50 objects in all, or 75 in each array; a
/// limit of 5 is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimit {
    objects: u32,
    per_array: bool,
}

impl BatchLimit {
    /// At most `objects` in all, or in each array; `None` unless that is 1 to 75.
    #[must_use]
    pub fn new(objects: u32, per_array: bool) -> Option<Self> {
        (1..=MOST_OBJECTS).contains(&objects).then_some(Self { objects, per_array })
    }
}

impl Default for BatchLimit {
    fn default() -> Self {
        Self { objects: MOST_OBJECTS, per_array: false }
    }
}

/// What a request holds so far.
#[derive(Debug, Clone, Copy, Default)]
struct RequestLoad {
    attributes: usize,
    events: usize,
    bytes: usize,
}

impl RequestLoad {
    fn of(write: &TrackWrite) -> Self {
        let size = |json: serde_json::Value| json.to_string().len() + 1;
        let attributes = write.attributes.iter().map(AttributesObject::json).map(size);
        let events = write.events.iter().map(Event::json).map(size);
        Self {
            attributes: attributes.len(),
            events: write.events.len(),
            bytes: attributes.chain(events).sum(),
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            attributes: self.attributes + other.attributes,
            events: self.events + other.events,
            bytes: self.bytes + other.bytes,
        }
    }

    fn fits(self, limit: BatchLimit) -> bool {
        let most = usize::try_from(limit.objects).unwrap_or(usize::MAX);
        let objects =
            if limit.per_array { self.attributes.max(self.events) } else { self.attributes + self.events };
        objects <= most && self.bytes <= LARGEST_BODY
    }
}

/// Splits `writes` into requests, in order, each as full as the limit allows. A write that alone exceeds the
/// limit gets a request of its own, and Braze decides about it.
#[must_use]
pub fn pack(writes: &[TrackWrite], limit: BatchLimit) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    let mut load = RequestLoad::default();
    for (index, write) in writes.iter().enumerate() {
        let with = load.with(RequestLoad::of(write));
        if index > start && !with.fits(limit) {
            groups.push(start..index);
            start = index;
            load = RequestLoad::of(write);
        } else {
            load = with;
        }
    }
    if start < writes.len() {
        groups.push(start..writes.len());
    }
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::write;

    #[test]
    fn seventy_five_objects_are_counted_over_both_arrays_by_default() {
        let writes = vec![write(true, 1); 75];
        let sizes: Vec<usize> =
            pack(&writes, BatchLimit::default()).into_iter().map(|group| group.len()).collect();
        assert_eq!(sizes, [37, 37, 1]);
    }

    #[test]
    fn by_the_older_contracts_each_array_is_counted_alone() {
        let writes = vec![write(true, 1); 80];
        let limit = BatchLimit::new(75, true).unwrap();
        let sizes: Vec<usize> = pack(&writes, limit).into_iter().map(|group| group.len()).collect();
        assert_eq!(sizes, [75, 5]);
    }

    #[test]
    fn a_body_stays_under_four_megabytes() {
        let mut large = write(true, 0);
        let fields = &mut large.attributes.as_mut().unwrap().fields;
        fields.insert("note".into(), "x".repeat(1_000_000).into());
        let sizes: Vec<usize> =
            pack(&vec![large; 7], BatchLimit::default()).into_iter().map(|group| group.len()).collect();
        assert_eq!(sizes, [3, 3, 1]);
    }

    proptest! {
        #[test]
        fn every_write_is_packed_once_in_order_within_the_limit(
            shape in proptest::collection::vec((any::<bool>(), 0_usize..3), 0..200),
            objects in prop_oneof![Just(3_u32), Just(5), Just(50), Just(75)],
            per_array: bool,
        ) {
            let writes: Vec<TrackWrite> = shape.iter().map(|(attributes, events)| write(*attributes, *events)).collect();
            let limit = BatchLimit::new(objects, per_array).unwrap();
            let groups = pack(&writes, limit);
            let flat: Vec<usize> = groups.iter().cloned().flatten().collect();
            prop_assert_eq!(flat, (0..writes.len()).collect::<Vec<_>>());
            for group in groups {
                let attributes = writes[group.clone()].iter().filter(|w| w.attributes.is_some()).count();
                let events: usize = writes[group].iter().map(|w| w.events.len()).sum();
                let most = objects as usize;
                if per_array {
                    prop_assert!(attributes <= most && events <= most);
                } else {
                    prop_assert!(attributes + events <= most);
                }
            }
        }
    }
}

//! What was called, and how much of each limit it took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A second's write units of one key (DynamoDB).
const WRITE_UNITS: f64 = 1_000.0;

/// A second's read units of one key (DynamoDB).
const READ_UNITS: f64 = 3_000.0;

/// A second's calls that send to one FIFO queue (SQS).
const FIFO_CALLS: f64 = 300.0;

/// One call of a service.
#[derive(Debug, Clone)]
pub struct Call {
    /// The name that the caller gives itself (`AWS_SDK_UA_APP_ID`).
    pub by: String,
    /// The service and action, as policies name them.
    pub action: String,
    /// The table, index, queue or path; the parameters with spaces between them.
    pub resource: String,
    /// The write units that DynamoDB bills.
    pub write_units: u64,
    /// The read units that DynamoDB bills.
    pub read_units: f64,
}

/// The use of each limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LimitCounts {
    /// Write units by key: of a table, its name and the item's key; of an index, its name and the key that chooses the partition.
    pub write_units: BTreeMap<String, f64>,
    /// Read units by key, in the same form.
    pub read_units: BTreeMap<String, f64>,
    /// Calls that send to a FIFO queue, by queue.
    pub sends: BTreeMap<String, f64>,
    /// Calls that send to a FIFO queue, by queue and message group.
    pub sends_of_groups: BTreeMap<String, f64>,
    /// Calls of the Parameter Store that read parameters.
    pub parameter_calls: u64,
    /// How often each fault has struck, and how often each limit has refused a call.
    pub struck: BTreeMap<String, u64>,
}

/// How many of something a second AWS allows, by its limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Ceiling {
    /// How many a second.
    pub a_second: f64,
    /// The key or queue that allows no more.
    pub limited_by: String,
}

impl LimitCounts {
    /// The highest rate that the limits of single keys and queues allow, if `count` of something took all that was counted. What had no
    /// limited resource at all has an infinite ceiling.
    #[must_use]
    pub fn ceiling(&self, count: u32) -> Ceiling {
        let limits = [
            (&self.write_units, WRITE_UNITS, "write units of "),
            (&self.read_units, READ_UNITS, "read units of "),
            (&self.sends, FIFO_CALLS, "sends to "),
        ];
        let of = |(used, a_second, what): (&BTreeMap<String, f64>, f64, &str)| {
            let (key, used) = used.iter().max_by(|one, other| one.1.total_cmp(other.1))?;
            Some(Ceiling { a_second: a_second * f64::from(count) / used, limited_by: format!("{what}{key}") })
        };
        let lowest =
            limits.into_iter().filter_map(of).min_by(|one, other| one.a_second.total_cmp(&other.a_second));
        lowest.unwrap_or(Ceiling { a_second: f64::INFINITY, limited_by: "nothing".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_is_that_of_the_scarcest_key_or_queue() {
        let used = |key: &str, used: f64| BTreeMap::from([(key.to_owned(), used)]);
        let mut counts = LimitCounts { write_units: used("hot", 20.0), ..LimitCounts::default() };
        counts.write_units.insert("cold".into(), 1.0);
        assert_eq!(counts.ceiling(10), Ceiling { a_second: 500.0, limited_by: "write units of hot".into() });
        counts.sends = used("awards.fifo", 10.0);
        assert_eq!(
            counts.ceiling(10),
            Ceiling { a_second: 300.0, limited_by: "sends to awards.fifo".into() }
        );
        counts.read_units = used("counts", 120.0);
        assert_eq!(
            counts.ceiling(10),
            Ceiling { a_second: 250.0, limited_by: "read units of counts".into() }
        );
        assert_eq!(LimitCounts::default().ceiling(10).a_second, f64::INFINITY);
    }
}

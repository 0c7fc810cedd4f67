//! What goes wrong, and how often.

use serde::{Deserialize, Serialize};

/// How often each fault occurs, as a share of the calls that it can happen to (0 is never, 1 is always), and the limits that are enforced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// A call is refused because there were too many; nothing is done.
    pub throttled: f64,
    /// A call is answered with 500; nothing is done.
    pub failed: f64,
    /// A call takes effect, and its answer is lost: the connection breaks, or the answer is 500.
    pub lost: f64,
    /// The same for calls that take effect again when they are repeated: messages that are sent, and numbers that are added to a counter.
    pub lost_additions: f64,
    /// A write meets a transaction on its item, or a transaction is cancelled because it meets another one or is throttled.
    pub conflicts: f64,
    /// A batch is done in part.
    pub partial: f64,
    /// A call takes longer, by up to `slow_ms`.
    pub slow: f64,
    /// The longest that a slow call takes, in milliseconds.
    pub slow_ms: u64,
    /// Whether the last attempt that a client makes of a call is left alone. Then no call fails for good.
    pub spares_last_attempts: bool,
    /// How long after a write an index shows it at the latest, in milliseconds.
    pub indexes_lag_ms: u64,
    /// Whether indexes show no writes at all until they are told to catch up.
    pub indexes_held: bool,
    /// Whether the units of reads and writes are counted. It takes two more calls of the emulator for each item that is written.
    pub weighs: bool,
    /// The limits that are enforced.
    pub quotas: Quotas,
}

/// Limits by the second. `None` is no limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Calls of one action on one FIFO queue.
    pub fifo_calls: Option<u32>,
    /// Whether the limit of a FIFO queue holds for each message group instead (high-throughput mode).
    pub fifo_by_group: bool,
    /// Write units of one item of a table, or of one key of an index.
    pub write_units: Option<u32>,
    /// Read units of one item of a table, or of one key of an index.
    pub read_units: Option<u32>,
    /// Calls of the Parameter Store that read parameters.
    pub parameter_calls: Option<u32>,
    /// Environments of a function, each of which processes one request at a time. This one is not by the second.
    pub environments: Option<u32>,
}

impl Default for FaultPlan {
    fn default() -> Self {
        Self::none()
    }
}

impl FaultPlan {
    /// No faults and no limits. The units are counted.
    #[must_use]
    pub fn none() -> Self {
        Self {
            throttled: 0.0,
            failed: 0.0,
            lost: 0.0,
            lost_additions: 0.0,
            conflicts: 0.0,
            partial: 0.0,
            slow: 0.0,
            slow_ms: 0,
            spares_last_attempts: true,
            indexes_lag_ms: 0,
            indexes_held: false,
            weighs: true,
            quotas: Quotas::default(),
        }
    }

    /// Everything that AWS does to a caller who repeats calls: more often than AWS does it, and never so often that a call fails for good.
    #[must_use]
    pub fn mild() -> Self {
        Self {
            throttled: 0.02,
            failed: 0.01,
            lost: 0.03,
            conflicts: 0.03,
            partial: 0.1,
            slow: 0.02,
            slow_ms: 40,
            indexes_lag_ms: 2_000,
            weighs: false,
            ..Self::none()
        }
    }

    /// A third of all calls goes wrong, and calls may fail for good.
    #[must_use]
    pub fn strong() -> Self {
        Self {
            throttled: 0.1,
            failed: 0.05,
            lost: 0.15,
            lost_additions: 0.15,
            conflicts: 0.2,
            partial: 0.3,
            spares_last_attempts: false,
            ..Self::mild()
        }
    }
}

impl Quotas {
    /// The limits of AWS, as a new account has them.
    #[must_use]
    pub fn of_aws() -> Self {
        Self {
            fifo_calls: Some(300),
            fifo_by_group: false,
            write_units: Some(1_000),
            read_units: Some(3_000),
            parameter_calls: Some(40),
            environments: Some(1_000),
        }
    }

    /// Whether units have to be counted to enforce these limits.
    pub(super) fn weigh(&self) -> bool {
        self.write_units.is_some() || self.read_units.is_some()
    }
}

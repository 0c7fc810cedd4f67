//! Which outages are known to be stored for other processes.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::ids::BrandId;
use ports::outages::Outage;

/// The outages that are known to be stored.
#[derive(Default)]
pub(crate) struct KeptOutages {
    pub(crate) read_at: Option<Timestamp>,
    pub(crate) outages: BTreeMap<BrandId, Outage>,
    pub(crate) ours: BTreeMap<BrandId, Ours>,
}

/// An outage that this process has seen.
pub(crate) struct Ours {
    /// How many tries others had counted before.
    pub(crate) base: u64,
    pub(crate) written_at: Option<Timestamp>,
}

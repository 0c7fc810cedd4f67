//! From which arrival on a ledger has pages of waiting lines.

use ports::Result;

use crate::dynamo::item::{Item, number_of};

/// From which arrival on a ledger has pages of waiting lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ranks {
    /// How many lines had arrived when the pages were begun. The number is part of their names: if an earlier version writes to the ledger
    /// again, the pages are outdated, and new ones are begun.
    pub(crate) since: u64,
    /// Lines that arrived after this one are on pages.
    pub(crate) from: u64,
}

impl Ranks {
    /// The first value for a ledger without pages, in which this many lines have arrived.
    pub(crate) fn beginning(arrivals: u64) -> Self {
        Self { since: arrivals, from: arrivals }
    }

    /// Reads it from the item of the counters. An earlier version has not written it.
    pub(crate) fn of(item: &Item) -> Result<Option<Self>> {
        let since = number_of(item, "ranked_since")?;
        Ok(since.zip(number_of(item, "ranked_from")?).map(|(since, from)| Self { since, from }))
    }

    pub(super) fn page_line(self, page: u64) -> String {
        format!("waiting {} page {page:010}", self.since)
    }

    pub(super) fn groups(self) -> String {
        format!("waiting {} group ", self.since)
    }

    pub(super) fn group_line(self, group: u64) -> String {
        format!("{}{group:010}", self.groups())
    }
}

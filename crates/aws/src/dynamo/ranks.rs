//! From which arrival on it is kept who waits.

use ports::Result;

use crate::dynamo::item::{Item, number_of};

/// From which arrival on a ledger has pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ranks {
    /// How many had arrived when pages were begun. It is part of their names: should an earlier version write to the ledger again, what
    /// is on them is not true any more, and others are begun.
    pub(crate) since: u64,
    /// Lines that arrived later are on pages.
    pub(crate) from: u64,
}

impl Ranks {
    /// Of a ledger without pages, in which so many have arrived.
    pub(crate) fn beginning(arrivals: u64) -> Self {
        Self { since: arrivals, from: arrivals }
    }

    /// As the item of the counters has it; an earlier version wrote none.
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

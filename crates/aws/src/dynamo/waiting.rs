//! How many lines wait ahead of another, without reading them.
//!
//! Pages of [`PAGE`] bits, one bit for each arrival, record which lines wait. Groups of [`GROUP`] pages record how many lines wait on each
//! page. Both change in the transaction that changes the line; a transaction in which no wait begins or ends touches neither. One page
//! and the groups then give the number of waiting lines before an arrival. There is one more group for every million arrivals.
//!
//! An earlier version kept no pages. In its ledgers, lines that arrive from now on are on pages. Earlier lines are added from the last one
//! down, a few pages at every tick ([`Ranks::from`](super::ranks::Ranks::from)).

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::award::{Award, AwardStatus};
use domain::ids::ParticipationId;
use futures::future::try_join_all;
use futures::try_join;
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{Item, bytes_of, required, text_of};
use crate::dynamo::ledger_tx::{Changes, LedgerSnapshot};
use crate::dynamo::ranks::Ranks;
use crate::dynamo::read::CountsRead;

/// Arrivals on a page, which has half a kilobyte. A write unit covers one kilobyte.
const PAGE: u64 = 4_096;

/// Pages in a group. With two bytes for each page, it has half a kilobyte, too.
const GROUP: u64 = 256;

/// How many pages of an earlier version's lines one tick makes.
const PAGES_A_TICK: usize = 10;

impl Changes {
    /// How many lines and pages are to be written, which is the part of the transaction that grows; 0 means nothing changed.
    pub(crate) fn weight(&self, snapshot: &LedgerSnapshot) -> usize {
        self.lines.len() + pages(snapshot, self)
    }
}

/// The bytes of a page or group, and their version, which counts writes.
#[derive(Default)]
struct Sheet {
    bytes: Vec<u8>,
    version: u64,
}

impl Sheet {
    /// Decodes a page or group and brings it to this length.
    fn of(item: Option<&Item>, length: usize) -> Result<Self> {
        let Some(item) = item else { return Ok(Self { bytes: vec![0; length], version: 0 }) };
        let mut bytes = bytes_of(item, "waiting")?;
        bytes.resize(length, 0);
        Ok(Self { bytes, version: required(item, "version")? })
    }

    fn item(&self) -> Item {
        Item::from([("waiting".to_owned(), AttributeValue::B(Blob::new(self.bytes.clone())))])
    }

    fn set_bit(&mut self, bit: u64, there: bool) {
        let mask = 1_u8 << (bit % 8);
        if let Some(byte) = self.bytes.get_mut(index(bit / 8)) {
            *byte = if there { *byte | mask } else { *byte & !mask };
        }
    }

    /// How many bits before this one are set.
    fn bits_before(&self, bit: u64) -> u32 {
        let whole: u32 = self.bytes.iter().take(index(bit / 8)).map(|byte| byte.count_ones()).sum();
        let rest = self.bytes.get(index(bit / 8)).copied().unwrap_or(0) & ((1_u8 << (bit % 8)) - 1);
        whole + rest.count_ones()
    }

    fn set_count(&mut self, number: u64, count: u32) {
        let count = u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes();
        if let Some(bytes) = self.bytes.as_chunks_mut::<2>().0.get_mut(index(number)) {
            *bytes = count;
        }
    }

    fn counts(&self) -> impl Iterator<Item = u32> {
        self.bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_be_bytes(*bytes).into())
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn waits(award: &Award) -> bool {
    award.status == AwardStatus::Waiting
}

/// The arrivals whose wait these changes begin or end, by page.
fn flips(snapshot: &LedgerSnapshot, changes: &Changes) -> BTreeMap<u64, Vec<(u64, bool)>> {
    let from = snapshot.ranks().from;
    let mut flips: BTreeMap<u64, Vec<(u64, bool)>> = BTreeMap::new();
    for award in changes.lines.values() {
        let stored = snapshot.lines.get(&award.id).and_then(Option::as_ref);
        let (before, now) = (stored.is_some_and(|line| waits(&line.award)), waits(award));
        let arrival = award.arrival_number();
        if before != now && arrival > from {
            flips.entry(arrival / PAGE).or_default().push((arrival % PAGE, now));
        }
    }
    flips
}

/// How many pages these changes touch.
pub(crate) fn pages(snapshot: &LedgerSnapshot, changes: &Changes) -> usize {
    flips(snapshot, changes).len()
}

fn groups_of(items: &[Item], prefix: &str) -> Result<Vec<(u64, Sheet)>> {
    let group = |item: &Item| {
        let number = text_of(item, "line")?.strip_prefix(prefix).unwrap_or_default().parse();
        let number: u64 = number.map_err(|error| Error::corrupt("ledger", error))?;
        Ok((number, Sheet::of(Some(item), index(GROUP * 2))?))
    };
    items.iter().map(group).collect()
}

/// How many lines on pages wait before an arrival, whose page this is.
fn before(groups: &[(u64, Sheet)], page: &Sheet, arrival: u64) -> u32 {
    let earlier = groups.iter().flat_map(|(group, sheet)| (group * GROUP..).zip(sheet.counts()));
    let earlier: u32 = earlier.filter(|(number, _)| *number < arrival / PAGE).map(|(_, count)| count).sum();
    earlier + page.bits_before(arrival % PAGE)
}

impl Dynamo {
    /// The pages and groups to be written with these changes, so that they agree with the lines.
    pub(crate) async fn waiting_items(
        &self,
        ledger: &str,
        snapshot: &LedgerSnapshot,
        changes: &Changes,
    ) -> Result<Vec<TransactWriteItem>> {
        self.page_items(ledger, snapshot.ranks(), flips(snapshot, changes)).await
    }

    async fn page_items(
        &self,
        ledger: &str,
        ranks: Ranks,
        flips: BTreeMap<u64, Vec<(u64, bool)>>,
    ) -> Result<Vec<TransactWriteItem>> {
        let groups: BTreeSet<u64> = flips.keys().map(|page| page / GROUP).collect();
        let page = async |page: &u64| {
            let line = ranks.page_line(*page);
            Ok::<_, Error>((*page, self.sheet(ledger, &line, index(PAGE / 8)).await?))
        };
        let group = async |group: &u64| {
            let line = ranks.group_line(*group);
            Ok::<_, Error>((*group, self.sheet(ledger, &line, index(GROUP * 2)).await?))
        };
        let (pages, groups) =
            try_join!(try_join_all(flips.keys().map(page)), try_join_all(groups.iter().map(group)))?;
        let mut groups: BTreeMap<u64, Sheet> = groups.into_iter().collect();
        let mut items = Vec::new();
        for (number, mut page) in pages {
            for (bit, there) in flips.get(&number).into_iter().flatten() {
                page.set_bit(*bit, *there);
            }
            if let Some(group) = groups.get_mut(&(number / GROUP)) {
                group.set_count(number % GROUP, page.bits_before(PAGE));
            }
            items.push(self.versioned(ledger, &ranks.page_line(number), page.item(), page.version)?);
        }
        for (number, group) in groups {
            items.push(self.versioned(ledger, &ranks.group_line(number), group.item(), group.version)?);
        }
        Ok(items)
    }

    async fn sheet(&self, ledger: &str, line: &str, length: usize) -> Result<Sheet> {
        Sheet::of(self.line_of(ledger, line).await?.as_ref(), length)
    }

    /// How many waiting lines arrived earlier.
    pub(crate) async fn waiting_before(&self, ledger: &str, arrival: u64) -> Result<u32> {
        let CountsRead { counts, ranks, .. } = self.read_counts(ledger).await?;
        if let Some(most) = counts.numbers.and_then(|numbers| numbers.ahead_at_most(arrival)) {
            return Ok(most);
        }
        let Some(ranks) = ranks.filter(|ranks| arrival > ranks.from) else {
            return self.listed_before("waiting", ledger, arrival).await;
        };
        let prefix = ranks.groups();
        let line = ranks.page_line(arrival / PAGE);
        let (page, groups) =
            try_join!(self.sheet(ledger, &line, index(PAGE / 8)), self.lines_with_prefix(ledger, &prefix))?;
        let groups = groups_of(&groups, &prefix)?;
        let on_pages: u32 = groups.iter().flat_map(|(_, group)| group.counts()).sum();
        // Lines that waited before there were pages are ahead of every line that is on one.
        let earlier = if ranks.from == 0 { 0 } else { counts.waiting.saturating_sub(on_pages) };
        Ok(before(&groups, &page, arrival) + earlier)
    }

    /// The waiting lines among these, up to the first gap: the index of lists lags a moment behind, while pages and counters change
    /// together with the lines. Returns whether somebody is missing.
    pub(crate) async fn without_gaps(
        &self,
        ledger: &str,
        ids: &[ParticipationId],
        all: bool,
        snapshot: &mut LedgerSnapshot,
    ) -> Result<(Vec<ParticipationId>, bool)> {
        self.fulfil_lines(ids, snapshot).await?;
        let lines = ids.iter().filter_map(|id| snapshot.lines.get(id)?.as_ref());
        let mut found: Vec<(u64, ParticipationId)> = lines
            .filter(|line| waits(&line.award))
            .map(|line| (line.award.arrival_number(), line.award.id))
            .collect();
        found.sort_unstable();
        let ranks = snapshot.ranks();
        let is_short =
            |found: usize| all && u32::try_from(found).is_ok_and(|found| found < snapshot.counts.waiting);
        // A line that cannot be read is passed over, and those of an earlier version may be on no page.
        if ranks.from != 0 || !snapshot.unreadable.is_empty() {
            return Ok((ids.to_vec(), false));
        }
        let prefix = ranks.groups();
        let groups = groups_of(&self.lines_with_prefix(ledger, &prefix).await?, &prefix)?;
        let numbers: BTreeSet<u64> = found.iter().map(|(arrival, _)| arrival / PAGE).collect();
        let page = async |number: u64| {
            Ok::<_, Error>((number, self.sheet(ledger, &ranks.page_line(number), index(PAGE / 8)).await?))
        };
        let pages: BTreeMap<u64, Sheet> =
            try_join_all(numbers.into_iter().map(page)).await?.into_iter().collect();
        let mut known = Vec::with_capacity(found.len());
        for (arrival, id) in &found {
            let ahead = pages.get(&(arrival / PAGE)).map_or(0, |page| before(&groups, page, *arrival));
            if u32::try_from(known.len()).is_ok_and(|known| known != ahead) {
                return Ok((known, true));
            }
            known.push(*id);
        }
        let lags = is_short(known.len());
        Ok((known, lags))
    }

    /// Puts lines that waited before there were pages on pages, a few at a time. Returns whether all of them are on pages.
    pub(crate) async fn rank_earlier(&self, ledger: &str) -> Result<bool> {
        for _ in 0..PAGES_A_TICK {
            let CountsRead { counts, version, ranks } = self.read_counts(ledger).await?;
            if version == 0 {
                return Ok(true);
            }
            let Some(mut ranks) = ranks else {
                // The lists lag a moment behind, so they may miss the latest lines. The next tick continues.
                let begun = Ranks::beginning(counts.arrivals);
                self.transact(vec![self.counts_item(ledger, &counts, begun, version)?]).await?;
                return Ok(false);
            };
            if ranks.from == 0 {
                return Ok(true);
            }
            let mut flips = BTreeMap::new();
            let last = self.last_listed("waiting", ledger, ranks.from).await?;
            let page = last.map(|last| last / PAGE);
            if let Some(page) = page {
                let ids = self.listed_between("waiting", ledger, (page * PAGE, ranks.from)).await?;
                let lines = self.read_awards(&ids).await?.found;
                let bits =
                    lines.iter().filter(|line| waits(line)).map(|line| (line.arrival_number() % PAGE, true));
                flips.insert(page, bits.collect());
            }
            let mut items = self.page_items(ledger, ranks, flips).await?;
            ranks.from = page.map_or(0, |page| (page * PAGE).saturating_sub(1));
            items.push(self.counts_item(ledger, &counts, ranks, version)?);
            if !self.transact(items).await? {
                return Ok(false);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_counts_the_bits_before_any_of_them() {
        let mut page = Sheet::of(None, index(PAGE / 8)).unwrap();
        for bit in [0, 7, 8, 9, 4_095] {
            page.set_bit(bit, true);
        }
        page.set_bit(9, false);
        let before = [0, 1, 7, 8, 9, 10, 4_095, PAGE].map(|bit| page.bits_before(bit));
        assert_eq!(before, [0, 1, 1, 2, 3, 3, 3, 4]);
    }

    #[test]
    fn a_group_counts_up_to_a_full_page() {
        let mut group = Sheet::of(None, index(GROUP * 2)).unwrap();
        group.set_count(0, 4_096);
        group.set_count(255, 1);
        assert_eq!((group.counts().count(), group.counts().sum::<u32>()), (256, 4_097));
    }
}

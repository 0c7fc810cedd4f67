//! The results of draws: lists of tickets that never change, in items of a few kilobytes.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::incentive::raffle::{Drawing, DrawnList, Ticket};
use domain::ledger::Frozen;
use futures::{StreamExt, TryStreamExt, stream};
use ports::ledger::DrawnPart;
use ports::{Error, Result};

use crate::dynamo::Dynamo;
use crate::dynamo::item::{bytes_of, text};
use crate::dynamo::ledger_tx::LedgerSnapshot;
use crate::dynamo::ranks::Ranks;
use crate::dynamo::read::CountsRead;

const DOING: &str = "freezing a draw";

/// Tickets in one item, which makes 16 kilobytes.
const ITEM: u32 = 1_000;

/// The size of a ticket in bytes.
const TICKET: usize = 16;

/// How many items are written at once.
const AT_ONCE: usize = 8;

fn line(list: DrawnList, item: u32) -> String {
    format!("drawn {} {item:010}", list.name())
}

impl Dynamo {
    /// Stores the result of a draw. It can safely be repeated.
    pub(crate) async fn keep_drawing(&self, ledger: &str, drawing: &Drawing) -> Result<()> {
        let mut puts = Vec::new();
        for list in DrawnList::ALL {
            for (item, tickets) in (0_u32..).zip(drawing.list(list).chunks(ITEM as usize)) {
                let bytes: Vec<u8> = tickets.iter().flat_map(|ticket| ticket.0).collect();
                let put = self
                    .client
                    .put_item()
                    .table_name(&self.tables.ledgers)
                    .item("ledger", text(ledger))
                    .item("line", text(line(list, item)))
                    .item("tickets", AttributeValue::B(Blob::new(bytes)));
                puts.push(async move { put.send().await.map_err(|error| Error::unavailable(DOING, error)) });
            }
        }
        stream::iter(puts).buffer_unordered(AT_ONCE).try_for_each(async |_| Ok(())).await
    }

    /// Reads a part of a list.
    pub(crate) async fn read_drawn(
        &self,
        ledger: &str,
        list: DrawnList,
        (after, most): (u32, u32),
    ) -> Result<DrawnPart> {
        let CountsRead { counts, .. } = self.read_counts(ledger).await?;
        if counts.drawn_at.is_none() {
            return Ok(DrawnPart::default());
        }
        let Some(frozen) = counts.frozen else {
            // An earlier version has not stored this result. The next tick stores it.
            let drawing = self.drawing_of_lines(ledger).await?;
            return Ok(DrawnPart::of_whole(drawing.list(list), after, most));
        };
        let of = frozen.length(list);
        let last = after.saturating_add(most).min(of);
        let mut tickets = Vec::new();
        if after < last {
            let (from, to) = (line(list, after / ITEM), line(list, (last - 1) / ITEM));
            for item in self.lines_between(ledger, (&from, &to)).await? {
                let bytes = bytes_of(&item, "tickets")?;
                tickets.extend(bytes.as_chunks::<TICKET>().0.iter().map(|bytes| Ticket(*bytes)));
            }
        }
        let part = DrawnPart::of_whole(&tickets, after % ITEM, last.saturating_sub(after));
        Ok(DrawnPart { of, ..part })
    }

    /// Stores the results of draws made by a version that computed them from the lines on every read. Returns whether all are done.
    pub(crate) async fn freeze_earlier(&self, ledger: &str) -> Result<bool> {
        let CountsRead { counts, version, ranks } = self.read_counts(ledger).await?;
        if counts.drawn_at.is_none() || counts.frozen.is_some() {
            return Ok(true);
        }
        let drawing = self.drawing_of_lines(ledger).await?;
        self.keep_drawing(ledger, &drawing).await?;
        let ranks = ranks.unwrap_or_else(|| Ranks::beginning(counts.arrivals));
        let counts = domain::ledger::Counts { frozen: Some(Frozen::of(&drawing)), ..counts };
        self.transact(vec![self.counts_item(ledger, &counts, ranks, version)?]).await
    }

    async fn drawing_of_lines(&self, ledger: &str) -> Result<Drawing> {
        let awards = self.lots(ledger, &mut LedgerSnapshot::default()).await?;
        let mut winners: Vec<(u32, Ticket)> =
            awards.iter().filter_map(|award| Some((award.place()?, Ticket::of(award.id)))).collect();
        winners.sort_unstable();
        let tickets = awards.iter().map(|award| Ticket::of(award.id)).collect();
        Ok(Drawing::new(tickets, winners.into_iter().map(|(_, ticket)| ticket).collect()))
    }
}

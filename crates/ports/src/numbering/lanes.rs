//! How a number is drawn in a lane, call by call. [`domain::ledger::draw_lane`] says what a member does next.
//!
//! A store lets an item be written only so often. So while the counter takes no more, it is asked once for a whole batch.

use std::time::Duration;

use domain::ids::LedgerKey;
use domain::ledger::draw_lane::{DrawLane, DrawnBatch, LaneTurn};
use tokio::time::timeout;

use crate::numbering::items::{Closed, LaneKey, NumberItems, UnpublishedBatch};
use crate::numbering::settings::DrawSettings;
use crate::{Chance, Clock, Error, Result};

/// The shortest wait before a throttled call is repeated. The longest is twice that.
const SHORTEST_WAIT: Duration = Duration::from_millis(3);

/// In how many lanes a member tries to join, one after another.
const MOST_JOINS: u32 = 40;

const DOING: &str = "drawing a number";

/// A number that was drawn for one member, and what was drawn for others together with it.
pub(crate) type DrawnInLane = (u64, Option<UnpublishedBatch>);

/// Draws in the lanes of one store.
pub(crate) struct LaneDraws<'a> {
    pub(crate) items: &'a dyn NumberItems,
    pub(crate) settings: &'a DrawSettings,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) chance: &'a dyn Chance,
}

impl LaneDraws<'_> {
    /// Draws a number in one of these lanes, which it tries to join one after another. If it draws the numbers of others, too, those are
    /// to be published.
    pub(crate) async fn draw(
        &self,
        ledger: &LedgerKey,
        next_lane: impl Fn() -> u64 + Sync,
    ) -> Result<DrawnInLane> {
        let (lane, mut seen) = self.join(ledger, next_lane).await?;
        let (member, most_reads) = (seen.joined, self.settings.most_reads);
        let mut reads = 0_usize;
        loop {
            match seen.turn(member, (reads, most_reads)) {
                LaneTurn::Numbered(number) => return Ok((number, None)),
                LaneTurn::DrawsAlone => return self.draw_alone(ledger).await,
                LaneTurn::ReadsAfter(wait) => {
                    self.clock.sleep(wait).await;
                    seen = self.items.read_lane(&lane).await?;
                }
                LaneTurn::ClosesAfter(wait) => {
                    self.clock.sleep(wait).await;
                    let after = seen.closed;
                    match self.items.close(&lane, &seen).await {
                        Ok(Closed::ByThis { rank, to }) => {
                            return self.draw_for_batch((lane, rank), member, (after, to)).await;
                        }
                        Ok(Closed::ByAnother(read)) => seen = read,
                        // If it is not closed, this member or another one tries again.
                        Err(_) => {}
                    }
                }
            }
            reads = reads.saturating_add(1);
        }
    }

    /// Draws a number for a member whose batch takes too long. The counter is asked once: it has to have room for batches.
    async fn draw_alone(&self, ledger: &LedgerKey) -> Result<DrawnInLane> {
        let drawn = self.items.draw_unless_throttled(ledger, 1).await?;
        let number = drawn.map(|drawn| (*drawn.start(), None));
        number.ok_or_else(|| Error::unavailable(DOING, "the counter is throttled"))
    }

    /// Draws the numbers of a batch that is closed. A number that was drawn before could be lower than that of somebody who was answered
    /// before a member of the batch asked.
    async fn draw_for_batch(
        &self,
        (lane, rank): (LaneKey, u64),
        member: u64,
        (after, to): (u64, u64),
    ) -> Result<DrawnInLane> {
        let count = u32::try_from(to.saturating_sub(after)).unwrap_or(u32::MAX);
        let batch = DrawnBatch { after, to, first: self.draw_soon(&lane.ledger, count).await? };
        let number =
            batch.number_of(member).ok_or_else(|| Error::corrupt("lane", "its batch is too short"))?;
        Ok((number, Some(UnpublishedBatch { lane, rank, batch })))
    }

    /// Publishes the numbers of a batch. If this takes too long, the other members draw others, and the tick reclaims these.
    pub(crate) async fn publish(&self, batch: &UnpublishedBatch) {
        let until_done = async {
            while self.items.publish(batch).await.is_err() {
                self.moment().await;
            }
        };
        let _unpublished = timeout(self.settings.patience, until_done).await;
    }

    /// Joins a lane. If that fails, it joins the next one.
    async fn join(
        &self,
        ledger: &LedgerKey,
        next_lane: impl Fn() -> u64 + Sync,
    ) -> Result<(LaneKey, DrawLane)> {
        let mut tries = 0_u32;
        loop {
            let lane = LaneKey { ledger: ledger.clone(), lane: next_lane() };
            tries = tries.saturating_add(1);
            match self.items.join(&lane).await {
                Ok(joined) => return Ok((lane, joined)),
                Err(_) if tries < MOST_JOINS => self.moment().await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Draws numbers as soon as the counter is not throttled. Returns the first one.
    async fn draw_soon(&self, ledger: &LedgerKey, count: u32) -> Result<u64> {
        loop {
            if let Some(drawn) = self.items.draw_unless_throttled(ledger, count).await? {
                return Ok(*drawn.start());
            }
            self.moment().await;
        }
    }

    /// Waits for a moment, not as long as others who were throttled together with this one.
    async fn moment(&self) {
        self.clock.sleep(self.chance.jitter(SHORTEST_WAIT)).await;
    }
}

//! Lanes, in which acceptances draw their numbers together while a ledger's counter is asked too often.
//!
//! An acceptance joins a lane as its next member. The first member of a batch closes it, draws a number for each member, and publishes
//! them. The numbers are drawn after the batch is closed. So an acceptance that begins after a member was answered gets a higher number, in any
//! lane. Batches do not wait for each other.

use std::time::Duration;

/// How many batches a lane remembers. It then has less than a kilobyte.
pub const REMEMBERED: u64 = 16;

/// How long the first member lets others join before it closes a batch while numbers of an earlier one are being drawn.
const LETS_JOIN_FOR: Duration = Duration::from_millis(8);

/// How long a member waits before it reads its lane again: the first time, the second time, and so on.
const READS_AFTER: [Duration; 3] =
    [Duration::from_millis(14), Duration::from_millis(10), Duration::from_millis(14)];

/// How often a member reads its lane again at most, before it no longer waits for the one who draws.
pub const MOST_READS: usize = READS_AFTER.len();

/// After so many reads, a member closes a batch whose first member has not done so.
const CLOSES_AFTER_READS: usize = 2;

/// The numbers of the members from `after + 1` to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawnBatch {
    /// The last member before the batch.
    pub after: u64,
    /// The last member of the batch.
    pub to: u64,
    /// The number of the first member of the batch.
    pub first: u64,
}

impl DrawnBatch {
    /// The number of a member of the batch.
    #[must_use]
    pub fn number_of(&self, member: u64) -> Option<u64> {
        let before = member.checked_sub(self.after)?.checked_sub(1)?;
        (member <= self.to).then(|| self.first.saturating_add(before))
    }
}

/// A lane as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DrawLane {
    /// How many members have joined.
    pub joined: u64,
    /// How many of them are in a batch that is closed.
    pub closed: u64,
    /// The batches that were published last, in any order.
    pub batches: Vec<DrawnBatch>,
}

/// What a member of a lane does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneTurn {
    /// It has this number.
    Numbered(u64),
    /// It closes the batch after this time, unless another member has done so. Then it draws the numbers of the batch.
    ClosesAfter(Duration),
    /// It reads the lane again after this time.
    ReadsAfter(Duration),
    /// It draws a number for itself alone.
    DrawsAlone,
}

impl DrawLane {
    /// What a member does that has read the lane again so often, of at most `most_reads` times.
    ///
    /// If its number is not drawn by then, the member who closed the batch is slow or has died.
    #[must_use]
    pub fn turn(&self, member: u64, (reads, most_reads): (usize, usize)) -> LaneTurn {
        if let Some(number) = self.batches.iter().find_map(|batch| batch.number_of(member)) {
            return LaneTurn::Numbered(number);
        }
        if member == self.closed.saturating_add(1) && reads == 0 {
            return LaneTurn::ClosesAfter(if self.is_drawing() { LETS_JOIN_FOR } else { Duration::ZERO });
        }
        if reads >= most_reads {
            return LaneTurn::DrawsAlone;
        }
        if member > self.closed && reads >= CLOSES_AFTER_READS {
            return LaneTurn::ClosesAfter(Duration::ZERO);
        }
        let [.., longest] = READS_AFTER;
        LaneTurn::ReadsAfter(READS_AFTER.get(reads).copied().unwrap_or(longest))
    }

    /// Whether the batch that was closed last is not published yet.
    fn is_drawing(&self) -> bool {
        self.closed > 0 && self.batches.iter().all(|batch| batch.to != self.closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READS: (usize, usize) = (0, MOST_READS);

    fn lane() -> DrawLane {
        let batches =
            vec![DrawnBatch { after: 5, to: 6, first: 50 }, DrawnBatch { after: 2, to: 5, first: 40 }];
        DrawLane { joined: 9, closed: 6, batches }
    }

    fn after(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_member_finds_its_number_in_its_batch() {
        let turns = [3, 5, 6].map(|member| lane().turn(member, READS));
        assert_eq!(turns, [40, 42, 50].map(LaneTurn::Numbered));
        assert_eq!(lane().batches[0].number_of(7), None);
        assert_eq!(lane().batches[0].number_of(5), None);
    }

    #[test]
    fn the_first_member_of_a_batch_closes_it_at_once_if_nobody_is_drawing() {
        assert_eq!(lane().turn(7, READS), LaneTurn::ClosesAfter(Duration::ZERO));
        let first = DrawLane { joined: 1, ..DrawLane::default() };
        assert_eq!(first.turn(1, READS), LaneTurn::ClosesAfter(Duration::ZERO));
    }

    #[test]
    fn the_first_member_lets_others_join_while_an_earlier_batch_is_being_drawn() {
        let drawing = DrawLane { closed: 7, ..lane() };
        assert_eq!(drawing.turn(8, READS), LaneTurn::ClosesAfter(after(8)));
    }

    #[test]
    fn the_others_read_the_lane_again_while_its_batch_is_being_drawn() {
        let drawing = DrawLane { closed: 9, ..lane() };
        let turns = [0, 1, 2, 3].map(|reads| drawing.turn(8, (reads, MOST_READS)));
        let reads = |milliseconds| LaneTurn::ReadsAfter(after(milliseconds));
        assert_eq!(turns, [reads(14), reads(10), reads(14), LaneTurn::DrawsAlone]);
        assert_eq!(drawing.turn(8, (7, 100)), reads(14), "with more patience");
    }

    #[test]
    fn another_member_closes_a_batch_that_its_first_member_does_not_close() {
        let turns = [0, 1, 2, 3].map(|reads| lane().turn(8, (reads, MOST_READS)));
        let reads = |milliseconds| LaneTurn::ReadsAfter(after(milliseconds));
        let closes = LaneTurn::ClosesAfter(Duration::ZERO);
        assert_eq!(turns, [reads(14), reads(10), closes, LaneTurn::DrawsAlone]);
    }

    #[test]
    fn a_first_member_who_could_not_close_its_batch_waits_and_tries_again() {
        let turns = [1, 2, 3].map(|reads| lane().turn(7, (reads, MOST_READS)));
        let closes = LaneTurn::ClosesAfter(Duration::ZERO);
        assert_eq!(turns, [LaneTurn::ReadsAfter(after(10)), closes, LaneTurn::DrawsAlone]);
    }

    #[test]
    fn a_member_whose_batch_is_forgotten_draws_alone_in_the_end() {
        assert_eq!(lane().turn(1, (MOST_READS, MOST_READS)), LaneTurn::DrawsAlone);
    }
}

//! The numbers of one ledger.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::RangeInclusive;

use domain::Timestamp;
use domain::ledger::{NumberPage, NumberTx};
use domain::time::later;
use ports::ledger::UNUSED_FOR;

/// How many numbers were drawn, and which are in use.
#[derive(Default)]
pub(crate) struct DrawnNumbers {
    drawn: u64,
    pages: BTreeMap<u64, NumberPage>,
    /// How many were drawn when a tick last recorded it, and when that was.
    marked: Option<(u64, Timestamp)>,
    /// The last number that was drawn so long ago that it is in use or never will be.
    long: u64,
}

impl DrawnNumbers {
    /// Draws so many numbers.
    pub(crate) fn next(&mut self, count: u32) -> RangeInclusive<u64> {
        let before = self.drawn;
        self.drawn += u64::from(count);
        before + 1..=self.drawn
    }

    /// Records how many numbers are drawn by now. Returns the last one that was drawn long ago.
    pub(crate) fn long_drawn(&mut self, now: Timestamp) -> u64 {
        match self.marked {
            Some((_, at)) if now < later(at, UNUSED_FOR) => {}
            marked => {
                self.long = marked.map_or(self.long, |(drawn, _)| drawn);
                self.marked = Some((self.drawn, now));
            }
        }
        self.long
    }
}

impl NumberTx for DrawnNumbers {
    type Error = Infallible;

    fn draw(&mut self) -> Result<u64, Infallible> {
        Ok(*self.next(1).end())
    }

    fn page(&mut self, page: u64) -> Result<NumberPage, Infallible> {
        Ok(self.pages.get(&page).cloned().unwrap_or_default())
    }

    fn keep_page(&mut self, number: u64, page: NumberPage) -> Result<(), Infallible> {
        self.pages.insert(number, page);
        Ok(())
    }
}

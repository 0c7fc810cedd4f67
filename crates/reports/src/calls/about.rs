//! The calls to Braze that were about one participation.

use std::time::Duration;

use domain::Timestamp;
use domain::call::{BrazeCall, CALLS_KEPT_FOR, MOST_NAMED};
use domain::participation::{Participation, TimelineEntry};
use domain::time::{earlier, later};
use ports::{CallReading, Result};

use super::CallStream;

/// The most calls that are shown of one participation.
pub const MOST_SHOWN: usize = 50;

/// The most batches that are read.
const MOST_READ: u32 = 20_000;

/// A call is written down so long after its answer at most. A function that nobody needs for a while takes longer, and such a call is not
/// found.
const WRITTEN_WITHIN: Duration = Duration::from_secs(120);

/// The calls that were about one participation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallsAbout {
    /// Those that name it, the oldest first. At most [`MOST_SHOWN`].
    pub calls: Vec<BrazeCall>,
    /// Whether there may be more than these.
    pub are_cut: bool,
    /// How many further calls may have been about it: they were sent while it was asked about, and each was about more participations
    /// than a call names.
    pub unnamed: u64,
    /// Since when calls are kept, if the participation is older.
    pub kept_since: Option<Timestamp>,
}

impl CallsAbout {
    /// Reads the calls of the time in which the participation was processed.
    ///
    /// # Errors
    /// If calls cannot be read.
    pub async fn read(
        reading: &dyn CallReading,
        participation: &Participation,
        now: Timestamp,
    ) -> Result<Self> {
        let kept_since = earlier(now, CALLS_KEPT_FOR);
        let is_older = participation.accepted_at() < kept_since;
        let mut found = Self { kept_since: is_older.then_some(kept_since), ..Self::default() };
        let brand = [participation.brand().clone()];
        let mut read = 0_u32;
        for AskedSpan { from, until } in spans(participation) {
            let mut calls = CallStream::new(reading, &brand, from.max(kept_since));
            while let Some((_, batch)) = calls.next().await? {
                if batch.kept_at > until {
                    break;
                }
                read = read.saturating_add(1);
                if read > MOST_READ || found.calls.len() > MOST_SHOWN {
                    break;
                }
                batch.calls.into_iter().for_each(|call| found.meet(call, participation));
            }
        }
        found.are_cut = read > MOST_READ || found.calls.len() > MOST_SHOWN;
        found.calls.truncate(MOST_SHOWN);
        found.calls.sort_by_key(|call| call.at);
        Ok(found)
    }

    fn meet(&mut self, call: BrazeCall, participation: &Participation) {
        if call.participations.contains(&participation.id()) {
            self.calls.push(call);
        } else if call.participations.len() >= MOST_NAMED
            && asked(participation).any(|span| span.has(call.at))
        {
            self.unnamed = self.unnamed.saturating_add(1);
        }
    }
}

/// A time from a moment to another.
#[derive(Clone, Copy)]
struct AskedSpan {
    from: Timestamp,
    until: Timestamp,
}

impl AskedSpan {
    fn has(self, at: Timestamp) -> bool {
        self.from <= at && at <= self.until
    }
}

/// When Braze was asked about a participation.
fn asked(participation: &Participation) -> impl Iterator<Item = AskedSpan> {
    let accepted_at = participation.accepted_at();
    let span = move |entry: &TimelineEntry| AskedSpan {
        from: entry.began_at(accepted_at),
        until: entry.ended_at(accepted_at),
    };
    let entries = participation.timeline().entries().iter();
    entries.filter(|entry| entry.code.is_asked_of_braze()).map(span)
}

/// When calls about a participation can have been written down, in order and without overlaps.
fn spans(participation: &Participation) -> Vec<AskedSpan> {
    let timeline = participation.timeline();
    let whole = AskedSpan { from: participation.accepted_at(), until: participation.updated_at() };
    // A participation of an earlier version has no timeline, and a long one is not complete.
    let is_complete = timeline.dropped() == 0 && !timeline.is_empty();
    let known: Vec<AskedSpan> = if is_complete { asked(participation).collect() } else { vec![whole] };
    let mut spans: Vec<AskedSpan> = Vec::new();
    for AskedSpan { from, until } in known {
        let until = later(until, WRITTEN_WITHIN);
        match spans.last_mut().filter(|last| last.until >= from) {
            Some(last) => last.until = last.until.max(until),
            None => spans.push(AskedSpan { from, until }),
        }
    }
    spans
}

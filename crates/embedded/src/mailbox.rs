//! Which consumer gets which message next. Mailboxes live in memory and are filled from the file at start-up: only one process has the
//! file, and after a restart every unacknowledged message must be delivered again anyway.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};

use domain::Timestamp;
use domain::ids::{BrandId, ParticipationId};
use domain::message::{MOST_IN_MESSAGE, QueueName, WorkMessage};
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Notify;

use crate::unannounced::unannounced;

/// Backward steps of the clock up to this many milliseconds are ordinary corrections and are ignored.
const CORRECTION: i64 = 5_000;

/// The mailboxes of all queues.
pub(crate) struct Mailboxes {
    by_queue: HashMap<QueueName, Mailbox>,
    /// The number of the next message that has no row.
    next_unwritten: AtomicI64,
}

/// Whether the message with this number has a row. Rows are numbered from 1, and other messages have negative numbers.
pub(crate) fn is_written(number: i64) -> bool {
    number > 0
}

/// One queue's messages.
#[derive(Default)]
pub(crate) struct Mailbox {
    state: Mutex<MailboxState>,
    /// Notified when a message was put in.
    pub(crate) filled: Notify,
}

#[derive(Default)]
struct MailboxState {
    messages: HashMap<i64, MailboxMessage>,
    /// For each brand, the messages by the time from which they can be delivered, in milliseconds, and by number.
    visible: BTreeMap<BrandId, BTreeSet<(i64, i64)>>,
    /// For each brand, the message that further announcements are added to, until it is taken or full.
    gathering: BTreeMap<BrandId, i64>,
    /// The brand that was served last. The next brand in order comes first next time.
    last_served: Option<BrandId>,
    /// The time of the last read, in milliseconds. If the clock shows an earlier time, it was set back.
    looked_at: Option<i64>,
}

struct MailboxMessage {
    look: WorkMessage,
    visible_at: i64,
}

/// The result of a read of the mailbox.
pub(crate) struct FromMailbox {
    /// The messages, by number.
    pub(crate) messages: Vec<(i64, WorkMessage)>,
    /// When there were none: the time at which the next one can be delivered.
    pub(crate) next_at: Option<i64>,
}

impl Mailboxes {
    /// Loads every message that the file holds, and announces the participations that were stored shortly before the file was closed.
    pub(crate) fn load(connection: &Connection, now: Timestamp) -> rusqlite::Result<Self> {
        let boxes: HashMap<QueueName, Mailbox> =
            QueueName::ALL.iter().map(|&queue| (queue, Mailbox::default())).collect();
        let mut held = HashSet::new();
        let mut statement =
            connection.prepare("SELECT number, queue, brand, visible_at, ids FROM messages")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (queue, brand, ids): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(4)?);
            let queue = QueueName::ALL.iter().find(|name| name.name() == queue);
            let mailbox = queue.and_then(|queue| boxes.get(queue));
            if let (Some(mailbox), Some(look)) = (mailbox, look(&brand, &ids)) {
                held.extend(look.ids.iter().copied());
                mailbox.put(row.get(0)?, look, row.get(3)?);
            }
        }
        let mailboxes = Self { by_queue: boxes, next_unwritten: AtomicI64::new(i64::MIN) };
        for (queue, look) in unannounced(connection, &held, now)? {
            if let Some(mailbox) = mailboxes.of(queue) {
                mailbox.put(mailboxes.unwritten(), look, now.as_millisecond());
            }
        }
        Ok(mailboxes)
    }

    /// A number for a message that has no row. Later ones are larger.
    pub(crate) fn unwritten(&self) -> i64 {
        self.next_unwritten.fetch_add(1, Ordering::Relaxed)
    }

    /// The mailbox of a queue. Every queue has one.
    pub(crate) fn of(&self, queue: QueueName) -> Option<&Mailbox> {
        self.by_queue.get(&queue)
    }
}

/// The ids as they are stored in the file, one after the other.
pub(crate) fn ids_text(look: &WorkMessage) -> String {
    let ids: Vec<String> = look.ids.iter().map(ToString::to_string).collect();
    ids.join(" ")
}

fn look(brand: &str, ids: &str) -> Option<WorkMessage> {
    let ids: Result<Vec<ParticipationId>, _> = ids.split_whitespace().map(ParticipationId::parse).collect();
    Some(WorkMessage { brand: BrandId::parse(brand).ok()?, ids: ids.ok()? })
}

impl Mailbox {
    /// Puts a message in, to be delivered from `visible_at` on.
    pub(crate) fn put(&self, number: i64, look: WorkMessage, visible_at: i64) {
        self.lock().put(number, look, visible_at);
        self.filled.notify_waiters();
    }

    /// Announces participations in a message of their own, or in the last one about their brand if nobody has taken it and it has room.
    pub(crate) fn announce(&self, look: WorkMessage, now: i64, next_number: impl FnOnce() -> i64) {
        let mut state = self.lock();
        if state.gather(&look) {
            return;
        }
        let number = next_number();
        state.gathering.insert(look.brand.clone(), number);
        state.put(number, look, now);
        drop(state);
        self.filled.notify_waiters();
    }

    /// Takes up to `most` messages, from the brands in turn, and hides them until `hidden_until`.
    pub(crate) fn take(&self, most: usize, now: i64, hidden_until: i64) -> FromMailbox {
        let mut state = self.lock();
        state.mind_the_clock(now);
        let mut messages = Vec::new();
        while messages.len() < most {
            let Some(number) = state.next(now) else { break };
            state.hide(number, hidden_until);
            messages.extend(state.messages.get(&number).map(|message| (number, message.look.clone())));
        }
        let next_at = state.visible.values().filter_map(|set| set.first()).map(|(at, _)| *at).min();
        FromMailbox { messages, next_at }
    }

    /// Removes a message.
    pub(crate) fn remove(&self, number: i64) {
        self.lock().remove(number);
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, MailboxState> {
        self.state.lock()
    }
}

impl MailboxState {
    fn put(&mut self, number: i64, look: WorkMessage, visible_at: i64) {
        let brand = look.brand.clone();
        self.messages.insert(number, MailboxMessage { look, visible_at });
        self.visible.entry(brand).or_default().insert((visible_at, number));
    }

    /// Adds announced participations to the message that gathers them. Returns whether it had room.
    fn gather(&mut self, more: &WorkMessage) -> bool {
        let gathering = self.gathering.get(&more.brand).and_then(|number| self.messages.get_mut(number));
        let Some(MailboxMessage { look, .. }) = gathering else { return false };
        let has_room = look.ids.len().saturating_add(more.ids.len()) <= MOST_IN_MESSAGE;
        if has_room {
            look.ids.extend(&more.ids);
        }
        has_room
    }

    /// The oldest deliverable message of the next brand that has one.
    fn next(&mut self, now: i64) -> Option<i64> {
        let has_one = |(brand, set): (&BrandId, &BTreeSet<(i64, i64)>)| {
            let (at, number) = *set.first()?;
            (at <= now).then(|| (brand.clone(), number))
        };
        let last = self.last_served.clone();
        let after = |brand: &BrandId| last.as_ref().is_none_or(|last| brand > last);
        let (brand, number) = self
            .visible
            .iter()
            .filter(|(brand, _)| after(brand))
            .find_map(has_one)
            .or_else(|| self.visible.iter().find_map(has_one))?;
        self.last_served = Some(brand);
        Some(number)
    }

    /// After the clock was set back, shifts every message so that it waits no longer than before.
    fn mind_the_clock(&mut self, now: i64) {
        let back = self.looked_at.map_or(0, |looked_at| looked_at.saturating_sub(now));
        self.looked_at = Some(now);
        if back <= CORRECTION {
            return;
        }
        for message in self.messages.values_mut() {
            message.visible_at = message.visible_at.saturating_sub(back);
        }
        for set in self.visible.values_mut() {
            *set = set.iter().map(|(at, number)| (at.saturating_sub(back), *number)).collect();
        }
    }

    fn hide(&mut self, number: i64, until: i64) {
        let Some(message) = self.messages.get_mut(&number) else { return };
        if self.gathering.get(&message.look.brand) == Some(&number) {
            self.gathering.remove(&message.look.brand);
        }
        if let Some(set) = self.visible.get_mut(&message.look.brand) {
            set.remove(&(message.visible_at, number));
            set.insert((until, number));
        }
        message.visible_at = until;
    }

    fn remove(&mut self, number: i64) {
        let Some(message) = self.messages.remove(&number) else { return };
        if let Some(set) = self.visible.get_mut(&message.look.brand) {
            set.remove(&(message.visible_at, number));
            if set.is_empty() {
                self.visible.remove(&message.look.brand);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look() -> WorkMessage {
        WorkMessage { brand: BrandId::parse("acme").unwrap(), ids: Vec::new() }
    }

    fn announced(mailbox: &Mailbox, brand: &str, participations: std::ops::Range<u8>) {
        let ids = participations.map(|number| ParticipationId::from_bytes([number; 16])).collect();
        let number = mailbox.lock().messages.len();
        let look = WorkMessage { brand: BrandId::parse(brand).unwrap(), ids };
        mailbox.announce(look, 1_000, || i64::try_from(number).unwrap());
    }

    /// The brands of the messages that are there, and how many participations each is about.
    fn taken(mailbox: &Mailbox) -> Vec<(String, usize)> {
        let taken = mailbox.take(10, 1_000, 9_000).messages.into_iter();
        taken.map(|(_, look)| (look.brand.to_string(), look.ids.len())).collect()
    }

    #[test]
    fn announcements_of_a_brand_share_a_message_until_it_is_taken() {
        let mailbox = Mailbox::default();
        announced(&mailbox, "acme", 0..1);
        announced(&mailbox, "other", 0..1);
        announced(&mailbox, "acme", 1..3);
        assert_eq!(taken(&mailbox), [("acme".to_owned(), 3), ("other".to_owned(), 1)]);
        announced(&mailbox, "acme", 3..4);
        assert_eq!(taken(&mailbox), [("acme".to_owned(), 1)]);
    }

    #[test]
    fn a_message_announces_no_more_participations_than_fit() {
        let mailbox = Mailbox::default();
        let most = u8::try_from(MOST_IN_MESSAGE).unwrap();
        announced(&mailbox, "acme", 0..most - 1);
        announced(&mailbox, "acme", 0..2);
        announced(&mailbox, "acme", 2..3);
        assert_eq!(taken(&mailbox), [("acme".to_owned(), MOST_IN_MESSAGE - 1), ("acme".to_owned(), 3)]);
    }

    #[test]
    fn a_message_waits_no_longer_because_the_clock_was_set_back() {
        let (mailbox, hour) = (Mailbox::default(), 3_600_000);
        assert_eq!(mailbox.take(1, hour, 2 * hour).messages.len(), 0);
        mailbox.put(1, look(), hour + 9_000);
        assert_eq!(mailbox.take(1, 1_000, 2 * hour).messages.len(), 0, "not before its time");
        assert_eq!(mailbox.take(1, 10_000, 190_000).messages.len(), 1);
        mailbox.remove(1);
        assert_eq!(mailbox.take(1, 10_000, 190_000).next_at, None);
    }
}

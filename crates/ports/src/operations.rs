//! What the engineer on call can ask and do while the process or the functions run.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::callback::LastAnswer;
use domain::id_key::IdKey;
use domain::ids::{BrandId, ParticipationId, Scope};
use domain::message::QueueName;
use domain::participation::{Consent, Participation};
use domain::person::Person;

use crate::Result;
use crate::imports::RowImports;
use crate::outages::Outage;
use crate::pages::{AuditLog, Records};

/// Due participations are counted up to this number.
pub const MOST_COUNTED: usize = 10_000;

/// The kind of parked callbacks, which their receiver never accepted.
pub const CALLBACK: &str = "callback";

/// The kind of messages that the Scheduler could not send.
pub const SCHEDULES: &str = "schedules";

/// The kind of participations that cannot be read and were set aside.
pub const RECORD: &str = "record";

/// Every kind of parked work.
#[must_use]
pub fn kinds() -> [&'static str; 5] {
    let [enrollments, subscriptions] = QueueName::ALL.map(QueueName::name);
    [CALLBACK, enrollments, subscriptions, SCHEDULES, RECORD]
}

/// The current state of the system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Participations by the name of their state.
    pub participations: BTreeMap<String, u64>,
    /// When the oldest participation that has not ended was accepted.
    pub oldest_open: Option<Timestamp>,
    /// How many participations are due, counted up to [`MOST_COUNTED`].
    pub due: usize,
    /// Since when the oldest of them has been due.
    pub due_since: Option<Timestamp>,
    /// Messages by queue, including those being processed.
    pub messages: BTreeMap<String, u64>,
    /// Callbacks that are still to be delivered.
    pub callbacks: u64,
    /// Parked work by kind.
    pub dead: BTreeMap<String, u64>,
    /// What is open and parked of each brand that has something.
    pub brands: BTreeMap<BrandId, BrandWork>,
    /// Paused activations, with the beginning of each pause.
    pub paused: BTreeMap<Scope, Timestamp>,
    /// Brands whose Braze workspace does not answer, with the outage.
    pub outages: BTreeMap<BrandId, Outage>,
    /// The limits that requests were booked from, by brand and endpoint.
    pub limits: BTreeMap<String, LimitInUse>,
    /// How much disk space is used, if the data is in a file.
    pub storage: Option<Storage>,
}

/// What is open and parked of one brand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrandWork {
    /// How many participations are still processed.
    pub open: u64,
    /// How many of them wait for a request to Braze, and neither for Braze's work nor for the consumer. If very many are open, this
    /// is projected from those that are due first.
    pub for_requests: u64,
    /// How many of them are due, counted up to [`MOST_COUNTED`].
    pub due: usize,
    /// Since when the oldest of them has been due.
    pub due_since: Option<Timestamp>,
    /// Parked callbacks.
    pub parked: u64,
}

impl BrandWork {
    /// Counts a participation that is still processed.
    pub fn count(&mut self, participation: &Participation, now: Timestamp) {
        let Some(due_at) = participation.due_at() else { return };
        self.open = self.open.saturating_add(1);
        if participation.waits().is_none_or(|waits| waits.cause.needs_request()) {
            self.for_requests = self.for_requests.saturating_add(1);
        }
        if due_at <= now {
            self.due = self.due.saturating_add(1).min(MOST_COUNTED);
            self.due_since = Some(self.due_since.map_or(due_at, |since| since.min(due_at)));
        }
    }
}

/// The sizes of a data file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    /// The size of the file.
    pub file: u64,
    /// The size of its write-ahead log: data that has not been moved into the file yet.
    pub log: u64,
}

impl Storage {
    /// A log above this size means that something reads the file all the time, so that the log cannot start
    /// anew.
    pub const LARGE_LOG: u64 = 512 * 1024 * 1024;
}

/// A consent that a forgotten person gave, as proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenConsent {
    /// The participation that the consent was given in.
    pub participation: ParticipationId,
    /// The brand that received the consent.
    pub brand: BrandId,
    /// The activation that the participation belongs to.
    pub scope: Scope,
    /// What is known about the consent.
    pub consent: Consent,
}

/// A rate limit, and how much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitInUse {
    /// How many requests a window allows.
    pub requests: u32,
    /// The length of a window.
    pub period: Duration,
    /// How many requests are booked in the latest window that has bookings.
    pub booked: u32,
    /// When that window ends.
    pub until: Timestamp,
    /// When the key is tried again, while Braze refuses it.
    pub refused_until: Option<Timestamp>,
    /// How many requests are booked in the hour that is counted beside the window, and when that hour ends.
    pub hour: Option<(u32, Timestamp)>,
    /// The end of the wait that Braze asked for.
    pub closed_until: Option<Timestamp>,
}

/// Work that was tried until it was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// The id of this parked work.
    pub id: String,
    /// One of [`kinds`]. A queue's name means a message that was received from that queue too often.
    pub kind: String,
    /// The brand, if it can be read.
    pub brand: Option<BrandId>,
    /// The participations that the work is about.
    pub participations: Vec<ParticipationId>,
    /// How many attempts were made to deliver a callback.
    pub attempts: Option<u32>,
    /// What the last attempt to deliver a callback led to, if that is known.
    pub last_answer: Option<LastAnswer>,
    /// Why a record cannot be read.
    pub why: Option<String>,
}

/// Selects parked work: all that matches every condition given here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Which {
    /// Only these ids; any id if the list is empty.
    pub ids: Vec<String>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this brand.
    pub brand: Option<BrandId>,
}

impl Which {
    /// Whether the selection includes this work.
    #[must_use]
    pub fn means(&self, dead: &Dead) -> bool {
        (self.ids.is_empty() || self.ids.contains(&dead.id))
            && self.kind.as_ref().is_none_or(|kind| *kind == dead.kind)
            && self.brand.as_ref().is_none_or(|brand| dead.brand.as_ref() == Some(brand))
    }
}

/// What was erased for a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErasureReport {
    /// How many participations no longer identify the person.
    pub participations: u64,
    /// How many profile hints were erased.
    pub profiles: u64,
    /// How many participations cannot be read, so that it is not known whose they are. They can be erased by
    /// id.
    pub unreadable: u64,
    /// Whether bytes of the erased data may still be on disk, because others were reading.
    pub remains: bool,
    /// How many participations of this person were anonymised earlier.
    pub earlier: u64,
    /// The consents in those participations.
    pub consents: Vec<ProvenConsent>,
}

impl ErasureReport {
    /// Whether no participation was found that identifies or identified this person.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.participations == 0 && self.profiles == 0 && self.earlier == 0
    }
}

/// Inspection and intervention by an operator.
#[async_trait]
pub trait Operations: RowImports + Records + AuditLog {
    /// The current state of the system.
    ///
    /// # Errors
    /// If something cannot be read.
    async fn overview(&self, now: Timestamp) -> Result<Overview>;

    /// Lists the parked work.
    ///
    /// # Errors
    /// If it cannot be read.
    async fn dead(&self) -> Result<Vec<Dead>>;

    /// Has the parked work that `which` selects tried again, and returns it. Trying again what was already
    /// done has no second effect: messages only name participations to process, and callbacks keep their id.
    ///
    /// # Errors
    /// If something cannot be read or written. What was not moved is still parked.
    async fn retry(&self, which: &Which, now: Timestamp) -> Result<Vec<Dead>>;

    /// Ends the wait after failures for all participations of a brand: they become due now, and their
    /// failures are forgotten. Returns how many there were, or `None` if nothing is stored for the brand.
    ///
    /// # Errors
    /// If something cannot be read or written. Changes made so far stay, and repeating the call is safe.
    async fn retry_now(&self, brand: &BrandId, now: Timestamp) -> Result<Option<u64>>;

    /// Erases a person's data. Repeating the call is safe, and also finds what arrived in the meantime.
    ///
    /// # Errors
    /// If something cannot be read or written; then the call must be repeated.
    async fn forget(&self, person: &Person, id_key: &IdKey, now: Timestamp) -> Result<ErasureReport>;

    /// Erases the personal data of one participation, even if it cannot be read. What is left says only that
    /// somebody took part.
    ///
    /// # Errors
    /// If it cannot be read or written.
    async fn forget_participation(
        &self,
        id: ParticipationId,
        id_key: &IdKey,
        now: Timestamp,
    ) -> Result<ErasureReport>;
}

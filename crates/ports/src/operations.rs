//! What whoever is on call asks and does, beside the process or the functions that are at work.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::id_key::IdKey;
use domain::ids::{BrandId, ParticipationId, Scope};
use domain::message::QueueName;
use domain::participation::Consent;
use domain::person::Person;

use crate::Result;
use crate::outages::Outage;

/// What is due is counted up to here.
pub const MOST_COUNTED: usize = 10_000;

/// The kind of callbacks that nobody took.
pub const CALLBACK: &str = "callback";

/// The kind of what the Scheduler could not send.
pub const SCHEDULES: &str = "schedules";

/// Every kind of parked work.
#[must_use]
pub fn kinds() -> [&'static str; 5] {
    let [enrollments, subscriptions, awards] = QueueName::ALL.map(QueueName::name);
    [CALLBACK, enrollments, subscriptions, awards, SCHEDULES]
}

/// How things stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Participations by the name of their state.
    pub participations: BTreeMap<String, u64>,
    /// When the oldest participation that has not ended was accepted.
    pub oldest_open: Option<Timestamp>,
    /// How many are due, as far as [`MOST_COUNTED`].
    pub due: usize,
    /// Since when the oldest of them is due.
    pub due_since: Option<Timestamp>,
    /// Messages by queue, those under way included.
    pub messages: BTreeMap<String, u64>,
    /// Notices for Quikly that are still to be told.
    pub callbacks: u64,
    /// Parked work by kind.
    pub dead: BTreeMap<String, u64>,
    /// Brands whose Braze workspace does not answer.
    pub outages: BTreeMap<BrandId, Outage>,
    /// Limits that were booked from, by brand and endpoint.
    pub limits: BTreeMap<String, LimitInUse>,
    /// How much room it takes, where that is a file.
    pub storage: Option<Storage>,
}

/// A data file in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    /// The file.
    pub file: u64,
    /// Its log: what was written and not moved into the file yet.
    pub log: u64,
}

impl Storage {
    /// A larger log means that something reads the file all the time, so that the log cannot begin anew.
    pub const LARGE_LOG: u64 = 512 * 1024 * 1024;
}

/// A consent of somebody who was forgotten: what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenConsent {
    /// In whose participation.
    pub participation: ParticipationId,
    /// To which brand.
    pub brand: BrandId,
    /// In which activation.
    pub scope: Scope,
    /// What is known of it.
    pub consent: Consent,
}

/// A limit, and how much of it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitInUse {
    /// Requests in a window.
    pub requests: u32,
    /// How long a window is.
    pub period: Duration,
    /// Requests booked in the last window that has bookings.
    pub booked: u32,
    /// When that window ends.
    pub until: Timestamp,
    /// Set while Braze refuses the key: when it is tried again.
    pub refused_until: Option<Timestamp>,
}

/// Something that was tried until nobody tried any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// Names it.
    pub id: String,
    /// One of [`kinds`]. With a queue's name it is a message that was received from it again and again.
    pub kind: String,
    /// Whose it is, as far as it can be read.
    pub brand: Option<BrandId>,
    /// The participations that it is about.
    pub participations: Vec<ParticipationId>,
}

/// Which parked work is meant: all that fits everything said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Which {
    /// These only; whichever, when there are none.
    pub ids: Vec<String>,
    /// Of this kind only.
    pub kind: Option<String>,
    /// Of this brand only.
    pub brand: Option<BrandId>,
}

impl Which {
    /// Whether it is meant.
    #[must_use]
    pub fn means(&self, dead: &Dead) -> bool {
        (self.ids.is_empty() || self.ids.contains(&dead.id))
            && self.kind.as_ref().is_none_or(|kind| *kind == dead.kind)
            && self.brand.as_ref().is_none_or(|brand| dead.brand.as_ref() == Some(brand))
    }
}

/// What was erased of a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErasureReport {
    /// Participations that say no more whose they are.
    pub participations: u64,
    /// What was known of profiles.
    pub profiles: u64,
    /// Participations that cannot be read: nobody can tell whose they are. They can be erased by their ids.
    pub unreadable: u64,
    /// Whether bytes of what was erased may still be on the disk, since others were reading.
    pub remains: bool,
    /// Participations that were this person's before they were forgotten earlier.
    pub earlier: u64,
    /// The consents in these.
    pub consents: Vec<ProvenConsent>,
}

impl ErasureReport {
    /// Whether nobody was found who is reached there, and nobody who was.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.participations == 0 && self.profiles == 0 && self.earlier == 0
    }
}

/// Looks and interventions.
#[async_trait]
pub trait Operations: Send + Sync {
    /// How things stand.
    ///
    /// # Errors
    /// When something cannot be read.
    async fn overview(&self, now: Timestamp) -> Result<Overview>;

    /// Parked work.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn dead(&self) -> Result<Vec<Dead>>;

    /// Has parked work tried again, as far as `which` chooses it, and gives back what it chose. Trying again what was done already
    /// has no second effect: messages only say where to look, and callbacks carry the id that they always had.
    ///
    /// # Errors
    /// When something cannot be read or written. What was not moved is still parked.
    async fn retry(&self, which: &Which, now: Timestamp) -> Result<Vec<Dead>>;

    /// Ends the wait of a brand's participations after failures: they are due now, and their failures are forgotten. Gives back how many
    /// there were; `None` when nothing of the brand is here.
    ///
    /// # Errors
    /// When something cannot be read or written. What was changed stays changed, and doing it again does no harm.
    async fn retry_now(&self, brand: &BrandId, now: Timestamp) -> Result<Option<u64>>;

    /// Erases a person. Doing it again does no harm, and finds what came in meanwhile.
    ///
    /// # Errors
    /// When something cannot be read or written; then it is to be done again.
    async fn forget(&self, person: &Person, id_key: &IdKey, now: Timestamp) -> Result<ErasureReport>;

    /// Erases what one participation says of a person, also when it cannot be read: what is left says only that somebody took part.
    ///
    /// # Errors
    /// When it cannot be read or written.
    async fn forget_participation(
        &self,
        id: ParticipationId,
        id_key: &IdKey,
        now: Timestamp,
    ) -> Result<ErasureReport>;
}

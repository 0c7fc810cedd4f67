//! The ports that the connector works over.

use std::sync::Arc;

use ports::repeats::Repeated;
use ports::{
    CallLog, Callbacks, Chance, Clock, Ledger, Limits, Outages, Queues, ReadBacks, Schedule, Secrets, Store,
    Troubles,
};

/// The ports that the work needs.
#[derive(Clone)]
pub struct Deps {
    /// Stores participations.
    pub store: Arc<dyn Store>,
    /// Stores awards.
    pub ledger: Arc<dyn Ledger>,
    /// Stores callbacks until they are delivered.
    pub callbacks: Arc<dyn Callbacks>,
    /// Queues of messages that say "process these participations".
    pub queues: Arc<dyn Queues>,
    /// Schedules such messages for later.
    pub schedule: Arc<dyn Schedule>,
    /// Books request slots.
    pub limits: Arc<dyn Limits>,
    /// Reads API keys.
    pub secrets: Arc<dyn Secrets>,
    /// Stores what is still to be read back.
    pub read_backs: Arc<dyn ReadBacks>,
    /// Stores which brands' workspaces do not answer, so that others see it.
    pub outages: Arc<dyn Outages>,
    /// Keeps the calls to Braze for people who ask.
    pub calls: Arc<dyn CallLog>,
    /// What is wrong in this process, for the engineer on call.
    pub troubles: Troubles,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for jitter.
    pub chance: Arc<dyn Chance>,
    /// Sends requests to Braze.
    pub transport: Arc<dyn braze::Transport>,
    /// Sends callbacks to Quikly.
    pub callback_transport: Arc<dyn callback::CallbackTransport>,
}

impl Deps {
    /// Over one adapter that keeps everything, such as a data file. Its troubles are its own until others are given.
    pub fn over<A>(
        adapter: &Arc<A>,
        secrets: Arc<dyn Secrets>,
        (clock, chance): (Arc<dyn Clock>, Arc<dyn Chance>),
        transport: Arc<dyn braze::Transport>,
        callback_transport: Arc<dyn callback::CallbackTransport>,
    ) -> Self
    where
        A: Store + Ledger + Callbacks + Queues + Schedule + Limits + ReadBacks + Outages + CallLog + 'static,
    {
        Self {
            store: adapter.clone(),
            ledger: adapter.clone(),
            callbacks: adapter.clone(),
            queues: adapter.clone(),
            schedule: adapter.clone(),
            limits: adapter.clone(),
            read_backs: adapter.clone(),
            outages: adapter.clone(),
            calls: adapter.clone(),
            secrets,
            troubles: Troubles::default(),
            clock,
            chance,
            transport,
            callback_transport,
        }
    }

    /// What a log line about this event and subject should say. A line comes once a minute; until then this
    /// is `None`.
    pub(crate) fn line(&self, event: &'static str, subject: &str) -> Option<Repeated> {
        self.troubles.repeats().line(event, subject, self.clock.now())
    }
}

//! The ports that the connector works over.

use std::sync::Arc;

use ports::repeats::Repeated;
use ports::{Callbacks, Chance, Clock, Ledger, Limits, Outages, Queues, Schedule, Secrets, Store, Troubles};

/// What the work needs from outside.
#[derive(Clone)]
pub struct Deps {
    /// Where participations are kept.
    pub store: Arc<dyn Store>,
    /// Where awards are kept.
    pub ledger: Arc<dyn Ledger>,
    /// Where news wait to be told.
    pub callbacks: Arc<dyn Callbacks>,
    /// Where "look at these" is said.
    pub queues: Arc<dyn Queues>,
    /// Where it is said for later.
    pub schedule: Arc<dyn Schedule>,
    /// Request slots.
    pub limits: Arc<dyn Limits>,
    /// API keys.
    pub secrets: Arc<dyn Secrets>,
    /// Brands whose workspace does not answer, where others see them.
    pub outages: Arc<dyn Outages>,
    /// What is wrong in this process, for whoever is on call.
    pub troubles: Troubles,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Jitter.
    pub chance: Arc<dyn Chance>,
    /// The way to Braze.
    pub transport: Arc<dyn braze::Transport>,
    /// The way to Quikly.
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
        A: Store + Ledger + Callbacks + Queues + Schedule + Limits + Outages + 'static,
    {
        Self {
            store: adapter.clone(),
            ledger: adapter.clone(),
            callbacks: adapter.clone(),
            queues: adapter.clone(),
            schedule: adapter.clone(),
            limits: adapter.clone(),
            outages: adapter.clone(),
            secrets,
            troubles: Troubles::default(),
            clock,
            chance,
            transport,
            callback_transport,
        }
    }

    /// What a log line about this should say, which comes once a minute; `None` while the last one stands for it.
    pub(crate) fn line(&self, event: &'static str, subject: &str) -> Option<Repeated> {
        self.troubles.repeats().line(event, subject, self.clock.now())
    }
}

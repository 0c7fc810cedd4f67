//! The adapters that every function has, over the environment that it runs in.

use std::sync::Arc;

use aws::SdkConfig;
use aws::dynamo::{BrandTable, Dynamo, Tables};
use aws::sqs::Sqs;
use aws::ssm::Parameters;
use ports::clock::SystemClock;

use crate::environment;
use crate::queues::SendingQueues;

/// What every function works over. Nothing is connected yet.
pub(crate) struct Adapters {
    pub(crate) table: BrandTable,
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) secrets: Arc<Parameters>,
    pub(crate) dynamo: Arc<Dynamo>,
    pub(crate) queues: Arc<SendingQueues>,
}

impl Adapters {
    /// As the function's environment names them.
    pub(crate) fn of_the_environment(config: &SdkConfig) -> anyhow::Result<Self> {
        let name = environment::name()?;
        let clock = Arc::new(SystemClock);
        Ok(Self {
            table: BrandTable::new(config, &name),
            secrets: Arc::new(Parameters::new(config, clock.clone())),
            dynamo: Arc::new(Dynamo::new(config, Tables::of(&name))),
            queues: Arc::new(SendingQueues(Sqs::new(config, environment::queue_urls()?))),
            clock,
        })
    }
}

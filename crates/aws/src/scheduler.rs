//! One-time schedules on EventBridge Scheduler.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::SdkError;
use aws_sdk_scheduler::operation::create_schedule::CreateScheduleError;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, Target,
};
use domain::Timestamp;
use domain::message::{QueueName, WorkMessage};
use ports::schedule::{SchedulePurpose, by_the_minute};
use ports::{Error, Result, Schedule};
use sha2::{Digest, Sha256};

use crate::message;

const DOING: &str = "creating a schedule";

/// The group, role and targets of schedules.
#[derive(Debug, Clone)]
pub struct SchedulerSettings {
    /// The group that the schedules are in.
    pub group: String,
    /// The role that the schedules send with.
    pub role_arn: String,
    /// The queues that the schedules send to.
    pub queue_arns: HashMap<QueueName, String>,
    /// The queue for messages that could not be sent.
    pub dead_letters_arn: Option<String>,
}

/// Schedules that send one message each and are then deleted.
#[derive(Debug, Clone)]
pub struct Scheduler {
    client: Client,
    settings: SchedulerSettings,
}

impl Scheduler {
    /// The schedules of a group.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, settings: SchedulerSettings) -> Self {
        Self { client: Client::new(config), settings }
    }

    /// Creates the group, for emulators.
    ///
    /// # Errors
    /// When the group cannot be created.
    pub async fn make_group(&self) -> Result<()> {
        let made = self.client.create_schedule_group().name(&self.settings.group).send().await;
        made.map(|_| ()).map_err(|error| Error::unavailable("creating a schedule group", error))
    }

    /// Opens a connection, so that the first schedule does not wait for it. It stays open whatever the answer is.
    pub async fn connect(&self) {
        let _answer = self.client.get_schedule_group().name(&self.settings.group).send().await;
    }

    fn target(&self, queue: QueueName, look: &WorkMessage) -> Result<Target> {
        let arn = self.settings.queue_arns.get(&queue);
        let arn = arn.ok_or_else(|| Error::unavailable(DOING, "there is no such queue"))?;
        let dead_letters =
            self.settings.dead_letters_arn.as_ref().map(|arn| DeadLetterConfig::builder().arn(arn).build());
        let target = Target::builder()
            .arn(arn)
            .role_arn(&self.settings.role_arn)
            .input(message::encode(look))
            .set_dead_letter_config(dead_letters);
        target.build().map_err(|error| Error::unavailable(DOING, error))
    }
}

/// A name that equal schedules share, so that creating one again changes nothing.
fn name(time: Timestamp, queue: QueueName, look: &WorkMessage) -> String {
    let digest = Sha256::new()
        .chain_update(time.to_string())
        .chain_update(queue.name())
        .chain_update(message::encode(look))
        .finalize();
    hex::encode(&digest[..16])
}

#[async_trait]
impl Schedule for Scheduler {
    fn fires_at(&self, time: Timestamp, purpose: SchedulePurpose) -> Timestamp {
        by_the_minute(time, purpose)
    }

    async fn at(&self, time: Timestamp, queue: QueueName, look: WorkMessage) -> Result<()> {
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build();
        // The Scheduler expects UTC without an offset, precise to the second.
        let seconds = Timestamp::from_second(time.as_second()).unwrap_or(time);
        let at = format!("at({})", seconds.to_string().trim_end_matches('Z'));
        let request = self
            .client
            .create_schedule()
            .name(name(time, queue, &look))
            .group_name(&self.settings.group)
            .schedule_expression(at)
            .schedule_expression_timezone("UTC")
            .flexible_time_window(window.map_err(|error| Error::unavailable(DOING, error))?)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(self.target(queue, &look)?);
        match request.send().await.map_err(SdkError::into_service_error) {
            Ok(_) | Err(CreateScheduleError::ConflictException(_)) => Ok(()),
            Err(error) => Err(Error::unavailable(DOING, error)),
        }
    }
}

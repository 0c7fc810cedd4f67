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

const DOING: &str = "making a schedule";

/// Where schedules are kept, and what they may do.
#[derive(Debug, Clone)]
pub struct SchedulerSettings {
    /// The group they are in.
    pub group: String,
    /// The role that sends for them.
    pub role_arn: String,
    /// What they send to.
    pub queue_arns: HashMap<QueueName, String>,
    /// Where what could not be sent goes.
    pub dead_letters_arn: Option<String>,
}

/// Schedules that send one message and then are gone.
#[derive(Debug, Clone)]
pub struct Scheduler {
    client: Client,
    settings: SchedulerSettings,
}

impl Scheduler {
    /// Schedules of a group.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, settings: SchedulerSettings) -> Self {
        Self { client: Client::new(config), settings }
    }

    /// Makes the group, for emulators.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn make_group(&self) -> Result<()> {
        let made = self.client.create_schedule_group().name(&self.settings.group).send().await;
        made.map(|_| ()).map_err(|error| Error::unavailable("making a schedule group", error))
    }

    /// Opens a connection, so that the first schedule does not wait for it. Whatever is answered, it stays open.
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

/// The same schedule has the same name, so that making it again changes nothing.
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
        // To the second, in UTC, without an offset.
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

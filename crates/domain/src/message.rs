//! The messages on queues. They contain ids, never contacts. A message says "process these", never "do this
//! to them".

use crate::ids::{BrandId, Channel, ParticipationId};

/// The most participations in one message, which stays far below a queue's 256 KiB.
pub const MOST_IN_MESSAGE: usize = 100;

/// The queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueName {
    /// Participations by e-mail and by events that are to be processed.
    EmailEnrollments,
    /// SMS participations that are to be processed.
    SmsSubscriptions,
}

impl QueueName {
    /// Every queue.
    pub const ALL: [Self; 2] = [Self::EmailEnrollments, Self::SmsSubscriptions];

    /// The queue's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EmailEnrollments => "email-enrollments",
            Self::SmsSubscriptions => "sms-subscriptions",
        }
    }

    /// The queue of a channel's participations.
    #[must_use]
    pub fn of(channel: Channel) -> Self {
        match channel {
            Channel::Email | Channel::Event => Self::EmailEnrollments,
            Channel::Sms => Self::SmsSubscriptions,
        }
    }
}

/// "Process these participations", all of one brand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkMessage {
    /// The brand of the participations; queues are fair between brands.
    pub brand: BrandId,
    /// The participations, at most [`MOST_IN_MESSAGE`].
    pub ids: Vec<ParticipationId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_its_queue() {
        let of = [Channel::Email, Channel::Event, Channel::Sms].map(QueueName::of);
        assert_eq!(
            of,
            [QueueName::EmailEnrollments, QueueName::EmailEnrollments, QueueName::SmsSubscriptions]
        );
        let names = QueueName::ALL.map(QueueName::name);
        assert_eq!(names, ["email-enrollments", "sms-subscriptions"]);
    }
}

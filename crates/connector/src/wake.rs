//! Who is looked at again, and when. This makes it punctual; the tick makes it certain.
//!
//! Waits that a queue can hold are delayed messages, to the second; longer ones are schedules, to the minute.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use domain::identity::{BrandId, ParticipationId};
use domain::message::{Look, MOST_IN_MESSAGE, QueueName};
use domain::participation::Participation;
use ports::error::in_full;
use ports::queues::{LONGEST_DELAY, MOST_MESSAGES, Outgoing};

use crate::step::Connector;

/// Arranges the next look at everything that waits: one message or schedule for all of a brand that are due together.
pub(crate) async fn later(connector: &Connector, participations: &[Participation]) {
    let now = connector.outside.clock.now();
    let mut soon: BTreeMap<(BrandId, u64), Vec<ParticipationId>> = BTreeMap::new();
    let mut scheduled: BTreeMap<(BrandId, Timestamp), Vec<ParticipationId>> = BTreeMap::new();
    for participation in participations {
        let Some(due) = participation.due_at else { continue };
        let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        let brand = participation.brand.clone();
        if wait < LONGEST_DELAY {
            soon.entry((brand, whole_seconds(wait))).or_default().push(participation.id);
        } else {
            scheduled.entry((brand, whole_minute(due))).or_default().push(participation.id);
        }
    }
    let messages = soon.into_iter().flat_map(|((brand, seconds), ids)| {
        looks(&brand, &ids)
            .into_iter()
            .map(move |look| Outgoing { look, delay: Duration::from_secs(seconds) })
    });
    send(connector, messages.collect()).await;
    for ((brand, minute), ids) in scheduled {
        for look in looks(&brand, &ids) {
            if let Err(error) = connector.outside.schedule.at(minute, QueueName::EmailEnrollments, look).await
            {
                tracing::warn!(error = %in_full(&error), "connector.not_scheduled: the tick will find them");
            }
        }
    }
}

async fn send(connector: &Connector, messages: Vec<Outgoing>) {
    for some in messages.chunks(MOST_MESSAGES) {
        if let Err(error) = connector.outside.queues.send(QueueName::EmailEnrollments, some.to_vec()).await {
            tracing::warn!(error = %in_full(&error), "connector.not_announced: the tick will find them");
        }
    }
}

fn looks(brand: &BrandId, ids: &[ParticipationId]) -> Vec<Look> {
    ids.chunks(MOST_IN_MESSAGE).map(|ids| Look { brand: brand.clone(), ids: ids.to_vec() }).collect()
}

/// Rounded up: a message before its time finds nothing due and is wasted.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

fn whole_minute(moment: Timestamp) -> Timestamp {
    let minute = moment.as_second().div_euclid(60) + 1;
    Timestamp::from_second(minute * 60).unwrap_or(moment)
}

use std::collections::BTreeSet;
use std::time::Duration;

use domain::message::QueueName;
use ports::schedule::SchedulePurpose;
use testkit::start;

use crate::Ports;
use crate::queues::{arrives, look, receive};

pub(crate) async fn a_schedule_fires_at_its_time_and_not_before(ports: Ports) {
    let wait = ports.takes(Duration::from_secs(3_600), Duration::from_secs(4));
    let moment = ports.takes(Duration::from_millis(1), Duration::from_secs(3));
    let time = ports.now() + wait;
    ports.schedule.at(time, QueueName::EmailEnrollments, look("acme", 1)).await.unwrap();
    ports.pass(wait - moment).await;
    assert!(receive(&ports).await.is_empty());
    ports.pass(moment).await;
    assert_eq!(arrives(&ports).await[0].look, look("acme", 1));
}

pub(crate) async fn a_schedule_is_as_precise_as_it_says_and_no_earlier(ports: Ports) {
    for milliseconds in [1, 999, 1_000, 59_001] {
        let due = start() + Duration::from_millis(milliseconds);
        assert!(ports.schedule.fires_at(due, SchedulePurpose::Due) >= due);
        assert!(ports.schedule.fires_at(due, SchedulePurpose::Slot) <= due);
    }
    let seconds: BTreeSet<_> = (0..59)
        .map(|second| ports.schedule.fires_at(start() + Duration::from_secs(second), SchedulePurpose::Due))
        .collect();
    assert!(seconds.len() == 1 || seconds.len() == 59, "by the minute or by the second");
}

pub(crate) async fn the_same_schedule_twice_is_delivered_once(ports: Ports) {
    let wait = ports.takes(Duration::from_secs(60), Duration::from_secs(2));
    let time = ports.now() + wait;
    for _ in 0..2 {
        ports.schedule.at(time, QueueName::EmailEnrollments, look("acme", 1)).await.unwrap();
    }
    ports.schedule.at(time, QueueName::EmailEnrollments, look("acme", 2)).await.unwrap();
    ports.pass(wait).await;
    let mut received = 0;
    while received < 2 {
        received += arrives(&ports).await.len();
    }
    ports.pass(ports.takes(Duration::ZERO, Duration::from_secs(1))).await;
    received += receive(&ports).await.len();
    assert_eq!(received, 2, "the second belongs to another schedule");
}

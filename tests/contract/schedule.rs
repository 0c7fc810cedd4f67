use std::time::Duration;

use domain::message::QueueName;
use tests::start;

use crate::Ports;
use crate::queues::{look, receive};

pub(crate) async fn a_schedule_fires_at_its_time_and_not_before(ports: Ports) {
    let time = start() + Duration::from_secs(3_600);
    ports.schedule.at(time, QueueName::EmailEnrollments, look("acme", 1)).await.unwrap();
    ports.clock.advance(Duration::from_millis(3_599_999));
    assert!(receive(&ports).await.is_empty());
    ports.clock.advance(Duration::from_millis(1));
    assert_eq!(receive(&ports).await[0].look, look("acme", 1));
}

pub(crate) async fn the_same_schedule_twice_is_delivered_once(ports: Ports) {
    let time = start() + Duration::from_secs(60);
    for _ in 0..2 {
        ports.schedule.at(time, QueueName::EmailEnrollments, look("acme", 1)).await.unwrap();
    }
    ports.schedule.at(time, QueueName::EmailEnrollments, look("acme", 2)).await.unwrap();
    ports.clock.advance(Duration::from_secs(60));
    assert_eq!(receive(&ports).await.len(), 2, "the second is another one's");
}

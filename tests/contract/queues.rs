use std::time::Duration;

use domain::identity::BrandId;
use domain::message::{Look, QueueName};
use ports::queues::{Delivery, Outgoing, Receipt};
use tests::participation;

use crate::Ports;

const QUEUE: QueueName = QueueName::EmailEnrollments;
const LONGER_THAN_INVISIBLE: Duration = Duration::from_secs(600);

pub(crate) fn look(brand: &str, number: usize) -> Look {
    let id = participation(brand, "spring", &format!("c{number}@example.com")).id;
    Look { brand: BrandId::parse(brand).unwrap(), ids: vec![id] }
}

async fn send(ports: &Ports, look: Look, delay: Duration) {
    ports.queues.send(QUEUE, vec![Outgoing { look, delay }]).await.unwrap();
}

pub(crate) async fn receive(ports: &Ports) -> Vec<Delivery> {
    ports.queues.receive(QUEUE, Duration::ZERO).await.unwrap()
}

pub(crate) async fn a_message_is_delivered_until_it_is_acknowledged(ports: Ports) {
    send(&ports, look("acme", 1), Duration::ZERO).await;
    let first = receive(&ports).await;
    assert_eq!(first[0].look, look("acme", 1));
    assert!(receive(&ports).await.is_empty(), "it is out");

    ports.clock.advance(LONGER_THAN_INVISIBLE);
    let again = receive(&ports).await;
    assert_eq!(again[0].look, look("acme", 1));
    let receipts: Vec<Receipt> = again.into_iter().map(|delivery| delivery.receipt).collect();
    ports.queues.acknowledge(QUEUE, &receipts).await.unwrap();
    ports.clock.advance(LONGER_THAN_INVISIBLE);
    assert!(receive(&ports).await.is_empty());
}

pub(crate) async fn a_delayed_message_comes_when_its_time_has_come(ports: Ports) {
    send(&ports, look("acme", 1), Duration::from_secs(30)).await;
    ports.clock.advance(Duration::from_millis(29_999));
    assert!(receive(&ports).await.is_empty());
    ports.clock.advance(Duration::from_millis(1));
    assert_eq!(receive(&ports).await.len(), 1);
}

pub(crate) async fn a_receiver_that_waits_is_woken_by_a_message(ports: Ports) {
    let (received, ()) = tokio::join!(ports.queues.receive(QUEUE, Duration::from_secs(20)), async {
        send(&ports, look("acme", 1), Duration::ZERO).await;
    });
    assert_eq!(received.unwrap().len(), 1);
}

pub(crate) async fn a_receiver_goes_away_empty_when_its_time_is_up(ports: Ports) {
    let (received, ()) = tokio::join!(ports.queues.receive(QUEUE, Duration::from_secs(20)), async {
        ports.clock.advance(Duration::from_secs(20));
    });
    assert!(received.unwrap().is_empty());
}

pub(crate) async fn ten_messages_at_a_time(ports: Ports) {
    let messages = |count: usize| {
        (0..count)
            .map(|number| Outgoing { look: look("acme", number), delay: Duration::ZERO })
            .collect::<Vec<_>>()
    };
    assert!(ports.queues.send(QUEUE, messages(11)).await.is_err());
    ports.queues.send(QUEUE, messages(10)).await.unwrap();
    ports.queues.send(QUEUE, messages(10)).await.unwrap();
    assert_eq!(receive(&ports).await.len(), 10);
    assert_eq!(receive(&ports).await.len(), 10);
}

pub(crate) async fn one_brands_thousand_do_not_hold_up_another_brands_one(ports: Ports) {
    for batch in 0..100 {
        let message = |number| Outgoing { look: look("acme", number), delay: Duration::ZERO };
        ports.queues.send(QUEUE, (batch * 10..batch * 10 + 10).map(message).collect()).await.unwrap();
    }
    send(&ports, look("zest", 1), Duration::ZERO).await;
    let mut early = receive(&ports).await;
    early.extend(receive(&ports).await);
    assert!(early.iter().any(|delivery| delivery.look.brand.as_str() == "zest"));
}

use std::time::Duration;

use domain::ids::BrandId;
use domain::message::{QueueName, WorkMessage};
use ports::queues::{Delivery, Outgoing, Receipt};
use testkit::{eventually_async, participation};

use crate::Ports;

const QUEUE: QueueName = QueueName::EmailEnrollments;

pub(crate) fn look(brand: &str, number: usize) -> WorkMessage {
    let id = participation(brand, "spring", &format!("c{number}@example.com")).id();
    WorkMessage { brand: BrandId::parse(brand).unwrap(), ids: vec![id] }
}

async fn send(ports: &Ports, look: WorkMessage, delay: Duration) {
    ports.queues.send(QUEUE, vec![Outgoing { look, delay }]).await.unwrap();
}

pub(crate) async fn receive(ports: &Ports) -> Vec<Delivery> {
    ports.queues.receive(QUEUE, Duration::ZERO).await.unwrap()
}

/// The messages that have to arrive now. A real queue may take a moment.
pub(crate) async fn arrives(ports: &Ports) -> Vec<Delivery> {
    eventually_async("a delivery", Duration::from_secs(20), async || {
        let received = receive(ports).await;
        (!received.is_empty()).then_some(received)
    })
    .await
}

pub(crate) async fn a_message_is_delivered_until_it_is_acknowledged(ports: Ports) {
    send(&ports, look("acme", 1), Duration::ZERO).await;
    is_delivered_until_it_is_acknowledged(ports).await;
}

pub(crate) async fn an_announcement_is_delivered_until_it_is_acknowledged(ports: Ports) {
    ports.queues.announce(QUEUE, vec![look("acme", 1)]).await.unwrap();
    is_delivered_until_it_is_acknowledged(ports).await;
}

async fn is_delivered_until_it_is_acknowledged(ports: Ports) {
    let longer_than_invisible = ports.takes(Duration::from_secs(600), Duration::from_secs(3));
    let first = arrives(&ports).await;
    assert_eq!(first[0].look, look("acme", 1));
    assert!(receive(&ports).await.is_empty(), "it is unacknowledged");

    ports.pass(longer_than_invisible).await;
    let again = arrives(&ports).await;
    assert_eq!(again[0].look, look("acme", 1));
    let receipts: Vec<Receipt> = again.into_iter().map(|delivery| delivery.receipt).collect();
    ports.queues.acknowledge(QUEUE, &receipts).await.unwrap();
    ports.pass(longer_than_invisible).await;
    assert!(receive(&ports).await.is_empty());
}

pub(crate) async fn a_delayed_message_is_delivered_at_its_time(ports: Ports) {
    let delay = ports.takes(Duration::from_secs(30), Duration::from_secs(3));
    let moment = ports.takes(Duration::from_millis(1), Duration::from_secs(2));
    send(&ports, look("acme", 1), delay).await;
    ports.pass(delay - moment).await;
    assert!(receive(&ports).await.is_empty());
    ports.pass(moment).await;
    assert_eq!(arrives(&ports).await.len(), 1);
}

pub(crate) async fn a_receiver_that_waits_is_woken_by_a_message(ports: Ports) {
    let (received, ()) = tokio::join!(ports.queues.receive(QUEUE, Duration::from_secs(20)), async {
        send(&ports, look("acme", 1), Duration::ZERO).await;
    });
    assert_eq!(received.unwrap().len(), 1);
}

pub(crate) async fn a_receive_without_messages_ends_when_its_time_is_up(ports: Ports) {
    let wait = ports.takes(Duration::from_secs(20), Duration::from_secs(1));
    let (received, ()) = tokio::join!(ports.queues.receive(QUEUE, wait), ports.pass(wait));
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
    let mut received = 0;
    while received < 20 {
        let some = arrives(&ports).await.len();
        assert!(some <= 10, "{some} at a time");
        received += some;
    }
    assert_eq!(received, 20);
}

pub(crate) async fn a_message_of_a_hundred_reads_back(ports: Ports) {
    let ids = (0..100).map(|number| look("acme", number).ids[0]).collect();
    let hundred = WorkMessage { brand: BrandId::parse("acme").unwrap(), ids };
    send(&ports, hundred.clone(), Duration::ZERO).await;
    assert_eq!(arrives(&ports).await[0].look, hundred);
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

//! Panics of our own code, injected through the ports: each costs one brand one round, and the others nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use async_trait::async_trait;
use braze::{Transport, TransportError};
use bytes::Bytes;
use callback::{Addresses, Signed};
use connector::{Connector, Deps};
use domain::message::QueueName;
use http::{Request, Response, StatusCode};
use memory::Faults;
use metrics::Metric;
use ports::health::Subject;
use ports::queues::{Delivery, Outgoing, Queues, Receipt};
use ports::{Clock, Troubles};
use testkit::campaign::Campaign;

const ATTRIBUTE: &str = "attributes = { quikly_participant = true }";
const LATER: Duration = Duration::from_secs(1_200);

/// Panics this many times, and then works.
struct Panicking<T> {
    inner: T,
    left: Arc<AtomicUsize>,
}

impl<T> Panicking<T> {
    fn times(times: usize, inner: T) -> Self {
        Self { inner, left: Arc::new(AtomicUsize::new(times)) }
    }

    fn panic_if(&self, meant: bool) {
        let panics = meant && self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        assert!(!panics, "a fault was injected");
    }
}

/// A transport to Braze that panics for requests to the workspace at port 1 that contain `named`.
struct AboutPort {
    way: Panicking<Arc<dyn Transport>>,
    named: &'static str,
}

#[async_trait]
impl Transport for AboutPort {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let names = String::from_utf8_lossy(request.body()).contains(self.named);
        self.way.panic_if(names && request.uri().port_u16() == Some(1));
        self.way.inner.send(request).await
    }
}

#[async_trait]
impl callback::CallbackTransport for Panicking<Arc<dyn callback::CallbackTransport>> {
    async fn send(
        &self,
        callback: &Signed,
        addresses: Addresses,
    ) -> Result<StatusCode, callback::CallbackError> {
        self.panic_if(true);
        self.inner.send(callback, addresses).await
    }
}

#[async_trait]
impl Queues for Panicking<Arc<dyn Queues>> {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> ports::Result<()> {
        self.inner.send(queue, messages).await
    }

    async fn receive(&self, queue: QueueName, wait: Duration) -> ports::Result<Vec<Delivery>> {
        let received = self.inner.receive(queue, wait).await;
        self.panic_if(received.as_ref().is_ok_and(|received| !received.is_empty()));
        received
    }

    async fn acknowledge(&self, queue: QueueName, receipts: &[Receipt]) -> ports::Result<()> {
        self.panic_if(true);
        self.inner.acknowledge(queue, receipts).await
    }
}

/// A process whose requests to the first brand's workspace panic this many times if they contain `named`.
fn process(campaign: &Campaign, named: &'static str, times: usize) -> (Arc<Connector>, Troubles) {
    let troubles = Troubles::default();
    let way = Panicking::times(times, campaign.deps.transport.clone());
    let deps = Deps {
        transport: Arc::new(AboutPort { way, named }),
        troubles: troubles.clone(),
        ..campaign.deps.clone()
    };
    (campaign.connector_over(deps), troubles)
}

#[tokio::test(start_paused = true)]
async fn one_brands_panics_do_not_affect_another() {
    let campaign = Campaign::new(Faults::none(), ATTRIBUTE);
    let (connector, troubles) = process(&campaign, "", usize::MAX);
    campaign.run_beside(connector.clone());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..20 {
        ours.push(campaign.accept(&format!("c{number}@example.com")).await);
        theirs.push(campaign.accept_at_other(&format!("c{number}@example.com")).await);
    }
    campaign.all_end(&theirs, LATER).await;
    assert_eq!(campaign.state(ours[0]).await, "received");
    assert!(connector.metrics().take().of(Metric::Panics) > 0);
    let shown = troubles.all(campaign.clock.now());
    assert!(
        shown.iter().any(|entry| entry.kind == "panicked" && entry.subject == Subject::Brand("acme".into()))
    );
    assert!(shown.iter().all(|entry| entry.kind != "task_failed"), "no task was hurt: {shown:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_one_round_and_leaves_nothing_held() {
    let campaign = Campaign::new(Faults::none(), ATTRIBUTE);
    let (connector, troubles) = process(&campaign, "", 3);
    campaign.run_beside(connector);
    let id = campaign.accept("ada@example.com").await;
    campaign.all_end(&[id], LATER).await;
    campaign.clock.sleep(Duration::from_secs(301)).await;
    assert_eq!(troubles.all(campaign.clock.now()), []);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_something_is_read_back_costs_a_minute() {
    let campaign = Campaign::new(Faults::none(), "event = \"joined\"");
    let (connector, troubles) = process(&campaign, "\"custom_events\"", 2);
    campaign.run_beside(connector);
    let id = campaign.accept("ada@example.com").await;
    campaign.all_end(&[id], LATER).await;
    let shown = || troubles.all(campaign.clock.now()).iter().any(|entry| entry.kind == "panicked");
    testkit::eventually_async("the panic", LATER, async || shown().then_some(())).await;
    assert!(!campaign.memory.is_quiet(), "it is still to be read back");
    testkit::eventually_async("it is read back", LATER, async || campaign.memory.is_quiet().then_some(()))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_participation_that_always_panics_does_not_keep_its_brand_from_the_others() {
    let campaign = Campaign::new(Faults::none(), ATTRIBUTE);
    let (connector, _) = process(&campaign, "poison@example.com", usize::MAX);
    campaign.run_beside(connector);
    let mut others = Vec::new();
    for number in 0..40 {
        others.push(campaign.accept(&format!("c{number}@example.com")).await);
        if number == 7 {
            campaign.accept("poison@example.com").await;
        }
    }
    campaign.all_end(&others, LATER).await;
}

#[tokio::test(start_paused = true)]
async fn tasks_that_panic_are_restarted_and_nothing_is_lost() {
    let campaign = Campaign::new(Faults::none(), ATTRIBUTE);
    let troubles = Troubles::default();
    let queues = Arc::new(Panicking::times(4, campaign.deps.queues.clone()));
    let deps = Deps { queues, troubles: troubles.clone(), ..campaign.deps.clone() };
    campaign.run_beside(campaign.connector_over(deps));
    let (ours, theirs) =
        (campaign.accept("ada@example.com").await, campaign.accept_at_other("ada@example.com").await);
    campaign.clock.sleep(Duration::from_secs(1)).await;
    assert!(troubles.all(campaign.clock.now()).iter().any(|entry| entry.kind == "task_failed"));
    campaign.all_end(&[ours, theirs], LATER).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_callback_is_sent_is_a_failed_attempt() {
    let callback = "[activation.email]\nattributes = { quikly_participant = true }\n\
                    [callback]\nurl = \"http://127.0.0.1:9/\"\nsecret = { env = \"KEY\" }\nallow_private = true";
    let campaign = Campaign::with(Faults::none(), "", callback);
    let callback_transport = Arc::new(Panicking::times(2, campaign.deps.callback_transport.clone()));
    let deps = Deps { callback_transport, ..campaign.deps.clone() };
    campaign.run_beside(campaign.connector_over(deps));
    let id = campaign.accept("ada@example.com").await;
    campaign.all_end(&[id], LATER).await;
    campaign.clock.sleep(Duration::from_secs(120)).await;
    assert_eq!(campaign.quikly.told().len(), 1);
}

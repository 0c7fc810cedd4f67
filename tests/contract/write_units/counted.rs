//! An activation over real tables, and what it is asked to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws::dynamo::{Dynamo, Tables};
use braze_sim::{Settings, Workspace};
use connector::{Connector, Deps};
use domain::Timestamp;
use domain::accept;
use domain::accept::Acceptance;
use domain::attributes::Attributes;
use domain::brand::{Brands, SecretRef};
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::ids::{BrandId, ParticipationId, Scope};
use domain::message::QueueName;
use domain::participation::{BrazeEvent, Participation};
use domain::profile::ProfileRef;
use memory::{Faults, Memory, SeededChance, TestClock};
use ports::clock::SystemClock;
use ports::store::MOST_ITEMS;
use ports::{Clock, Queues, ReadBacks, Store};
use serde_json::{Value, json};
use testkit::brand_text::BrandText;
use testkit::emulator::{self, endpoint, prefix};
use testkit::fault_proxy::{Call, FaultProxy};
use testkit::simulated::InProcess;

use super::{GROUP, TOGETHER};
use crate::dynamo_api;

const KEY: &str = "sim-key";

/// How many profiles Braze has where participations come by event.
const MOST_KNOWN: usize = 200;

pub(super) fn acme() -> BrandId {
    BrandId::parse("acme").unwrap()
}

/// A moment early in the next minute. What a flow costs depends on when in a minute it begins: less than three seconds before the end, a
/// window of a minute looks like one of a second, and Braze's limit is only learned in the window after it.
fn within_the_next_minute() -> Timestamp {
    let next = SystemClock.now().as_second() / 60 + 1;
    Timestamp::from_second(next * 60 + 10).unwrap()
}

fn email(number: usize) -> String {
    format!("c{number}@example.com")
}

/// An activation over real tables, with a proxy that counts the calls, and a workspace that settles at once.
pub(super) struct CountedActivation {
    pub(super) proxy: FaultProxy,
    pub(super) store: Arc<Dynamo>,
    /// The same tables for the test's own reads, which are not counted.
    looked_at: Dynamo,
    /// The connector of the function that processes messages.
    pub(super) connector: Connector,
    /// The connector of the function that is invoked every minute.
    ticker: Connector,
    /// The queues, whose messages are processed where the workspace takes its time.
    queues: Arc<Memory>,
    deps: Deps,
    brands: Arc<Brands>,
    id_key: IdKey,
    pub(super) clock: Arc<TestClock>,
    pub(super) prefix: String,
    /// How many requests Braze has got.
    pub(super) requests: Arc<AtomicUsize>,
    /// Participations that arrive together.
    pub(super) together: usize,
}

impl CountedActivation {
    pub(super) async fn new(activation: &str) -> Self {
        Self::with(activation, Duration::ZERO, "settle = \"1s\"").await
    }

    /// An activation over a workspace that takes this long to apply a write, by these settings of the brand.
    pub(super) async fn with(activation: &str, applies_after: Duration, settle: &str) -> Self {
        let proxy = FaultProxy::before(endpoint().await);
        let config = aws::emulator(proxy.url()).await;
        let prefix = prefix();
        let tables = Tables::of(&prefix);
        let looked_at = Dynamo::new(&emulator::config().await, tables.clone());
        let store = Arc::new(Dynamo::new(&config, tables).waiting_for_numbers());
        store.make_tables().await.unwrap();
        let clock = Arc::new(TestClock::at(within_the_next_minute()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        memory.keep_secret(SecretRef::Env("KEY".into()), KEY);
        let (workspace_clock, requests) = (clock.clone(), Arc::<AtomicUsize>::default());
        let settings = Settings {
            api_keys: vec![KEY.into()],
            subscription_groups: vec![GROUP.into()],
            email_groups: vec!["news".into()],
            settle: applies_after,
            export_ids_per_minute: 2_500,
            on_request: Some(Arc::new({
                let requests = requests.clone();
                move |_| _ = requests.fetch_add(1, Ordering::Relaxed)
            })),
            ..Settings::default()
        };
        let workspace = Workspace::timed_by(settings, move || workspace_clock.now());
        if activation.contains("[activation.events") {
            // Braze reports the events of profiles that it has.
            let known = |number| json!({ "external_id": format!("u-{number}"), "email": email(number) });
            let profiles: Vec<Value> = (0..MOST_KNOWN).map(known).collect();
            workspace.seed(&json!({ "profiles": profiles }).to_string()).unwrap();
        }
        let workspace = workspace.router();
        let acme = BrandText::acme().with(settle);
        let brands = Arc::new(acme.activation("spring").with(activation).brands());
        let id_key = IdKey::new([3; 32]);
        let deps = Deps {
            store: store.clone(),
            ledger: store.clone(),
            callbacks: store.clone(),
            queues: memory.clone(),
            schedule: memory.clone(),
            limits: store.clone(),
            read_backs: store.clone(),
            outages: store.clone(),
            calls: store.clone(),
            secrets: memory.clone(),
            troubles: ports::Troubles::default(),
            clock: clock.clone(),
            chance: Arc::new(SeededChance::new(5)),
            transport: Arc::new(InProcess::to(workspace)),
            callback_transport: Arc::new(callback::HttpCallbacks::new().unwrap()),
        };
        let connector = Connector::new(deps.clone(), brands.clone(), id_key.clone());
        let ticker = Connector::new(deps.clone(), brands.clone(), id_key.clone());
        let _tables = (proxy.take(), proxy.take_counts());
        Self {
            proxy,
            store,
            looked_at,
            connector,
            ticker,
            queues: memory,
            deps,
            brands,
            id_key,
            clock,
            prefix,
            requests,
            together: TOGETHER,
        }
    }

    /// The same, and another process ticks from now on.
    pub(super) async fn with_another_ticker(mut self) -> Self {
        let config = aws::emulator(self.proxy.url()).await;
        let store = Arc::new(Dynamo::new(&config, Tables::of(&self.prefix)));
        let deps = Deps { store, ..self.deps.clone() };
        self.ticker = Connector::new(deps, self.brands.clone(), self.id_key.clone());
        self
    }

    /// Records the calls of the function that is invoked every minute.
    pub(super) async fn keep_calls_of_ticks(&self) {
        self.ticker.keep_calls_of_ticks().await;
    }

    /// The same, for so many participations that arrive together.
    pub(super) fn of(self, together: usize) -> Self {
        Self { together, ..self }
    }

    /// The calls for ten participations from `make`, from their acceptance until they have ended and were read back.
    pub(super) async fn calls(&self, make: impl Fn(&Self, usize) -> Participation) -> Vec<Call> {
        let ids = self.accepted(make).await;
        self.end(&ids).await;
        self.proxy.take()
    }

    /// Processes participations until they have ended: at once, and then by messages and the minute tick.
    pub(super) async fn end(&self, ids: &[ParticipationId]) {
        self.process(ids).await;
        self.until_ended(ids).await;
    }

    /// Processes participations that have come together.
    pub(super) async fn process(&self, ids: &[ParticipationId]) {
        self.connector.step(&acme(), ids).await.unwrap();
        self.connector.keep_calls_now_and_then().await;
    }

    /// Processes participations by messages and the minute tick, until they have ended and were read back.
    pub(super) async fn until_ended(&self, ids: &[ParticipationId]) {
        testkit::eventually_async("all have ended", Duration::from_secs(180), async || {
            self.pass(60).await;
            self.tick().await;
            self.ticker.keep_calls_of_ticks().await;
            self.have_ended(ids).await.then_some(())
        })
        .await;
        self.ticker.keep_calls().await;
    }

    /// Lets seconds pass, and processes the messages that come meanwhile.
    pub(super) async fn pass(&self, seconds: u32) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            self.deliver(&acme()).await;
        }
    }

    /// The minute tick. The tests' time is ahead of the time of day, which the tick goes by when it notes how far it has read first looks.
    pub(super) async fn tick(&self) {
        self.ticker.tick().await.unwrap();
        let read_to = self.clock.now() - Duration::from_secs(60);
        let noted = json!({
            "TableName": format!("{}-ledgers", self.prefix),
            "Key": { "ledger": { "S": "due-lists" }, "line": { "S": "first looks" } },
            "UpdateExpression": "SET read_to = :to",
            "ExpressionAttributeValues": { ":to": { "N": read_to.as_millisecond().to_string() } },
        });
        dynamo_api::call("UpdateItem", &noted).await;
    }

    /// Processes the messages that have come by now.
    pub(super) async fn deliver(&self, brand: &BrandId) {
        for queue in [QueueName::SmsSubscriptions, QueueName::EmailEnrollments] {
            let came = self.queues.receive(queue, Duration::ZERO).await.unwrap();
            let (looks, receipts): (Vec<_>, Vec<_>) =
                came.into_iter().map(|one| (one.look, one.receipt)).unzip();
            let named: Vec<ParticipationId> = looks.into_iter().flat_map(|look| look.ids).collect();
            if !named.is_empty() {
                self.connector.step(brand, &named).await.unwrap();
                self.connector.keep_calls_now_and_then().await;
                self.queues.acknowledge(queue, &receipts).await.unwrap();
            }
        }
    }

    pub(super) async fn accepted(
        &self,
        make: impl Fn(&Self, usize) -> Participation,
    ) -> Vec<ParticipationId> {
        self.accepted_from(0, make).await
    }

    /// Accepts participations that arrive together. The first has this number.
    pub(super) async fn accepted_from(
        &self,
        first: usize,
        make: impl Fn(&Self, usize) -> Participation,
    ) -> Vec<ParticipationId> {
        let mut ids = Vec::new();
        for number in first..first + self.together {
            let participation = make(self, number);
            let terms = self.brands.activation(&Scope::parse("spring").unwrap()).unwrap();
            let entry = accept::entry(&participation, terms, &self.id_key);
            self.store.insert(&participation, entry.as_ref()).await.unwrap();
            ids.push(participation.id());
        }
        ids
    }

    pub(super) async fn have_ended(&self, ids: &[ParticipationId]) -> bool {
        for ids in ids.chunks(MOST_ITEMS) {
            let found = self.looked_at.get(ids).await.unwrap().found;
            if !found.iter().all(|one| one.state().is_end() && one.due_at().is_none()) {
                return false;
            }
        }
        self.looked_at.due_batches(Timestamp::MAX).await.unwrap().batches.is_empty()
    }

    /// Does the same with an eye on every tenth of a second.
    pub(super) async fn calls_step_by_step(&self, make: impl Fn(&Self, usize) -> Participation) -> Vec<Call> {
        let ids = self.accepted(make).await;
        self.connector.step(&acme(), &ids).await.unwrap();
        testkit::eventually_async("all have ended", Duration::from_secs(60), async || {
            self.clock.advance(Duration::from_millis(100));
            self.deliver(&acme()).await;
            self.have_ended(&ids).await.then_some(())
        })
        .await;
        self.proxy.take()
    }

    pub(super) fn by_email(&self, number: usize) -> Participation {
        let terms = self.brands.activation(&Scope::parse("spring").unwrap()).unwrap();
        let email = Email::parse(&email(number)).unwrap();
        let id = self.id_key.participation(&terms.1.scope, &Contact::Email(email.clone()));
        Acceptance::new(id, terms, self.clock.now()).by_email(email, None, Attributes::default())
    }

    pub(super) fn by_event(&self, number: usize) -> Participation {
        self.by_event_of(number, None)
    }

    pub(super) fn by_named_event(&self, number: usize) -> Participation {
        self.by_event_of(number, Some(ProfileRef::ExternalId(format!("u-{number}"))))
    }

    pub(super) fn by_event_of(&self, number: usize, profile: Option<ProfileRef>) -> Participation {
        let terms = self.brands.activation(&Scope::parse("spring").unwrap()).unwrap();
        let email = Email::parse(&email(number)).unwrap();
        let id = self.id_key.event(&terms.1.scope, "signed_in", &Contact::Email(email.clone()), None);
        let event = BrazeEvent { name: "signed_in".to_owned(), profile, sent_at: None };
        Acceptance::new(id, terms, self.clock.now()).by_event(event, email, Attributes::default())
    }

    pub(super) fn by_phone(&self, number: usize) -> Participation {
        let terms = self.brands.activation(&Scope::parse("spring").unwrap()).unwrap();
        let phone = Phone::from_e164(&format!("+1415555{number:04}")).unwrap();
        let identity = Contact::Phone { phone: phone.clone(), email: None };
        let id = self.id_key.participation(&terms.1.scope, &identity);
        let now = self.clock.now();
        Acceptance::new(id, terms, now).by_phone((phone, None), None, Attributes::default())
    }
}

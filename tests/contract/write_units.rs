//! The cost of a participation on DynamoDB: write units by flow, counted as DynamoDB bills them, and the requests of a worker.

mod polls;
mod units;

use std::sync::Arc;
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
use domain::reservation::Allowance;
use memory::{Faults, Memory, SeededChance, TestClock};
use ports::clock::SystemClock;
use ports::limits::{ContractLane, Endpoint, Lane};
use ports::{Clock, Limits, Queues, ReadBacks, Store};
use serde_json::{Value, json};
use testkit::brand_text::BrandText;
use testkit::emulator::{self, endpoint, prefix};
use testkit::fault_proxy::{Call, FaultProxy};
use testkit::simulated::InProcess;

use self::units::Units;
use crate::dynamo_api;

const KEY: &str = "sim-key";
const GROUP: &str = "g-1";

/// The size up to which an item is written for one unit.
const KILOBYTE: usize = 1_024;

/// Participations that arrive together, as ten messages of a FIFO queue do.
const TOGETHER: usize = 10;

fn email(number: usize) -> String {
    format!("c{number}@example.com")
}

/// An activation over real tables, with a proxy that counts the calls, and a workspace that settles at once.
struct CountedActivation {
    proxy: FaultProxy,
    store: Arc<Dynamo>,
    /// The same tables for the test's own reads, which are not counted.
    looked_at: Dynamo,
    /// The connector of the function that processes messages.
    connector: Connector,
    /// The connector of the function that is invoked every minute.
    ticker: Connector,
    /// The queues, whose messages are processed where the workspace takes its time.
    queues: Arc<Memory>,
    brands: Arc<Brands>,
    id_key: IdKey,
    clock: Arc<TestClock>,
    prefix: String,
    /// Participations that arrive together.
    together: usize,
}

impl CountedActivation {
    async fn new(activation: &str) -> Self {
        Self::with(activation, Duration::ZERO, "settle = \"1s\"").await
    }

    /// An activation over a workspace that takes this long to apply a write, by these settings of the brand.
    async fn with(activation: &str, applies_after: Duration, settle: &str) -> Self {
        let proxy = FaultProxy::before(endpoint().await);
        let config = aws::emulator(proxy.url()).await;
        let prefix = prefix();
        let tables = Tables::of(&prefix);
        let looked_at = Dynamo::new(&emulator::config().await, tables.clone());
        let store = Arc::new(Dynamo::new(&config, tables).waiting_for_numbers());
        store.make_tables().await.unwrap();
        let clock = Arc::new(TestClock::at(SystemClock.now()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        memory.keep_secret(SecretRef::Env("KEY".into()), KEY);
        let settings = Settings {
            api_keys: vec![KEY.into()],
            subscription_groups: vec![GROUP.into()],
            email_groups: vec!["news".into()],
            settle: applies_after,
            ..Settings::default()
        };
        let workspace = Workspace::new(settings);
        if activation.contains("[activation.events") {
            // Braze reports the events of profiles that it has.
            let known = |number| json!({ "external_id": format!("u-{number}"), "email": email(number) });
            let profiles: Vec<Value> = (0..TOGETHER).map(known).collect();
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
        let ticker = Connector::new(deps, brands.clone(), id_key.clone());
        let _tables = (proxy.take(), proxy.take_counts());
        Self {
            proxy,
            store,
            looked_at,
            connector,
            ticker,
            queues: memory,
            brands,
            id_key,
            clock,
            prefix,
            together: TOGETHER,
        }
    }

    /// The calls for ten participations from `make`, from their acceptance until they have ended and were read back.
    async fn calls(&self, make: impl Fn(&Self, usize) -> Participation) -> Vec<Call> {
        let ids = self.accepted(make).await;
        self.end(&ids).await;
        self.proxy.take()
    }

    /// Processes participations until they have ended: at once, and then by messages and the minute tick.
    async fn end(&self, ids: &[ParticipationId]) {
        let brand = BrandId::parse("acme").unwrap();
        self.connector.step(&brand, ids).await.unwrap();
        self.connector.keep_calls_now_and_then().await;
        testkit::eventually_async("all have ended", Duration::from_secs(60), async || {
            for _ in 0..60 {
                self.clock.advance(Duration::from_secs(1));
                self.deliver(&brand).await;
            }
            self.tick().await;
            self.ticker.keep_calls_of_ticks().await;
            self.have_ended(ids).await.then_some(())
        })
        .await;
        self.ticker.keep_calls().await;
    }

    /// The minute tick. The tests' time is ahead of the time of day, which the tick goes by when it notes how far it has read first looks.
    async fn tick(&self) {
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
    async fn deliver(&self, brand: &BrandId) {
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

    async fn accepted(&self, make: impl Fn(&Self, usize) -> Participation) -> Vec<ParticipationId> {
        let mut ids = Vec::new();
        for number in 0..self.together {
            let participation = make(self, number);
            let terms = self.brands.activation(&Scope::parse("spring").unwrap()).unwrap();
            let entry = accept::entry(&participation, terms, &self.id_key);
            self.store.insert(&participation, entry.as_ref()).await.unwrap();
            ids.push(participation.id());
        }
        ids
    }

    async fn have_ended(&self, ids: &[ParticipationId]) -> bool {
        let found = self.looked_at.get(ids).await.unwrap();
        let read_back = self.looked_at.due_batches(Timestamp::MAX).await.unwrap().batches.is_empty();
        read_back && found.found.iter().all(|one| one.state().is_end() && one.due_at().is_none())
    }

    /// Does the same where time passes no faster than for the workspace.
    async fn calls_in_real_time(&self, make: impl Fn(&Self, usize) -> Participation) -> Vec<Call> {
        let ids = self.accepted(make).await;
        let brand = BrandId::parse("acme").unwrap();
        self.connector.step(&brand, &ids).await.unwrap();
        testkit::eventually_async("all have ended", Duration::from_secs(60), async || {
            self.clock.advance(Duration::from_millis(10));
            self.deliver(&brand).await;
            self.have_ended(&ids).await.then_some(())
        })
        .await;
        self.proxy.take()
    }

    fn by_email(&self, number: usize) -> Participation {
        let terms = self.brands.activation(&Scope::parse("spring").unwrap()).unwrap();
        let email = Email::parse(&email(number)).unwrap();
        let id = self.id_key.participation(&terms.1.scope, &Contact::Email(email.clone()));
        Acceptance::new(id, terms, self.clock.now()).by_email(email, None, Attributes::default())
    }

    fn by_event(&self, number: usize) -> Participation {
        self.by_event_of(number, None)
    }

    fn by_named_event(&self, number: usize) -> Participation {
        self.by_event_of(number, Some(ProfileRef::ExternalId(format!("u-{number}"))))
    }

    fn by_event_of(&self, number: usize, profile: Option<ProfileRef>) -> Participation {
        let terms = self.brands.activation(&Scope::parse("spring").unwrap()).unwrap();
        let email = Email::parse(&email(number)).unwrap();
        let id = self.id_key.event(&terms.1.scope, "signed_in", &Contact::Email(email.clone()), None);
        let event = BrazeEvent { name: "signed_in".to_owned(), profile, sent_at: None };
        Acceptance::new(id, terms, self.clock.now()).by_event(event, email, Attributes::default())
    }

    fn by_phone(&self, number: usize) -> Participation {
        let terms = self.brands.activation(&Scope::parse("spring").unwrap()).unwrap();
        let phone = Phone::from_e164(&format!("+1415555{number:04}")).unwrap();
        let identity = Contact::Phone { phone: phone.clone(), email: None };
        let id = self.id_key.participation(&terms.1.scope, &identity);
        let now = self.clock.now();
        Acceptance::new(id, terms, now).by_phone((phone, None), None, Attributes::default())
    }
}

const INCENTIVE: &str = "[[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 100\nreward = \"SPRING20\"\n\
    [activation.rewards_to_braze]\nreward = \"quikly_reward\"\nposition = \"quikly_position\"\n";

const EMAIL: &str = "[activation.email]\nattributes = { quikly_participant = true }\n";

fn sms(opt_in: &str) -> String {
    format!(
        "[activation.sms]\nsubscription_group_id = \"{GROUP}\"\ndefault_region = \"US\"\nopt_in = \"{opt_in}\"\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn write_units_by_flow_stay_as_documented() {
    let event = format!("{EMAIL}event = \"quikly_participated\"\n");
    let won = format!("{EMAIL}incentive = \"first\"\n{INCENTIVE}");
    let shared = format!("{EMAIL}incentive = \"first\"\n{}incentive = \"first\"\n{INCENTIVE}", sms("single"));
    let webhook = format!("[activation.events.signed_in]\nincentive = \"first\"\n{INCENTIVE}");
    let window = "window = \"5m\"\npoll = [{ every = \"1m\" }]\n";
    let double = sms("double") + "double_opt_in_event = \"quikly_sms_opt_in\"\n" + window;
    let mail = event.clone() + "opt_in = \"double\"\nsubscription_group_id = \"news\"\n" + window;
    type Make = fn(&CountedActivation, usize) -> Participation;
    let flows: [(&str, &str, Make, (f64, f64)); 9] = [
        ("e-mail", EMAIL, CountedActivation::by_email, (3.0, 0.0)),
        ("e-mail, with an event", &event, CountedActivation::by_email, (4.3, 0.2)),
        ("e-mail, with an incentive of its own", &won, CountedActivation::by_email, (4.3, 0.0)),
        ("e-mail, with an incentive that SMS shares", &shared, CountedActivation::by_email, (6.3, 0.0)),
        ("webhook, with an incentive", &webhook, CountedActivation::by_event, (4.3, 0.0)),
        (
            "webhook that names the profile, with an incentive",
            &webhook,
            CountedActivation::by_named_event,
            (5.3, 0.0),
        ),
        ("SMS, single opt-in", &sms("single"), CountedActivation::by_phone, (4.0, 0.2)),
        ("e-mail, double opt-in, expired after four reads", &mail, CountedActivation::by_email, (5.3, 1.4)),
        ("SMS, double opt-in, expired after four reads", &double, CountedActivation::by_phone, (6.0, 1.6)),
    ];
    println!("| flow | write units | for lists of ten | for figures | for calls | for limits | read units |");
    for (flow, activation, make, (most, most_lists)) in flows {
        let counted = CountedActivation::new(activation).await;
        let Units { own, lists, figures, calls, .. } = counted.row(flow, &counted.calls(make).await);
        assert!(own <= most, "{flow}: {own} units, and not {most}");
        assert!(lists <= most_lists, "{flow}: {lists} units for lists, and not {most_lists}");
        assert!(figures <= 0.31, "{flow}: {figures} units for figures");
        // Looks at an opt-in are minutes apart here, and the calls of several are one item.
        let most_calls = if most_lists > 1.0 { 0.61 } else { 0.31 };
        assert!(calls <= most_calls, "{flow}: {calls} units for calls");
        let largest = counted.largest_item("participations").await;
        println!("{flow}: the largest item has {largest} bytes");
        assert!(largest <= KILOBYTE, "{flow}: an item of {largest} bytes costs two units to write");
    }
}

/// Others have booked all requests of this minute, and a hundred wait for the next one together.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_that_wait_for_a_request_slot_write_a_unit_each_and_share_lists_and_limits() {
    let counted = CountedActivation { together: 100, ..CountedActivation::new(EMAIL).await };
    let lane = Lane { brand: BrandId::parse("acme").unwrap(), endpoint: Endpoint::ExportIds };
    let allowance = Allowance { requests: 250, period: Duration::from_secs(60), by_contract: false };
    let lane = ContractLane { lane, contract: allowance.into() };
    counted.store.reserve(&lane, 250, counted.clock.now()).await.unwrap();
    let _others = (counted.proxy.take(), counted.proxy.take_counts());
    let calls = counted.calls(CountedActivation::by_email).await;
    let Units { own, lists, figures, calls, limits, read: _ } =
        counted.row("e-mail that waits for a slot, a hundred together", &calls);
    assert_eq!(own, 4.0);
    assert!(lists <= 0.05, "{lists} units for lists");
    assert!(limits <= 0.08, "{limits} units for limits");
    assert!(calls <= 0.1, "{calls} units for calls");
    assert!(figures + calls <= 0.3, "{figures} units for figures and {calls} for calls");
}

/// Braze builds the profile in four seconds, so it is looked at twice.
#[tokio::test(flavor = "multi_thread")]
async fn looks_at_a_profile_that_is_being_built_write_nothing() {
    let slow = CountedActivation::with(&sms("single"), Duration::from_secs(4), "settle = \"1m\"").await;
    let calls = slow.calls_in_real_time(CountedActivation::by_phone).await;
    let Units { own, .. } = slow.row("SMS, single opt-in, looked at", &calls);
    // The subscription takes four seconds, too, so one more wait is stored than where everything is there at once.
    assert_eq!(own, 5.0);
}

/// Besides reading participations and their lines, there are three calls: for the counters, for the page of numbers, and to write.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_lines_that_are_credited_on_receipt_are_one_write_of_the_ledger() {
    let won = format!("{EMAIL}incentive = \"first\"\n{INCENTIVE}");
    let counted = CountedActivation { together: 100, ..CountedActivation::new(&won).await };
    let ids = counted.accepted(CountedActivation::by_email).await;
    let _inserts = counted.proxy.take();
    counted.connector.step(&BrandId::parse("acme").unwrap(), &ids).await.unwrap();
    let calls = counted.proxy.take();
    // The profile hints are read once the lines are credited.
    let credited = calls.iter().position(|call| call.resource.ends_with("-profiles")).unwrap();
    let made: Vec<(&str, u64)> =
        calls[..credited].iter().map(|call| (call.action.as_str(), call.write_units)).collect();
    let (read, look) = (("dynamodb:BatchGetItem", 0), ("dynamodb:GetItem", 0));
    assert_eq!(made, [read, read, look, look, ("dynamodb:UpdateItem", 1)]);
}

/// Lines that earn their credit later are entered first.
#[tokio::test(flavor = "multi_thread")]
async fn ten_lines_that_are_credited_later_are_entered_in_one_transaction_of_twelve_items() {
    let later = format!("{EMAIL}credit = \"on_enrollment\"\nincentive = \"first\"\n{INCENTIVE}");
    let counted = CountedActivation::new(&later).await;
    let ids = counted.accepted(CountedActivation::by_email).await;
    let _inserts = counted.proxy.take();
    counted.connector.step(&BrandId::parse("acme").unwrap(), &ids).await.unwrap();
    let calls = counted.proxy.take();
    let first = calls.iter().position(|call| call.action == "dynamodb:UpdateItem").unwrap();
    let written = calls[first..].iter().take_while(|call| call.action == "dynamodb:UpdateItem");
    let units: Vec<u64> = written.map(|call| call.write_units).take(12).collect();
    assert_eq!(units, [2; 12], "ten lines, the counters and the page of numbers: {calls:?}");
    let count = |action: &str| calls[..first].iter().filter(|call| call.action == action).count();
    // Participations, and their lines; then the counters, places put back and the lines again; then the page.
    assert_eq!(
        (count("dynamodb:BatchGetItem"), count("dynamodb:GetItem"), count("dynamodb:Query")),
        (3, 2, 1),
        "{calls:?}"
    );
}

/// What a consumer waits for, besides the message: whether they take part already, the number, and the participation.
#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_with_a_place_is_three_calls() {
    let counted = CountedActivation::new(&format!("{EMAIL}incentive = \"first\"\n{INCENTIVE}")).await;
    counted.accepted(CountedActivation::by_email).await;
    let calls = counted.proxy.take();
    let count = |action: &str, table: &str| {
        calls.iter().filter(|call| call.action == action && call.resource.ends_with(table)).count()
    };
    assert_eq!(count("dynamodb:GetItem", "-participations"), TOGETHER, "{calls:?}");
    assert_eq!(count("dynamodb:UpdateItem", "-ledgers"), TOGETHER);
    assert_eq!(count("dynamodb:PutItem", "-participations"), TOGETHER);
    assert_eq!(count("dynamodb:GetItem", "-ledgers"), 1, "whether the ledger is numbered is remembered");
    assert_eq!(calls.len(), 3 * TOGETHER + 1);
}

//! The cost of a participation on DynamoDB: write units by flow, counted as DynamoDB bills them, and the requests of a worker.

mod counted;
mod polls;
mod steady;
mod units;

use std::time::Duration;

use domain::ids::BrandId;
use domain::participation::Participation;
use domain::reservation::Allowance;
use ports::limits::{ContractLane, Endpoint, Lane};
use ports::{Clock, Limits};

use self::counted::CountedActivation;
use self::units::Units;

const GROUP: &str = "g-1";

/// The size up to which an item is written for one unit.
const KILOBYTE: usize = 1_024;

/// Participations that arrive together, as ten messages of a FIFO queue do.
const TOGETHER: usize = 10;

/// The name of a flow, its activation, what takes part, and the most units of three kinds.
type CountedFlow<'a> = (&'a str, &'a str, fn(&CountedActivation, usize) -> Participation, (f64, f64, f64));

const INCENTIVE: &str = "[[activation.incentive]]\nid = \"first\"\nkind = \"first\"\nquantity = 200\nreward = \"SPRING20\"\n\
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
    // Write units of its own and for lists, and read units.
    let flows: [CountedFlow<'_>; 9] = [
        ("e-mail", EMAIL, CountedActivation::by_email, (3.0, 0.0, 3.0)),
        ("e-mail, with an event", &event, CountedActivation::by_email, (4.3, 0.2, 5.7)),
        ("e-mail, with an incentive of its own", &won, CountedActivation::by_email, (4.3, 0.0, 5.4)),
        ("e-mail, with an incentive that SMS shares", &shared, CountedActivation::by_email, (6.3, 0.0, 5.4)),
        ("webhook, with an incentive", &webhook, CountedActivation::by_event, (4.3, 0.0, 5.4)),
        (
            "webhook that names the profile, with an incentive",
            &webhook,
            CountedActivation::by_named_event,
            (5.3, 0.0, 4.2),
        ),
        ("SMS, single opt-in", &sms("single"), CountedActivation::by_phone, (4.0, 0.2, 4.0)),
        (
            "e-mail, double opt-in, expired after four reads",
            &mail,
            CountedActivation::by_email,
            (5.3, 1.4, 9.7),
        ),
        (
            "SMS, double opt-in, expired after four reads",
            &double,
            CountedActivation::by_phone,
            (6.0, 1.6, 8.8),
        ),
    ];
    println!("| flow | write units | for lists of ten | for figures | for calls | for limits | read units |");
    for (flow, activation, make, (most, most_lists, most_read)) in flows {
        let counted = CountedActivation::new(activation).await;
        let Units { own, lists, figures, calls, read, .. } = counted.row(flow, &counted.calls(make).await);
        assert!(own <= most, "{flow}: {own} units, and not {most}");
        assert!(lists <= most_lists, "{flow}: {lists} units for lists, and not {most_lists}");
        assert!(read <= most_read + 0.01, "{flow}: {read} read units, and not {most_read}");
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
    let counted = CountedActivation::new(EMAIL).await.of(100);
    let lane = Lane { brand: BrandId::parse("acme").unwrap(), endpoint: Endpoint::ExportIds };
    let allowance = Allowance { requests: 250, period: Duration::from_secs(60), by_contract: false };
    let lane = ContractLane { lane, contract: allowance.into() };
    counted.store.reserve(&lane, 250.into(), counted.clock.now()).await.unwrap();
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
    let calls = slow.calls_step_by_step(CountedActivation::by_phone).await;
    let Units { own, .. } = slow.row("SMS, single opt-in, looked at", &calls);
    // The subscription takes four seconds, too, so one more wait is stored than where everything is there at once.
    assert_eq!(own, 5.0);
}

/// Besides reading participations with their lines, there are three calls: for the counters, for the page of numbers, and to write.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_lines_that_are_credited_on_receipt_are_one_write_of_the_ledger() {
    let won = format!("{EMAIL}incentive = \"first\"\n{INCENTIVE}");
    let counted = CountedActivation::new(&won).await.of(100);
    let ids = counted.accepted(CountedActivation::by_email).await;
    let _inserts = counted.proxy.take();
    counted.connector.step(&BrandId::parse("acme").unwrap(), &ids).await.unwrap();
    let calls = counted.proxy.take();
    // The profile hints are read once the lines are credited.
    let credited = calls.iter().position(|call| call.resource.ends_with("-profiles")).unwrap();
    let made: Vec<(&str, u64)> =
        calls[..credited].iter().map(|call| (call.action.as_str(), call.write_units)).collect();
    let (read, look) = (("dynamodb:BatchGetItem", 0), ("dynamodb:GetItem", 0));
    assert_eq!(made, [read, look, look, ("dynamodb:UpdateItem", 1)]);
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
    // Participations with their lines; then the counters, places put back and the lines again; then the page.
    assert_eq!(
        (count("dynamodb:BatchGetItem"), count("dynamodb:GetItem"), count("dynamodb:Query")),
        (2, 2, 1),
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

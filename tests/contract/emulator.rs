//! The ports on the emulator of AWS, and promises that only AWS makes.

use std::collections::{BTreeSet, HashMap};
use std::slice::from_ref;
use std::sync::Arc;
use std::time::Duration;

use aws::SdkConfig;
use aws::dynamo::{Dynamo, Tables};
use aws::operations::Environment;
use aws::scheduler::{Scheduler, SchedulerSettings};
use aws::sqs::Sqs;
use domain::award::{Award, AwardStatus};
use domain::callback::CallbackKind;
use domain::contact::Email;
use domain::decide::Step;
use domain::id_key::IdKey;
use domain::incentive::raffle::{Entrant, Seed, Ticket, winners};
use domain::incentive::{NoPrize, Offer, Quantity};
use domain::ledger::Standing;
use domain::message::{QueueName, WorkMessage};
use domain::participation::Outcome;
use domain::person::Person;
use memory::{Faults, Memory, TestClock};
use ports::numbering::DrawSettings;
use ports::operations::{ErasureReport, Which};
use ports::queues::Outgoing;
use ports::store::{Inserted, Saved};
use ports::{Operations, Queues, Store};
use serde_json::{Value, json};
use testkit::emulator::{config, endpoint, prefix};
use testkit::fault_proxy::{FaultPlan, FaultProxy};
use testkit::{eventually_async, start};

use crate::Ports;
use crate::dynamo_api::call;
use crate::game::{Game, acme, codes, first, ledger, pool, raffle_of_codes};
use crate::queues::look;
use crate::spoiler::Spoiler;
use crate::store::ada;

/// Queues and schedules of its own for each test, in real time. A delivered message is invisible for two seconds. Everything else is in
/// memory.
pub(crate) async fn on_queues() -> Ports {
    let prefix = prefix();
    let config = config().await;
    let queues = Sqs::make(&config, &prefix, Duration::from_secs(2), 1_000).await.unwrap();
    let mut queue_arns = HashMap::new();
    for queue in QueueName::ALL {
        queue_arns.insert(queue, queues.arn(queue).await.unwrap());
    }
    let role_arn = "arn:aws:iam::000000000000:role/scheduler".to_owned();
    let settings = SchedulerSettings { group: prefix, role_arn, queue_arns, dead_letters_arn: None };
    let scheduler = Scheduler::new(&config, settings);
    scheduler.make_group().await.unwrap();
    let in_memory = crate::in_memory().await;
    Ports { queues: Arc::new(queues), schedule: Arc::new(scheduler), in_real_time: true, ..in_memory }
}

/// Tables of its own for each test, behind a proxy that makes everything go wrong now and then. Everything that is not on DynamoDB is in
/// memory.
pub(crate) async fn on_dynamo() -> Ports {
    let proxy = FaultProxy::with(endpoint().await, 16, FaultPlan::mild());
    on_dynamo_behind(proxy).await
}

/// Tables behind a proxy.
pub(crate) async fn on_dynamo_behind(proxy: FaultProxy) -> Ports {
    on_dynamo_drawing(proxy, &prefix(), DrawSettings::patient()).await
}

/// Tables with this prefix behind a proxy. Numbers are drawn by these settings.
pub(crate) async fn on_dynamo_drawing(proxy: FaultProxy, prefix: &str, settings: DrawSettings) -> Ports {
    let config = aws::emulator(proxy.url()).await;
    Dynamo::new(&config, Tables::of(prefix)).make_tables().await.unwrap();
    Ports { indexes: Some(proxy), ..over_tables(config, prefix, settings).await }
}

/// Tables with this prefix.
pub(crate) async fn on_dynamo_at(config: SdkConfig, prefix: &str) -> Ports {
    Dynamo::new(&config, Tables::of(prefix)).make_tables().await.unwrap();
    over_tables(config, prefix, DrawSettings::patient()).await
}

/// Tables with this prefix that are there already. Numbers are drawn by these settings.
pub(crate) async fn over_tables(config: SdkConfig, prefix: &str, settings: DrawSettings) -> Ports {
    let dynamo = Arc::new(Dynamo::new(&config, Tables::of(prefix)).drawing_by(settings));
    Sqs::make(&config, prefix, Duration::from_secs(30), 5).await.unwrap();
    let clock = Arc::new(TestClock::at(start()));
    let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
    Ports {
        store: dynamo.clone(),
        ledger: dynamo.clone(),
        callbacks: dynamo.clone(),
        queues: memory.clone(),
        schedule: memory,
        limits: dynamo.clone(),
        read_backs: dynamo.clone(),
        outages: dynamo.clone(),
        rollups: dynamo.clone(),
        calls: dynamo.clone(),
        called: dynamo.clone(),
        inspection: dynamo.clone(),
        pauses: dynamo.clone(),
        search: dynamo,
        operations: Some(Arc::new(Environment::new(&config, prefix))),
        clock,
        spoiler: Spoiler::Tables(prefix.to_owned()),
        in_real_time: false,
        indexes: None,
        _directory: None,
    }
}

#[tokio::test]
async fn an_interrupted_draw_continues_with_the_same_winners_and_wastes_no_code() {
    let proxy = FaultProxy::before(endpoint().await);
    let seed = Seed::new([4; 32]);
    let mut game = Game::of(on_dynamo_behind(proxy.clone()).await, first(1));
    game.rules = raffle_of_codes(130, &seed);
    game.ports.ledger.import_codes(&acme(), &pool(), &codes(120)).await.unwrap();
    let ids = game.accept_all(140, Offer::Lot).await;
    game.credit_all(&ids).await;
    let entrants: Vec<Entrant> = game.awards(&ids).await.iter().map(Award::entrant).collect();
    let winners: Vec<Ticket> = winners(&seed, &entrants, Quantity::Limited(130.try_into().unwrap()))
        .into_iter()
        .map(Ticket::of)
        .collect();

    game.ports.clock.advance(Duration::from_secs(3_660));
    let draw = async || game.draw(&seed).await;
    for parts in [2, 1, 0] {
        proxy.let_through(parts);
        assert!(draw().await.is_err(), "it was interrupted");
        assert_eq!(game.ports.ledger.counts(&ledger()).await.unwrap().drawn_at, None);
    }
    proxy.let_through(usize::MAX);
    // They are entered late, long before the draw would stop waiting for them.
    for number in 140..160 {
        let late = game.accept_with(Game::participation(number, false), Offer::Lot).await;
        assert_eq!(game.credit(late).await.status, AwardStatus::NoPrize(NoPrize::Closed));
    }
    proxy.let_through(usize::MAX);
    assert!(draw().await.unwrap().is_some());

    assert_eq!(game.drawn().await.1, winners);
    assert_eq!(game.codes_of(&ids).await, codes(120));
    let counts = game.ports.ledger.counts(&ledger()).await.unwrap();
    assert_eq!((counts.given, counts.held, counts.entered), (120, 10, 10));
    let mut told = Vec::new();
    for _ in 0..3 {
        told.extend(
            game.due_callbacks().await.into_iter().filter(|(_, kind)| *kind == CallbackKind::Rewarded),
        );
    }
    assert_eq!(told.len(), 120, "every winner gets one callback");
    assert_eq!(draw().await.unwrap(), None, "drawn before");
}

#[tokio::test]
async fn a_write_that_meets_a_transaction_is_done_after_it() {
    let proxy = FaultProxy::before(endpoint().await);
    let ports = on_dynamo_behind(proxy.clone()).await;
    let mut ada = ada();
    proxy.conflict_with(3);
    assert_eq!(ports.store.insert(&ada, None).await.unwrap(), Inserted::New(Standing::Unnumbered));
    ada.apply(&Step::Done(Outcome::Enrolled), start());
    proxy.conflict_with(3);
    assert_eq!(ports.store.save(&[ada]).await.unwrap(), [Saved::Saved]);
}

/// Functions of an earlier version work on the same tables during a deployment.
#[tokio::test]
async fn whoever_was_ended_by_an_earlier_version_is_due_no_more() {
    let prefix = prefix();
    let ports = on_dynamo_at(config().await, &prefix).await;
    let ada = ada();
    ports.store.insert(&ada, None).await.unwrap();
    assert_eq!(ports.store.save(from_ref(&ada)).await.unwrap(), [Saved::Saved]);
    let due = async || ports.store.due(ada.due_at().unwrap(), 10).await.unwrap().len();
    assert_eq!(due().await, 1);
    let ended = json!({
        "TableName": format!("{prefix}-participations"),
        "Key": { "id": { "S": ada.id().to_string() } },
        "UpdateExpression": "SET expires_at = :expires REMOVE due_shard, due_at",
        "ExpressionAttributeValues": { ":expires": { "N": "1900000000" } },
    });
    call("UpdateItem", &ended).await;
    assert_eq!(due().await, 0);
}

/// A deployment makes the index beside tables that are in use.
#[tokio::test]
async fn whoever_is_accepted_before_the_index_of_first_looks_is_there_is_found_once_it_is() {
    let prefix = prefix();
    let ports = on_dynamo_at(config().await, &prefix).await;
    let (ada, eve) = (ada(), testkit::participation("acme", "spring", "eve@example.com"));
    let change = async |change: Value| {
        let key = |name, kind| json!({ "AttributeName": name, "KeyType": kind });
        let attribute = |name| json!({ "AttributeName": name, "AttributeType": "N" });
        let attributes = [attribute("look_shard"), attribute("look_at")];
        let mut index = json!({ "IndexName": "first_look" });
        if change == "Create" {
            index["KeySchema"] = json!([key("look_shard", "HASH"), key("look_at", "RANGE")]);
            index["Projection"] = json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": ["brand"] });
        }
        let change = change.as_str().unwrap();
        let table = json!({
            "TableName": format!("{prefix}-participations"),
            "AttributeDefinitions": attributes,
            "GlobalSecondaryIndexUpdates": [{ change: index }],
        });
        call("UpdateTable", &table).await;
    };
    change(json!("Delete")).await;
    for one in [&ada, &eve] {
        ports.store.insert(one, None).await.unwrap();
    }
    assert_eq!(ports.store.save(from_ref(&eve)).await.unwrap(), [Saved::Saved]);
    let due = async || {
        let due = ports.store.due(eve.due_at().unwrap(), 10).await.unwrap();
        due.into_iter().map(|due| due.id).collect::<BTreeSet<_>>()
    };
    assert_eq!(due().await, [eve.id()].into());
    change(json!("Create")).await;
    assert_eq!(due().await, [ada.id(), eve.id()].into());
}

#[tokio::test]
async fn a_participation_whose_write_is_repeated_after_a_lost_answer_is_still_new() {
    let proxy = FaultProxy::before(endpoint().await);
    let ports = on_dynamo_behind(proxy.clone()).await;
    proxy.lose_answers_to(1);
    assert_eq!(ports.store.insert(&ada(), None).await.unwrap(), Inserted::New(Standing::Unnumbered));
    let Inserted::Existing(_) = ports.store.insert(&ada(), None).await.unwrap() else {
        panic!("another caller's attempt counts as a different one");
    };
}

/// An environment whose messages are dead letters when they were received once and not acknowledged within a second.
async fn where_a_second_failure_is_the_end() -> (Sqs, Environment) {
    let (config, prefix) = (config().await, prefix());
    let queues = Sqs::make(&config, &prefix, Duration::from_secs(1), 1).await.unwrap();
    Dynamo::new(&config, Tables::of(&prefix)).make_tables().await.unwrap();
    (queues, Environment::new(&config, &prefix))
}

#[tokio::test]
async fn a_dead_letter_is_listed_every_time_until_it_is_retried() {
    let (queues, environment) = where_a_second_failure_is_the_end().await;
    for queue in QueueName::ALL {
        let messages = [("acme", 1), ("zest", 2)];
        let outgoing =
            messages.map(|(brand, number)| Outgoing { look: look(brand, number), delay: Duration::ZERO });
        queues.send(queue, outgoing.to_vec()).await.unwrap();
    }
    let dead = eventually_async("all are dead letters", Duration::from_secs(30), async || {
        for queue in QueueName::ALL {
            queues.receive(queue, Duration::ZERO).await.unwrap();
        }
        let dead = environment.dead().await.unwrap();
        (dead.len() == 4).then_some(dead)
    })
    .await;
    let overview = environment.overview(start()).await.unwrap();
    assert!(QueueName::ALL.iter().all(|queue| overview.dead[queue.name()] == 2), "{:?}", overview.dead);
    assert_eq!(environment.dead().await.unwrap().len(), 4, "listing removes nothing");

    let which = Which {
        kind: Some("sms-subscriptions".to_owned()),
        brand: dead[0].brand.clone(),
        ..Which::default()
    };
    let revived = environment.retry(&which, start()).await.unwrap();
    assert_eq!(revived.len(), 1);
    let again = queues.receive(QueueName::SmsSubscriptions, Duration::from_secs(5)).await.unwrap();
    assert_eq!(
        again.iter().map(|one| one.look.ids.clone()).collect::<Vec<_>>(),
        [revived[0].participations.clone()]
    );
    assert!(environment.retry(&which, start()).await.unwrap().is_empty(), "it is not parked any more");

    assert_eq!(environment.retry(&Which::default(), start()).await.unwrap().len(), 3);
    assert!(environment.dead().await.unwrap().is_empty());
}

#[tokio::test]
async fn messages_that_the_scheduler_could_not_send_are_listed_and_sent_to_their_queue() {
    let (config, prefix) = (config().await, prefix());
    let queues = Sqs::make(&config, &prefix, Duration::from_secs(30), 5).await.unwrap();
    let dynamo = Dynamo::new(&config, Tables::of(&prefix));
    dynamo.make_tables().await.unwrap();
    let environment = Environment::new(&config, &prefix);
    let by_number = testkit::by_number("+13135550100", None);
    dynamo.insert(&by_number, None).await.unwrap();
    let url = environment.queue_url("schedules-dead").await.unwrap();
    let scheduler = Sqs::new(&config, HashMap::from([(QueueName::SmsSubscriptions, url)]));
    let to_settle = WorkMessage { brand: acme(), ids: vec![by_number.id()] };
    let (nobody, delay) = (look("acme", 7), Duration::ZERO);
    let messages = [to_settle.clone(), nobody].map(|look| Outgoing { look, delay });
    scheduler.send(QueueName::SmsSubscriptions, messages.to_vec()).await.unwrap();

    assert_eq!(environment.overview(start()).await.unwrap().dead["schedules"], 2);
    let dead = environment.dead().await.unwrap();
    assert!(dead.len() == 2 && dead.iter().all(|dead| dead.kind == "schedules"), "{dead:?}");
    let which = Which { kind: Some("schedules".to_owned()), ..Which::default() };
    assert_eq!(environment.retry(&which, start()).await.unwrap().len(), 2);
    let sent = queues.receive(QueueName::SmsSubscriptions, Duration::from_secs(5)).await.unwrap();
    assert_eq!(sent.into_iter().map(|delivery| delivery.look).collect::<Vec<_>>(), [to_settle]);
    assert!(environment.dead().await.unwrap().is_empty(), "participations that are gone need no processing");
}

#[tokio::test]
async fn however_many_dead_letters_there_are_each_is_held_only_while_ten_are_tried_again() {
    let proxy = FaultProxy::before(endpoint().await);
    let (config, prefix) = (aws::emulator(proxy.url()).await, prefix());
    Sqs::make(&config, &prefix, Duration::from_secs(1), 1).await.unwrap();
    Dynamo::new(&config, Tables::of(&prefix)).make_tables().await.unwrap();
    let environment = Environment::new(&config, &prefix);
    let url = environment.queue_url("email-enrollments-dead").await.unwrap();
    let dead_letters = Sqs::new(&config, HashMap::from([(QueueName::EmailEnrollments, url)]));
    let outgoing = |number| Outgoing { look: look("acme", number), delay: Duration::ZERO };
    for numbers in [0..10, 10..20, 20..30] {
        dead_letters.send(QueueName::EmailEnrollments, numbers.map(outgoing).collect()).await.unwrap();
    }
    let before = proxy.calls().len();
    assert_eq!(environment.retry(&Which::default(), start()).await.unwrap().len(), 30);
    let calls = proxy.calls();
    let of_the_queue =
        calls.iter().skip(before).filter(|call| call.resource.ends_with("email-enrollments-dead"));
    let (mut deleted, mut asked_since) = (0, 0);
    for call in of_the_queue {
        match call.action.as_str() {
            "sqs:DeleteMessage" => (deleted, asked_since) = (deleted + 1, 0),
            "sqs:ReceiveMessage" => asked_since += 1,
            _ => {}
        }
        assert!(asked_since <= 1 || deleted == 30, "{deleted} are done, and more are held: {calls:?}");
    }
    assert_eq!(deleted, 30);
}

/// Puts an item into a table that no version of ours would write.
async fn put(table: &str, item: Value) {
    call("PutItem", &json!({ "TableName": table, "Item": item })).await;
}

#[tokio::test]
async fn unreadable_records_are_counted_when_a_person_is_forgotten() {
    let (config, prefix) = (config().await, prefix());
    Dynamo::new(&config, Tables::of(&prefix)).make_tables().await.unwrap();
    let item = json!({ "id": { "S": "00112233445566778899aabbccddeeff" }, "record": { "S": "{}" } });
    put(&format!("{prefix}-participations"), item).await;
    let person = Person::Email(Email::parse("ada@example.com").unwrap());
    let environment = Environment::new(&config, &prefix);
    let forgotten = environment.forget(&person, &IdKey::new([9; 32]), start()).await.unwrap();
    assert_eq!(forgotten, ErasureReport { unreadable: 1, ..ErasureReport::default() });
}

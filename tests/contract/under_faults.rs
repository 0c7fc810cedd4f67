//! The stores on DynamoDB while calls are refused, answers are lost, transactions are cancelled and indexes lag.

use std::collections::BTreeMap;
use std::time::Duration;

use aws::dynamo::BrandTable;
use domain::award::{Award, AwardStatus, Resolution};
use domain::callback::{LastAnswer, ReceiverAnswer};
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use domain::incentive::Offer;
use domain::incentive::raffle::Seed;
use domain::participation::Participation;
use domain::person::Person;
use domain::profile::{Alias, ProfileHint, ProfileRef};
use domain::reservation::Allowance;
use futures::future::join_all;
use ports::ledger::DeliveryOutcome;
use ports::limits::{ContractLane, Endpoint, Lane};
use ports::store::Saved;
use testkit::brand_text::BrandText;
use testkit::emulator::{endpoint, prefix};
use testkit::fault_proxy::{CallFault, FaultPlan, FaultProxy, Strike};
use testkit::start;

use crate::emulator::on_dynamo_behind;
use crate::game::{Game, acme, code, codes, first, of_codes, pool, raffle_of_codes, rewarded};
use crate::store::ada;
use crate::{Ports, game};

const LOST: [CallFault; 2] = [CallFault::Lost, CallFault::Broken];

/// Stores behind a proxy with this plan.
async fn behind(plan: FaultPlan) -> (FaultProxy, Ports) {
    let proxy = FaultProxy::with(endpoint().await, 1, plan);
    (proxy.clone(), on_dynamo_behind(proxy).await)
}

/// Makes a fault strike the next calls of an action.
fn strike(proxy: &FaultProxy, fault: CallFault, actions: &'static [&'static str], times: usize) {
    proxy.arrange(Strike { fault, actions, after: 0, times });
}

fn lane() -> ContractLane {
    let contract = Allowance { requests: 250, period: Duration::from_secs(60), by_contract: false };
    ContractLane { lane: Lane { brand: acme(), endpoint: Endpoint::ExportIds }, contract: contract.into() }
}

#[tokio::test]
async fn a_save_whose_answer_was_lost_is_no_conflict() {
    let (proxy, ports) = behind(FaultPlan::none()).await;
    let mut ada = ada();
    ports.store.insert(&ada, None).await.unwrap();
    for (fault, version) in LOST.into_iter().zip(1..) {
        strike(&proxy, fault, &["UpdateItem"], 1);
        assert_eq!(ports.store.save(std::slice::from_ref(&ada)).await.unwrap(), [Saved::Saved], "{fault:?}");
        ada = ports.store.get(&[ada.id()]).await.unwrap().found.pop().unwrap();
        assert_eq!(ada.version(), version);
    }
}

#[tokio::test]
async fn of_two_workers_that_save_the_same_one_saves_it_although_its_answer_was_lost() {
    let (proxy, ports) = behind(FaultPlan::none()).await;
    let ada = ada();
    ports.store.insert(&ada, None).await.unwrap();
    strike(&proxy, CallFault::Lost, &["UpdateItem"], 1);
    let save = async || ports.store.save(std::slice::from_ref(&ada)).await.unwrap()[0];
    assert_eq!((save().await, save().await), (Saved::Saved, Saved::Conflict));
}

#[tokio::test]
async fn a_booking_whose_answer_was_lost_books_its_slots_once() {
    let (proxy, ports) = behind(FaultPlan::none()).await;
    for fault in LOST {
        strike(&proxy, fault, &["UpdateItem"], 1);
        let booked = ports.limits.reserve(&lane(), 100.into(), start()).await.unwrap().booked;
        assert_eq!(booked.iter().map(|booked| booked.count).sum::<u32>(), 100);
    }
    let overview = ports.operations.as_ref().unwrap().overview(start()).await.unwrap();
    assert_eq!(overview.limits.values().map(|limit| limit.booked).collect::<Vec<_>>(), [200]);
}

#[tokio::test]
async fn bookings_whose_answers_were_lost_book_once_although_others_book_meanwhile() {
    let (proxy, ports) = behind(FaultPlan::none()).await;
    strike(&proxy, CallFault::Lost, &["UpdateItem"], 3);
    let lane = lane();
    join_all((0..12).map(|_| ports.limits.reserve(&lane, 10.into(), start()))).await;
    let overview = ports.operations.as_ref().unwrap().overview(start()).await.unwrap();
    assert_eq!(overview.limits.values().map(|limit| limit.booked).collect::<Vec<_>>(), [120]);
}

#[tokio::test]
async fn a_callback_that_was_taken_with_a_lost_answer_is_delivered_now_and_its_attempts_count_once() {
    let (proxy, ports) = behind(FaultPlan::none()).await;
    let game = Game::of(ports, first(1));
    game.credit(game.accept(1).await).await;
    for attempts in 0..2 {
        strike(&proxy, CallFault::Lost, &["UpdateItem"], 1);
        let taken = game.take_callbacks(10).await.callbacks;
        assert_eq!(taken.iter().map(|taken| taken.attempts).collect::<Vec<_>>(), [attempts]);
        strike(&proxy, CallFault::Lost, &["UpdateItem"], 1);
        let outcome = DeliveryOutcome::RetryAt(
            game.now(),
            LastAnswer { kind: ReceiverAnswer::NoAnswer, at: game.now() },
        );
        game.ports.callbacks.delivered(&[(taken[0].callback.id, outcome)]).await.unwrap();
    }
}

#[tokio::test]
async fn callbacks_that_meet_a_repeated_resolution_are_taken_and_reported_after_it() {
    let (proxy, ports) = behind(FaultPlan::none()).await;
    let game = Game::of(ports, first(1));
    game.credit(game.accept(1).await).await;
    strike(&proxy, CallFault::Conflict, &["UpdateItem"], 3);
    let taken = game.take_callbacks(10).await.callbacks.pop().unwrap();
    strike(&proxy, CallFault::Conflict, &["DeleteItem"], 3);
    game.ports
        .callbacks
        .delivered(&[(taken.callback.id, DeliveryOutcome::Delivered(game.now()))])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_profile_is_reported_as_forgotten_although_the_answer_to_its_removal_was_lost() {
    let (proxy, ports) = behind(FaultPlan::none()).await;
    let (ada, id_key) = (ada(), IdKey::new([9; 32]));
    let profile = ProfileRef::Alias(Alias::for_email(ada.email().unwrap()));
    let hint = ProfileHint { profile, learned_at: start(), created: true, by: ada.id() };
    ports.store.remember_profiles(&[(ada.contact_key(&id_key).unwrap(), hint)]).await.unwrap();
    ports.store.insert(&ada, None).await.unwrap();
    strike(&proxy, CallFault::Lost, &["DeleteItem"], 1);
    let person = Person::Email(ada.email().unwrap().clone());
    let operations = ports.operations.as_ref().unwrap();
    assert_eq!(operations.forget(&person, &id_key, start()).await.unwrap().profiles, 1);
}

#[tokio::test]
async fn a_transaction_that_meets_others_or_is_throttled_is_tried_again() {
    let (proxy, ports) = behind(FaultPlan::none()).await;
    let game = Game::of(ports, of_codes(2));
    let faults = [
        CallFault::Conflict,
        CallFault::PartThrottled,
        CallFault::Throttled,
        CallFault::Lost,
        CallFault::Broken,
    ];
    for (fault, number) in faults.into_iter().zip(1..) {
        strike(&proxy, fault, &["TransactWriteItems"], 2);
        let stock = game.ports.ledger.import_codes(&acme(), &pool(), &codes(number)).await.unwrap();
        assert_eq!((stock.codes, stock.given), (u32::try_from(number).unwrap(), 0), "{fault:?}");
    }
    let ids = [game.accept(1).await, game.accept(2).await, game.accept(3).await];
    strike(&proxy, CallFault::PartThrottled, &["TransactWriteItems"], 2);
    assert_eq!(game.credit(ids[0]).await.status, rewarded(1, code("CODE-000")));
    strike(&proxy, CallFault::Conflict, &["TransactWriteItems"], 2);
    game.release(ids[1]).await;
    assert_eq!(game.status(ids[2]).await, AwardStatus::Reserved { place: 2 });
}

#[tokio::test]
async fn a_draw_that_meets_other_transactions_is_not_interrupted() {
    let (proxy, ports) = behind(FaultPlan::none()).await;
    let seed = Seed::new([4; 32]);
    let mut game = Game::of(ports, first(1));
    game.rules = raffle_of_codes(2, &seed);
    game.ports.ledger.import_codes(&acme(), &pool(), &codes(2)).await.unwrap();
    let ids = game.accept_all(5, Offer::Lot).await;
    game.credit_all(&ids).await;
    game.ports.clock.advance(Duration::from_secs(3_660));
    strike(&proxy, CallFault::Conflict, &["TransactWriteItems"], 2);
    assert!(game.draw(&seed).await.unwrap().is_some());
    assert_eq!(game.codes_of(&ids).await, codes(2));
}

#[tokio::test]
async fn a_push_that_meets_another_transaction_is_nobodys_push() {
    let proxy = FaultProxy::before(endpoint().await);
    let table = BrandTable::new(&aws::emulator(proxy.url()).await, &prefix());
    table.make().await.unwrap();
    for fault in [CallFault::Conflict, CallFault::PartThrottled, CallFault::Lost] {
        strike(&proxy, fault, &["TransactWriteItems"], 1);
        let acme = BrandText::acme().with(&format!("name = \"{fault:?}\"")).file();
        assert_eq!(table.push(&[acme]).await.unwrap().written, 1);
    }
}

#[tokio::test]
async fn a_place_that_is_released_before_the_index_shows_who_waits_goes_to_them_at_the_next_refill() {
    let (proxy, ports) = behind(FaultPlan { indexes_held: true, ..FaultPlan::none() }).await;
    let game = Game::of(ports, first(1));
    let ids = [game.accept(1).await, game.accept(2).await];
    let released = [(ids[0], Resolution::Release)];
    game.ports.ledger.resolve(&game.rules, &released, game.now()).await.unwrap();
    proxy.indexes_catch_up().await;
    game.ports.ledger.refill(&game.rules, game.now()).await.unwrap();
    assert_eq!(game.status(ids[1]).await, AwardStatus::Reserved { place: 1 });
}

#[tokio::test]
async fn a_raffle_is_not_drawn_before_the_index_shows_every_ticket() {
    let (proxy, ports) = behind(FaultPlan { indexes_held: true, ..FaultPlan::none() }).await;
    let seed = Seed::new([4; 32]);
    let mut game = Game::of(ports, first(1));
    game.rules = raffle_of_codes(2, &seed);
    game.credit_all(&game.accept_all(2, Offer::Lot).await).await;
    proxy.indexes_catch_up().await;
    let last = game.accept_with(Game::participation(2, false), Offer::Lot).await;
    let credit = [(last, Resolution::Credit)];
    game.ports.ledger.resolve(&game.rules, &credit, game.now()).await.unwrap();
    game.ports.clock.advance(Duration::from_secs(3_660));
    let draw = async || game.ports.ledger.draw(&game.rules, &seed, game.now()).await.unwrap();
    assert_eq!(draw().await, None);
    proxy.indexes_catch_up().await;
    assert!(draw().await.is_some());
    assert_eq!(game.drawn().await.0.len(), 3);
}

/// Everything that a story leaves behind.
#[derive(Debug, PartialEq)]
struct Left {
    /// What each one has, and whether that changed since it was noted. Which of the places it is depends on numbers that were lost.
    awards: BTreeMap<ParticipationId, (&'static str, bool)>,
    participations: BTreeMap<ParticipationId, u64>,
    callbacks: Vec<String>,
    stock: (u32, u32),
    counts: (u64, u32, u32, u32),
}

fn outcome(status: &AwardStatus) -> &'static str {
    match status {
        AwardStatus::Rewarded { .. } => "rewarded",
        AwardStatus::Waiting => "waiting",
        AwardStatus::Released => "released",
        other => panic!("{other:?}"),
    }
}

/// A short campaign with everything that the stores do, and what it leaves. An operation that fails is repeated, as a worker does.
async fn story(ports: Ports) -> Left {
    let game = Game::of(ports, of_codes(2));
    macro_rules! until_done {
        ($operation:expr) => {{
            let mut tries = 0;
            loop {
                match $operation.await {
                    Ok(done) => break done,
                    Err(error) if tries == 100 => panic!("{error:?}"),
                    Err(_) => tries += 1,
                }
            }
        }};
    }
    let (store, ledger) = (&game.ports.store, &game.ports.ledger);
    let brand = acme();
    until_done!(ledger.import_codes(&brand, &pool(), &codes(2)));
    let participations: Vec<Participation> =
        (0..4).map(|number| Game::participation(number, false)).collect();
    let ids: Vec<ParticipationId> = participations.iter().map(Participation::id).collect();
    for participation in &participations {
        let award = Game::line(participation, Offer::ByPlace);
        let entry = domain::ledger::Entry { award, rules: game.rules.clone() };
        until_done!(store.insert(participation, Some(&entry)));
        until_done!(ledger.enter(&game.rules, &[participation.id()], game.now()));
    }
    // A number that was drawn before an insertion failed goes to the first one who waits.
    for _ in 0..3 {
        if let Some(numbers) = ledger.numbers()
            && let Some(drawn) = until_done!(numbers.long_drawn(&game::ledger(), game.now()))
        {
            game.ports.indexes_catch_up().await;
            until_done!(numbers.reclaim(&game.rules, drawn.clone(), game.now()));
        }
        game.ports.clock.advance(ports::ledger::UNUSED_FOR);
    }
    until_done!(ledger.noted(&ids));
    let steps = [(ids[0], Resolution::Credit), (ids[2], Resolution::Credit), (ids[1], Resolution::Release)];
    for step in steps {
        until_done!(ledger.resolve(&game.rules, &[step], game.now()));
        game.ports.indexes_catch_up().await;
        until_done!(ledger.refill(&game.rules, game.now()));
    }
    until_done!(store.save(&participations));
    let due: Vec<ParticipationId> =
        until_done!(store.due(game.now(), 10)).into_iter().map(|due| due.id).collect();
    until_done!(ledger.noted(&due));
    let awards = until_done!(ledger.awards(&ids)).found;
    let stored = until_done!(store.get(&ids)).found;
    let mut callbacks = Vec::new();
    for _ in 0..20 {
        game.ports.clock.advance(ports::ledger::CALLBACK_LEASE);
        game.ports.indexes_catch_up().await;
        for taken in until_done!(game.ports.callbacks.take_callbacks(game.now(), 10)).callbacks {
            until_done!(
                game.ports
                    .callbacks
                    .delivered(&[(taken.callback.id, DeliveryOutcome::Delivered(game.now()))])
            );
            callbacks.push(taken.callback.id.to_string());
        }
    }
    callbacks.sort_unstable();
    let stock = until_done!(ledger.import_codes(&brand, &pool(), &codes(2)));
    let ledger_key = game::ledger();
    let counts = until_done!(ledger.counts(&ledger_key));
    let stands = |award: &Award| (award.id, (outcome(&award.status), award.due_at.is_some()));
    Left {
        awards: awards.iter().map(stands).collect(),
        participations: stored.iter().map(|one| (one.id(), one.version())).collect(),
        callbacks,
        stock: (stock.codes, stock.given),
        counts: (counts.arrivals, counts.given, counts.held, counts.waiting),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_a_campaign_leaves_the_same_behind() {
    let as_it_should_be = story(behind(FaultPlan::none()).await.1).await;
    assert_eq!(as_it_should_be.counts, (4, 2, 0, 1));
    let mut struck = BTreeMap::new();
    for seed in 0..8 {
        // With an odd seed, calls fail for good, and the worker repeats the operation.
        let plan = FaultPlan {
            spares_last_attempts: seed % 2 == 0,
            indexes_lag_ms: 100,
            slow: 0.0,
            ..FaultPlan::strong()
        };
        let proxy = FaultProxy::with(endpoint().await, seed, FaultPlan::none());
        let ports = on_dynamo_behind(proxy.clone()).await;
        proxy.follow(plan);
        assert_eq!(story(ports).await, as_it_should_be, "seed {seed}");
        for (fault, times) in proxy.take_counts().struck {
            *struck.entry(fault).or_insert(0) += times;
        }
    }
    println!("{struck:?}");
    for fault in CallFault::ALL {
        assert!(
            struck.get(fault.name()).is_some_and(|times| *times > 0),
            "{fault:?} never struck: {struck:?}"
        );
    }
}

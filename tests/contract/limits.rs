use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use domain::ids::BrandId;
use domain::reservation::{Allowance, Contract, Observed, Reservation, WantedSlots};
use futures::future::join_all;
use ports::limits::{ContractLane, Endpoint, Lane};
use ports::outages::Outage;
use testkit::start;

use crate::Ports;

const ALLOWANCE: Allowance = Allowance { requests: 250, period: Duration::from_secs(60), by_contract: false };

fn lane(brand: &str, endpoint: Endpoint) -> ContractLane {
    let lane = Lane { brand: BrandId::parse(brand).unwrap(), endpoint };
    ContractLane { lane, contract: ALLOWANCE.into() }
}

/// Books requests, and returns how many may start at once.
async fn book(ports: &Ports, lane: &ContractLane, count: u32) -> u32 {
    let reservation = ports.limits.reserve(lane, count.into(), start()).await.unwrap();
    let at_once = reservation.booked.iter().filter(|booked| booked.slot.from <= start());
    at_once.map(|booked| booked.count).sum()
}

pub(crate) async fn bookings_at_once_overbook_no_window(ports: Ports) {
    let lane = lane("acme", Endpoint::ExportIds);
    let bookings = join_all((0..50).map(|_| ports.limits.reserve(&lane, 30.into(), start()))).await;
    let mut windows = BTreeMap::new();
    for booked in bookings.into_iter().flat_map(|booking| booking.unwrap().booked) {
        *windows.entry(booked.slot.until).or_insert(0) += booked.count;
    }
    let counts: Vec<u32> = windows.into_values().collect();
    assert_eq!(counts, [250; 6]);
}

/// Fifty processes have spare slots, each for as many requests again.
pub(crate) async fn spare_slots_are_counted_and_half_of_a_window_has_none(ports: Ports) {
    let lane = lane("acme", Endpoint::ExportIds);
    let wanted = WantedSlots { requests: 5, spare: 5 };
    let bookings = join_all((0..50).map(|_| ports.limits.reserve(&lane, wanted, start()))).await;
    let bookings: Vec<Reservation> = bookings.into_iter().map(Result::unwrap).collect();
    let spare = bookings.iter().filter_map(|booking| booking.spare);
    assert_eq!(
        spare.map(|spare| spare.count).sum::<u32>(),
        60,
        "twelve came while half of the window was free"
    );
    let first = start() + ALLOWANCE.period;
    let booked = bookings.iter().flat_map(|booking| &booking.booked);
    let booked = booked.filter(|booked| booked.slot.until == first);
    assert_eq!(booked.map(|booked| booked.count).sum::<u32>(), 250 - 60);
}

pub(crate) async fn limits_learned_from_an_answer_apply_to_the_next_booking(ports: Ports) {
    let lane = lane("acme", Endpoint::ExportIds);
    book(&ports, &lane, 1).await;
    let observe = |observed| ports.limits.observe(&lane, observed, start());
    let resets_at = Some(start() + Duration::from_secs(30));
    observe(Observed::Answered { limit: Some(100), remaining: Some(40), resets_at }).await.unwrap();
    assert_eq!(book(&ports, &lane, 90).await, 40);

    observe(Observed::KeyRefused).await.unwrap();
    let closed = ports.limits.reserve(&lane, 5.into(), start()).await.unwrap();
    assert!(closed.booked.is_empty() && closed.closed_until > Some(start()));
}

pub(crate) async fn a_changed_contract_counts_from_the_next_booking_on(ports: Ports) {
    let lane = lane("acme", Endpoint::StatusSet);
    let allowing = |requests| {
        let contract = Allowance { requests, ..ALLOWANCE }.into();
        ContractLane { contract, ..lane.clone() }
    };
    assert_eq!(book(&ports, &lane, 200).await, 200);
    assert_eq!(book(&ports, &allowing(400), 300).await, 200);
    let next = ports.limits.reserve(&allowing(100), 150.into(), start()).await.unwrap();
    let counts: Vec<u32> = next.booked.iter().map(|booked| booked.count).collect();
    assert_eq!(counts, [100, 50], "100 are booked in the next window already");
}

pub(crate) async fn writes_are_tried_together_and_then_counted_by_the_hour(ports: Ports) {
    let allowance = Allowance { requests: 100, period: Duration::from_secs(3), by_contract: false };
    let patience = Some(Duration::from_secs(1));
    let per_hour = NonZeroU32::new(250);
    let contract = Contract { per_hour, is_upper_bound: true, patience, ..allowance.into() };
    let lane = ContractLane { contract, ..lane("acme", Endpoint::Track) };
    let tries = join_all((0..10).map(|_| book(&ports, &lane, 30))).await;
    assert_eq!(tries.iter().sum::<u32>(), 40, "forty are tried in all, by the ten bookings together");
    let resets_at = Some(start() + Duration::from_secs(1_000));
    let said = Observed::Answered { limit: Some(150), remaining: Some(105), resets_at };
    ports.limits.observe(&lane, said, start()).await.unwrap();
    assert_eq!(book(&ports, &lane, 100).await, 60);
    let now = start() + Duration::from_secs(6);
    let booked = ports.limits.reserve(&lane, 100.into(), now).await.unwrap();
    let counts: Vec<u32> = booked.booked.iter().map(|booked| booked.count).collect();
    assert_eq!(counts, [45], "others used five of the hour's 150");
    assert!(booked.later.iter().map(|free| free.count).sum::<u32>() == 55);
    assert!(booked.later[0].slot.from > start() + Duration::from_secs(1_000));
}

pub(crate) async fn lanes_are_counted_apart(ports: Ports) {
    assert_eq!(book(&ports, &lane("acme", Endpoint::ExportIds), 250).await, 250);
    assert_eq!(book(&ports, &lane("acme", Endpoint::ExportIds), 1).await, 0);
    assert_eq!(book(&ports, &lane("acme", Endpoint::Track), 250).await, 250);
    assert_eq!(book(&ports, &lane("zest", Endpoint::ExportIds), 250).await, 250);
}

pub(crate) async fn an_outage_is_kept_until_it_ends(ports: Ports) {
    let brand = |name| BrandId::parse(name).unwrap();
    let outage = |tries| Outage {
        since: start(),
        tries,
        last_try: start() + Duration::from_secs(tries),
        next_try: (tries > 1).then(|| start() + Duration::from_secs(60)),
        waiting: 7,
        why: "it was answered with 503".to_owned(),
    };
    let outages = &ports.outages;
    assert!(outages.outages().await.unwrap().is_empty());
    for (name, tries) in [("acme", 1), ("zest", 3), ("acme", 2)] {
        outages.keep_outage(&brand(name), &outage(tries)).await.unwrap();
    }
    let kept = BTreeMap::from([(brand("acme"), outage(2)), (brand("zest"), outage(3))]);
    assert_eq!(outages.outages().await.unwrap(), kept);
    for _ in 0..2 {
        outages.end_outage(&brand("acme")).await.unwrap();
    }
    assert_eq!(outages.outages().await.unwrap(), BTreeMap::from([(brand("zest"), outage(3))]));
}

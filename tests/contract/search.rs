//! Participations that are found by a number, a place or a code, as `find` looks for them.

use std::num::NonZeroU64;

use domain::ids::{IncentiveId, LedgerKey, ParticipationId};
use domain::incentive::Offer;
use ports::search::{SearchResult, SearchTerm};

use crate::Ports;
use crate::game::{Game, acme, codes, first, ledger, of_codes, pool};

/// The participations that a thorough search finds.
async fn search(ports: &Ports, sought: SearchTerm) -> Vec<ParticipationId> {
    ports.indexes_catch_up().await;
    ports.search.search(&sought, true).await.unwrap().ids
}

fn number(number: u64) -> NonZeroU64 {
    NonZeroU64::new(number).unwrap()
}

pub(crate) async fn whoever_has_a_number_or_a_place_is_found(ports: Ports) {
    let game = Game::of(ports, first(2));
    let ids = game.accept_all(4, Offer::ByPlace).await;
    game.credit_all(&ids[..3]).await;
    for (id, arrival) in ids.iter().zip(1..) {
        assert_eq!(search(&game.ports, SearchTerm::Arrival(ledger(), number(arrival))).await, [*id]);
    }
    assert_eq!(search(&game.ports, SearchTerm::Place(ledger(), 2)).await, [ids[1]]);
    assert_eq!(search(&game.ports, SearchTerm::Place(ledger(), 3)).await, []);
    assert_eq!(search(&game.ports, SearchTerm::Arrival(ledger(), number(5))).await, []);
    let other = LedgerKey { incentive: Some(IncentiveId::parse("other").unwrap()), ..ledger() };
    assert_eq!(search(&game.ports, SearchTerm::Arrival(other, number(1))).await, []);
}

pub(crate) async fn the_place_of_somebody_who_left_is_found_at_whoever_moved_up(ports: Ports) {
    let game = Game::of(ports, first(2));
    let ids = game.accept_all(4, Offer::ByPlace).await;
    game.release(ids[0]).await;
    assert_eq!(search(&game.ports, SearchTerm::Place(ledger(), 1)).await, [ids[2]]);
}

pub(crate) async fn whoever_got_a_code_is_found_by_it(ports: Ports) {
    let game = Game::of(ports, of_codes(3));
    game.ports.ledger.import_codes(&acme(), &pool(), &codes(3)).await.unwrap();
    let ids = game.accept_all(2, Offer::ByPlace).await;
    game.credit_all(&ids).await;
    for (id, code) in ids.iter().zip(codes(2)) {
        assert_eq!(search(&game.ports, SearchTerm::Code(code)).await, [*id]);
    }
    assert_eq!(search(&game.ports, SearchTerm::Code("CODE-002".to_owned())).await, [], "it is not given out");
    assert_eq!(search(&game.ports, SearchTerm::Code("CODE-9\"".to_owned())).await, [], "there is none");
}

pub(crate) async fn a_code_that_is_left_is_said_to_be_unused(ports: Ports) {
    let game = Game::of(ports, of_codes(1));
    game.ports.ledger.import_codes(&acme(), &pool(), &codes(1)).await.unwrap();
    let found = game.ports.search.search(&SearchTerm::Code("CODE-000".to_owned()), true).await.unwrap();
    assert_eq!(found, SearchResult { is_unused_code: true, ..SearchResult::default() });
}

pub(crate) async fn what_no_index_has_is_searched_only_if_that_is_asked_for(ports: Ports) {
    let game = Game::of(ports, first(1));
    let ids = game.accept_all(2, Offer::ByPlace).await;
    game.credit_all(&ids).await;
    game.ports.indexes_catch_up().await;
    let cheaply = async |arrival| {
        let sought = SearchTerm::Arrival(ledger(), number(arrival));
        game.ports.search.search(&sought, false).await.unwrap()
    };
    assert_eq!(cheaply(2).await, SearchResult::of(vec![ids[1]]), "it is on the list of those who wait");
    let rewarded = cheaply(1).await;
    assert!(rewarded.ids.is_empty() && rewarded.unread_bytes.is_some(), "{rewarded:?}");
}

//! Pools of codes, as earlier versions filled them.

use domain::award::Resolution;
use domain::incentive::Reward;
use ports::ledger::Stock;

use crate::Ports;
use crate::game::{Game, acme, of_codes, pool};

/// The codes that the next credited participations get, in their order.
async fn next_codes(game: &Game, numbers: std::ops::Range<usize>) -> Vec<String> {
    let mut given = Vec::new();
    for number in numbers {
        let id = game.accept(number).await;
        let resolved = game.resolve(&[(id, Resolution::Credit)]).await;
        let Some((Reward::Code(code), _)) = resolved.awards[0].reward() else { break };
        given.push(code.clone());
    }
    given
}

/// Two imports of a file that begins with a byte order mark: an earlier version's, and this version's.
fn before_and_after() -> [Vec<String>; 2] {
    [["\u{feff}A", "B"].as_slice(), &["A", "B", "C"]]
        .map(|codes| codes.iter().map(ToString::to_string).collect())
}

pub(crate) async fn a_code_that_was_kept_with_a_byte_order_mark_is_given_out_once_and_without_it(
    ports: Ports,
) {
    let game = Game::of(ports, of_codes(20));
    let [before, after] = before_and_after();
    game.ports.ledger.import_codes(&acme(), &pool(), &before).await.unwrap();
    for _ in 0..2 {
        let stock = game.ports.ledger.import_codes(&acme(), &pool(), &after).await.unwrap();
        assert_eq!(stock, Stock { codes: 3, given: 0 });
    }
    assert_eq!(next_codes(&game, 0..5).await, ["A", "B", "C"]);
}

pub(crate) async fn a_code_that_was_given_out_with_a_byte_order_mark_is_not_given_out_again(ports: Ports) {
    let game = Game::of(ports, of_codes(20));
    let [before, after] = before_and_after();
    game.ports.ledger.import_codes(&acme(), &pool(), &before).await.unwrap();
    assert_eq!(next_codes(&game, 0..1).await, ["A"]);
    let stock = game.ports.ledger.import_codes(&acme(), &pool(), &after).await.unwrap();
    assert_eq!(stock, Stock { codes: 3, given: 1 });
    assert_eq!(next_codes(&game, 1..5).await, ["B", "C"]);
}

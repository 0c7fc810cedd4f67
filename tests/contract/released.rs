//! Places that were released: who gets them next.

use domain::award::AwardStatus;

use crate::Ports;
use crate::game::{Game, code, first, rewarded};

pub(crate) async fn a_released_place_goes_to_the_first_one_waiting(ports: Ports) {
    let game = Game::of(ports, first(2));
    let ids = [game.accept(1).await, game.accept(2).await, game.accept(3).await, game.accept(4).await];
    let resolved = game.release(ids[0]).await;
    assert_eq!(game.status(ids[2]).await, AwardStatus::Reserved { place: 1 });
    assert!(resolved.moved_up.is_empty(), "a line that is not credited yet gets no callback");
    game.credit(ids[3]).await;
    let resolved = game.release(ids[1]).await;
    assert_eq!(resolved.moved_up, [ids[3]]);
    assert_eq!(game.status(ids[3]).await, rewarded(2, code("SPRING20")));
}

pub(crate) async fn a_released_place_is_kept_for_the_next_participation(ports: Ports) {
    let game = Game::of(ports, first(2));
    let ids = [game.accept(1).await, game.accept(2).await];
    game.release(ids[0]).await;
    let late = game.accept(3).await;
    assert_eq!(game.status(late).await, AwardStatus::Reserved { place: 1 });
    assert_eq!(game.status(game.accept(4).await).await, AwardStatus::Waiting);
}

pub(crate) async fn a_participation_that_is_repeated_takes_no_released_place(ports: Ports) {
    let game = Game::of(ports, first(2));
    let ids = [game.accept(1).await, game.accept(2).await];
    game.release(ids[0]).await;
    assert_eq!(game.accept(2).await, ids[1]);
    assert_eq!(game.status(ids[1]).await, AwardStatus::Reserved { place: 2 });
    let late = game.accept(3).await;
    assert_eq!(game.status(late).await, AwardStatus::Reserved { place: 1 });
}

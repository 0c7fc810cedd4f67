//! News: each is told until somebody takes it.

use std::time::Duration;

use domain::award::Resolution;
use domain::incentive::{NoPrize, Offer};
use domain::notice::News;
use ports::ledger::{NOTICE_LEASE, Told};
use ports::store::Inserted;

use crate::Ports;
use crate::game::{Game, code, first, rewarded};

pub(crate) async fn everything_is_told_once(ports: Ports) {
    let game = Game::of(ports, first(1));
    let ids = [game.accept(1).await, game.accept(2).await, game.accept(3).await];
    for _ in 0..2 {
        game.resolve(&[
            (ids[1], Resolution::Credit),
            (ids[2], Resolution::Release),
            (ids[0], Resolution::Release),
        ])
        .await;
    }
    let mut news = game.news().await;
    news.sort_by_key(|(id, news)| (ids.iter().position(|known| known == id), *news));
    let expected =
        [(ids[0], News::Ended), (ids[1], News::Credited), (ids[1], News::Rewarded), (ids[2], News::Ended)];
    assert_eq!(news, expected);
}

pub(crate) async fn a_notice_comes_again_until_it_is_told(ports: Ports) {
    let game = Game::of(ports, first(1));
    let id = game.accept(1).await;
    game.credit(id).await;
    let notice = game.ports.notices.take_notices(game.now(), 10).await.unwrap().notices.pop().unwrap().notice;
    assert_eq!(notice.status, rewarded(1, code("SPRING20")));
    assert!(game.news().await.is_empty(), "somebody is at it");
    game.ports.clock.advance(NOTICE_LEASE);
    let outbound = game.ports.notices.take_notices(game.now(), 10).await.unwrap().notices.pop().unwrap();
    assert_eq!((outbound.attempts, &outbound.notice), (0, &notice), "whoever was at it is gone");
    let later = game.now() + Duration::from_secs(600);
    game.ports.notices.told(&[(notice.id, Told::RetryAt(later))]).await.unwrap();
    game.ports.clock.advance(Duration::from_secs(599));
    assert!(game.news().await.is_empty());
    game.ports.clock.advance(Duration::from_secs(1));
    let outbound = game.ports.notices.take_notices(game.now(), 10).await.unwrap().notices.pop().unwrap();
    assert_eq!(outbound.attempts, 1);
    game.ports.notices.told(&[(notice.id, Told::Delivered)]).await.unwrap();
    game.ports.clock.advance(Duration::from_secs(90_000));
    assert!(game.news().await.is_empty());
}

pub(crate) async fn a_parked_notice_does_not_come_again(ports: Ports) {
    let game = Game::of(ports, first(1));
    let id = game.accept(1).await;
    game.credit(id).await;
    let notice = game.ports.notices.take_notices(game.now(), 10).await.unwrap().notices.pop().unwrap().notice;
    game.ports.notices.told(&[(notice.id, Told::Parked)]).await.unwrap();
    game.ports.clock.advance(Duration::from_secs(90_000));
    assert!(game.news().await.is_empty());
}

pub(crate) async fn an_award_without_incentive_is_a_credit_that_is_told(ports: Ports) {
    let mut game = Game::of(ports, first(1));
    game.rules.incentive = None;
    let offer = Offer::Nothing(NoPrize::NoIncentive);
    let id = game.accept_with(Game::participation(1, false), offer).await;
    let award = game.credit(id).await;
    assert_eq!((award.credited_at, award.reward()), (Some(game.now()), None));
    assert_eq!(game.news().await, [(id, News::Credited)]);
    let entered = Game::participation(1, false);
    assert!(matches!(game.ports.store.insert(&entered, None).await.unwrap(), Inserted::Existing(_)));
}

//! Awards: who gets which, however often and in whatever order they are resolved.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::award::{Award, AwardStatus, Resolution, SiblingLines};
use domain::ids::ParticipationId;
use domain::incentive::raffle::{DrawnList, Seed, Ticket};
use domain::incentive::{Amount, Kind, NoPrize, Offer, Prize, Reward, Tier};
use domain::ledger::{Frozen, Standing};
use futures::future::join_all;
use ports::ledger::{DrawnPart, Stock};

use crate::Ports;
use crate::game::{
    Game, acme, code, codes, first, incentive, ledger, of_codes, pool, raffle_of, raffle_of_codes, rewarded,
    rules,
};

/// How long the draw of the raffles here waits at most, in seconds.
const A_DAY: u64 = 86_400;

pub(crate) async fn places_are_held_in_the_order_of_acceptance(ports: Ports) {
    let game = Game::of(ports, first(2));
    let ids = [game.accept(1).await, game.accept(2).await, game.accept(3).await];
    assert_eq!(game.status(ids[0]).await, AwardStatus::Reserved { place: 1 });
    assert_eq!(game.status(ids[1]).await, AwardStatus::Reserved { place: 2 });
    assert_eq!(game.status(ids[2]).await, AwardStatus::Waiting);
    // The later one is credited first, while the earlier one's place is still reserved.
    assert_eq!(game.credit(ids[2]).await.status, AwardStatus::Waiting);
    assert_eq!(game.credit(ids[0]).await.status, rewarded(1, code("SPRING20")));
    let counts = game.ports.ledger.counts(&ledger()).await.unwrap();
    assert_eq!((counts.arrivals, counts.given, counts.held, counts.waiting), (3, 1, 1, 1));
}

pub(crate) async fn an_award_reads_back_as_it_was(ports: Ports) {
    let game = Game::of(ports, first(1));
    let offers = [
        Offer::ByPlace,
        Offer::Prize(Prize::Fixed(Reward::Value("12.5".parse::<Amount>().unwrap()))),
        Offer::Prize(Prize::Codes(pool())),
        Offer::Lot,
        Offer::Nothing(NoPrize::TooSlow),
    ];
    for (number, offer) in offers.into_iter().enumerate() {
        let id = game.accept_with(Game::participation(number, false), offer.clone()).await;
        let award = game.award(id).await;
        assert_eq!((award.arrival_number(), award.offer, award.ledger), (number as u64 + 1, offer, ledger()));
    }
    assert!(game.ports.ledger.awards(&[Game::participation(99, false).id()]).await.unwrap().found.is_empty());
}

pub(crate) async fn an_award_that_is_requested_twice_is_returned_once(ports: Ports) {
    let game = Game::of(ports, first(1));
    let id = game.accept(1).await;
    assert_eq!(game.ports.ledger.awards(&[id, id]).await.unwrap().found.len(), 1);
    game.ports.ledger.enter(&game.rules, &[id, id], game.now()).await.unwrap();
    assert_eq!(game.ports.ledger.counts(&ledger()).await.unwrap().arrivals, 1);
}

pub(crate) async fn the_same_participation_twice_is_entered_once(ports: Ports) {
    let game = Game::of(ports, first(2));
    let id = game.accept(1).await;
    game.accept(1).await;
    let other = game.accept(2).await;
    assert_eq!(game.status(id).await, AwardStatus::Reserved { place: 1 });
    assert_eq!(game.status(other).await, AwardStatus::Reserved { place: 2 });
}

pub(crate) async fn a_participation_that_moves_up_after_its_end_is_due_until_it_is_processed(ports: Ports) {
    let game = Game::of(ports, first(1));
    let ids = [game.accept(1).await, game.accept(2).await];
    game.credit(ids[1]).await;
    game.ports.indexes_catch_up().await;
    assert!(game.ports.store.due(game.now(), 10).await.unwrap().is_empty());
    game.release(ids[0]).await;
    game.ports.indexes_catch_up().await;
    let due = game.ports.store.due(game.now(), 10).await.unwrap();
    assert_eq!((due.len(), due[0].id, &due[0].brand), (1, ids[1], &acme()));
    game.ports.ledger.noted(&[ids[1]]).await.unwrap();
    game.ports.indexes_catch_up().await;
    assert!(game.ports.store.due(game.now(), 10).await.unwrap().is_empty());
    assert_eq!(game.award(ids[1]).await.due_at, None);
}

pub(crate) async fn resolving_again_changes_nothing(ports: Ports) {
    let game = Game::of(ports, of_codes(2));
    game.ports.ledger.import_codes(&acme(), &pool(), &["A".into(), "B".into()]).await.unwrap();
    let id = game.accept(1).await;
    let award = game.credit(id).await;
    assert_eq!(award.status, rewarded(1, code("A")));
    for resolution in [Resolution::Credit, Resolution::Release, Resolution::Credit] {
        game.ports.clock.advance(Duration::from_secs(1));
        let resolved = game.resolve(&[(id, resolution)]).await;
        assert_eq!(resolved.awards.first(), Some(&award));
    }
    let released = game.accept(2).await;
    game.release(released).await;
    assert_eq!(game.credit(released).await.status, AwardStatus::Released);
}

pub(crate) async fn a_participant_is_rewarded_once_however_often_they_take_part(ports: Ports) {
    let game = Game::of(ports, first(5));
    let one = game.accept(1).await;
    let again = game.accept_with(Game::participation(1, true), Offer::ByPlace).await;
    assert_eq!(game.status(again).await, AwardStatus::Waiting);
    game.credit(one).await;
    assert_eq!(game.credit(again).await.status, AwardStatus::NoPrize(NoPrize::Already));
    let two = game.accept(2).await;
    let again = game.accept_with(Game::participation(2, true), Offer::ByPlace).await;
    game.release(two).await;
    assert_eq!(
        game.credit(again).await.status,
        rewarded(2, code("SPRING20")),
        "the first one released its place"
    );
}

pub(crate) async fn a_participant_of_the_first_way_is_found_by_ways_that_were_added_later(ports: Ports) {
    let game = Game::of(ports, first(5));
    let alone = Game::participation(1, false);
    let earlier = game.accept_beside(alone, Offer::ByPlace, SiblingLines::None).await;
    assert_eq!(game.credit(earlier).await.status, rewarded(1, code("SPRING20")));
    let by_another_way = Game::participation(1, true);
    let later =
        game.accept_beside(by_another_way, Offer::ByPlace, SiblingLines::Perhaps(vec![earlier])).await;
    assert_eq!(game.credit(later).await.status, AwardStatus::NoPrize(NoPrize::Already));
}

pub(crate) async fn crediting_enters_lines_that_were_not_entered_in_the_given_order(ports: Ports) {
    let game = Game::of(ports, first(2));
    let mut ids = Vec::new();
    for number in [3, 1, 2] {
        ids.push(game.store(Game::participation(number, false), Offer::ByPlace, SiblingLines::None).await);
    }
    let resolutions: Vec<_> = ids.iter().map(|id| (*id, Resolution::Credit)).collect();
    let statuses: Vec<AwardStatus> =
        game.resolve(&resolutions).await.awards.into_iter().map(|award| award.status).collect();
    let won = |place| rewarded(place, code("SPRING20"));
    assert_eq!(statuses, [won(1), won(2), AwardStatus::Waiting]);
}

pub(crate) async fn tiers_follow_the_place(ports: Ports) {
    let tier = |up_to, text| Tier { up_to, prize: Prize::Fixed(code(text)) };
    let mut tiers = incentive(Kind::Tiers(vec![tier(1, "GOLD"), tier(3, "SILVER")]), 3);
    tiers.consolation = Some(code("THANKS"));
    let game = Game::of(ports, tiers);
    let mut rewards = Vec::new();
    for number in 1..=5 {
        let id = game.accept(number).await;
        rewards.push(game.credit(id).await.reward().map(|(reward, place)| (reward.clone(), place)).unwrap());
    }
    let expected = [
        (code("GOLD"), Some(1)),
        (code("SILVER"), Some(2)),
        (code("SILVER"), Some(3)),
        (code("THANKS"), None),
        (code("THANKS"), None),
    ];
    assert_eq!(rewards, expected);
}

pub(crate) async fn every_code_is_given_out_once_and_low_stock_is_reported(ports: Ports) {
    let game = Game::of(ports, of_codes(20));
    let codes: Vec<String> = (0..20).map(|number| format!("CODE-{number}")).collect();
    for _ in 0..2 {
        game.ports.ledger.import_codes(&acme(), &pool(), &codes).await.unwrap();
    }
    let mut given = BTreeSet::new();
    let (mut low, mut owed) = (Vec::new(), Vec::new());
    for number in 0..25 {
        let id = game.accept(number).await;
        let resolved = game.resolve(&[(id, Resolution::Credit)]).await;
        low.extend(resolved.low.into_iter().map(|(_, left)| left));
        owed.extend(resolved.owed);
        if let Some((Reward::Code(code), _)) = resolved.awards[0].reward() {
            assert!(given.insert(code.clone()), "a code twice");
        }
    }
    assert_eq!(given, codes.into_iter().collect());
    assert_eq!(low, [2, 0]);
    assert!(owed.is_empty(), "sold out as planned: no code is owed");
    let stock = game.ports.ledger.import_codes(&acme(), &pool(), &[]).await.unwrap();
    assert_eq!(stock, Stock { codes: 20, given: 20 });
}

pub(crate) async fn an_owed_code_is_given_when_there_are_codes_again(ports: Ports) {
    let game = Game::of(ports, of_codes(2));
    let id = game.accept(1).await;
    let resolved = game.resolve(&[(id, Resolution::Credit)]).await;
    assert_eq!((resolved.owed.len(), resolved.low.len()), (1, 0));
    let award = resolved.awards.into_iter().next().unwrap();
    assert_eq!((award.status, award.credited_at.is_some()), (AwardStatus::Reserved { place: 1 }, true));
    game.ports.ledger.import_codes(&acme(), &pool(), &["A".into()]).await.unwrap();
    let resolved = game.refill().await;
    assert_eq!(resolved.moved_up, [id]);
    assert_eq!(game.status(id).await, rewarded(1, code("A")));
}

pub(crate) async fn a_larger_quantity_gives_places_to_those_who_wait(ports: Ports) {
    let mut game = Game::of(ports, first(1));
    let ids = [game.accept(1).await, game.accept(2).await, game.accept(3).await];
    game.credit(ids[1]).await;
    game.rules = rules(first(2));
    let resolved = game.refill().await;
    assert_eq!(resolved.moved_up, [ids[1]]);
    assert_eq!(game.status(ids[2]).await, AwardStatus::Waiting);
    assert_eq!(game.ports.ledger.waiting_ahead_of(&game.award(ids[2]).await).await.unwrap(), 0);
}

pub(crate) async fn a_much_larger_quantity_gives_a_place_to_everyone_who_waits(ports: Ports) {
    let mut game = Game::of(ports, first(1));
    let ids = game.accept_all(100, Offer::ByPlace).await;
    game.credit_all(&ids[50..]).await;
    game.rules = rules(first(90));
    game.release(ids[0]).await;
    let awards = game.ports.ledger.awards(&ids[1..]).await.unwrap().found;
    let mut places: Vec<(ParticipationId, u32)> =
        awards.iter().filter_map(|award| Some((award.id, award.place()?))).collect();
    places.sort_unstable_by_key(|(_, place)| *place);
    let expected: Vec<(ParticipationId, u32)> = ids[1..=90].iter().copied().zip(1..).collect();
    assert_eq!(places, expected, "in the order of acceptance");
    assert_eq!(awards.iter().filter(|award| award.reward().is_some()).count(), 41);
    assert_eq!(game.ports.ledger.counts(&ledger()).await.unwrap().waiting, 9);
}

pub(crate) async fn a_hundred_who_are_owed_codes_get_them(ports: Ports) {
    let game = Game::of(ports, of_codes(100));
    let ids = game.accept_all(100, Offer::ByPlace).await;
    game.credit_all(&ids).await;
    assert!(game.codes_of(&ids).await.is_empty());
    game.ports.ledger.import_codes(&acme(), &pool(), &codes(100)).await.unwrap();
    let resolved = game.refill().await;
    assert_eq!(resolved.moved_up.len(), 100);
    assert_eq!(game.codes_of(&ids).await, codes(100));
}

pub(crate) async fn a_raffle_of_too_few_codes_owes_the_rest(ports: Ports) {
    let seed = Seed::new([4; 32]);
    let mut game = Game::of(ports, first(1));
    game.rules = raffle_of_codes(5, &seed);
    game.ports.ledger.import_codes(&acme(), &pool(), &codes(3)).await.unwrap();
    let ids = game.accept_all(8, Offer::Lot).await;
    game.credit_all(&ids).await;
    game.draw(&seed).await.unwrap().unwrap();
    let (all, won) = game.drawn().await;
    assert_eq!((all.len(), won.len()), (8, 5), "a participation that is owed a code has won");
    assert_eq!(game.codes_of(&ids).await, codes(3));
    game.ports.ledger.import_codes(&acme(), &pool(), &codes(5)).await.unwrap();
    game.refill().await;
    assert_eq!(game.codes_of(&ids).await, codes(5));
    assert_eq!(game.drawn().await, (all, won));
}

pub(crate) async fn a_raffle_is_drawn_once_among_those_who_are_credited(ports: Ports) {
    let mut game = Game::of(ports, incentive(raffle_of(Prize::Fixed(code("TRIP"))), 3));
    let seed = Seed::new([4; 32]);
    game.rules.commitment = Some(seed.commitment());
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(game.accept_with(Game::participation(number, false), Offer::Lot).await);
    }
    for id in &ids[2..] {
        assert_eq!(game.credit(*id).await.status, AwardStatus::InRaffle);
    }
    game.ports.clock.advance(Duration::from_secs(1));
    let draw = |seed: Seed| {
        let game = &game;
        async move { game.draw(&seed).await.unwrap() }
    };
    assert_eq!(draw(seed).await, None, "two were accepted before the close and may still be credited");
    assert_eq!(game.ports.ledger.counts(&ledger()).await.unwrap().open_lots, Some(2));
    game.release(ids[1]).await;
    assert_eq!(game.ports.ledger.counts(&ledger()).await.unwrap().open_lots, Some(1));
    game.ports.clock.advance(Duration::from_secs(3_600 + A_DAY + 15));
    assert_eq!(draw(Seed::new([5; 32])).await, None, "not the seed that was committed to");
    let drawn = draw(seed).await.unwrap();
    assert_eq!(drawn.moved_up.len(), 3);
    assert!(drawn.moved_up.iter().all(|id| ids[2..].contains(id)));
    assert_eq!(draw(seed).await, None, "drawn before");
    let (all, won) = game.drawn().await;
    let winners: Vec<Ticket> = drawn.moved_up.iter().map(|id| Ticket::of(*id)).collect();
    assert_eq!((all.len(), won), (8, winners));
    let counts = game.ports.ledger.counts(&ledger()).await.unwrap();
    assert_eq!(counts.frozen, Some(Frozen { lots: 8, winners: 3 }));
    let late = game.credit(ids[0]).await;
    assert_eq!(late.status, AwardStatus::NoPrize(NoPrize::Closed));
}

pub(crate) async fn the_result_of_a_draw_is_read_in_parts(ports: Ports) {
    let mut game = Game::of(ports, incentive(raffle_of(Prize::Fixed(code("TRIP"))), 20));
    let seed = Seed::new([4; 32]);
    game.rules.commitment = Some(seed.commitment());
    let ids = game.accept_all(300, Offer::Lot).await;
    game.credit_all(&ids).await;
    let part = async |list, after, most| game.ports.ledger.drawn(&ledger(), list, after, most).await.unwrap();
    assert_eq!(part(DrawnList::Tickets, 0, 10).await, DrawnPart::default(), "nothing before the draw");
    game.draw(&seed).await.unwrap().unwrap();
    let mut tickets: Vec<Ticket> = ids.iter().map(|id| Ticket::of(*id)).collect();
    tickets.sort_unstable();
    for (after, most) in [(0, 300), (0, 1), (250, 20), (255, 1), (256, 1), (299, 10), (0, u32::MAX)] {
        let expected: Vec<Ticket> = tickets.iter().skip(after).take(most as usize).copied().collect();
        let read = part(DrawnList::Tickets, u32::try_from(after).unwrap(), most).await;
        assert_eq!(read, DrawnPart { tickets: expected, of: 300 }, "{most} after {after}");
    }
    for after in [300, 301, u32::MAX] {
        assert_eq!(part(DrawnList::Tickets, after, 10).await, DrawnPart { tickets: Vec::new(), of: 300 });
    }
    let winners = part(DrawnList::Winners, 5, 10).await;
    assert_eq!((winners.tickets.len(), winners.of), (10, 20));
}

pub(crate) async fn the_standing_that_an_insert_returns_is_the_one_that_is_shown(ports: Ports) {
    let game = Game::of(ports, first(2));
    for number in 0..5 {
        let stands = game.stands(number, Offer::ByPlace).await;
        let id = Game::participation(number, false).id();
        game.ports.ledger.enter(&game.rules, &[id], game.now()).await.unwrap();
        let award = game.award(id).await;
        let shown = match award.place() {
            Some(place) => Standing::Place(place),
            None => {
                let ahead = game.ports.ledger.waiting_ahead_of(&award).await.unwrap();
                Standing::Waiting(ahead + 1)
            }
        };
        assert_eq!(stands, shown, "{number}");
    }
    let late = game.stands(5, Offer::Nothing(NoPrize::Closed)).await;
    assert_eq!(late, Standing::Unnumbered, "nothing can be won any more");
}

pub(crate) async fn a_waiting_participation_shows_how_many_wait_ahead(ports: Ports) {
    let game = Game::of(ports, first(2));
    let ids = game.accept_all(12, Offer::ByPlace).await;
    game.everyone_who_waits_knows_how_many_wait_ahead(&ids).await;
    // One leaves from the middle, one from the front because a place is free, and one from the end.
    for (gone, last_is_behind) in [(6, 8), (0, 7), (10, 6)] {
        game.release(ids[gone]).await;
        game.everyone_who_waits_knows_how_many_wait_ahead(&ids).await;
        let last = game.award(ids[11]).await;
        assert_eq!(game.ports.ledger.waiting_ahead_of(&last).await.unwrap(), last_is_behind);
    }
}

pub(crate) async fn a_credit_long_after_the_close_has_no_ticket_though_nothing_is_drawn_yet(ports: Ports) {
    let game = Game::of(ports, incentive(raffle_of(Prize::Fixed(code("TRIP"))), 3));
    let ids = game.accept_all(2, Offer::Lot).await;
    game.ports.clock.advance(Duration::from_secs(3_600 + A_DAY - 30));
    assert_eq!(game.credit(ids[0]).await.status, AwardStatus::InRaffle, "taken part at the last moment");
    game.ports.clock.advance(Duration::from_secs(60));
    assert_eq!(game.credit(ids[1]).await.status, AwardStatus::NoPrize(NoPrize::Closed));
}

pub(crate) async fn concurrent_resolutions_oversell_nothing(ports: Ports) {
    let game = Game::of(ports, of_codes(30));
    let codes: Vec<String> = (0..30).map(|number| format!("CODE-{number}")).collect();
    game.ports.ledger.import_codes(&acme(), &pool(), &codes).await.unwrap();
    let ids = join_all((0..50).map(|number| game.accept(number))).await;
    let all: Vec<(ParticipationId, Resolution)> = ids.iter().map(|id| (*id, Resolution::Credit)).collect();
    join_all((0..20).map(|_| game.resolve(&all))).await;
    let awards = game.ports.ledger.awards(&ids).await.unwrap().found;
    let given: BTreeSet<String> = awards
        .iter()
        .filter_map(|award| match award.reward() {
            Some((Reward::Code(code), _)) => Some(code.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(given.len(), 30);
    let mut by_arrival: Vec<&Award> = awards.iter().collect();
    by_arrival.sort_by_key(|award| award.arrival);
    assert!(by_arrival[..30].iter().all(|award| award.reward().is_some()), "the first thirty");
}

//! One participant under several keys: one prize, whichever store keeps the lines.

use domain::award::{Award, AwardStatus, Participant, Resolution, SiblingLines};
use domain::ids::{ContactKey, ParticipationId};
use domain::incentive::raffle::Seed;
use domain::incentive::{NoPrize, Offer, Prize};
use domain::ledger::Entry;

use crate::Ports;
use crate::game::{Game, code, first, incentive, raffle_of};

fn profile(number: u8) -> Participant {
    Participant { profile: Some(ContactKey::from_bytes([number; 16])), ..Participant::default() }
}

fn already() -> AwardStatus {
    AwardStatus::NoPrize(NoPrize::Already)
}

/// Accepts a participation of a profile that Braze named.
async fn accept_of_profile(game: &Game, number: usize, who: Participant, offer: Offer) -> ParticipationId {
    let participation = Game::participation(number, false);
    let new = Game::line(&participation, offer);
    let award = Award { other_keys: who.profile.into_iter().collect(), others: SiblingLines::None, ..new };
    let entry = Entry { award, rules: game.rules.clone() };
    game.ports.store.insert(&participation, Some(&entry)).await.unwrap();
    game.ports.ledger.enter(&game.rules, &[participation.id()], game.now()).await.unwrap();
    participation.id()
}

pub(crate) async fn many_addresses_of_one_profile_win_once(ports: Ports) {
    let game = Game::of(ports, first(5));
    let mut statuses = Vec::new();
    for number in 0..6 {
        let id = accept_of_profile(&game, number, profile(200), Offer::ByPlace).await;
        statuses.push(game.credit(id).await.status);
    }
    let other = accept_of_profile(&game, 6, profile(201), Offer::ByPlace).await;
    assert!(game.credit(other).await.place().is_some(), "another profile");
    assert!(matches!(statuses[0], AwardStatus::Rewarded { place: Some(1), .. }));
    assert_eq!(statuses[1..], vec![already(); 5]);
}

pub(crate) async fn whoever_turns_out_to_be_rewarded_already_gives_the_place_to_the_next(ports: Ports) {
    let game = Game::of(ports, first(2));
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(game.accept(number).await);
    }
    game.credit(ids[1]).await;
    game.resolve(&[(ids[1], Resolution::Identify(profile(200)))]).await;
    game.resolve(&[(ids[0], Resolution::CreditAs(profile(200)))]).await;
    assert_eq!(game.status(ids[0]).await, already());
    assert_eq!(game.status(ids[2]).await, AwardStatus::Reserved { place: 1 });
    assert_eq!(game.award(ids[0]).await.other_keys, [ContactKey::from_bytes([200; 16])]);
    let later = accept_of_profile(&game, 9, profile(200), Offer::ByPlace).await;
    assert_eq!(game.status(later).await, already());
}

pub(crate) async fn whoever_has_a_place_under_another_key_is_passed_over_by_places_that_are_released(
    ports: Ports,
) {
    let game = Game::of(ports, first(2));
    let (one, two) = (game.accept(0).await, game.accept(1).await);
    game.resolve(&[(one, Resolution::Identify(profile(200)))]).await;
    let again = accept_of_profile(&game, 2, profile(200), Offer::ByPlace).await;
    let next = game.accept(3).await;
    assert_eq!(game.status(again).await, AwardStatus::Waiting);
    game.release(two).await;
    assert_eq!(game.status(again).await, AwardStatus::Waiting, "its participant has a place");
    assert_eq!(game.status(next).await, AwardStatus::Reserved { place: 2 });
    game.release(one).await;
    assert_eq!(game.status(again).await, AwardStatus::Reserved { place: 1 }, "and now has none");
}

pub(crate) async fn a_line_whose_contact_was_replaced_is_no_longer_its_former_participants(ports: Ports) {
    let game = Game::of(ports, first(3));
    let earlier = game.accept(0).await;
    game.credit(earlier).await;
    let replaced = game.accept_with(Game::participation(0, true), Offer::ByPlace).await;
    assert_eq!(game.status(replaced).await, already());
    let contact = ContactKey::from_bytes([9; 16]);
    let who = Participant { contact: Some(contact), ..Participant::default() };
    game.resolve(&[(replaced, Resolution::CreditAs(who))]).await;
    let award = game.award(replaced).await;
    assert_eq!((award.place(), award.participant), (Some(2), contact));
}

pub(crate) async fn the_tickets_of_one_profile_are_one_chance(ports: Ports) {
    let mut game = Game::of(ports, incentive(raffle_of(Prize::Fixed(code("TRIP"))), 30));
    let seed = Seed::new([4; 32]);
    game.rules.commitment = Some(seed.commitment());
    for number in 0..8 {
        let who = profile(if number < 5 { 200 } else { 201 + u8::try_from(number).unwrap() });
        let id = accept_of_profile(&game, number, who, Offer::Lot).await;
        game.credit(id).await;
    }
    let drawn = game.draw(&seed).await.unwrap().unwrap();
    assert_eq!((drawn.moved_up.len(), game.drawn().await.0.len()), (4, 8));
}

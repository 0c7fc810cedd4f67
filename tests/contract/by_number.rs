//! Lines that are credited by their numbers alone, and stored together with their participations.

use std::collections::BTreeSet;

use domain::award::{Award, AwardStatus, Resolution};
use domain::ids::{ContactKey, ParticipationId};
use domain::incentive::{NoPrize, Offer};
use domain::ledger::{Counts, Entry, Rules, Standing};
use futures::future::join_all;
use ports::ledger::UNUSED_FOR;
use ports::store::Saved;
use testkit::emulator::endpoint;
use testkit::fault_proxy::{CallFault, FaultProxy, Strike};

use crate::Ports;
use crate::emulator::on_dynamo_behind;
use crate::game::{Game, code, first, ledger, rewarded};

/// A game of which Quikly is not told.
fn untold(ports: Ports, quantity: u32) -> Game {
    let told = Game::of(ports, first(quantity));
    Game { rules: Rules { call_back: false, ..told.rules }, ports: told.ports }
}

impl Game {
    /// Accepts these consumers. Returns their lines, by number, as a worker reads them.
    async fn accepted_lines(&self, numbers: std::ops::Range<usize>) -> Vec<Award> {
        let mut ids = Vec::new();
        for number in numbers {
            assert_ne!(self.stands(number, Offer::ByPlace).await, Standing::NotKnownYet);
            ids.push(Self::participation(number, false).id());
        }
        let mut lines = self.awards(&ids).await;
        lines.sort_by_key(|line| line.number);
        lines
    }

    async fn credit_by_number(&self, lines: &[Award]) -> Vec<Award> {
        let numbers = self.ports.ledger.numbers().unwrap();
        numbers.credit(&self.rules, lines, self.now()).await.unwrap().awards
    }

    /// Saves participations together with their lines.
    async fn save_with(&self, lines: &[Award]) -> Vec<Saved> {
        let ids: Vec<ParticipationId> = lines.iter().map(|line| line.id).collect();
        let found = self.ports.store.get(&ids).await.unwrap().found;
        self.ports.store.save_with_lines(&found, &[], lines).await.unwrap()
    }

    async fn counts(&self) -> Counts {
        self.ports.ledger.counts(&ledger()).await.unwrap()
    }

    /// Reclaims what was drawn long ago and nobody uses, as ticks do.
    async fn reclaim_all(&self) {
        let numbers = self.ports.ledger.numbers().unwrap();
        for _ in 0..3 {
            if let Some(drawn) = numbers.long_drawn(&ledger(), self.now()).await.unwrap() {
                self.ports.indexes_catch_up().await;
                numbers.reclaim(&self.rules, drawn, self.now()).await.unwrap();
            }
            self.ports.clock.advance(UNUSED_FOR);
        }
    }
}

fn places(lines: &[Award]) -> Vec<u32> {
    let mut places: Vec<u32> = lines.iter().filter_map(Award::place).collect();
    places.sort_unstable();
    places
}

pub(crate) async fn a_line_that_is_credited_by_its_number_is_stored_with_its_participation(ports: Ports) {
    let game = untold(ports, 3);
    let lines = game.accepted_lines(0..3).await;
    // Against the order of acceptance.
    let mut credited = game.credit_by_number(&lines[1..]).await;
    credited.extend(game.credit_by_number(&lines[..1]).await);
    assert_eq!(game.status(lines[0].id).await, AwardStatus::New, "nothing is stored yet");
    assert_eq!(game.save_with(&credited).await, [Saved::Saved; 3]);
    for (line, place) in lines.iter().zip(1..) {
        let kept = game.award(line.id).await;
        assert_eq!(kept.status, rewarded(place, code("SPRING20")));
        assert_eq!((kept.arrival_number(), kept.credited_at), (place.into(), Some(game.now())));
    }
    let counts = game.counts().await;
    assert_eq!((counts.arrivals, counts.given, counts.held, counts.places), (3, 3, 0, 3));
}

pub(crate) async fn a_line_whose_save_never_happened_is_the_same_again_and_counts_once(ports: Ports) {
    let game = Game::of(ports, first(4));
    let lines = game.accepted_lines(0..4).await;
    let dead = game.credit_by_number(&lines).await;
    game.ports.indexes_catch_up().await;
    let again = game.credit_by_number(&lines[..2]).await;
    assert_eq!(places(&again), [1, 2]);
    assert_eq!(game.save_with(&again).await, [Saved::Saved; 2]);
    // The others are found by a transaction, which stores them, whatever it was to do with them.
    game.ports.ledger.enter(&game.rules, &[lines[2].id], game.now()).await.unwrap();
    game.release(lines[3].id).await;
    assert_eq!(
        places(&game.awards(&lines.iter().map(|line| line.id).collect::<Vec<_>>()).await),
        [1, 2, 3, 4]
    );
    assert_eq!(game.save_with(&dead[2..]).await, [Saved::Conflict; 2], "the lines are stored already");
    let counts = game.counts().await;
    assert_eq!((counts.arrivals, counts.given, counts.held), (4, 4, 0));
    assert_eq!(game.due_callbacks().await.len(), 4, "Quikly is told once of each");
}

pub(crate) async fn a_reclaimed_number_credits_nobody_and_a_kept_one_is_not_reclaimed(ports: Ports) {
    let game = untold(ports, 3);
    let lines = game.accepted_lines(0..5).await;
    let waiting = [lines[3].id, lines[4].id];
    game.ports.ledger.enter(&game.rules, &waiting, game.now()).await.unwrap();
    assert_eq!(places(&game.credit_by_number(&lines[2..3]).await), [3]);
    game.reclaim_all().await;
    // The first two came too late: their places belong to those who waited.
    assert_eq!(game.credit_by_number(&lines[..2]).await, []);
    game.ports.ledger.enter(&game.rules, &[lines[0].id, lines[1].id], game.now()).await.unwrap();
    game.refill().await;
    let credited = game.credit_by_number(&lines[2..3]).await;
    assert_eq!(game.save_with(&credited).await, [Saved::Saved]);
    let stored = game.awards(&lines.iter().map(|line| line.id).collect::<Vec<_>>()).await;
    let placed: BTreeSet<ParticipationId> =
        stored.iter().filter(|line| line.has_place()).map(|line| line.id).collect();
    assert_eq!(placed, BTreeSet::from([lines[2].id, waiting[0], waiting[1]]));
    assert_eq!(places(&stored), [1, 2, 3]);
}

/// Workers get the same participations, some of them die before they save, and ticks reclaim meanwhile.
pub(crate) async fn however_many_workers_credit_by_numbers_every_place_is_given_once(ports: Ports) {
    let game = untold(ports, 30);
    let lines = game.accepted_lines(0..40).await;
    let worker = async |number: usize| {
        for some in lines[number * 4..].chunks(7) {
            let credited = game.credit_by_number(some).await;
            if number.is_multiple_of(2) {
                game.save_with(&credited).await;
            } else {
                let ids: Vec<ParticipationId> = some.iter().map(|line| line.id).collect();
                game.ports.ledger.enter(&game.rules, &ids, game.now()).await.unwrap();
            }
        }
    };
    let numbers = game.ports.ledger.numbers().unwrap();
    let tick = async || numbers.reclaim(&game.rules, 1..=20, game.now()).await.unwrap();
    futures::join!(join_all((0..6).map(worker)), tick(), tick());
    let ids: Vec<ParticipationId> = lines.iter().map(|line| line.id).collect();
    game.ports.ledger.enter(&game.rules, &ids, game.now()).await.unwrap();
    game.refill().await;
    let stored = game.awards(&ids).await;
    assert_eq!(places(&stored), (1..=30).collect::<Vec<u32>>());
    let counts = game.counts().await;
    assert_eq!((counts.arrivals, counts.given + counts.held, counts.waiting), (40, 30, 10));
}

/// Two participations of one consumer are processed by two workers at the same time, each of which may die before it saves.
pub(crate) async fn of_one_consumers_two_lines_only_one_is_credited(ports: Ports) {
    let game = untold(ports, 50);
    let (mut pairs, mut ids) = (Vec::new(), Vec::new());
    for number in 0..10 {
        let mut pair = Vec::new();
        for again in 0..2 {
            let participation = Game::participation(number * 2 + again, false);
            let shared = vec![ContactKey::from_bytes([u8::try_from(number).unwrap(); 16])];
            let award = Award { other_keys: shared, ..Game::line(&participation, Offer::ByPlace) };
            let entry = Entry { award, rules: game.rules.clone() };
            game.ports.store.insert(&participation, Some(&entry)).await.unwrap();
            pair.push(participation.id());
        }
        ids.extend(pair.iter().copied());
        pairs.push(game.awards(&pair).await);
    }
    let worker = async |of: usize| {
        for pair in &pairs {
            let credited = game.credit_by_number(&pair[of..=of]).await;
            if of == 0 {
                game.save_with(&credited).await;
            }
        }
    };
    futures::join!(worker(0), worker(1));
    game.credit_all(&ids).await;
    for pair in pairs {
        let stored = game.awards(&[pair[0].id, pair[1].id]).await;
        let statuses: Vec<&AwardStatus> = stored.iter().map(|line| &line.status).collect();
        assert_eq!(places(&stored).len(), 1, "{statuses:?}");
        assert!(statuses.contains(&&AwardStatus::NoPrize(NoPrize::Already)), "{statuses:?}");
    }
    let counts = game.counts().await;
    assert_eq!((counts.given, counts.held, counts.waiting), (10, 0, 0));
}

/// The first try is done and its answer is lost, so the second one finds other counters.
#[tokio::test]
async fn lines_are_counted_once_although_the_answer_to_their_credit_was_lost() {
    for fault in [CallFault::Lost, CallFault::Broken] {
        let proxy = FaultProxy::before(endpoint().await);
        let game = untold(on_dynamo_behind(proxy.clone()).await, 9);
        let lines = game.accepted_lines(0..3).await;
        proxy.arrange(Strike { fault, actions: &["UpdateItem"], after: 0, times: 1 });
        let credited = game.credit_by_number(&lines).await;
        assert_eq!(places(&credited), [1, 2, 3], "{fault:?}");
        proxy.arrange(Strike { fault, actions: &["UpdateItem"], after: 0, times: 1 });
        assert_eq!(game.save_with(&credited).await, [Saved::Saved; 3], "{fault:?}");
        let counts = game.counts().await;
        assert_eq!((counts.arrivals, counts.given), (3, 3), "{fault:?}");
    }
}

/// As many as one call takes, with a callback for each.
#[tokio::test]
async fn a_hundred_lines_that_quikly_is_told_of_are_credited_in_one_call() {
    let game = Game::of(crate::emulator::on_dynamo().await, first(100));
    let lines = game.accepted_lines(0..100).await;
    let credited = game.credit_by_number(&lines).await;
    assert_eq!(places(&credited), (1..=100).collect::<Vec<u32>>());
    assert_eq!(game.save_with(&credited).await, [Saved::Saved; 100]);
    assert_eq!(game.resolve(&[(lines[0].id, Resolution::Credit)]).await.awards.len(), 1);
    assert_eq!(game.due_callbacks().await.len(), 100);
}

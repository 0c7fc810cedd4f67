//! One incentive's ledger, used through any implementation of the ports.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::award::{Award, AwardStatus, Resolution, Resolutions, SiblingLines};
use domain::callback::CallbackKind;
use domain::id_key::IdKey;
use domain::ids::{BrandId, IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::incentive::raffle::{DrawnList, Seed, Ticket};
use domain::incentive::{Incentive, Kind, Offer, Pool, Prize, Quantity, Reward};
use domain::ledger::{Entry, Resolved, Rules, Standing};
use domain::participation::Participation;
use ports::Clock;
use ports::ledger::TakenCallbacks;
use ports::store::{Inserted, MOST_ITEMS};
use testkit::{changed, participation, start};

use crate::Ports;

pub(crate) fn pool() -> Pool {
    Pool::of_file("codes.txt").unwrap()
}

pub(crate) fn acme() -> BrandId {
    BrandId::parse("acme").unwrap()
}

pub(crate) fn code(text: &str) -> Reward {
    Reward::Code(text.into())
}

pub(crate) fn incentive(kind: Kind, quantity: u32) -> Incentive {
    Incentive {
        id: IncentiveId::parse("early-bird").unwrap(),
        opens: start(),
        closes: start() + Duration::from_secs(3_600),
        quantity: Quantity::Limited(quantity.try_into().unwrap()),
        kind,
        consolation: None,
    }
}

pub(crate) fn first(quantity: u32) -> Incentive {
    incentive(Kind::First(Prize::Fixed(code("SPRING20"))), quantity)
}

pub(crate) fn of_codes(quantity: u32) -> Incentive {
    incentive(Kind::First(Prize::Codes(pool())), quantity)
}

pub(crate) fn ledger() -> LedgerKey {
    let incentive = Some(IncentiveId::parse("early-bird").unwrap());
    LedgerKey { scope: Scope::parse("spring").unwrap(), incentive }
}

pub(crate) fn rules(incentive: Incentive) -> Rules {
    Rules { ledger: ledger(), incentive: Some(Arc::new(incentive)), call_back: true, commitment: None }
}

/// This many codes, in their order.
pub(crate) fn codes(quantity: usize) -> Vec<String> {
    (0..quantity).map(|number| format!("CODE-{number:03}")).collect()
}

/// A raffle whose draw waits for at most a day.
pub(crate) fn raffle_of(prize: Prize) -> Kind {
    Kind::Raffle { prize, draw_after: Duration::from_secs(86_400) }
}

/// A raffle with codes as its prize.
pub(crate) fn raffle_of_codes(quantity: u32, seed: &Seed) -> Rules {
    let incentive = incentive(raffle_of(Prize::Codes(pool())), quantity);
    Rules { commitment: Some(seed.commitment()), ..rules(incentive) }
}

/// Ports, and the rules of one incentive.
pub(crate) struct Game {
    pub(crate) ports: Ports,
    pub(crate) rules: Rules,
}

impl Game {
    pub(crate) fn of(ports: Ports, incentive: Incentive) -> Self {
        Self { ports, rules: rules(incentive) }
    }

    /// The consumer's participation; with `again`, in another activation.
    pub(crate) fn participation(number: usize, again: bool) -> Participation {
        let scope = if again { "spring-again" } else { "spring" };
        let participation = participation("acme", scope, &format!("c{number}@example.com"));
        changed(&participation, |kept| kept.has_award = true)
    }

    pub(crate) async fn accept(&self, number: usize) -> ParticipationId {
        self.accept_with(Self::participation(number, false), Offer::ByPlace).await
    }

    /// Accepts this many participations, entered together in the order of acceptance.
    pub(crate) async fn accept_all(&self, quantity: usize, offer: Offer) -> Vec<ParticipationId> {
        let mut ids = Vec::new();
        for number in 0..quantity {
            let participation = Self::participation(number, false);
            ids.push(self.store(participation, offer.clone(), SiblingLines::Perhaps(Vec::new())).await);
        }
        for some in ids.chunks(MOST_ITEMS) {
            self.ports.ledger.enter(&self.rules, some, self.now()).await.unwrap();
        }
        ids
    }

    pub(crate) async fn credit_all(&self, ids: &[ParticipationId]) {
        for some in ids.chunks(MOST_ITEMS) {
            let resolutions: Vec<_> = some.iter().map(|id| (*id, Resolution::Credit)).collect();
            self.resolve(&resolutions).await;
        }
    }

    pub(crate) async fn accept_with(&self, participation: Participation, offer: Offer) -> ParticipationId {
        self.accept_beside(participation, offer, SiblingLines::Perhaps(Vec::new())).await
    }

    pub(crate) async fn accept_beside(
        &self,
        participation: Participation,
        offer: Offer,
        others: SiblingLines,
    ) -> ParticipationId {
        let id = self.store(participation, offer, others).await;
        self.ports.ledger.enter(&self.rules, &[id], self.now()).await.unwrap();
        id
    }

    /// A participation's line, which is not entered yet.
    pub(crate) fn line(participation: &Participation, offer: Offer) -> Award {
        let participant = participation.contact_key(&IdKey::new([9; 32])).unwrap();
        Award::new((participation.id(), acme()), ledger(), participant, offer)
    }

    /// Stores a participation. Whether that enters its line is up to the store.
    pub(crate) async fn store(
        &self,
        participation: Participation,
        offer: Offer,
        others: SiblingLines,
    ) -> ParticipationId {
        let award = Award { others, ..Self::line(&participation, offer) };
        let entry = Entry { award, rules: self.rules.clone() };
        self.ports.store.insert(&participation, Some(&entry)).await.unwrap();
        participation.id()
    }

    /// Stores a consumer's participation. Returns where it stands.
    pub(crate) async fn stands(&self, number: usize, offer: Offer) -> Standing {
        let participation = Self::participation(number, false);
        let award = Self::line(&participation, offer);
        let entry = Entry { award, rules: self.rules.clone() };
        match self.ports.store.insert(&participation, Some(&entry)).await.unwrap() {
            Inserted::New(standing) => standing,
            Inserted::Existing(_) => panic!("it is new"),
        }
    }

    pub(crate) async fn resolve(&self, resolutions: &Resolutions) -> Resolved {
        self.ports.indexes_catch_up().await;
        self.ports.ledger.resolve(&self.rules, resolutions, self.now()).await.unwrap()
    }

    pub(crate) async fn refill(&self) -> Resolved {
        self.ports.indexes_catch_up().await;
        self.ports.ledger.refill(&self.rules, self.now()).await.unwrap()
    }

    pub(crate) async fn draw(&self, seed: &Seed) -> ports::Result<Option<Resolved>> {
        self.ports.indexes_catch_up().await;
        self.ports.ledger.draw(&self.rules, seed, self.now()).await
    }

    /// Takes at most this many callbacks that are due.
    pub(crate) async fn take_callbacks(&self, most: usize) -> TakenCallbacks {
        self.ports.indexes_catch_up().await;
        self.ports.callbacks.take_callbacks(self.now(), most).await.unwrap()
    }

    pub(crate) async fn credit(&self, id: ParticipationId) -> Award {
        self.resolve(&[(id, Resolution::Credit)]).await.awards.pop().unwrap()
    }

    pub(crate) async fn release(&self, id: ParticipationId) -> Resolved {
        self.resolve(&[(id, Resolution::Release)]).await
    }

    pub(crate) async fn awards(&self, ids: &[ParticipationId]) -> Vec<Award> {
        let mut awards = Vec::new();
        for some in ids.chunks(MOST_ITEMS) {
            awards.extend(self.ports.ledger.awards(some).await.unwrap().found);
        }
        awards
    }

    pub(crate) async fn award(&self, id: ParticipationId) -> Award {
        self.ports.ledger.awards(&[id]).await.unwrap().found.pop().unwrap()
    }

    /// The codes that these participations got.
    pub(crate) async fn codes_of(&self, ids: &[ParticipationId]) -> Vec<String> {
        let awards = self.awards(ids).await;
        let code = |award: &Award| match award.reward() {
            Some((Reward::Code(code), Some(_))) => Some(code.clone()),
            _ => None,
        };
        let mut codes: Vec<String> = awards.iter().filter_map(code).collect();
        codes.sort_unstable();
        codes
    }

    pub(crate) async fn status(&self, id: ParticipationId) -> AwardStatus {
        self.award(id).await.status
    }

    /// The result of the draw, read in small parts: all tickets, and those that won.
    pub(crate) async fn drawn(&self) -> (Vec<Ticket>, Vec<Ticket>) {
        (self.drawn_list(DrawnList::Tickets).await, self.drawn_list(DrawnList::Winners).await)
    }

    async fn drawn_list(&self, list: DrawnList) -> Vec<Ticket> {
        const PART: u32 = 7;
        let mut tickets = Vec::new();
        loop {
            let after = u32::try_from(tickets.len()).unwrap();
            let part = self.ports.ledger.drawn(&ledger(), list, after, PART).await.unwrap();
            assert!(part.tickets.len() <= PART as usize);
            let (none, of) = (part.tickets.is_empty(), usize::try_from(part.of).unwrap());
            tickets.extend(part.tickets);
            if none || tickets.len() == of {
                assert_eq!(tickets.len(), of);
                return tickets;
            }
        }
    }

    /// Checks that each waiting participation shows how many wait ahead of it.
    pub(crate) async fn everyone_who_waits_knows_how_many_wait_ahead(&self, ids: &[ParticipationId]) {
        let mut waiting = self.awards(ids).await;
        waiting.retain(|award| award.status == AwardStatus::Waiting);
        waiting.sort_by_key(|award| award.arrival);
        for (before, award) in waiting.iter().enumerate() {
            let told = self.ports.ledger.waiting_ahead_of(award).await.unwrap();
            assert_eq!(
                usize::try_from(told).unwrap(),
                before,
                "the one that arrived as {}",
                award.arrival_number()
            );
        }
    }

    pub(crate) async fn due_callbacks(&self) -> Vec<(ParticipationId, CallbackKind)> {
        let taken = self.take_callbacks(100).await.callbacks;
        taken
            .into_iter()
            .map(|outbound| (outbound.callback.id.participation, outbound.callback.id.kind))
            .collect()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }
}

pub(crate) fn rewarded(place: u32, reward: Reward) -> AwardStatus {
    AwardStatus::Rewarded { place: Some(place), reward }
}

use domain::accept::{Acceptance, entry};
use domain::attributes::Attributes;
use domain::award::AwardStatus;
use domain::brand::Brands;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::contact::{Contact, Email};
use domain::id_key::IdKey;
use domain::ids::Scope;
use domain::participation::Participation;

use super::*;
use crate::endpoints::samples::{FILE, access, at, item};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// One place, which is earned at the end of the flow.
const ONE_PLACE: &str = r#"
credit = "on_enrollment"
incentive = "early"
[[activation.incentive]]
id = "early"
kind = "first"
quantity = 1
reward = "SPRING20"
"#;

const GONE: [(Missing, &str); 4] = [
    (Missing::Brand, "the brand was removed from the configuration"),
    (Missing::Activation, "the activation was removed from the brand's file"),
    (Missing::Way("this event"), "the activation no longer takes this event"),
    (Missing::Way("mobile numbers"), "the activation no longer takes mobile numbers"),
];

struct TwoConsumers {
    connector: Connector,
    brands: Brands,
    /// The first has the place, and the second is behind it.
    participations: [Participation; 2],
}

/// Two consumers of an activation with one place, whose terms have been missing from the start.
async fn two() -> TwoConsumers {
    let brands =
        read_all(&[BrandFile { name: "acme".into(), text: format!("{FILE}{ONE_PLACE}") }], &AssumePresent)
            .unwrap();
    let key = IdKey::new([1; 32]);
    let connector = Connector::new(access().deps, std::sync::Arc::new(Brands::default()), key.clone());
    let terms = brands.activation(&Scope::parse("spring").unwrap()).unwrap();
    let mut participations = Vec::new();
    for number in 0..2 {
        let email = Email::parse(&format!("c{number}@example.com")).unwrap();
        let id = key.participation(&terms.1.scope, &Contact::Email(email.clone()));
        let mut participation =
            Acceptance::new(id, terms, at(-DAY)).by_email(email, None, Attributes::default());
        participation.lacks_terms(at(-DAY));
        let entry = entry(&participation, terms, &key);
        connector.deps.store.insert(&participation, entry.as_ref()).await.unwrap();
        participations.push(participation);
    }
    let participations = participations.try_into().unwrap();
    TwoConsumers { connector, brands, participations }
}

impl TwoConsumers {
    async fn statuses(&self) -> [AwardStatus; 2] {
        let ids = self.participations.each_ref().map(Participation::id);
        let awards = self.connector.deps.ledger.awards(&ids).await.unwrap().found;
        ids.map(|id| awards.iter().find(|award| award.id == id).unwrap().status.clone())
    }

    /// What becomes of the first consumer when something is missing.
    async fn rest_first(&self, missing: Missing) -> Participation {
        let first = &self.participations[0];
        let mut item = WorkItem::new(first.clone());
        item.facts.award = self.connector.deps.ledger.awards(&[first.id()]).await.unwrap().found.pop();
        let brand = self.brands.brand(first.brand()).filter(|_| missing != Missing::Brand);
        let rested = rest(&self.connector, (first.brand(), brand), vec![(item, missing)]).await.unwrap();
        rested.into_iter().next().unwrap().participation
    }
}

#[test]
fn a_broken_file_is_waited_for_however_long_that_lasts() {
    let mut item = item(1);
    for now in [at(0), at(DAY), at(365 * DAY)] {
        assert_eq!(until(&mut item, Missing::Broken, now), Some(later(now, WHILE_BROKEN)));
    }
    assert_eq!(item.participation.without_terms_since(), None, "nothing is gone");
}

#[test]
fn what_is_gone_is_looked_for_every_hour_and_for_a_day() {
    for (missing, _) in GONE {
        let mut item = item(1);
        assert_eq!(until(&mut item, missing, at(0)), Some(at(HOUR)));
        assert_eq!(until(&mut item, missing, at(DAY - 60)), Some(at(DAY)), "no longer than the day");
        assert_eq!(until(&mut item, missing, at(DAY)), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_for_a_day_ends_a_participation_for_that_reason_and_its_place_goes_to_the_next() {
    for (missing, reason) in GONE.into_iter().filter(|(missing, _)| *missing != Missing::Brand) {
        let two = two().await;
        assert_eq!(two.statuses().await, [AwardStatus::Reserved { place: 1 }, AwardStatus::Waiting]);
        let first = two.rest_first(missing).await;
        assert_eq!((first.state().name(), first.state().reason()), ("failed", Some(reason)));
        assert_eq!((first.due_at(), first.earned_at()), (None, None));
        assert_eq!(two.statuses().await, [AwardStatus::Released, AwardStatus::Reserved { place: 1 }]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_brand_that_is_gone_for_a_day_has_its_places_released_and_nobody_moves_up() {
    let two = two().await;
    let first = two.rest_first(Missing::Brand).await;
    assert_eq!(first.state().reason(), Some("the brand was removed from the configuration"));
    assert_eq!(two.statuses().await, [AwardStatus::Released, AwardStatus::Waiting]);
}

#[tokio::test(start_paused = true)]
async fn while_a_file_is_broken_a_place_is_kept() {
    let two = two().await;
    let first = two.rest_first(Missing::Broken).await;
    assert_eq!(
        (first.state(), first.due_at()),
        (two.participations[0].state(), Some(later(at(0), WHILE_BROKEN)))
    );
    assert_eq!(two.statuses().await[0], AwardStatus::Reserved { place: 1 });
}

#[tokio::test(start_paused = true)]
async fn what_was_earned_before_is_credited_though_its_terms_are_gone() {
    let mut two = two().await;
    let mut snapshot = two.participations[0].clone().into_snapshot();
    snapshot.earned_at = Some(at(-DAY));
    two.participations[0] = Participation::restore(snapshot).unwrap();
    two.rest_first(Missing::Activation).await;
    let [first, _] = two.statuses().await;
    assert!(matches!(first, AwardStatus::Rewarded { place: Some(1), .. }), "{first:?}");
}

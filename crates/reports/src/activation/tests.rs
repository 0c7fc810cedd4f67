use std::time::Duration;

use domain::ids::Channel;
use domain::rollup::{Latency, Rollup, RollupKey, minute};

use super::*;

fn scope() -> Scope {
    Scope::parse("spring").unwrap()
}

fn incentive_id() -> IncentiveId {
    IncentiveId::parse("first").unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

#[derive(Default)]
struct Counting(Rollup);

impl Counting {
    fn total(mut self, channel: Channel, name: &str, count: u64) -> Self {
        self.add(channel, None, name, count);
        self
    }

    fn minute(mut self, second: i64, name: &str, count: u64) -> Self {
        self.add(Channel::Email, Some(minute(at(second))), name, count);
        self
    }

    fn add(&mut self, channel: Channel, minute: Option<i64>, name: &str, count: u64) {
        let incentive = Some(incentive_id());
        self.0.add(RollupKey { scope: scope(), minute, channel, incentive, name: name.to_owned() }, count);
    }

    fn report(self, accepted: Option<u64>, counts: Counts) -> ActivationReport {
        let ledgers = BTreeMap::from([(incentive_id(), counts)]);
        let minutes = MinuteFigures::of(&self.0);
        let figures = ActivationFigures { accepted, rollup: self.0, minutes, paused_since: None, ledgers };
        ActivationReport::new(&scope(), &figures, None, at(600)).unwrap()
    }
}

fn campaign() -> Counting {
    Counting::default()
        .total(Channel::Email, "accepted", 90)
        .total(Channel::Email, "credited", 80)
        .total(Channel::Email, "ended enrolled", 80)
        .total(Channel::Email, "uncredited rejected", 2)
        .total(Channel::Email, "rewarded", 50)
        .total(Channel::Email, "without too_slow", 20)
        .total(Channel::Email, "on_profile", 75)
        .total(Channel::Sms, "accepted", 10)
        .total(Channel::Sms, "uncredited expired", 7)
}

#[test]
fn whoever_is_accepted_is_credited_has_left_or_is_under_way() {
    let report = campaign().report(None, Counts::default());
    let funnel = &report.funnel;
    let left: u64 = funnel.not_credited.iter().map(|leak| leak.count).sum();
    assert_eq!((funnel.accepted, funnel.credited, left, funnel.under_way()), (100, 80, 9, 11));
    assert_eq!(funnel.credited + left + funnel.under_way(), funnel.accepted);
}

#[test]
fn whoever_is_credited_is_rewarded_wins_nothing_or_may_still_win() {
    let funnel = campaign().report(None, Counts::default()).funnel;
    let nothing: u64 = funnel.without_reward.iter().map(|leak| leak.count).sum();
    assert_eq!((funnel.rewarded, nothing, funnel.may_still_win(), funnel.not_on_profile()), (50, 20, 10, 5));
}

#[test]
fn those_who_left_are_listed_by_reason_the_most_frequent_first() {
    let funnel = campaign().report(None, Counts::default()).funnel;
    let left: Vec<_> = funnel.not_credited.iter().map(|leak| (leak.reason.name(), leak.count)).collect();
    assert_eq!(left, [("expired", 7), ("rejected", 2)]);
}

#[test]
fn the_ways_add_up_to_the_whole() {
    let report = campaign().report(None, Counts::default());
    let of = |figure: fn(&Funnel) -> u64| report.by_channel.values().map(figure).sum::<u64>();
    assert_eq!(of(|funnel| funnel.accepted), report.funnel.accepted);
    assert_eq!(of(|funnel| funnel.credited), report.funnel.credited);
    assert_eq!(of(Funnel::under_way), report.funnel.under_way());
}

#[test]
fn what_is_accepted_and_not_processed_yet_is_under_way() {
    let report = campaign().report(Some(120), Counts::default());
    assert_eq!((report.funnel.accepted, report.funnel.under_way()), (120, 31));
}

#[test]
fn an_activation_in_which_nobody_took_part_has_no_report() {
    let figures = ActivationFigures { accepted: Some(0), ..ActivationFigures::default() };
    assert_eq!(ActivationReport::new(&scope(), &figures, None, at(0)), None);
}

#[test]
fn minutes_are_in_order_and_the_busiest_is_known() {
    let counted =
        Counting::default().minute(120, "accepted", 3).minute(0, "accepted", 9).minute(0, "credited", 4);
    let report = counted.total(Channel::Email, "accepted", 12).report(None, Counts::default());
    let seen: Vec<_> = report.minutes.iter().map(|one| (one.from, one.accepted, one.credited)).collect();
    assert_eq!(seen, [(at(0), 9, 4), (at(120), 3, 0)]);
    assert_eq!(report.busiest().map(|one| one.from), Some(at(0)));
}

#[test]
fn half_and_nearly_all_are_read_from_the_classes_of_durations() {
    let class = |millis| Latency::of(Duration::from_millis(millis));
    let mut counted = Counting::default().total(Channel::Email, "accepted", 100);
    for (millis, count) in [(4, 60), (90, 38), (40_000, 2)] {
        counted = counted.total(Channel::Email, &class(millis).name("credited"), count);
    }
    let report = counted.report(None, Counts::default());
    let speed = report.speed[&Stage::Credited];
    assert_eq!((speed.count, speed.half, speed.most), (100, class(4).longest(), class(90).longest()));
    assert_eq!((speed.nearly_all, speed.slowest), (class(40_000).longest(), class(40_000).longest()));
    assert!(!report.speed.contains_key(&Stage::Rewarded));
}

#[test]
fn places_that_are_held_are_not_left() {
    let report = |quantity: Option<u32>| IncentiveReport {
        id: incentive_id(),
        quantity,
        given: 7,
        held: 2,
        waiting: 0,
        tickets: 0,
        drawn_at: None,
        all_given_at: None,
    };
    assert_eq!(
        (report(Some(10)).left(), report(Some(8)).left(), report(None).left()),
        (Some(1), Some(0), None)
    );
}

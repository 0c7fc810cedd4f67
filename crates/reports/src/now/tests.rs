use std::collections::BTreeMap;

use super::*;

fn at(time: &str) -> Timestamp {
    format!("2026-11-24T{time}Z").parse().unwrap()
}

fn now() -> Timestamp {
    at("12:00:00")
}

fn brand(id: &str) -> BrandId {
    BrandId::parse(id).unwrap()
}

fn limit() -> LimitInUse {
    LimitInUse {
        requests: 250,
        period: Duration::from_secs(60),
        booked: 250,
        until: at("12:00:30"),
        refused_until: None,
        hour: None,
        closed_until: None,
    }
}

fn outage() -> Outage {
    Outage {
        since: at("11:12:00"),
        tries: 214,
        last_try: at("11:59:00"),
        next_try: Some(at("12:00:10")),
        waiting: 0,
        why: "connection refused".to_owned(),
    }
}

/// A brand whose participations all need a request.
fn of(open: u64) -> BrandWork {
    BrandWork { open, for_requests: open, ..BrandWork::default() }
}

fn overview(works: &[(&str, BrandWork)]) -> Overview {
    let brands: BTreeMap<BrandId, BrandWork> =
        works.iter().map(|(id, work)| (brand(id), work.clone())).collect();
    let limits = brands.keys().map(|id| (format!("{id} export_ids"), limit())).collect();
    Overview { brands, limits, ..Overview::default() }
}

/// The sentences of the only brand, with spaces that are compared by sight.
fn said(overview: &Overview) -> [String; 2] {
    let all = brands(overview, now());
    let [one] = all.as_slice() else { panic!("one brand is expected") };
    Language::ALL.map(|language| one.text(language).replace(['\u{a0}', '\u{202f}'], " "))
}

#[test]
fn the_worst_comes_first() {
    let late = BrandWork { due: 3, due_since: Some(at("11:50:00")), ..of(3) };
    let works = [
        ("calm", of(0)),
        ("busy", of(40)),
        ("full", of(90_000)),
        ("late", late),
        ("down", of(9)),
        ("shut", of(9)),
    ];
    let mut overview = overview(&works);
    overview.outages.insert(brand("down"), outage());
    let refused = LimitInUse { refused_until: Some(at("12:01:00")), ..limit() };
    overview.limits.insert("shut track".to_owned(), refused);
    let seen: Vec<(String, &str)> =
        brands(&overview, now()).iter().map(|one| (one.brand.to_string(), one.condition.code())).collect();
    let expected = [
        ("shut", "key_refused"),
        ("down", "no_answer"),
        ("late", "behind"),
        ("full", "backlog"),
        ("busy", "under_way"),
        ("calm", "idle"),
    ];
    assert_eq!(seen, expected.map(|(brand, code)| (brand.to_owned(), code)));
}

#[test]
fn a_backlog_says_when_it_is_drained_at_the_rate_that_braze_allows() {
    // 90,000 requests at 250 a minute take six hours.
    assert_eq!(
        said(&overview(&[("acme", of(90_000))])),
        [
            "90,000 participations wait for requests that Braze allows; they are done at about 18:01:00 UTC. Nothing needs to be done.",
            "90 000 participations attendent les requêtes que Braze permet ; ce sera fini vers 18:01:00 UTC. Il n’y a rien à faire.",
        ]
    );
}

#[test]
fn an_outage_says_since_when_why_and_when_it_is_over_at_best() {
    let mut overview = overview(&[("acme", of(1_240))]);
    overview.outages.insert(brand("acme"), outage());
    assert_eq!(
        said(&overview),
        [
            "Braze has not answered since 11:12:00 UTC (214 attempts: connection refused). 1,240 participations wait for it. \
             Nothing is lost. Next attempt: 12:00:10 UTC. If it works from then on, they are done at about 12:05:10 UTC.",
            "Braze ne répond pas depuis 11:12:00 UTC (214 essais : connection refused). 1 240 participations attendent. \
             Rien n’est perdu. Prochain essai : 12:00:10 UTC. Si tout marche dès lors, ce sera fini vers 12:05:10 UTC.",
        ]
    );
}

#[test]
fn whoever_waits_for_braze_or_for_the_consumer_is_no_backlog() {
    let work = BrandWork { open: 90_000, for_requests: 12, ..BrandWork::default() };
    let all = brands(&overview(&[("acme", work)]), now());
    assert_eq!(all[0].condition, Condition::UnderWay);
    assert_eq!(said(&overview(&[("acme", of(1))]))[0], "1 participation is under way.");
}

#[test]
fn a_limit_that_is_not_known_yet_gives_no_forecast() {
    let mut overview = overview(&[("acme", of(90_000))]);
    overview.limits.clear();
    let all = brands(&overview, now());
    assert_eq!((all[0].takes, all[0].drained_at()), (None, None));
    overview.limits.insert("acme export_ids".to_owned(), LimitInUse { requests: 0, ..limit() });
    assert_eq!(brands(&overview, now())[0].drained_at(), None, "nothing is divided by zero");
}

#[test]
fn a_refused_key_says_what_to_correct_and_parked_callbacks_how_to_send_them() {
    let work = BrandWork { parked: 4, ..of(0) };
    let mut overview = overview(&[("acme", work)]);
    let refused = LimitInUse { refused_until: Some(at("12:01:00")), ..limit() };
    overview.limits.insert("acme track".to_owned(), refused);
    let [english, french] = said(&overview);
    assert!(english.starts_with("Braze refuses the API key. Correct the key"), "{english}");
    assert!(
        english.ends_with(
            "did not take for a day: 4. `dead list` names them, and `dead retry` sends them again."
        )
    );
    assert!(french.contains("n’a pas pris pendant un jour : 4."), "{french}");
}

#[test]
fn what_is_due_and_not_processed_asks_whether_the_server_runs() {
    let work = BrandWork { due: 3, due_since: Some(at("11:50:00")), ..of(3) };
    let [english, _] = said(&overview(&[("acme", work)]));
    assert!(
        english.contains("3 participations are due, the first since 11:50:00 UTC. Is `serve` running"),
        "{english}"
    );
    let work = BrandWork { due: 3, due_since: Some(at("11:59:00")), ..of(3) };
    assert!(said(&overview(&[("acme", work)]))[0].contains("under way"), "a minute is not late");
}

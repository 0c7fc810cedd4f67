//! The calls to Braze.

use std::time::Duration;

use domain::Timestamp;
use domain::call::{BrazeCall, CALLS_KEPT_FOR, CallBatch, Endpoint};
use domain::decide::{Question, Step};
use domain::ids::{BrandId, ParticipationId};
use domain::participation::{Cause, Participation};
use domain::time::later;
use reports::calls::{CallsAbout, MOST_SHOWN};
use testkit::{participation, start};

use crate::Ports;

fn brand(id: &str) -> BrandId {
    BrandId::parse(id).unwrap()
}

fn after(milliseconds: u64) -> Timestamp {
    later(start(), Duration::from_millis(milliseconds))
}

/// A batch of a call that succeeded and one that failed.
fn batch(of: &str, kept_at: Timestamp) -> CallBatch {
    let looked_up = BrazeCall {
        at: start(),
        endpoint: Endpoint::ExportIds,
        objects: 1,
        refused: 0,
        status: Some(200),
        cause: None,
        took: Duration::from_millis(143),
        left: Some(249),
        message: None,
        participations: vec![ParticipationId::from_bytes([7; 16])],
    };
    let refused = BrazeCall {
        endpoint: Endpoint::Track,
        objects: 75,
        refused: 2,
        status: None,
        cause: Some(Cause::AnswerLost),
        left: None,
        message: Some("EMAIL_BAD_FORMAT".to_owned()),
        participations: Vec::new(),
        ..looked_up.clone()
    };
    CallBatch { brand: brand(of), kept_at, calls: vec![looked_up, refused] }
}

/// Everything of a brand that was kept since then.
async fn read(ports: &Ports, of: &str, since: Timestamp) -> Vec<CallBatch> {
    let (mut batches, mut next) = (Vec::new(), None);
    loop {
        let page = ports.called.calls(&brand(of), since, next.as_ref()).await.unwrap();
        assert_eq!(page.unreadable, 0);
        batches.extend(page.batches.into_iter().map(|(_, batch)| batch));
        next = page.next;
        if next.is_none() {
            return batches;
        }
    }
}

pub(crate) async fn kept_calls_are_read_as_they_were_brand_by_brand(ports: Ports) {
    let kept = [batch("acme", after(2)), batch("zest", after(1)), batch("acme", after(3))];
    ports.calls.keep_calls(&kept).await.unwrap();
    let [first, other, second] = kept;
    assert_eq!(read(&ports, "acme", start()).await, [first, second]);
    assert_eq!(read(&ports, "zest", start()).await, [other]);
    assert_eq!(read(&ports, "nobody", start()).await, []);
    if let Some(brands) = ports.called.called_brands().await.unwrap() {
        assert_eq!(brands, [brand("acme"), brand("zest")]);
    }
}

pub(crate) async fn calls_that_were_kept_before_the_time_are_left_out(ports: Ports) {
    let (early, late) = (batch("acme", after(999)), batch("acme", after(1_000)));
    ports.calls.keep_calls(&[early, late.clone()]).await.unwrap();
    assert_eq!(read(&ports, "acme", after(1_000)).await, [late]);
}

pub(crate) async fn more_calls_than_fit_a_page_are_read_page_by_page(ports: Ports) {
    let kept: Vec<CallBatch> = (1..=1_100).map(|millisecond| batch("acme", after(millisecond))).collect();
    for some in kept.chunks(100) {
        ports.calls.keep_calls(some).await.unwrap();
    }
    assert_eq!(read(&ports, "acme", start()).await, kept);
}

/// Somebody who was looked up from the first second to the second one.
fn looked_up() -> Participation {
    let mut ada = participation("acme", "spring", "ada@example.com");
    ada.apply(&Step::Ask(Question::FindProfile), after(1_000));
    ada.failed(Cause::Throttled, after(2_000));
    ada
}

/// A look-up that was sent then and names these participations.
fn look_up(milliseconds: u64, named: &[ParticipationId]) -> BrazeCall {
    let one = batch("acme", start()).calls.remove(0);
    BrazeCall { at: after(milliseconds), participations: named.to_vec(), ..one }
}

async fn calls_about(ports: &Ports, ada: &Participation, now: Timestamp) -> CallsAbout {
    CallsAbout::read(&*ports.called, ada, now).await.unwrap()
}

pub(crate) async fn the_calls_about_a_participation_are_those_that_name_it(ports: Ports) {
    let ada = looked_up();
    let [one, two, three] = [1, 2, 3].map(|byte| ParticipationId::from_bytes([byte; 16]));
    let hers = look_up(1_100, &[one, ada.id()]);
    let calls = vec![
        look_up(1_000, &[one]),
        hers.clone(),
        look_up(1_500, &[one, two, three]),
        look_up(2_500, &[one, two, three]),
    ];
    let during = CallBatch { brand: brand("acme"), kept_at: after(3_000), calls };
    let much_later =
        CallBatch { kept_at: after(900_000), calls: vec![look_up(1_200, &[ada.id()])], ..during.clone() };
    let elsewhere = CallBatch { brand: brand("zest"), ..during.clone() };
    ports.calls.keep_calls(&[during, much_later, elsewhere]).await.unwrap();
    let found = calls_about(&ports, &ada, after(950_000)).await;
    // The third call was sent while Ada was looked up, and may have been about more participations than it names.
    let expected = CallsAbout { calls: vec![hers], unnamed: 1, ..CallsAbout::default() };
    assert_eq!(found, expected);
}

pub(crate) async fn of_many_calls_about_a_participation_the_first_are_shown(ports: Ports) {
    let ada = looked_up();
    let calls: Vec<BrazeCall> = (0..70).map(|number| look_up(1_000 + number, &[ada.id()])).collect();
    let batch = CallBatch { brand: brand("acme"), kept_at: after(3_000), calls: calls.clone() };
    ports.calls.keep_calls(&[batch]).await.unwrap();
    let found = calls_about(&ports, &ada, after(4_000)).await;
    assert_eq!((found.are_cut, &found.calls[..]), (true, &calls[..MOST_SHOWN]));
}

pub(crate) async fn an_older_participation_says_since_when_calls_are_kept(ports: Ports) {
    let (ada, now) = (looked_up(), later(after(1_500), CALLS_KEPT_FOR));
    let batch =
        CallBatch { brand: brand("acme"), kept_at: after(1_200), calls: vec![look_up(1_100, &[ada.id()])] };
    ports.calls.keep_calls(&[batch]).await.unwrap();
    let found = calls_about(&ports, &ada, now).await;
    assert_eq!(found, CallsAbout { kept_since: Some(after(1_500)), ..CallsAbout::default() });
}

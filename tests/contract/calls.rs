//! The calls to Braze.

use std::time::Duration;

use domain::Timestamp;
use domain::call::{BrazeCall, CallBatch, Endpoint};
use domain::ids::{BrandId, ParticipationId};
use domain::participation::Cause;
use domain::time::later;
use testkit::start;

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

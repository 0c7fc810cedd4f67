//! What a callback costs on DynamoDB, which bills an entry of an index as a write of its own.

use std::time::Duration;

use aws::dynamo::{Dynamo, Tables};
use domain::callback::{Callback, CallbackId, CallbackKind};
use domain::ids::ParticipationId;
use ports::clock::SystemClock;
use ports::ledger::DeliveryOutcome;
use ports::{Callbacks, Clock};
use testkit::emulator::{endpoint, prefix};
use testkit::fault_proxy::FaultProxy;

use crate::game::{acme, code, ledger, rewarded};

/// The write units since the last question.
fn written(proxy: &FaultProxy) -> u64 {
    proxy.take().iter().map(|call| call.write_units).sum()
}

/// With a credit, the callback is written in a transaction, where each write counts twice.
#[tokio::test]
async fn a_callback_that_is_accepted_at_once_costs_seven_write_units() {
    let proxy = FaultProxy::before(endpoint().await);
    let dynamo = Dynamo::new(&aws::emulator(proxy.url()).await, Tables::of(&prefix()));
    dynamo.make_tables().await.unwrap();
    let now = SystemClock.now();
    let callback = Callback {
        id: CallbackId { participation: ParticipationId::from_bytes([7; 16]), kind: CallbackKind::Rewarded },
        brand: acme(),
        ledger: ledger(),
        status: rewarded(1, code("SPRING20")),
        refusal: None,
        at: now,
    };
    let _making = proxy.take();
    dynamo.call_back(&callback).await.unwrap();
    let kept = written(&proxy);
    let later = now + Duration::from_secs(1);
    let taken = testkit::eventually_async("the callback is due", Duration::from_secs(30), async || {
        let taken = dynamo.take_callbacks(later, 10).await.unwrap();
        (!taken.callbacks.is_empty()).then_some(())
    });
    taken.await;
    let taken = written(&proxy);
    dynamo.delivered(&[(callback.id, DeliveryOutcome::Delivered(later))]).await.unwrap();
    assert_eq!((kept, taken, written(&proxy)), (2, 3, 2));
}

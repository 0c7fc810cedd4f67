//! What a callback costs on DynamoDB, which bills an entry of an index as a write of its own, and a write in a transaction as two.

use std::time::Duration;

use aws::dynamo::{Dynamo, Tables};
use domain::award::Resolution;
use domain::callback::Callback;
use ports::ledger::{DeliveryOutcome, MAKERS_LEASE};
use ports::numbering::DrawSettings;
use ports::{Callbacks, Ledger};
use serde_json::{Value, json};
use testkit::emulator::{endpoint, prefix};
use testkit::fault_proxy::FaultProxy;

use crate::dynamo_api::call;
use crate::emulator::on_dynamo_drawing;
use crate::game::{Game, first};

/// Tables behind a proxy that counts.
struct CountedCallbacks {
    proxy: FaultProxy,
    /// The tables as a function uses them that delivers the callbacks it makes.
    dynamo: Dynamo,
    game: Game,
    prefix: String,
}

impl CountedCallbacks {
    async fn new() -> Self {
        let (proxy, prefix) = (FaultProxy::before(endpoint().await), prefix());
        let ports = on_dynamo_drawing(proxy.clone(), &prefix, DrawSettings::patient()).await;
        let dynamo = Dynamo::new(&aws::emulator(proxy.url()).await, Tables::of(&prefix));
        Self { proxy, dynamo: dynamo.taking_what_it_makes(), game: Game::of(ports, first(9)), prefix }
    }

    /// Credits a participation, and returns its callback.
    async fn credited(&self) -> Callback {
        let id = self.game.accept(1).await;
        let _accepting = self.proxy.take();
        let credit = [(id, Resolution::Credit)];
        let resolved = self.dynamo.resolve(&self.game.rules, &credit, self.game.now()).await.unwrap();
        resolved.callbacks.into_iter().next().unwrap()
    }

    /// The write units of callbacks since the last question.
    fn written(&self) -> u64 {
        let of_callbacks = self.proxy.take().into_iter().filter(|call| call.resource.contains("-notices"));
        of_callbacks.map(|call| call.write_units).sum()
    }

    async fn delivered(&self, callback: &Callback) {
        let outcome = DeliveryOutcome::Delivered(self.game.now());
        self.dynamo.delivered(&[(callback.id, outcome)]).await.unwrap();
    }

    async fn stored(&self, callback: &Callback) -> Value {
        let key = json!({ "id": { "S": callback.id.to_string() } });
        let read =
            json!({ "TableName": format!("{}-notices", self.prefix), "Key": key, "ConsistentRead": true });
        call("GetItem", &read).await["Item"].clone()
    }
}

#[tokio::test]
async fn a_callback_that_its_maker_delivers_costs_five_write_units() {
    let counted = CountedCallbacks::new().await;
    let callback = counted.credited().await;
    let kept = counted.written();
    counted.delivered(&callback).await;
    assert_eq!((kept, counted.written()), (3, 2));
}

#[tokio::test]
async fn a_callback_whose_maker_has_died_is_taken_after_a_minute_for_three_units_more() {
    let counted = CountedCallbacks::new().await;
    let callback = counted.credited().await;
    assert_eq!(counted.game.due_callbacks().await, []);
    counted.game.ports.clock.advance(MAKERS_LEASE);
    let _kept = counted.written();
    let taken = counted.game.take_callbacks(9).await.callbacks;
    let taken: Vec<Callback> = taken.into_iter().map(|taken| taken.callback).collect();
    assert_eq!(taken, std::slice::from_ref(&callback));
    let taken = counted.written();
    counted.delivered(&callback).await;
    assert_eq!((taken, counted.written()), (3, 2));
}

#[tokio::test]
async fn a_delivered_callback_leaves_the_index_and_is_not_taken_for_parked_by_an_earlier_version() {
    let counted = CountedCallbacks::new().await;
    let callback = counted.credited().await;
    let delivered_at = counted.game.now();
    counted.delivered(&callback).await;
    counted.game.ports.clock.advance(Duration::from_secs(60));
    counted.delivered(&callback).await;
    let stored = counted.stored(&callback).await;
    assert_eq!(stored["told_at"]["N"], delivered_at.as_millisecond().to_string(), "the first time counts");
    // An earlier version takes a callback without a due time for parked.
    assert!(stored.get("due_at").is_some() && stored.get("due_shard").is_none(), "{stored}");
}

/// Two versions deliver callbacks side by side during a deployment.
#[tokio::test]
async fn a_callback_that_an_earlier_version_has_deleted_does_not_come_back() {
    let counted = CountedCallbacks::new().await;
    let callback = counted.credited().await;
    let key = json!({ "id": { "S": callback.id.to_string() } });
    call("DeleteItem", &json!({ "TableName": format!("{}-notices", counted.prefix), "Key": key })).await;
    counted.delivered(&callback).await;
    assert_eq!(counted.stored(&callback).await, Value::Null);
}

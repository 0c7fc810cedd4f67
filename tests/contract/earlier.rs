//! Ledgers that an earlier version left in tables: without counters of waiting lines, and with raffles whose result is not stored. For
//! data files, see `steps.rs`.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::incentive::raffle::Seed;
use domain::incentive::{Offer, Prize};
use serde_json::{Value, json};
use testkit::emulator::{config, prefix};

use crate::game::{Game, code, first, incentive, ledger, raffle_of};
use crate::{Ports, emulator};

const LEDGER: &str = "spring early-bird";

/// Counters after this many arrivals.
fn counts(arrivals: u64) -> String {
    json!({ "arrivals": arrivals, "places": 0, "held": 0, "given": 0, "waiting": 0, "entered": 0 })
        .to_string()
}

/// A drawn raffle with ten entries and three winners.
async fn drawn(ports: Ports) -> Game {
    let mut game = Game::of(ports, incentive(raffle_of(Prize::Fixed(code("TRIP"))), 3));
    let seed = Seed::new([4; 32]);
    game.rules.commitment = Some(seed.commitment());
    let ids = game.accept_all(10, Offer::Lot).await;
    game.credit_all(&ids[..9]).await;
    game.release(ids[9]).await;
    game.draw(&seed).await.unwrap().unwrap();
    game
}

/// The ledgers' table, for changes that no port can make.
struct Raw {
    client: Client,
    table: String,
}

impl Raw {
    async fn ports() -> (Ports, Self) {
        let (config, prefix) = (config().await, prefix());
        let raw = Self { client: Client::new(&config), table: format!("{prefix}-ledgers") };
        (emulator::on_dynamo_at(config, &prefix).await, raw)
    }

    fn text(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    async fn put_counts(&self, counts: &str, version: u64) {
        let put = self.client.put_item().table_name(&self.table);
        let put = put.item("ledger", Self::text(LEDGER)).item("line", Self::text("counts"));
        let put = put.item("counts", Self::text(counts));
        put.item("version", AttributeValue::N(version.to_string())).send().await.unwrap();
    }

    /// Removes everything that earlier versions did not write.
    async fn make_it_an_earlier_versions(&self) {
        let query = self.client.query().table_name(&self.table).key_condition_expression("ledger = :ledger");
        let lines = query.expression_attribute_values(":ledger", Self::text(LEDGER)).send().await.unwrap();
        for item in lines.items() {
            let line = item["line"].as_s().unwrap();
            if line == "counts" {
                let mut counts: Value = serde_json::from_str(item["counts"].as_s().unwrap()).unwrap();
                counts.as_object_mut().unwrap().remove("frozen");
                let version = item["version"].as_n().unwrap().parse().unwrap();
                self.put_counts(&counts.to_string(), version).await;
            } else if line.starts_with("waiting ") || line.starts_with("drawn ") {
                let delete = self.client.delete_item().table_name(&self.table);
                let delete = delete.key("ledger", Self::text(LEDGER)).key("line", Self::text(line));
                delete.send().await.unwrap();
            }
        }
    }
}

async fn upgraded(game: &Game) {
    for _ in 0..5 {
        if game.ports.ledger.upgrade(&ledger()).await.unwrap() {
            return;
        }
    }
    panic!("the ledger is still an earlier version's");
}

#[tokio::test]
async fn the_number_waiting_ahead_is_right_in_an_earlier_versions_table_across_pages() {
    let (ports, raw) = Raw::ports().await;
    let game = Game::of(ports, first(2));
    // The next arrivals are then on two pages.
    raw.put_counts(&counts(4_085), 1).await;
    let mut ids = game.accept_all(20, Offer::ByPlace).await;
    game.everyone_who_waits_knows_how_many_wait_ahead(&ids).await;
    raw.make_it_an_earlier_versions().await;
    game.everyone_who_waits_knows_how_many_wait_ahead(&ids).await;
    for number in 20..24 {
        ids.push(game.accept(number).await);
    }
    game.release(ids[5]).await;
    game.everyone_who_waits_knows_how_many_wait_ahead(&ids).await;
    upgraded(&game).await;
    game.everyone_who_waits_knows_how_many_wait_ahead(&ids).await;
    for gone in [0, 8, 14, 22] {
        game.release(ids[gone]).await;
    }
    game.everyone_who_waits_knows_how_many_wait_ahead(&ids).await;
}

#[tokio::test]
async fn a_raffle_that_an_earlier_version_drew_in_a_table_shows_its_result_before_and_after_it_is_frozen() {
    let (ports, raw) = Raw::ports().await;
    let game = drawn(ports).await;
    let result = game.drawn().await;
    raw.make_it_an_earlier_versions().await;
    assert_eq!(game.drawn().await, result);
    upgraded(&game).await;
    assert!(game.ports.ledger.counts(&ledger()).await.unwrap().frozen.is_some());
    assert_eq!(game.drawn().await, result);
}

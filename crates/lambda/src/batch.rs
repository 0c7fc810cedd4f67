//! A batch of messages from SQS, and the report of those that failed.
//!
//! Each record's body is decoded on its own, so a body that is not ours fails alone. A failure without an identifier is never reported,
//! because Lambda would treat it as a failure of the whole batch (AWS, partial batch responses).

use std::collections::{BTreeMap, HashSet};

use aws::message;
use domain::ids::{BrandId, ParticipationId};
use futures::future::join_all;
use ports::error::in_full;
use serde::{Deserialize, Serialize};
use supervision::guarded;

/// The event that Lambda passes to the function.
#[derive(Debug, Deserialize)]
pub struct Batch {
    #[serde(rename = "Records", default)]
    records: Vec<SqsRecord>,
}

#[derive(Debug, Deserialize)]
struct SqsRecord {
    #[serde(rename = "messageId", default)]
    message_id: String,
    #[serde(default)]
    body: String,
}

/// The function's response to Lambda.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct BatchAnswer {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<ItemFailure>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct ItemFailure {
    #[serde(rename = "itemIdentifier")]
    message_id: String,
}

/// Processes a batch, one brand next to the other, each in the order of its messages. If a brand's work fails, all of its messages are
/// reported and delivered again.
pub async fn each_brand(
    batch: Batch,
    work: impl AsyncFn(&BrandId, &[ParticipationId]) -> ports::Result<()>,
) -> BatchAnswer {
    let mut failed = Vec::new();
    let mut brands: BTreeMap<BrandId, (Vec<ParticipationId>, Vec<String>)> = BTreeMap::new();
    for record in batch.records {
        match message::decode(&record.body) {
            Some(look) => {
                let (ids, messages) = brands.entry(look.brand).or_default();
                ids.extend(look.ids);
                messages.push(record.message_id);
            }
            None => {
                tracing::error!(
                    event = "lambda.unreadable_message",
                    message = record.message_id,
                    "A message cannot be read and becomes a dead letter."
                );
                failed.push(record.message_id);
            }
        }
    }
    let worked = brands.into_iter().map(async |(brand, (mut ids, messages))| {
        // A participation that two messages name is processed once.
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(*id));
        // If one brand's work fails or panics, the other brands' messages still count as done.
        let worked = guarded(work(&brand, &ids)).await;
        let error = worked
            .unwrap_or_else(|panicked| Err(ports::Error::panicked("working on a batch", panicked)))
            .err()?;
        tracing::error!(event = "lambda.batch_failed", %brand, error = %in_full(&error), "The brand's part of a batch failed; it is delivered again.");
        Some(messages)
    });
    failed.extend(join_all(worked).await.into_iter().flatten().flatten());
    let named = failed.into_iter().filter(|message_id| !message_id.is_empty());
    BatchAnswer { failures: named.map(|message_id| ItemFailure { message_id }).collect() }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use domain::contact::{Contact, Email};
    use domain::id_key::IdKey;
    use domain::ids::Scope;
    use domain::message::WorkMessage;
    use serde_json::{Value, json};

    use super::*;

    fn id(number: usize) -> ParticipationId {
        let contact = Contact::Email(Email::parse(&format!("c{number}@example.com")).unwrap());
        IdKey::new([1; 32]).participation(&Scope::parse("spring").unwrap(), &contact)
    }

    fn record(message_id: &str, brand: &str, numbers: &[usize]) -> Value {
        let ids = numbers.iter().map(|number| id(*number)).collect();
        let body = message::encode(&WorkMessage { brand: BrandId::parse(brand).unwrap(), ids });
        json!({ "messageId": message_id, "body": body, "receiptHandle": "x", "attributes": {} })
    }

    /// Processes records; the work for `failing` fails. Returns what was processed, and the response.
    async fn work(records: Vec<Value>, failing: &str) -> (Vec<(String, Vec<ParticipationId>)>, Value) {
        let batch: Batch = serde_json::from_value(json!({ "Records": records })).unwrap();
        let worked = Mutex::new(Vec::new());
        let answer = each_brand(batch, async |brand, ids| {
            worked.lock().push((brand.to_string(), ids.to_vec()));
            if brand.as_str() == failing {
                Err(ports::Error::unavailable("testing", "it fails"))
            } else {
                Ok(())
            }
        });
        let answer = serde_json::to_value(answer.await).unwrap();
        (worked.into_inner(), answer)
    }

    #[tokio::test]
    async fn a_brands_messages_are_processed_together_and_in_order() {
        let records =
            vec![record("1", "acme", &[3, 1]), record("2", "zest", &[9]), record("3", "acme", &[2])];
        let (worked, answer) = work(records, "").await;
        assert_eq!(
            worked,
            [("acme".to_owned(), vec![id(3), id(1), id(2)]), ("zest".to_owned(), vec![id(9)])]
        );
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }

    #[tokio::test]
    async fn a_participation_in_two_messages_is_processed_once() {
        let (worked, _) = work(vec![record("1", "acme", &[2, 1]), record("2", "acme", &[1, 3])], "").await;
        assert_eq!(worked, [("acme".to_owned(), vec![id(2), id(1), id(3)])]);
    }

    #[tokio::test]
    async fn a_message_that_is_not_ours_fails_alone() {
        let poison = |body: Value| json!({ "messageId": "p", "body": body });
        for body in [json!("not json"), json!("{}"), json!("")] {
            let (worked, answer) = work(vec![poison(body), record("1", "acme", &[1])], "").await;
            assert_eq!(worked.len(), 1);
            assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "p" }] }));
        }
    }

    #[tokio::test]
    async fn one_brands_failure_does_not_affect_another() {
        let (_, answer) = work(vec![record("1", "acme", &[1]), record("2", "zest", &[2])], "acme").await;
        assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] }));
    }

    #[tokio::test]
    async fn one_brands_panic_does_not_affect_another() {
        let records = vec![record("1", "acme", &[1]), record("2", "zest", &[2]), record("3", "acme", &[3])];
        let batch: Batch = serde_json::from_value(json!({ "Records": records })).unwrap();
        let worked = Mutex::new(Vec::new());
        let answer = each_brand(batch, async |brand, ids| {
            assert_ne!(brand.as_str(), "acme", "this brand's work panics");
            worked.lock().extend_from_slice(ids);
            Ok(())
        });
        let answer = serde_json::to_value(answer.await).unwrap();
        assert_eq!(worked.into_inner(), [id(2)]);
        let failed = json!([{ "itemIdentifier": "1" }, { "itemIdentifier": "3" }]);
        assert_eq!(answer, json!({ "batchItemFailures": failed }));
    }

    #[tokio::test]
    async fn a_failure_without_an_identifier_is_not_reported() {
        let nameless = json!({ "body": "poison" });
        let (worked, answer) = work(vec![nameless, record("1", "acme", &[1])], "").await;
        assert_eq!((worked.len(), answer), (1, json!({ "batchItemFailures": [] })));
    }
}

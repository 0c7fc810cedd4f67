//! The faults that a plan asks for, and subscriptions that change.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use ports::Clock;
use serde_json::json;

use crate::simulation::{FailingEndpoint, Failure, Run, phone, promises};

impl Run {
    /// Makes one of the participations so far unreadable.
    pub(super) fn damage(&mut self, number: u8) {
        let among = self.accepted.len();
        if let Some((id, _)) = usize::from(number).checked_rem(among).and_then(|at| self.accepted.get(at)) {
            self.unreadable.push(*id);
            self.campaign.memory.damage(*id, true);
            self.count("records that could not be read");
        }
    }

    /// Lets minutes pass, and then restores the brand's first file.
    pub(super) async fn pass_and_return(&self, minutes: u32) {
        self.campaign.clock.sleep(Duration::from_secs(60) * minutes).await;
        self.campaign.restore_file();
    }

    /// Makes the next answers of Braze fail.
    pub(super) async fn fail(&self, endpoint: FailingEndpoint, how: Failure, count: u8) {
        let mut fault = match how {
            Failure::Throttled => json!({ "kind": "status", "status": 429, "when": "before" }),
            Failure::Before => json!({ "kind": "status", "status": 500, "when": "before" }),
            Failure::After => json!({ "kind": "garbage", "when": "after" }),
            Failure::NotSent => {
                self.line.not_sent.store(count.into(), SeqCst);
                return;
            }
            Failure::AnswerLost => {
                self.line.answers_lost.store(count.into(), SeqCst);
                return;
            }
        };
        fault["count"] = count.into();
        let path = match endpoint {
            FailingEndpoint::Any => None,
            FailingEndpoint::Track => Some("/users/track"),
            FailingEndpoint::ExportIds => Some("/users/export/ids"),
            FailingEndpoint::StatusGet => Some("/subscription/status/get"),
            FailingEndpoint::StatusSet => Some("/v2/subscription/status/set"),
        };
        fault["path"] = path.into();
        self.campaign.steer("POST", "/_sim/faults", &fault.to_string()).await;
    }

    /// Unsubscribes a subscribed consumer.
    pub(super) async fn says_stop(&mut self, consumer: u8) {
        if promises::subscribed(&self.campaign).await.contains(&phone(consumer)) {
            self.said_stop.insert(consumer);
            self.count("subscriptions taken back");
            self.set_subscription(consumer, "unsubscribed").await;
        }
    }

    pub(super) async fn set_subscription(&self, consumer: u8, state: &str) {
        let entry = json!({
            "subscription_group_id": "g-1", "subscription_state": state, "phones": [phone(consumer)],
        });
        let groups = json!({ "subscription_groups": [entry] });
        self.campaign.steer("POST", "/_sim/subscriptions", &groups.to_string()).await;
    }
}

//! The callbacks that wait to be delivered.

use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use domain::callback::{Callback, CallbackId};
use domain::time::later;
use ports::ledger::{CALLBACK_LEASE, CallbackDelivery, DeliveryOutcome, TakenCallbacks};
use ports::{Callbacks, Result};

use crate::Memory;
use crate::ledger::KeptCallback;

#[async_trait]
impl Callbacks for Memory {
    async fn take_callbacks(&self, now: Timestamp, most: usize) -> Result<TakenCallbacks> {
        self.lock().write("taking callbacks", |state| {
            let mut due: Vec<&mut KeptCallback> = state
                .ledgers
                .callbacks
                .values_mut()
                .filter(|kept| kept.due_at.is_some_and(|due| due <= now))
                .collect();
            due.sort_by_key(|kept| (kept.due_at, kept.callback.id));
            let take = |kept: &mut KeptCallback| {
                kept.due_at = Some(later(now, CALLBACK_LEASE));
                CallbackDelivery {
                    callback: kept.callback.clone(),
                    attempts: kept.attempts,
                    revived_at: None,
                }
            };
            Ok(TakenCallbacks {
                callbacks: due.into_iter().take(most).map(take).collect(),
                unreadable: Vec::new(),
            })
        })
    }

    fn makers_lease(&self) -> Option<Duration> {
        self.lock().ledgers.makers_lease
    }

    async fn call_back(&self, callback: &Callback) -> Result<()> {
        self.lock().write("keeping a callback", |state| {
            let kept = KeptCallback::due_at(callback, callback.at);
            state.ledgers.callbacks.entry(callback.id).or_insert(kept);
            Ok(())
        })
    }

    async fn delivered(&self, outcomes: &[(CallbackId, DeliveryOutcome)]) -> Result<()> {
        self.lock().write("keeping callbacks", |state| {
            for (id, told) in outcomes {
                match told {
                    DeliveryOutcome::Delivered(at) => {
                        state.ledgers.callbacks.remove(id);
                        if id.kind.tells_the_result() {
                            state.ledgers.told_at.entry(id.participation).or_insert(*at);
                        }
                    }
                    DeliveryOutcome::RetryAt(_, answer) | DeliveryOutcome::Parked(answer) => {
                        if let Some(kept) = state.ledgers.callbacks.get_mut(id) {
                            kept.attempts += 1;
                            kept.last_answer = Some(*answer);
                            kept.due_at = match told {
                                DeliveryOutcome::RetryAt(at, _) => Some(*at),
                                DeliveryOutcome::Delivered(_) | DeliveryOutcome::Parked(_) => None,
                            };
                        }
                    }
                }
            }
            Ok(())
        })
    }
}

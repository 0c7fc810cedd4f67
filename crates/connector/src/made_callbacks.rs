//! Callbacks that this process has made, and has taken with that. It delivers them without asking the store for what is due.

use std::time::Duration;

use domain::Timestamp;
use domain::callback::Callback;
use domain::time::later;
use parking_lot::Mutex;
use ports::ledger::{CALLBACK_LEASE, CallbackDelivery};

/// Callbacks that were made here and are not delivered yet.
#[derive(Default)]
pub(crate) struct MadeCallbacks(Mutex<Vec<Callback>>);

impl MadeCallbacks {
    pub(crate) fn add(&self, callbacks: &[Callback]) {
        self.0.lock().extend_from_slice(callbacks);
    }

    /// Removes at most `most` callbacks to deliver them. A callback whose lease may end before it is delivered is dropped here: another process
    /// takes it from the store.
    pub(crate) fn take(&self, lease: Duration, now: Timestamp, most: usize) -> Vec<CallbackDelivery> {
        let mut made = self.0.lock();
        made.retain(|callback| later(now, CALLBACK_LEASE) <= later(callback.at, lease));
        let some = made.len().min(most);
        let taken = made.drain(..some);
        taken.map(|callback| CallbackDelivery { callback, attempts: 0, revived_at: None }).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::award::AwardStatus;
    use domain::callback::{CallbackId, CallbackKind};
    use domain::ids::{BrandId, LedgerKey, ParticipationId, Scope};

    use super::*;
    use crate::endpoints::samples::at;

    const LEASE: Duration = Duration::from_secs(60);

    fn made_at(second: i64) -> Callback {
        Callback {
            id: CallbackId {
                participation: ParticipationId::from_bytes([7; 16]),
                kind: CallbackKind::Credited,
            },
            brand: BrandId::parse("acme").unwrap(),
            ledger: LedgerKey { scope: Scope::parse("spring").unwrap(), incentive: None },
            status: AwardStatus::New,
            refusal: None,
            at: at(second),
        }
    }

    fn taken(made: &MadeCallbacks, second: i64, most: usize) -> Vec<Timestamp> {
        made.take(LEASE, at(second), most).into_iter().map(|taken| taken.callback.at).collect()
    }

    #[test]
    fn each_callback_is_taken_once_and_the_first_ones_first() {
        let made = MadeCallbacks::default();
        made.add(&[made_at(1), made_at(2), made_at(3)]);
        assert_eq!(taken(&made, 5, 2), [at(1), at(2)]);
        assert_eq!(taken(&made, 5, 2), [at(3)]);
        assert_eq!(taken(&made, 5, 2), []);
    }

    #[test]
    fn a_callback_is_left_to_others_once_its_lease_may_end_before_it_is_delivered() {
        let made = MadeCallbacks::default();
        made.add(&[made_at(0), made_at(1)]);
        assert_eq!(taken(&made, 41, 9), [at(1)], "another worker may take the first one at 60");
        assert_eq!(taken(&made, 0, 9), []);
    }
}

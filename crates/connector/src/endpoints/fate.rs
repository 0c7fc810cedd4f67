//! The outcome of an object that is sent to Braze.

use std::time::Duration;

use domain::Timestamp;
use domain::decide::Written;
use domain::participation::Cause;
use domain::time::later;
use ports::Chance;

use crate::retry::back_off;
use crate::work_item::WorkItem;

/// The outcome of one object, for every participation that it was sent for. It keeps the wait that Braze
/// asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ObjectFate {
    /// Braze accepted the object.
    Done,
    /// Braze refused the object for good.
    Refused(String),
    /// Braze did not accept the object, for this cause.
    NotDone(Cause, Option<Duration>),
    /// The object was not sent, and must not be sent before this moment, for this cause.
    NotBefore(Cause, Timestamp),
    /// It is not known whether Braze accepted the object, for this cause.
    Unknown(Cause, Option<Duration>),
}

impl ObjectFate {
    /// The fact for a participation, whose failures are counted here.
    pub(super) fn written(&self, item: &mut WorkItem, chance: &dyn Chance, now: Timestamp) -> Written {
        let mut retry_at = |cause, asked| {
            item.participation.failed(cause, now);
            later(now, back_off(item.participation.failures(), asked, chance))
        };
        match self {
            Self::Refused(reason) => Written::Refused { reason: reason.clone() },
            Self::NotDone(cause, asked) => Written::NotDone { retry_at: retry_at(*cause, *asked) },
            Self::NotBefore(cause, retry_at) => {
                item.participation.held_up(*cause, now);
                Written::NotDone { retry_at: *retry_at }
            }
            Self::Unknown(cause, asked) => Written::Unknown { retry_at: retry_at(*cause, *asked) },
            Self::Done => {
                item.participation.answered(now);
                Written::Done
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::samples::{NoJitter, at, item};

    /// What a participation that has failed once learns from it, and how many failures it has then.
    fn learned(fate: &ObjectFate) -> (Written, u32) {
        let mut item = item(1);
        item.participation.failed(Cause::Throttled, at(-1));
        let written = fate.written(&mut item, &NoJitter, at(0));
        (written, item.participation.failures())
    }

    #[test]
    fn an_object_that_braze_did_not_accept_is_retried_with_a_growing_wait_or_when_braze_says() {
        assert_eq!(
            learned(&ObjectFate::NotDone(Cause::Throttled, None)),
            (Written::NotDone { retry_at: at(2) }, 2)
        );
        let asked = Some(Duration::from_secs(30));
        assert_eq!(
            learned(&ObjectFate::NotDone(Cause::Throttled, asked)),
            (Written::NotDone { retry_at: at(30) }, 2)
        );
        assert_eq!(
            learned(&ObjectFate::Unknown(Cause::AnswerLost, None)),
            (Written::Unknown { retry_at: at(2) }, 2)
        );
    }

    #[test]
    fn an_object_that_was_not_sent_is_no_failure() {
        assert_eq!(
            learned(&ObjectFate::NotBefore(Cause::NoSlot, at(9))),
            (Written::NotDone { retry_at: at(9) }, 1)
        );
    }

    #[test]
    fn an_accepted_object_resets_the_failures_and_a_refusal_does_not() {
        assert_eq!(learned(&ObjectFate::Done), (Written::Done, 0));
        let refused = learned(&ObjectFate::Refused("no".to_owned()));
        assert_eq!(refused, (Written::Refused { reason: "no".to_owned() }, 1));
    }
}

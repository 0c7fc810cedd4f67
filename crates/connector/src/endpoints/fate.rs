//! What becomes of an object that is sent to Braze.

use std::time::Duration;

use domain::Timestamp;
use domain::decide::Written;
use domain::time::later;
use ports::Chance;

use crate::case::Case;
use crate::retry::back_off;

/// What became of one object, for every participation that it was sent for. Waits that Braze asked for are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ObjectFate {
    /// Braze has taken it.
    Done,
    /// Braze refuses it for good.
    Refused(String),
    /// Braze has not taken it.
    NotDone(Option<Duration>),
    /// It was not sent, and is not to be before then.
    NotBefore(Timestamp),
    /// Nobody knows.
    Unknown(Option<Duration>),
}

impl ObjectFate {
    /// The fact for a participation. Failures are counted in it.
    pub(super) fn written(&self, case: &mut Case, chance: &dyn Chance, now: Timestamp) -> Written {
        let mut retry_at = |asked| {
            case.failed();
            later(now, back_off(case.participation.failures, asked, chance))
        };
        match self {
            Self::Refused(reason) => Written::Refused { reason: reason.clone() },
            Self::NotDone(asked) => Written::NotDone { retry_at: retry_at(*asked) },
            Self::NotBefore(retry_at) => Written::NotDone { retry_at: *retry_at },
            Self::Unknown(asked) => Written::Unknown { retry_at: retry_at(*asked) },
            Self::Done => {
                case.answered();
                Written::Done
            }
        }
    }
}

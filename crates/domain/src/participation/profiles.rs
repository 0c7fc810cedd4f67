//! The Braze profiles that a participation names.

use super::{AskingWrite, EnrollState, Open, Participation, ReadBack, SmsState, State};
use crate::profile::ProfileRef;

impl Participation {
    /// The profiles that its record names: the event's, those that were written to, and those of replaced details.
    #[must_use]
    pub fn profiles(&self) -> Vec<ProfileRef> {
        let mut profiles: Vec<ProfileRef> = self.former_profiles().cloned().collect();
        let kept = self.snapshot();
        profiles.extend(self.event().and_then(|event| event.profile.clone()));
        profiles.extend(kept.gave_number_to.clone());
        if let State::Open(open) = &kept.state {
            profiles.extend(target(open).cloned());
        }
        if let Some(ReadBack::Due(sent)) = &kept.read_back {
            profiles.push(sent.profile.clone());
            profiles.extend(sent.braze_id.clone().map(ProfileRef::BrazeId));
        }
        let mut different = Vec::new();
        for profile in profiles {
            if !different.contains(&profile) {
                different.push(profile);
            }
        }
        different
    }
}

fn target(open: &Open) -> Option<&ProfileRef> {
    let target = match open {
        Open::Enroll(EnrollState::Received) | Open::Sms(SmsState::Received) => return None,
        Open::Enroll(EnrollState::Enrolling { target, .. } | EnrollState::AwaitingOptIn { target, .. })
        | Open::Sms(
            SmsState::Enrolling { target, .. }
            | SmsState::Settling { target, .. }
            | SmsState::Subscribing { target, .. }
            | SmsState::AwaitingSubscription { target, .. },
        ) => target,
        Open::Sms(SmsState::AwaitingOptIn { asked_by, .. }) => {
            let AskingWrite { target, .. } = asked_by.as_ref()?;
            target
        }
    };
    Some(&target.profile)
}

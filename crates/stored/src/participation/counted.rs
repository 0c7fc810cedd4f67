//! Which milestones of a participation are in the roll-ups, as the bits of a number.

use domain::participation::CountedMilestones;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct CountedRecord(u8);

const ACCEPTED: u8 = 1;
const CREDITED: u8 = 2;
const PRIZE: u8 = 4;
const ENDED: u8 = 8;
const ON_PROFILE: u8 = 16;

impl CountedRecord {
    pub(super) fn of(counted: CountedMilestones) -> Self {
        let bits = [
            (counted.accepted, ACCEPTED),
            (counted.credited, CREDITED),
            (counted.prize, PRIZE),
            (counted.ended, ENDED),
            (counted.on_profile, ON_PROFILE),
        ];
        Self(bits.into_iter().filter(|(is_counted, _)| *is_counted).map(|(_, bit)| bit).sum())
    }

    pub(super) fn read(self) -> CountedMilestones {
        let has = |bit| self.0 & bit != 0;
        CountedMilestones {
            accepted: has(ACCEPTED),
            credited: has(CREDITED),
            prize: has(PRIZE),
            ended: has(ENDED),
            on_profile: has(ON_PROFILE),
        }
    }
}

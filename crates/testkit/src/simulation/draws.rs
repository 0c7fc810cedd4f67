//! How the functions of a run draw numbers.

use memory::Memory;
use ports::numbering::DrawSettings;
use serde::{Deserialize, Serialize};

/// How functions draw numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Draws {
    /// An acceptance draws and stores in one step.
    #[default]
    InOneStep,
    /// An acceptance makes one call after another. It draws from the counter, and in lanes once that is throttled.
    CallByCall,
    /// The same, always in so many lanes.
    InLanes(u8),
}

impl Draws {
    /// Makes acceptances draw so.
    pub(super) fn by(self, memory: &Memory) {
        let lanes = match self {
            Self::InOneStep => return,
            Self::CallByCall => None,
            Self::InLanes(lanes) => Some(lanes.into()),
        };
        memory.accept_call_by_call(DrawSettings { always_in_lanes: lanes, ..DrawSettings::default() });
    }
}

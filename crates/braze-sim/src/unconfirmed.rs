//! What Braze's pages leave open. The simulation offers both, so that a client can be tested with either.

use serde::Deserialize;

/// How the workspace behaves where Braze's pages do not say. By default, it does what the pages suggest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Unconfirmed {
    /// Whether an object that is identified by `phone` creates a profile when no profile has the number, as one with `email` does.
    pub phone_creates: bool,
    /// Whether `use_double_opt_in_logic` in an attributes object makes Braze ask the consumer when that object creates the profile.
    pub opt_in_at_creation: bool,
}

impl Default for Unconfirmed {
    fn default() -> Self {
        Self { phone_creates: true, opt_in_at_creation: true }
    }
}

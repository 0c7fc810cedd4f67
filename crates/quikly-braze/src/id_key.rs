//! The key that participation ids are made with, where the environment brings it.

use anyhow::Context;
use domain::identity::IdKey;

/// The environment variable that replaces the key kept in the data file: 64 hexadecimal digits.
const VARIABLE: &str = "QUIKLY_BRAZE_ID_KEY";

/// The environment's key, if it has one.
pub(crate) fn in_environment() -> anyhow::Result<Option<IdKey>> {
    let Ok(text) = std::env::var(VARIABLE) else { return Ok(None) };
    IdKey::parse(&text).context(VARIABLE).map(Some)
}

//! The key that participation ids are made with, as the environment provides it.

use std::env::{self, VarError};

use anyhow::{Context, bail};
use domain::id_key::IdKey;

/// The environment variable that replaces the key in the data file: 64 hexadecimal digits.
const VARIABLE: &str = "QUIKLY_BRAZE_ID_KEY";

/// The environment's key, if it has one.
pub(crate) fn in_environment() -> anyhow::Result<Option<IdKey>> {
    match env::var(VARIABLE) {
        Ok(text) => IdKey::parse(&text).context(VARIABLE).map(Some),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => bail!("{VARIABLE}: an id key is 64 hexadecimal digits"),
    }
}

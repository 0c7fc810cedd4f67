//! Values that several records contain.

use domain::Timestamp;
use domain::ids::ContactKey;

use crate::error::Why;

pub(crate) fn moment(milliseconds: i64) -> Result<Timestamp, Why> {
    Ok(Timestamp::from_millisecond(milliseconds)?)
}

pub(crate) fn contact_key(text: &str) -> Result<ContactKey, Why> {
    bytes(text).map(ContactKey::from_bytes)
}

/// Decodes bytes from hexadecimal digits.
pub(crate) fn bytes<const LENGTH: usize>(text: &str) -> Result<[u8; LENGTH], Why> {
    let mut bytes = [0; LENGTH];
    // The error of `hex` would show a character of the text.
    hex::decode_to_slice(text, &mut bytes).map_err(|_| "not the hexadecimal digits of a key")?;
    Ok(bytes)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(crate) fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(crate) fn is_false(value: &bool) -> bool {
    !*value
}

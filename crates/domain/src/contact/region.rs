//! Countries, as far as phone numbers know them.

/// The country whose numbers may be written without a country code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(pub(super) rlibphonenumber::Region);

/// Why a text is no region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a country by its two letters, as US")]
pub struct RegionError;

impl Region {
    /// # Errors
    /// When the text is not a country's two letters.
    pub fn parse(text: &str) -> Result<Self, RegionError> {
        let letters = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase());
        let region = letters.then(|| text.parse().ok()).flatten();
        region.map(Self).ok_or(RegionError)
    }
}

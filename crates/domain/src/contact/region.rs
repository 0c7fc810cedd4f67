//! Countries, as phone numbers use them.

use std::fmt;

/// The country whose numbers may be written without a country code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(pub(super) rlibphonenumber::Region);

/// The text is not a known region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a country by its two letters, as US")]
pub struct RegionError;

impl Region {
    /// # Errors
    /// If the text is not the two letters of a country.
    pub fn parse(text: &str) -> Result<Self, RegionError> {
        let letters = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase());
        let region = letters.then(|| text.parse().ok()).flatten();
        region.map(Self).ok_or(RegionError)
    }
    /// Whether the region is a country: libphonenumber also has a region for numbers that belong to none.
    pub(super) fn is_country(self) -> bool {
        format!("{:?}", self.0).bytes().all(|letter| letter.is_ascii_uppercase())
    }

    /// The other countries with the same country code, if people of one country are likely to have numbers of
    /// another.
    #[must_use]
    pub fn others_with_its_code(self) -> &'static [&'static str] {
        const SHARED: [(&str, &[&str]); 2] = [("US", &["CA", "PR"]), ("CA", &["US"])];
        let shared = SHARED.iter().find(|(region, _)| Self::parse(region) == Ok(self));
        shared.map_or(&[], |(_, others)| others)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_two_capital_letters_of_a_country() {
        for text in ["US", "DE", "PR"] {
            assert_eq!(Region::parse(text).map(|region| region.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "us", "Us", "USA", "U", "U1", "001"] {
            assert_eq!(Region::parse(text), Err(RegionError), "{text}");
        }
    }

    #[test]
    fn canada_and_puerto_rico_have_the_country_code_of_the_united_states() {
        let others = |text: &str| Region::parse(text).unwrap().others_with_its_code();
        assert_eq!(others("US"), ["CA", "PR"]);
        assert_eq!(others("CA"), ["US"]);
        assert_eq!(others("DE"), [""; 0]);
    }
}

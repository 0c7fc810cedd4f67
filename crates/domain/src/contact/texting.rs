//! Which numbers an activation sends text messages to.

use std::fmt;

use rlibphonenumber::PhoneNumberType;

use super::{Phone, Region};

/// What numbers an activation takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texting {
    /// Of which countries.
    pub regions: Regions,
    /// Whether landlines and numbers of Internet telephony are taken, too: some can receive text messages, most cannot.
    pub fixed_lines: bool,
}

/// Countries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Regions {
    /// Every country. What belongs to no country, as satellites do, is refused all the same.
    Any,
    /// Numbers of these countries.
    Only(Vec<Region>),
}

/// Why an activation does not take a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untexted {
    /// It belongs to another country.
    #[error("is a number of a country that this activation does not take")]
    OtherCountry,
    /// It cannot receive text messages, or each costs somebody more than it should.
    #[error("is {0}, which cannot take part by text message")]
    Kind(Service),
}

/// What a number is for, where that is not to be texted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// A landline.
    FixedLine,
    /// Internet telephony.
    Voip,
    /// Free for whoever calls.
    TollFree,
    /// Dear for whoever calls.
    Premium,
    /// Paid by both.
    SharedCost,
    /// Follows a person, at a price.
    Personal,
    /// A pager.
    Pager,
    /// A company's number.
    Company,
    /// A mailbox.
    VoiceMail,
    /// A satellite phone or a service of no country.
    International,
    /// Unknown to libphonenumber.
    Unknown,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FixedLine => "a landline number",
            Self::Voip => "a number of Internet telephony",
            Self::TollFree => "a toll-free number",
            Self::Premium => "a premium-rate number",
            Self::SharedCost => "a shared-cost number",
            Self::Personal => "a personal number that forwards calls",
            Self::Pager => "a pager's number",
            Self::Company => "a company's access number",
            Self::VoiceMail => "a voice mailbox",
            Self::International => "a satellite or international service number",
            Self::Unknown => "a number of no known kind",
        })
    }
}

impl Untexted {
    /// A word for programs; it does not change.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OtherCountry => "phone-other-country",
            Self::Kind(Service::FixedLine) => "phone-fixed-line",
            Self::Kind(Service::Voip) => "phone-voip",
            Self::Kind(Service::TollFree) => "phone-toll-free",
            Self::Kind(Service::Premium) => "phone-premium-rate",
            Self::Kind(Service::SharedCost) => "phone-shared-cost",
            Self::Kind(Service::Personal) => "phone-personal",
            Self::Kind(Service::Pager) => "phone-pager",
            Self::Kind(Service::Company) => "phone-company",
            Self::Kind(Service::VoiceMail) => "phone-voice-mail",
            Self::Kind(Service::International) => "phone-international",
            Self::Kind(Service::Unknown) => "phone-unknown-kind",
        }
    }
}

impl Texting {
    /// Whether the number is one that the activation takes. The country is that of the number, also where countries share a country
    /// code.
    ///
    /// # Errors
    /// When it is not: why.
    pub fn check(&self, phone: &Phone) -> Result<(), Untexted> {
        let number = phone.number().ok_or(Untexted::Kind(Service::Unknown))?;
        if let Some(service) = self.refused(number.get_type()) {
            return Err(Untexted::Kind(service));
        }
        // UN001 and the like: a code of no country.
        let region = number.get_region_code().map(Region).filter(|region| region.is_country());
        let region = region.ok_or(Untexted::Kind(Service::International))?;
        match &self.regions {
            Regions::Any => Ok(()),
            Regions::Only(regions) if regions.contains(&region) => Ok(()),
            Regions::Only(_) => Err(Untexted::OtherCountry),
        }
    }

    fn refused(&self, kind: PhoneNumberType) -> Option<Service> {
        match kind {
            PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile => None,
            PhoneNumberType::FixedLine => (!self.fixed_lines).then_some(Service::FixedLine),
            PhoneNumberType::VoIP => (!self.fixed_lines).then_some(Service::Voip),
            PhoneNumberType::TollFree => Some(Service::TollFree),
            PhoneNumberType::PremiumRate => Some(Service::Premium),
            PhoneNumberType::SharedCost => Some(Service::SharedCost),
            PhoneNumberType::PersonalNumber => Some(Service::Personal),
            PhoneNumberType::Pager => Some(Service::Pager),
            PhoneNumberType::UAN => Some(Service::Company),
            PhoneNumberType::VoiceMail => Some(Service::VoiceMail),
            PhoneNumberType::Unknown => Some(Service::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(text: &str) -> Region {
        Region::parse(text).unwrap()
    }

    fn check(regions: Regions, fixed_lines: bool, text: &str) -> Result<(), &'static str> {
        let phone = Phone::parse(text, region("US")).map_err(|error| (text, error)).unwrap();
        Texting { regions, fixed_lines }.check(&phone).map_err(Untexted::code)
    }

    fn only(codes: &[&str]) -> Regions {
        Regions::Only(codes.iter().map(|code| region(code)).collect())
    }

    #[test]
    fn a_number_of_another_country_is_refused_also_where_countries_share_a_code() {
        assert_eq!(check(only(&["US"]), false, "+13135550100"), Ok(()));
        assert_eq!(check(only(&["US"]), false, "+14165550100"), Err("phone-other-country"), "Toronto");
        assert_eq!(check(only(&["US"]), false, "+17875550100"), Err("phone-other-country"), "Puerto Rico");
        assert_eq!(check(only(&["US"]), false, "+447400123456"), Err("phone-other-country"));
        assert_eq!(check(only(&["US", "CA", "GB"]), false, "+14165550100"), Ok(()));
        assert_eq!(check(only(&["US", "CA", "GB"]), false, "+447400123456"), Ok(()));
        for text in ["+13135550100", "+14165550100", "+447400123456", "+4915123456789"] {
            assert_eq!(check(Regions::Any, false, text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_cannot_or_must_not_be_texted_is_refused_wherever_it_belongs() {
        let refused = [
            ("+19002345678", "phone-premium-rate"),
            ("+449098790123", "phone-premium-rate"),
            ("+979123456789", "phone-premium-rate"),
            ("+18002345678", "phone-toll-free"),
            ("+18882345678", "phone-toll-free"),
            ("+80012345678", "phone-toll-free"),
            ("+448001234567", "phone-toll-free"),
            ("+80812345678", "phone-shared-cost"),
            ("+448431234567", "phone-premium-rate"),
            ("+447012345678", "phone-personal"),
            ("+15002345678", "phone-personal"),
            ("+447640123456", "phone-pager"),
            ("+445512345678", "phone-company"),
            ("+870301234567", "phone-international"),
            ("+881612345678", "phone-international"),
            ("+442079460000", "phone-fixed-line"),
            ("+493012345678", "phone-fixed-line"),
            ("+445612345678", "phone-voip"),
        ];
        for (text, code) in refused {
            assert_eq!(check(Regions::Any, false, text), Err(code), "{text}");
            assert!(check(only(&["US"]), true, text).is_err(), "{text}");
        }
        for text in ["+442079460000", "+445612345678"] {
            assert_eq!(check(only(&["GB"]), true, text), Ok(()), "{text}");
        }
        assert_eq!(check(Regions::Any, true, "+870301234567"), Err("phone-international"));
    }

    #[test]
    fn what_a_number_is_for_is_said_in_words() {
        let refused = Untexted::Kind(Service::Voip).to_string();
        assert_eq!(refused, "is a number of Internet telephony, which cannot take part by text message");
    }
}

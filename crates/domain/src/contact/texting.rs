//! Which numbers an activation sends text messages to.

use std::fmt;

use rlibphonenumber::PhoneNumberType;

use super::{Phone, Region};

/// Which numbers an activation accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texting {
    /// The countries of the numbers.
    pub regions: Regions,
    /// Whether landlines and numbers of Internet telephony are accepted, too: some can receive text messages,
    /// most cannot.
    pub fixed_lines: bool,
}

/// Which countries numbers may belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Regions {
    /// Every country. Numbers that belong to no country, such as satellite phones, are still refused.
    Any,
    /// Only these countries.
    Only(Vec<Region>),
}

/// Why an activation does not accept a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untexted {
    /// The number belongs to another country.
    #[error("is a number of a country that this activation does not accept")]
    OtherCountry,
    /// The number cannot receive text messages, or receiving them costs more than usual.
    #[error("is {0}, which cannot take part by text message")]
    Kind(Service),
}

/// The kind of a number that must not be texted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// A landline.
    FixedLine,
    /// Internet telephony.
    Voip,
    /// A number that is free for the caller.
    TollFree,
    /// A number that costs the caller extra.
    Premium,
    /// A number whose cost the caller and the owner share.
    SharedCost,
    /// A personal number that forwards calls, at a price.
    Personal,
    /// A pager.
    Pager,
    /// A company's number.
    Company,
    /// A voice mailbox.
    VoiceMail,
    /// A satellite phone, or a service that belongs to no country.
    International,
    /// A number of a kind that libphonenumber does not know.
    Unknown,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FixedLine => "a landline number",
            Self::Voip => "an Internet telephony number",
            Self::TollFree => "a toll-free number",
            Self::Premium => "a premium-rate number",
            Self::SharedCost => "a shared-cost number",
            Self::Personal => "a personal number that forwards calls",
            Self::Pager => "a pager number",
            Self::Company => "a company's access number",
            Self::VoiceMail => "a voice mailbox",
            Self::International => "a satellite or international service number",
            Self::Unknown => "a number of unknown kind",
        })
    }
}

impl Untexted {
    /// A stable code for programs.
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
    /// Checks that the activation accepts the number. The number's own country counts, even if several
    /// countries share a country code.
    ///
    /// # Errors
    /// Why the number is not accepted.
    pub fn check(&self, phone: &Phone) -> Result<(), Untexted> {
        let number = phone.number().ok_or(Untexted::Kind(Service::Unknown))?;
        if let Some(service) = self.refused(number.get_type()) {
            return Err(Untexted::Kind(service));
        }
        // A code that belongs to no country has a region such as UN001.
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
    fn a_number_that_cannot_or_must_not_be_texted_is_refused_in_every_country() {
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
    fn a_refusal_names_the_kind_of_number() {
        let refused = Untexted::Kind(Service::Voip).to_string();
        assert_eq!(refused, "is an Internet telephony number, which cannot take part by text message");
    }
}

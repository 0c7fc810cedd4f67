//! Contacts and codes, of which only enough is shown to recognize them.

use domain::contact::{Email, Phone};
use domain::incentive::Reward;

use crate::plain;

/// An address as `a***@e***.com`, or in full.
#[must_use]
pub fn email(email: &Email, revealed: bool) -> String {
    let text = email.as_str();
    if revealed {
        return plain::in_full(text);
    }
    let (local, domain) = text.rsplit_once('@').unwrap_or((text, ""));
    let (host, ending) = domain.rsplit_once('.').unwrap_or((domain, ""));
    let first = |part: &str| part.chars().next().map(String::from).unwrap_or_default();
    let masked = format!("{}***@{}***.{ending}", first(local), first(host));
    plain::shown(&masked)
}

/// A number as `+1 *** *** ** 01`, or in full.
#[must_use]
pub fn phone(phone: &Phone, revealed: bool) -> String {
    let text = phone.as_str();
    if revealed {
        return text.to_owned();
    }
    let (first, last) =
        (text.get(..2).unwrap_or("+"), text.get(text.len().saturating_sub(2)..).unwrap_or(""));
    format!("{first} *** *** ** {last}")
}

/// A code of which the end is shown, or in full; a value as it is.
#[must_use]
pub fn reward(reward: &Reward, revealed: bool) -> String {
    match reward {
        Reward::Code(code) if revealed => plain::shown(code),
        Reward::Code(code) => plain::masked_code(code),
        Reward::Value(amount) => amount.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_the_first_letters_and_the_ending_are_shown() {
        let ada = Email::parse("ada.l@mail.example.com").unwrap();
        assert_eq!(email(&ada, false), "a***@m***.com");
        assert_eq!(email(&ada, true), "ada.l@mail.example.com");
        let long = format!("ada@{}.example.com", vec!["a".repeat(60); 4].join("."));
        let long = Email::from_stored(&long).unwrap();
        assert_eq!(email(&long, true), long.as_str());
    }

    #[test]
    fn of_a_number_the_first_and_the_last_digits_are_shown() {
        let number = Phone::from_e164("+13135550101").unwrap();
        assert_eq!(phone(&number, false), "+1 *** *** ** 01");
        assert_eq!(phone(&number, true), "+13135550101");
    }

    #[test]
    fn a_code_is_masked_and_a_value_is_not() {
        let code = Reward::Code("SPRING-20-7K2Q".into());
        assert_eq!(reward(&code, false), "••••\u{a0}7K2Q");
        assert_eq!(reward(&code, true), "SPRING-20-7K2Q");
        assert_eq!(reward(&Reward::Value("12.5".parse().unwrap()), false), "12.5");
    }
}

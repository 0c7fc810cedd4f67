//! Contacts, as far as they are shown to somebody who need not know them.

use domain::contact::{Email, Phone};

/// The beginning of an address, and its domain.
fn email(email: &Email) -> String {
    let text = email.as_str();
    let (local, domain) = text.rsplit_once('@').unwrap_or((text, ""));
    format!("{}***@{domain}", local.chars().next().unwrap_or('*'))
}

/// The beginning and the end of a number.
fn phone(phone: &Phone) -> String {
    let text = phone.as_str();
    let (start, end) = (text.get(..2).unwrap_or_default(), text.get(text.len().saturating_sub(2)..));
    format!("{start}***{}", end.unwrap_or_default())
}

/// An address, in full only if it is to be revealed.
pub(crate) fn shown_email(address: Option<&Email>, reveal: bool) -> Option<String> {
    address.map(|address| if reveal { address.as_str().to_owned() } else { email(address) })
}

/// A number, in full only if it is to be revealed.
pub(crate) fn shown_phone(number: Option<&Phone>, reveal: bool) -> Option<String> {
    number.map(|number| if reveal { number.as_str().to_owned() } else { phone(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_contact_shows_its_kind_and_not_whose_it_is() {
        let ada = Email::parse("ada.lovelace@example.com").unwrap();
        let number = Phone::from_e164("+13135550100").unwrap();
        assert_eq!(shown_email(Some(&ada), false).unwrap(), "a***@example.com");
        assert_eq!(shown_phone(Some(&number), false).unwrap(), "+1***00");
        assert_eq!(shown_email(Some(&ada), true).unwrap(), "ada.lovelace@example.com");
    }
}

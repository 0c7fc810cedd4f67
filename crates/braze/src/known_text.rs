//! Braze's texts that are known to name nobody. Any other text may repeat an address, a number, an id or a key.

/// The known texts, as Braze documents them or as they were seen. A longer text stands before a shorter one that it contains.
const KNOWN: [&str; 20] = [
    "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required",
    "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.",
    "Either an email address or a phone number should be provided, but not both.",
    "Error while parsing request body. Please check your syntax.",
    "Invalid subscription group ID",
    "Max Input Length Exceeded",
    "You don't have permission to access",
    "Invalid API key",
    "Access Denied",
    "Access denied",
    "Unauthorized",
    "Forbidden",
    "BLACKLISTED_EXTERNAL_USER_ID",
    "EMAIL_BAD_FORMAT",
    "EXTERNAL_USER_ID_TOO_LARGE",
    "INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO",
    "email is not valid",
    "phone is not valid",
    "Internal Server Error",
    "no message",
];

/// The known text that a message has in it, whatever else it says.
pub(crate) fn known_text(message: &str) -> Option<&'static str> {
    KNOWN.into_iter().find(|known| message.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_text_only_the_known_part_is_kept() {
        assert_eq!(known_text("Invalid API key: 7f3a-secret"), Some("Invalid API key"));
        assert_eq!(known_text("ada@example.com: EMAIL_BAD_FORMAT"), Some("EMAIL_BAD_FORMAT"));
        assert_eq!(known_text("Ada Lovelace is not welcome"), None);
    }

    #[test]
    fn no_known_text_hides_a_longer_one() {
        for (position, known) in KNOWN.iter().enumerate() {
            assert_eq!(KNOWN.iter().position(|other| known.contains(other)), Some(position), "{known}");
        }
    }
}

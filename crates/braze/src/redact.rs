//! Removes keys and contacts from Braze's texts.

/// The longest text that is kept, in characters.
const LONGEST: usize = 200;

/// Removes keys and contacts from the provider's texts: a 401 repeats the key, and an object's error may
/// repeat its address.
pub(crate) struct Redactor<'a> {
    key: &'a str,
}

impl<'a> Redactor<'a> {
    pub(crate) fn new(key: &'a str) -> Self {
        Self { key }
    }

    pub(crate) fn clean(&self, text: &str) -> String {
        let without_key = if self.key.is_empty() { text.to_owned() } else { text.replace(self.key, "[key]") };
        let words =
            without_key.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let mut clean = String::new();
        for word in words {
            if !clean.is_empty() {
                clean.push(' ');
            }
            clean.push_str(if is_telling(word) { "[redacted]" } else { word });
        }
        clean.chars().take(LONGEST).collect()
    }
}

/// Whether a word may be an address, a number of seven or more digits, or a long token that may be a key or
/// an id.
fn is_telling(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let token = word.len() >= 32 && digits > 0;
    word.contains('@') || word.contains("%40") || digits >= 7 || token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_addresses_and_numbers_are_removed_and_the_rest_is_kept() {
        let redactor = Redactor::new("7f3a-secret");
        assert_eq!(redactor.clean("Invalid API key: 7f3a-secret"), "Invalid API key: [key]");
        assert_eq!(redactor.clean("email 'ada@example.com' is\nbad"), "email [redacted] is bad");
        assert_eq!(redactor.clean("phone +13135550100 unknown"), "phone [redacted] unknown");
    }

    #[test]
    fn texts_are_bounded() {
        assert_eq!(Redactor::new("").clean(&"word ".repeat(500)).chars().count(), LONGEST);
    }
}

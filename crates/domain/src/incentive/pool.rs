//! Pools of unique codes, and the names of their files.

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::invisible::has_invisible;

/// A pool of unique codes, named after the file that they were read from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pool(String);

impl Pool {
    /// The pool that a file fills; `None` if the name is empty or longer than 255 characters. Stored data may
    /// name pools that brand files may no longer name, see [`Pool::flaw`].
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let plain = !name.is_empty() && name.chars().count() <= 255 && !name.chars().any(char::is_control);
        plain.then(|| Self(name.to_owned()))
    }

    /// The file's name.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.0
    }

    /// Why a brand file may not name this pool: a file of codes must be in the brand file's directory and
    /// must not be another kind of file.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        let name = self.0.as_str();
        let ends_in = |ending: &str| name.to_lowercase().ends_with(ending);
        if name.contains(['/', '\\']) {
            Some("must be the name of a file next to the brand file, without a path: put the file there")
        } else if name.starts_with('.') {
            Some("must be the name of a file next to the brand file that does not begin with a dot")
        } else if ends_in(".toml") {
            Some("is the name of a brand file; codes are in a file of their own, as \"codes.txt\"")
        } else if has_invisible(name) {
            Some("has an invisible character: rename the file, as \"codes.txt\"")
        } else if name.trim() != name {
            Some("has space at its ends: rename the file, as \"codes.txt\"")
        } else {
            None
        }
    }

    /// The name as file systems may compare it: some ignore case, or the difference between composed and
    /// decomposed accents.
    #[must_use]
    pub fn folded(&self) -> String {
        ComposingNormalizerBorrowed::new_nfc().normalize(&self.0.to_lowercase()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(name: &str) -> Pool {
        Pool::of_file(name).unwrap()
    }

    #[test]
    fn a_pool_is_a_plain_file_next_to_the_brand_file() {
        for good in [
            "codes.txt",
            "Codes 2026.csv",
            "codes",
            "spring.codes.txt",
            "códigos.txt",
            "a..b",
            "toml",
            "codes.toml.txt",
        ] {
            assert_eq!(pool(good).flaw(), None, "{good}");
        }
        for (bad, why) in [
            ("/etc/passwd", "without a path"),
            ("../other/codes.txt", "without a path"),
            ("other/codes.txt", "without a path"),
            ("./codes.txt", "without a path"),
            ("codes/", "without a path"),
            ("C:\\codes.txt", "without a path"),
            ("..\\codes.txt", "without a path"),
            (".", "begin with a dot"),
            ("..", "begin with a dot"),
            (".env", "begin with a dot"),
            ("..data", "begin with a dot"),
            ("acme.toml", "brand file"),
            ("ACME.TOML", "brand file"),
            (".toml", "begin with a dot"),
            ("codes\u{200b}.txt", "invisible"),
            ("codes.txt\u{a0}", "invisible"),
            ("\u{feff}codes.txt", "invisible"),
            (" codes.txt", "space"),
            ("codes.txt ", "space"),
        ] {
            let flaw = pool(bad).flaw();
            assert!(flaw.is_some_and(|flaw| flaw.contains(why)), "{bad}: {flaw:?}");
        }
    }

    #[test]
    fn names_that_some_file_systems_take_for_one_are_one() {
        for (one, other) in [
            ("codes.txt", "Codes.TXT"),
            ("c\u{f3}digos.txt", "co\u{301}digos.txt"),
            ("CO\u{301}DIGOS", "c\u{f3}digos"),
        ] {
            assert_eq!(pool(one).folded(), pool(other).folded());
        }
        assert_ne!(pool("codes.txt").folded(), pool("codes.csv").folded());
    }

    #[test]
    fn a_pool_has_a_name_of_1_to_255_characters_that_can_be_printed() {
        for good in ["c", &"é".repeat(255)] {
            assert_eq!(Pool::of_file(good).map(|pool| pool.file().to_owned()), Some(good.to_owned()));
        }
        for bad in ["", "codes\n.txt", &"é".repeat(256)] {
            assert_eq!(Pool::of_file(bad), None, "{bad:?}");
        }
    }
}

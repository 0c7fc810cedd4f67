//! The page on which a consumer answered.

use thiserror::Error;
use url::Url;

/// The longest page that is stored, in bytes.
pub const LONGEST_PAGE: usize = 1_024;

/// The address of a page, without user name, query and fragment: these may say who the visitor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page(String);

/// Why a page is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PageError {
    /// It is not the address of a page.
    #[error("must be the http or https address of the page")]
    NotAPage,
    /// It is longer than [`LONGEST_PAGE`].
    #[error("may have at most 1024 bytes without its query")]
    TooLong,
}

impl Page {
    /// Reads an address, and leaves out what may say who the visitor is.
    ///
    /// # Errors
    /// If it is not an address of http or https, or too long.
    pub fn parse(text: &str) -> Result<Self, PageError> {
        let mut url = Url::parse(text.trim()).map_err(|_| PageError::NotAPage)?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(PageError::NotAPage);
        }
        url.set_query(None);
        url.set_fragment(None);
        let without = url.set_username("").and_then(|()| url.set_password(None));
        without.map_err(|()| PageError::NotAPage)?;
        let page = String::from(url);
        if page.len() > LONGEST_PAGE { Err(PageError::TooLong) } else { Ok(Self(page)) }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_kept_without_what_may_say_who_the_visitor_is() {
        let page = |text: &str| Page::parse(text).map(|page| page.as_str().to_owned());
        let kept = "https://acme.example/spring";
        for text in [
            "https://acme.example/spring",
            " https://acme.example/spring?email=ada%40example.com&utm=1 ",
            "https://acme.example/spring#ada@example.com",
            "https://ada:secret@acme.example/spring",
        ] {
            assert_eq!(page(text), Ok(kept.to_owned()), "{text}");
        }
        for text in ["", "spring", "/spring", "mailto:ada@example.com", "javascript:alert(1)", "file:///etc"]
        {
            assert_eq!(page(text), Err(PageError::NotAPage), "{text}");
        }
        let long = format!("https://acme.example/{}", "x".repeat(LONGEST_PAGE));
        assert_eq!(page(&long), Err(PageError::TooLong));
        let query = format!("https://acme.example/spring?{}", "x".repeat(LONGEST_PAGE));
        assert_eq!(page(&query), Ok(kept.to_owned()), "only what is kept counts");
    }
}

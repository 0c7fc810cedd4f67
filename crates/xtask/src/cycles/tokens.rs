//! The part of Rust's grammar that is needed to find modules and the paths they use.

/// A token of source text. Text that does not matter for modules yields no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a keyword.
    Word(String),
    /// `::`.
    PathSeparator,
    /// Any other character that is neither white space nor part of a literal.
    Mark(char),
}

impl Token {
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found == word)
    }
}

/// The tokens of a source file, without comments, string literals and character literals.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut rest = Rest { left: text };
    let mut tokens = Vec::new();
    while let Some(first) = rest.left.chars().next() {
        if rest.skip_comment() || rest.skip_literal() {
            continue;
        }
        if first.is_alphabetic() || first == '_' {
            tokens.push(Token::Word(rest.take_word()));
        } else if rest.skip("::") {
            tokens.push(Token::PathSeparator);
        } else {
            rest.advance(first.len_utf8());
            if !first.is_whitespace() {
                tokens.push(Token::Mark(first));
            }
        }
    }
    tokens
}

struct Rest<'a> {
    left: &'a str,
}

impl Rest<'_> {
    fn advance(&mut self, bytes: usize) {
        self.left = self.left.get(bytes..).unwrap_or_default();
    }

    fn skip(&mut self, start: &str) -> bool {
        let found = self.left.starts_with(start);
        if found {
            self.advance(start.len());
        }
        found
    }

    /// Skips past `end`, or to the end of the text.
    fn skip_behind(&mut self, end: &str) {
        let length = self.left.find(end).map_or(self.left.len(), |at| at + end.len());
        self.advance(length);
    }

    fn take_word(&mut self) -> String {
        let word: String = self.left.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        self.advance(word.len());
        word
    }

    fn skip_comment(&mut self) -> bool {
        if self.skip("//") {
            self.skip_behind("\n");
            return true;
        }
        if !self.skip("/*") {
            return false;
        }
        // Block comments can be nested.
        let mut depth = 1;
        while depth > 0 && !self.left.is_empty() {
            if self.skip("/*") {
                depth += 1;
            } else if self.skip("*/") {
                depth -= 1;
            } else {
                self.advance(self.left.chars().next().map_or(0, char::len_utf8));
            }
        }
        true
    }

    /// Skips a string or character literal. A lifetime is neither.
    fn skip_literal(&mut self) -> bool {
        if let Some(behind) = raw_text_start(self.left) {
            let hashes = "#".repeat(behind.hashes);
            self.advance(behind.length);
            self.skip_behind(&format!("\"{hashes}"));
            return true;
        }
        for start in ["\"", "b\"", "c\""] {
            if self.skip(start) {
                self.skip_to_quote('"');
                return true;
            }
        }
        if self.skip("b'") {
            self.skip_to_quote('\'');
            return true;
        }
        if !self.left.starts_with('\'') {
            return false;
        }
        let mut following = self.left.chars().skip(1);
        let is_character = following.next() == Some('\\') || following.next() == Some('\'');
        self.advance(1);
        if is_character {
            self.skip_to_quote('\'');
        }
        true
    }

    fn skip_to_quote(&mut self, quote: char) {
        let mut escaped = false;
        while let Some(next) = self.left.chars().next() {
            self.advance(next.len_utf8());
            if next == quote && !escaped {
                return;
            }
            escaped = next == '\\' && !escaped;
        }
    }
}

struct RawStart {
    length: usize,
    hashes: usize,
}

/// The start of a raw string: `r"`, `r#"`, `br##"` and so on.
fn raw_text_start(text: &str) -> Option<RawStart> {
    let after =
        text.strip_prefix("br").or_else(|| text.strip_prefix("cr")).or_else(|| text.strip_prefix('r'))?;
    let hashes = after.chars().take_while(|c| *c == '#').count();
    let is_raw = after.get(hashes..).is_some_and(|left| left.starts_with('"'));
    is_raw.then(|| RawStart { length: text.len() - after.len() + hashes + 1, hashes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let word = |token| match token {
            Token::Word(word) => Some(word),
            Token::PathSeparator | Token::Mark(_) => None,
        };
        tokens(text).into_iter().filter_map(word).collect()
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        for text in [
            "a // b\nc",
            "a /* b /* d */ b */ c",
            r#"a "b \" b" c"#,
            "a r#\"b \" b\"# c",
            "a b\"b\" c",
            r"a 'b' '\'' c",
            "a b'b' c",
        ] {
            assert_eq!(words(text), ["a", "c"], "{text}");
        }
    }

    #[test]
    fn a_lifetime_ends_with_its_name() {
        assert_eq!(words("fn a<'b>(c: &'b str)"), ["fn", "a", "b", "c", "b", "str"]);
    }

    #[test]
    fn paths_are_words_with_separators() {
        let expected = [
            Token::Word("a".to_owned()),
            Token::PathSeparator,
            Token::Word("b".to_owned()),
            Token::Mark(';'),
        ];
        assert_eq!(tokens("a::b;"), expected);
    }
}

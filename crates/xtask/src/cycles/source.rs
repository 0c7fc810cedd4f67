//! What one source file contains: the modules it declares, the paths it uses, and the names it re-exports.

use super::tokens::{Token, tokens};

/// A path in a source file. It begins with `crate`, `super` or `self`, or with a module that the file declares.
pub(super) type Segments = Vec<String>;

/// The contents of a source file that matter for cycles. Tests are left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ModuleSource {
    /// Modules whose source is in a file of their own.
    pub(super) declared: Vec<String>,
    /// The paths, each with the inline modules that it stands in.
    pub(super) used: Vec<(Segments, Segments)>,
    /// The paths that `pub use` re-exports.
    pub(super) passed_on: Vec<Segments>,
}

/// Reads a source file.
pub(super) fn read(text: &str) -> ModuleSource {
    let tokens = tokens(text);
    let mut reader =
        TokenReader { tokens: &tokens, at: 0, inside: Vec::new(), depth: 0, found: ModuleSource::default() };
    reader.read();
    reader.found
}

struct TokenReader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// The inline modules that are open, with the depth of braces at which they began.
    inside: Vec<(String, usize)>,
    depth: usize,
    found: ModuleSource,
}

impl TokenReader<'_> {
    fn read(&mut self) {
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark('#') if self.is_test() => self.skip_item(),
                Token::Mark('{') => {
                    self.depth += 1;
                    self.at += 1;
                }
                Token::Mark('}') => self.close(),
                Token::Word(word) if word == "mod" => self.module(),
                Token::Word(word) if word == "use" => self.import(),
                Token::Word(word) if is_anchor(word) => self.expression(),
                Token::Word(_) | Token::PathSeparator | Token::Mark(_) => self.at += 1,
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead) {
            Some(Token::Word(word)) => Some(word),
            Some(Token::PathSeparator | Token::Mark(_)) | None => None,
        }
    }

    /// Whether `#[cfg(test)]` is next.
    fn is_test(&self) -> bool {
        let expected = [Token::Mark('['), word("cfg"), Token::Mark('('), word("test"), Token::Mark(')')];
        self.tokens.get(self.at + 1..).is_some_and(|behind| behind.starts_with(&expected))
    }

    /// Skips an attribute and the item after it, up to its semicolon or the end of its braces.
    fn skip_item(&mut self) {
        let mut open = 0_usize;
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark('{') => open += 1,
                Token::Mark('}') if open <= 1 => {
                    self.at += 1;
                    return;
                }
                Token::Mark('}') => open -= 1,
                Token::Mark(';') if open == 0 => {
                    self.at += 1;
                    return;
                }
                Token::Word(_) | Token::PathSeparator | Token::Mark(_) => {}
            }
            self.at += 1;
        }
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.inside.last().is_some_and(|(_, depth)| *depth == self.depth) {
            self.inside.pop();
        }
        self.at += 1;
    }

    fn module(&mut self) {
        if let Some(name) = self.word(1).map(str::to_owned) {
            match self.peek(2) {
                Some(Token::Mark(';')) => self.found.declared.push(name),
                Some(Token::Mark('{')) => self.inside.push((name, self.depth)),
                Some(_) | None => {}
            }
            self.at += 1;
        }
        self.at += 1;
    }

    fn import(&mut self) {
        let public = self
            .at
            .checked_sub(1)
            .and_then(|before| self.tokens.get(before))
            .is_some_and(|before| before.is_word("pub") || *before == Token::Mark(')'));
        self.at += 1;
        let mut paths = Vec::new();
        self.tree(&Vec::new(), &mut paths);
        if public && self.inside.is_empty() {
            self.found.passed_on.extend(paths.iter().cloned());
        }
        for path in paths {
            self.uses(path);
        }
    }

    /// Expands a tree of imports: `a::{b, c::d}` is `a::b` and `a::c::d`.
    fn tree(&mut self, before: &Segments, paths: &mut Vec<Segments>) {
        let mut path = before.clone();
        loop {
            match self.peek(0) {
                Some(Token::PathSeparator) => {}
                Some(Token::Mark('{')) => {
                    self.at += 1;
                    while !matches!(self.peek(0), Some(Token::Mark('}')) | None) {
                        self.tree(&path, paths);
                        if self.peek(0) == Some(&Token::Mark(',')) {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                Some(Token::Word(word)) if word == "as" => {
                    self.at += 2;
                    break;
                }
                // `use a::{self}` names `a`.
                Some(Token::Word(word)) if word == "self" && !path.is_empty() => {}
                Some(Token::Word(word)) => path.push(word.clone()),
                Some(Token::Mark('*')) => {}
                Some(Token::Mark(_)) | None => break,
            }
            self.at += 1;
        }
        if !path.is_empty() {
            paths.push(path);
        }
    }

    /// Reads a path in the middle of code.
    fn expression(&mut self) {
        let mut path = Segments::new();
        while let Some(word) = self.word(0).map(str::to_owned) {
            path.push(word);
            self.at += 1;
            if self.peek(0) != Some(&Token::PathSeparator) {
                break;
            }
            self.at += 1;
        }
        if path.len() > 1 {
            self.uses(path);
        }
    }

    fn uses(&mut self, path: Segments) {
        let inside = self.inside.iter().map(|(name, _)| name.clone()).collect();
        self.found.used.push((inside, path));
    }
}

fn word(text: &str) -> Token {
    Token::Word(text.to_owned())
}

fn is_anchor(word: &str) -> bool {
    matches!(word, "crate" | "super" | "self")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(text: &str) -> Vec<String> {
        read(text).used.into_iter().map(|(_, path)| path.join("::")).collect()
    }

    #[test]
    fn imports_are_expanded() {
        assert_eq!(
            used("use crate::{a, b::{self, c as d, e::*}};\npub use super::f;"),
            ["crate::a", "crate::b", "crate::b::c", "crate::b::e", "super::f"]
        );
    }

    #[test]
    fn paths_in_code_are_found() {
        assert_eq!(
            used("fn f(x: &crate::a::B) -> super::C { self::d::e(self, x.self_) }"),
            ["crate::a::B", "super::C", "self::d::e"]
        );
    }

    #[test]
    fn tests_are_left_out() {
        let text = "mod a;\n#[cfg(test)]\n#[path = \"b_tests.rs\"]\nmod b;\n#[cfg(test)]\nmod c { use crate::d; fn f() {} }\nuse crate::e;";
        assert_eq!((read(text).declared, used(text)), (vec!["a".to_owned()], vec!["crate::e".to_owned()]));
    }

    #[test]
    fn an_inline_module_is_known_by_its_name() {
        let found = read("mod a { fn f() { super::g() } } fn h() { crate::b::i() }").used;
        let at = |inside: &[&str], path: &[&str]| {
            let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Segments>();
            (owned(inside), owned(path))
        };
        assert_eq!(found, [at(&["a"], &["super", "g"]), at(&[], &["crate", "b", "i"])]);
    }

    #[test]
    fn reexports_are_found() {
        assert_eq!(read("mod a; pub(crate) use a::B; use a::C;").passed_on, [["a", "B"]]);
    }
}

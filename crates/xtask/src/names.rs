//! Names of types. Each is used once in the workspace, so that a reader who meets a name knows which type it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The files that declare each type, by the type's name.
#[derive(Default)]
pub(crate) struct TypeNames(BTreeMap<String, Vec<PathBuf>>);

impl TypeNames {
    /// Records the types that a source file declares.
    pub(crate) fn add(&mut self, file: &Path, source: &str) {
        for name in source.lines().filter_map(declared) {
            self.0.entry(name.to_owned()).or_default().push(file.to_owned());
        }
    }

    /// The names that several types have without being allowed to, each with its files.
    pub(crate) fn twice(&self, allowed: &[(&str, &str)]) -> Vec<String> {
        let is_allowed = |name: &str| allowed.iter().any(|(known, _)| *known == name);
        let twice = self.0.iter().filter(|(name, files)| files.len() > 1 && !is_allowed(name));
        twice
            .map(|(name, files)| {
                let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                format!("{name} is the name of several types: {}", files.join(", "))
            })
            .collect()
    }

    /// The names that are allowed for several types and are used only once.
    pub(crate) fn needlessly(&self, allowed: &[(&str, &str)]) -> Vec<String> {
        let once = |name: &&str| self.0.get(*name).is_none_or(|files| files.len() < 2);
        let names = allowed.iter().map(|(name, _)| *name);
        names.filter(once).map(|name| format!("{name} is not the name of several types any more")).collect()
    }
}

/// The type that a line declares. An associated type, which is indented, does not count.
fn declared(line: &str) -> Option<&str> {
    let indented = line.starts_with(char::is_whitespace);
    let line = line.trim_start();
    let rest = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1.trim_start(),
        Some(rest) if rest.starts_with(' ') => rest.trim_start(),
        Some(_) | None => line,
    };
    let (keyword, rest) = rest.split_once(' ')?;
    let declares = match keyword {
        "struct" | "enum" | "trait" | "union" => true,
        "type" => !indented,
        _ => false,
    };
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    rest.get(..end).filter(|name| declares && name.starts_with(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sources: &[&str]) -> TypeNames {
        let mut names = TypeNames::default();
        for (number, source) in sources.iter().enumerate() {
            names.add(Path::new(&format!("{number}.rs")), source);
        }
        names
    }

    #[test]
    fn a_type_is_found_by_its_declaration() {
        for (line, name) in [
            ("struct Line;", Some("Line")),
            ("pub struct Line<'a> {", Some("Line")),
            ("    pub(crate) enum Line {", Some("Line")),
            ("pub(in crate::a) trait Line: Send {", Some("Line")),
            ("type Line = (u32, u32);", Some("Line")),
            ("    type Line = u32;", None),
            ("structure Line", None),
            ("let struct_line = Line;", None),
            ("// struct Line", None),
        ] {
            assert_eq!(declared(line), name, "{line}");
        }
    }

    #[test]
    fn a_name_that_is_given_twice_is_a_fault_with_its_files() {
        let names = names(&["struct Line;", "pub enum Line {}\nstruct Other;"]);
        assert_eq!(names.twice(&[]), ["Line is the name of several types: 0.rs, 1.rs"]);
        assert!(names.twice(&[("Line", "a reason")]).is_empty());
    }

    #[test]
    fn an_exception_that_is_not_needed_any_more_is_a_fault() {
        let names = names(&["struct Line;"]);
        assert_eq!(
            names.needlessly(&[("Line", "a reason")]),
            ["Line is not the name of several types any more"]
        );
    }
}

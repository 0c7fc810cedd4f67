//! Files of unique codes, one code a line, beside the brand files.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use domain::brand::Brand;
use domain::identity::BrandId;
use domain::incentive::Pool;

/// Longest code, in characters: as long as Braze keeps an attribute.
const LONGEST_CODE: usize = 255;

/// Reads pools from a directory.
pub(crate) struct CodeFiles(PathBuf);

/// A brand's pool and what its file holds.
pub(crate) type Codes = (BrandId, Pool, Vec<String>);

impl CodeFiles {
    pub(crate) fn in_directory(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// The codes of a file, in its order. Says what is wrong without repeating a code.
    pub(crate) fn read(&self, pool: &Pool) -> Result<Vec<String>, String> {
        let text = fs::read_to_string(self.0.join(pool.file()))
            .map_err(|error| format!("cannot be read: {error}"))?;
        let mut codes = Vec::new();
        let mut seen = HashSet::new();
        for (number, line) in text.lines().enumerate() {
            let code = line.trim();
            if code.is_empty() {
                continue;
            }
            if code.chars().count() > LONGEST_CODE || code.chars().any(char::is_control) {
                return Err(format!("line {} is no code of at most 255 characters", number + 1));
            }
            if !seen.insert(code) {
                return Err(format!("line {} repeats a code", number + 1));
            }
            codes.push(code.to_owned());
        }
        Ok(codes)
    }

    /// Everything that the brands' incentives may give out.
    pub(crate) fn all<'a>(&self, brands: impl Iterator<Item = &'a Brand>) -> anyhow::Result<Vec<Codes>> {
        let mut all = Vec::new();
        for brand in brands {
            let incentives = brand.activations.values().flat_map(|activation| activation.incentives.values());
            let mut pools: Vec<&Pool> =
                incentives.flat_map(|incentive| incentive.pools()).map(|(pool, _)| pool).collect();
            pools.sort();
            pools.dedup();
            for pool in pools {
                let codes = self.read(pool).map_err(anyhow::Error::msg);
                let codes = codes.with_context(|| format!("{}: codes \"{}\"", brand.id, pool.file()))?;
                all.push((brand.id.clone(), pool.clone(), codes));
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("codes.txt"), text).unwrap();
        CodeFiles::in_directory(directory.path()).read(&Pool::of_file("codes.txt").unwrap())
    }

    #[test]
    fn a_code_stands_on_a_line() {
        assert_eq!(read("A-1\n\n  B-2 \r\nC-3"), Ok(vec!["A-1".into(), "B-2".into(), "C-3".into()]));
        assert_eq!(read(""), Ok(vec![]));
    }

    #[test]
    fn a_code_that_stands_twice_is_an_error_that_does_not_tell_it() {
        assert_eq!(read("A-1\nB-2\nA-1\n"), Err("line 3 repeats a code".into()));
        assert_eq!(read(&"x".repeat(256)), Err("line 1 is no code of at most 255 characters".into()));
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let files = CodeFiles::in_directory(Path::new("/nowhere"));
        assert!(files.read(&Pool::of_file("codes.txt").unwrap()).unwrap_err().starts_with("cannot be read"));
    }
}

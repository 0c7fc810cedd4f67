//! The brands in use, and reports about brand files that cannot be used.

use std::sync::Arc;

use parking_lot::RwLock;

use domain::Timestamp;
use domain::brand::Brands;
use domain::brand_file::{FileStanding, Loaded, LoadedFile, Severity};

use crate::health::{Subject, Troubles};

/// The brands in use. All clones share them, so replacing the brands replaces them for every clone.
#[derive(Debug, Clone, Default)]
pub struct BrandsInUse(Arc<RwLock<Arc<Brands>>>);

impl From<Arc<Brands>> for BrandsInUse {
    fn from(brands: Arc<Brands>) -> Self {
        Self(Arc::new(RwLock::new(brands)))
    }
}

impl BrandsInUse {
    /// The brands as they are now. Work that has begun keeps the brands that it began with.
    #[must_use]
    pub fn current(&self) -> Arc<Brands> {
        self.0.read().clone()
    }

    /// Replaces the brands that are used from now on.
    pub fn replace(&self, brands: Arc<Brands>) {
        *self.0.write() = brands;
    }
}

/// One kind of problem with a brand file.
struct FileTrouble {
    /// The kind of the health entry.
    kind: &'static str,
    /// The log event.
    event: &'static str,
    /// The consequence, as a sentence that begins with "The file".
    text: &'static str,
}

const BROKEN: FileTrouble = FileTrouble {
    kind: "brand_broken",
    event: "brands.brand_broken",
    text: "cannot be used; the brand's participations wait",
};
const OUTDATED: FileTrouble = FileTrouble {
    kind: "brand_outdated",
    event: "brands.brand_outdated",
    text: "cannot be used; the brand continues with the earlier file",
};
const RULE: FileTrouble = FileTrouble {
    kind: "brand_rule",
    event: "brands.brand_rule",
    text: "breaks a rule that is newer than the file; it will be refused when it is pushed",
};

/// Reports problems with brand files: in the health report while they last, and in the log once a minute
/// while this is called. Returns how many files are not in use as they are.
pub fn report(loaded: &Loaded, troubles: &Troubles, now: Timestamp) -> u64 {
    let known = troubles
        .all(now)
        .into_iter()
        .filter(|entry| [BROKEN.kind, OUTDATED.kind, RULE.kind].contains(&entry.kind));
    let known: Vec<_> = known.map(|entry| (entry.kind, entry.subject)).collect();
    let wrong: Vec<_> = loaded.files.iter().filter_map(|file| Some((trouble(file)?, file))).collect();
    for (FileTrouble { kind, event, text }, file) in &wrong {
        let subject = Subject::Brand(subject(file));
        troubles.report(kind, subject, now, format!("{}: the file {text}", base_name(&file.name)));
        if let Some(repeated) = troubles.repeats().line(kind, &file.name, now) {
            log(event, text, file, repeated.since);
        }
    }
    let lasts = |(kind, about): &(&'static str, Subject)| {
        wrong.iter().any(|(now, file)| now.kind == *kind && *about == Subject::Brand(subject(file)))
    };
    for (kind, about) in known.into_iter().filter(|known| !lasts(known)) {
        troubles.clear(kind, about);
    }
    u64::try_from(loaded.refused().count()).unwrap_or(u64::MAX)
}

fn trouble(file: &LoadedFile) -> Option<FileTrouble> {
    match file.standing {
        FileStanding::Broken => Some(BROKEN),
        FileStanding::Former => Some(OUTDATED),
        FileStanding::Used if file.findings.iter().any(|finding| finding.severity == Severity::Rule) => {
            Some(RULE)
        }
        FileStanding::Used => None,
    }
}

fn log(event: &'static str, text: &str, file: &LoadedFile, since: Timestamp) {
    let wrong = file.findings.iter().filter(|finding| finding.severity != Severity::Warning);
    let findings: Vec<String> = wrong.map(ToString::to_string).collect();
    tracing::error!(event, brand = subject(file), findings = findings.join("; "), %since, "The file {text}.");
}

/// The subject of a report: the brand, or the file if its brand's id is not known.
fn subject(file: &LoadedFile) -> String {
    file.brand.as_ref().map_or_else(|| base_name(&file.name).to_owned(), ToString::to_string)
}

/// The name of a file without its directory, which must not be shown to outsiders.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use domain::brand_file::{AssumePresent, BrandFile, Given, Strictness, read_each};

    use super::*;

    const GOOD: &str =
        "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { env = \"ACME_KEY\" }\n";

    fn given(text: &str) -> Given {
        Ok(BrandFile { name: "/etc/brands/acme.toml".into(), text: text.into() })
    }

    fn load(file: Given, former: Option<&Loaded>) -> Loaded {
        read_each(&[file], &AssumePresent, Strictness::Strict, former)
    }

    fn shown(troubles: &Troubles) -> Vec<(&'static str, String, String)> {
        let all = troubles.all(now(0)).into_iter();
        all.map(|entry| (entry.kind, entry.as_json()["brand"].to_string(), entry.since.to_string())).collect()
    }

    fn now(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_problem_with_a_file_is_shown_from_its_beginning_to_its_end() {
        let (troubles, acme) = (Troubles::default(), || "\"acme\"".to_owned());
        let broken = load(given(&format!("{GOOD}colour = 1\n")), None);
        assert_eq!(report(&broken, &troubles, now(0)), 1);
        assert_eq!(report(&broken, &troubles, now(90)), 1);
        assert_eq!(shown(&troubles), [(BROKEN.kind, acme(), "1970-01-01T00:00:00Z".to_owned())]);
        assert!(!troubles.all(now(0))[0].text.contains("/etc"));
        let good = load(given(GOOD), Some(&broken));
        assert_eq!((report(&good, &troubles, now(100)), shown(&troubles)), (0, vec![]));
        let outdated = load(given("id = 1"), Some(&good));
        assert_eq!(report(&outdated, &troubles, now(120)), 1);
        assert_eq!(shown(&troubles), [(OUTDATED.kind, acme(), "1970-01-01T00:02:00Z".to_owned())]);
    }

    #[test]
    fn replacing_the_brands_replaces_them_for_all_clones() {
        let in_use = BrandsInUse::default();
        let other = in_use.clone();
        let begun = other.current();
        in_use.replace(Arc::new(load(given(GOOD), None).brands));
        assert_eq!((begun.iter().count(), other.current().iter().count()), (0, 1));
    }
}

//! Fixtures: one file for each value, in one directory for each form.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

/// The form that this version writes.
const NEWEST: &str = "v1";

/// Lists a value for each variant of an enum. The compiler then rejects a variant that is not listed.
#[macro_export]
macro_rules! every {
    ($of:ty: $($pattern:pat => $name:literal $value:expr),+ $(,)?) => {{
        let _every_variant_is_listed = |one: &$of| match one { $($pattern => ()),+ };
        vec![$(($name, $value)),+]
    }};
}

/// The fixtures of one kind of record.
pub(crate) struct Fixtures {
    directory: PathBuf,
}

impl Fixtures {
    pub(crate) fn of(kind: &str) -> Self {
        Self { directory: Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(kind) }
    }

    /// Checks a kind of record against its fixtures: a value in any form is read as that value, and it is
    /// written exactly as the fixture of the newest form.
    pub(crate) fn pin<T: PartialEq + Debug>(
        &self,
        values: &[(&str, T)],
        encode: impl Fn(&T) -> String,
        decode: impl Fn(&str) -> T,
    ) {
        for (name, value) in values {
            let written = encode(value);
            assert_eq!(written, self.newest(name, &written), "{name} is written in another form");
        }
        let names: BTreeSet<&str> = values.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), values.len(), "each value has a name of its own");
        for form in self.forms() {
            for (name, text) in self.texts(&form) {
                let value = values.iter().find(|(known, _)| *known == name);
                let (_, value) = value.unwrap_or_else(|| panic!("what is {form}/{name}?"));
                assert_eq!(decode(&text), *value, "{form}/{name} is read as something else");
            }
        }
    }

    /// The fixture of the newest form. With `WRITE_FIXTURES` set, a missing fixture is written; an existing
    /// one is never changed.
    fn newest(&self, name: &str, written: &str) -> String {
        let path = self.directory.join(NEWEST).join(format!("{name}.json"));
        if std::env::var_os("WRITE_FIXTURES").is_some() && !path.exists() {
            fs::create_dir_all(self.directory.join(NEWEST)).unwrap();
            fs::write(&path, format!("{written}\n")).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.trim_end_matches('\n').to_owned()
    }

    /// All forms that have fixtures.
    fn forms(&self) -> Vec<String> {
        names(&self.directory)
    }

    /// The texts of one form, by name.
    fn texts(&self, form: &str) -> Vec<(String, String)> {
        let directory = self.directory.join(form);
        let text = |file: String| {
            let text = fs::read_to_string(directory.join(&file)).unwrap();
            (file.strip_suffix(".json").unwrap().to_owned(), text.trim_end_matches('\n').to_owned())
        };
        names(&directory).into_iter().map(text).collect()
    }

    /// The texts of the newest form, by name.
    pub(crate) fn newest_texts(&self) -> Vec<(String, String)> {
        self.texts(NEWEST)
    }

    /// What earlier versions wrote, together with what this version writes instead: form and name, name,
    /// their text and ours.
    pub(crate) fn earlier_and_newest(&self) -> Vec<(String, String, String)> {
        let newest = self.newest_texts();
        let earlier = self.forms().into_iter().filter(|form| form != NEWEST);
        let texts = earlier.flat_map(|form| {
            self.texts(&form).into_iter().map(move |(name, text)| (format!("{form}/{name}"), name, text))
        });
        let beside = |(place, name, text): (String, String, String)| {
            let (_, ours) = newest.iter().find(|(known, _)| *known == name).unwrap();
            (place, text, ours.clone())
        };
        texts.map(beside).collect()
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

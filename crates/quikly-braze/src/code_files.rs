//! Files of unique codes next to the brand files. A file is opened only if it is a regular file in the directory, and it is read once.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::anyhow;
use domain::brand::Brand;
use domain::brand_file::{Doubt, FileIdentity, PoolFile, Severity};
use domain::codes::{CodeList, Shape};
use domain::ids::BrandId;
use domain::incentive::Pool;

/// A brand's pool, and the codes of its file.
pub(crate) type PoolCodes = (BrandId, Pool, Vec<String>);

/// The largest file that is read, in bytes. A million codes are 15 MB.
const LARGEST: u64 = 1 << 30;

/// The code files of a directory. Each is read once, so that the codes that are given out are those that were checked.
pub(crate) struct CodeFiles {
    directory: PathBuf,
    read: RefCell<BTreeMap<Pool, Rc<Result<CodeFile, Doubt>>>>,
    overlap: RefCell<Overlap>,
}

/// A file that was read.
struct CodeFile {
    identity: FileIdentity,
    list: CodeList,
    doubts: Vec<String>,
}

/// A summary of a pool that does not contain its codes.
pub(crate) struct Summary {
    pub(crate) codes: usize,
    /// The shape of the first code.
    pub(crate) first: Option<Shape>,
}

impl CodeFiles {
    /// Names the directory without reading anything.
    pub(crate) fn in_directory(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), read: RefCell::default(), overlap: RefCell::default() }
    }

    /// What a pool's file holds. An error says what is wrong without repeating a code.
    pub(crate) fn stock(&self, pool: &Pool) -> Result<PoolFile, Doubt> {
        match &*self.file(pool) {
            Ok(file) => Ok(PoolFile {
                count: u32::try_from(file.list.count()).unwrap_or(u32::MAX),
                doubts: file.doubts.clone(),
                identity: Some(file.identity),
            }),
            Err(doubt) => Err(doubt.clone()),
        }
    }

    /// The summary of a pool; `None` when its file cannot be used.
    pub(crate) fn summary(&self, pool: &Pool) -> Option<Summary> {
        let file = self.file(pool);
        let list = &(*file).as_ref().ok()?.list;
        Some(Summary { codes: list.count(), first: list.first() })
    }

    /// All codes that the brands' incentives may give out.
    pub(crate) fn into_codes<'a>(
        self,
        brands: impl Iterator<Item = &'a Brand>,
    ) -> anyhow::Result<Vec<PoolCodes>> {
        let mut all = Vec::new();
        for brand in brands {
            for pool in brand.pools() {
                let refused =
                    |doubt: &Doubt| anyhow!("{}: codes \"{}\": {}", brand.id, pool.file(), doubt.message);
                let file = self.file(pool);
                self.read.borrow_mut().remove(pool);
                let file =
                    Rc::try_unwrap(file).map_err(|_| anyhow!("codes \"{}\" are in use", pool.file()))?;
                let codes = file.map_err(|doubt| refused(&doubt))?.list.into_codes();
                all.push((brand.id.clone(), pool.clone(), codes));
            }
        }
        Ok(all)
    }

    /// What is doubtful about a file, compared with the files that were read before.
    fn shared(&self, pool: &Pool, file: &CodeFile) -> Option<String> {
        let overlap = &mut *self.overlap.borrow_mut();
        // One file under two names is refused elsewhere.
        if overlap.files.iter().any(|(known, _)| *known == file.identity) {
            return None;
        }
        let number = overlap.files.len();
        overlap.files.push((file.identity, pool.clone()));
        if number == 0 {
            return None;
        }
        if let (1, Some((_, first))) = (number, overlap.files.first().cloned())
            && let Some(Ok(first)) = self.read.borrow().get(&first).map(|read| &**read)
        {
            overlap.note(0, first.list.codes());
        }
        let shared = overlap.note(number, file.list.codes());
        let (_, other) = overlap.files.get(*shared.first()?)?;
        Some(format!(
            "{} of its codes are in \"{}\" or another file, too: two brands would give each of them to two people, and one brand gives \
             each of them out from one of the files only",
            shared.len(),
            other.file()
        ))
    }

    fn file(&self, pool: &Pool) -> Rc<Result<CodeFile, Doubt>> {
        if let Some(known) = self.read.borrow().get(pool) {
            return known.clone();
        }
        let mut file = read(&self.directory, pool);
        if let Ok(file) = &mut file {
            file.doubts.extend(self.shared(pool, file));
        }
        let file = Rc::new(file);
        self.read.borrow_mut().insert(pool.clone(), file.clone());
        file
    }
}

/// Codes that are in more than one file. A copied file gives its codes out twice, as a link would.
#[derive(Default)]
struct Overlap {
    files: Vec<(FileIdentity, Pool)>,
    /// The codes of all files as hashes, each with the number of the first file that has it. It is empty while there is only one file.
    seen: HashMap<u64, usize>,
}

impl Overlap {
    /// Records the codes of a file, and returns the earlier files that have some of them.
    fn note(&mut self, number: usize, codes: &[String]) -> Vec<usize> {
        let first_in = |code: &String| {
            let mut hasher = DefaultHasher::new();
            code.hash(&mut hasher);
            *self.seen.entry(hasher.finish()).or_insert(number)
        };
        codes.iter().map(first_in).filter(|first| *first != number).collect()
    }
}

/// Reads a file in the directory, directly or through a link. In a mounted configuration map, every file is a link.
fn read(directory: &Path, pool: &Pool) -> Result<CodeFile, Doubt> {
    let doubt = |severity, message: &str| Doubt { severity, message: message.to_owned() };
    let unread = |error: std::io::Error| doubt(Severity::Error, &format!("cannot be read: {error}"));
    if let Some(flaw) = pool.flaw() {
        return Err(doubt(Severity::Rule, flaw));
    }
    let directory = directory.canonicalize().map_err(unread)?;
    let path = directory.join(pool.file()).canonicalize().map_err(unread)?;
    if !path.starts_with(&directory) {
        return Err(doubt(
            Severity::Rule,
            "is a link that leads out of the directory: put the file itself there",
        ));
    }
    let is_a_brands = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    if is_a_brands {
        return Err(doubt(Severity::Rule, "is a link to a brand file; codes must be in a file of their own"));
    }
    // Opening a pipe would block forever, and a device may do anything.
    let is = fs::metadata(&path).map_err(unread)?;
    if !is.is_file() {
        let severity = if is.is_dir() { Severity::Error } else { Severity::Rule };
        return Err(doubt(severity, "is not a regular file"));
    }
    if is.len() > LARGEST {
        return Err(doubt(Severity::Rule, "is larger than 1 GiB: put the codes in several files"));
    }
    let mut file = File::open(&path).map_err(unread)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(unread)?;
    let is = file.metadata().map_err(unread)?;
    let list = CodeList::read(&bytes).map_err(|error| {
        let severity = if error.is_new() { Severity::Rule } else { Severity::Error };
        doubt(severity, &error.to_string())
    })?;
    Ok(CodeFile { identity: (is.dev(), is.ino()), doubts: list.doubts(), list })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn pool(name: &str) -> Pool {
        Pool::of_file(name).unwrap()
    }

    fn refused(directory: &Path, name: &str) -> (Severity, String) {
        let doubt = CodeFiles::in_directory(directory).stock(&pool(name)).unwrap_err();
        (doubt.severity, doubt.message)
    }

    #[test]
    fn a_missing_file_is_an_error() {
        for directory in [Path::new("/nowhere"), tempfile::tempdir().unwrap().path()] {
            let (severity, why) = refused(directory, "codes.txt");
            assert!(severity == Severity::Error && why.starts_with("cannot be read"), "{why}");
        }
    }

    #[test]
    fn a_file_elsewhere_or_of_another_kind_is_refused_without_being_opened() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("brands");
        fs::create_dir_all(directory.join("directory")).unwrap();
        fs::write(parent.path().join("secret"), "SECRET-1\n").unwrap();
        fs::write(directory.join("acme.toml"), "id = 1\n").unwrap();
        let link = |to: &str, name: &str| symlink(to, directory.join(name)).unwrap();
        link("../secret", "out.txt");
        link("out.txt", "out-by-two.txt");
        link("/dev/zero", "zero.txt");
        link("acme.toml", "brand.txt");
        link("gone", "dangling.txt");
        link("loop.txt", "loop.txt");
        File::create(directory.join("large.txt")).unwrap().set_len(LARGEST + 1).unwrap();
        let _socket = UnixListener::bind(directory.join("socket")).unwrap();
        for (name, why) in [
            ("../secret", "without a path"),
            ("/etc/passwd", "without a path"),
            ("out.txt", "leads out of the directory"),
            ("out-by-two.txt", "leads out of the directory"),
            ("zero.txt", "leads out of the directory"),
            ("brand.txt", "is a link to a brand file"),
            ("directory", "is not a regular file"),
            ("socket", "is not a regular file"),
            ("large.txt", "is larger than 1 GiB"),
            ("dangling.txt", "cannot be read"),
            ("loop.txt", "cannot be read"),
        ] {
            let (_, message) = refused(&directory, name);
            assert!(message.contains(why), "{name}: {message}");
        }
    }

    #[test]
    fn links_within_the_directory_are_followed_and_lead_to_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        // Kubernetes mounts a configuration map like this.
        fs::create_dir(path("..2026_11_26")).unwrap();
        fs::write(path("..2026_11_26/codes.txt"), "\u{feff}A-1\r\nB-2\r\n").unwrap();
        symlink("..2026_11_26", path("..data")).unwrap();
        symlink("..data/codes.txt", path("codes.txt")).unwrap();
        fs::hard_link(path("..2026_11_26/codes.txt"), path("again.txt")).unwrap();
        fs::write(path("copy.txt"), "A-1\nB-2\n").unwrap();
        let files = CodeFiles::in_directory(directory.path());
        let stock = |name: &str| files.stock(&pool(name)).unwrap();
        assert_eq!(stock("codes.txt"), stock("again.txt"));
        assert_eq!((stock("codes.txt").count, stock("codes.txt").doubts), (2, vec![]));
        let copy = stock("copy.txt");
        assert_ne!(copy.identity, stock("codes.txt").identity);
        assert!(copy.doubts[0].starts_with("2 of its codes are in \"codes.txt\""), "{:?}", copy.doubts);
        let summary = files.summary(&pool("codes.txt")).unwrap();
        assert_eq!((summary.codes, summary.first.unwrap().as_str()), (2, "A-9"));
    }

    #[test]
    fn a_line_without_a_valid_code_is_named_but_not_repeated() {
        let directory = tempfile::tempdir().unwrap();
        for (bytes, severity, why) in [
            (&b"A-1\nB-2\nA-1\n"[..], Severity::Error, "line 3 repeats a code"),
            (
                "A-1\nB\u{200b}-2\n".as_bytes(),
                Severity::Rule,
                "line 2 has an invisible character (U+200B): remove it",
            ),
            (b"A-1\nB-\xe9\n", Severity::Error, "line 2 is not UTF-8: save the file as UTF-8"),
            (b"\xff\xfeA\0\n\0", Severity::Error, "is UTF-16 text: save it as UTF-8"),
        ] {
            fs::write(directory.path().join("codes.txt"), bytes).unwrap();
            assert_eq!(refused(directory.path(), "codes.txt"), (severity, why.to_owned()));
        }
    }
}

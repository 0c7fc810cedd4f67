//! File permissions of a data file.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::open_error::OpenError;

/// The permission bits of users other than the owner.
const OTHERS: u32 = 0o077;

/// The first bytes of a SQLite file.
const BEGINNING: &[u8] = b"SQLite format 3\0";

/// Whether a file is of another kind. Opening it reports that later.
fn is_something_else(path: &Path) -> bool {
    let mut beginning = [0; BEGINNING.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && beginning != BEGINNING
}

/// Refuses a data file that users other than its owner can read or write, or whose log they can. SQLite gives the log the file's
/// permissions.
pub(crate) fn check(path: &Path) -> Result<(), OpenError> {
    if is_something_else(path) {
        return Ok(());
    }
    let mut open = Vec::new();
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let file = PathBuf::from(name);
        match file.metadata() {
            Ok(found) if found.is_file() && found.permissions().mode() & OTHERS != 0 => open.push(file),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(OpenError::NotWritable(error)),
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = open.iter().map(|file| quoted(file)).collect();
    Err(OpenError::OpenToOthers(format!("chmod 600 {}", names.join(" "))))
}

/// A path, quoted for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.starts_with('-') {
        return quoted(&Path::new(".").join(path));
    }
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    fn with_mode(path: &Path, mode: u32) {
        fs::write(path, "").unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_or_log_that_others_can_reach_is_refused_with_the_command_that_fixes_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data.sqlite");
        assert!(check(&file).is_ok(), "it is created with the right mode");
        for mode in [0o604, 0o602, 0o640, 0o660, 0o666, 0o644, 0o601, 0o777] {
            with_mode(&file, mode);
            let said = check(&file).unwrap_err().to_string();
            assert!(said.ends_with(&format!("chmod 600 {}", file.display())), "{mode:o}: {said}");
        }
        for mode in [0o600, 0o400, 0o700] {
            with_mode(&file, mode);
            assert!(check(&file).is_ok(), "{mode:o}");
        }
        let log = directory.path().join("data.sqlite-wal");
        with_mode(&log, 0o644);
        assert!(check(&file).unwrap_err().to_string().ends_with(&format!("chmod 600 {}", log.display())));
    }

    #[test]
    fn a_path_is_quoted_for_the_shell() {
        assert_eq!(quoted(Path::new("a b/it's.sqlite")), "'a b/it'\\''s.sqlite'");
        assert_eq!(quoted(Path::new("-data.sqlite")), "./-data.sqlite");
    }
}

//! The free space on the disk of the data file.

use std::io;
use std::path::Path;

use domain::Timestamp;
use ports::Troubles;
use ports::health::Subject;

/// The kind under which health reports show a disk that is filling up.
const DISK_LOW: &str = "disk_low";

/// The kind under which health reports show a disk whose free space is unknown.
const DISK_UNKNOWN: &str = "disk_unknown";

/// On a large disk, this many free bytes are enough.
const ENOUGH: u64 = 5 * 1024 * 1024 * 1024;

/// The space on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// The bytes that this process may fill. Some bytes are often reserved for root.
    pub(crate) free: u64,
    /// The size in bytes.
    pub(crate) size: u64,
}

impl Space {
    /// The space on the file system of a path.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Self { free: bytes(found.f_bavail), size: bytes(found.f_blocks) })
    }

    /// The limit below which space is low: a tenth of the disk, and never more than [`ENOUGH`].
    fn limit(self) -> u64 {
        (self.size / 10).min(ENOUGH)
    }

    /// Whether space is low. It stays low until a tenth more than the limit is free, because the data file's log grows and shrinks.
    pub(crate) fn is_low(self, was_low: bool) -> bool {
        let limit = self.limit();
        self.free < if was_low { limit.saturating_add(limit / 10) } else { limit }
    }
}

/// A number of bytes for people to read.
pub(crate) fn plain(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit / (unit / 10));
    if bytes < 10_000_000_000 {
        format!("{} MB", tenths(1_000_000))
    } else {
        format!("{} GB", tenths(1_000_000_000))
    }
}

/// Reports a disk that is filling up, or whose free space is unknown, until that is over.
pub(crate) fn look(troubles: &Troubles, found: io::Result<Space>, now: Timestamp) {
    let space = match found {
        Ok(space) => space,
        Err(error) => {
            let text = format!("the free space on the disk of the data file cannot be read: {error}");
            troubles.report(DISK_UNKNOWN, Subject::Process, now, text);
            if let Some(line) = troubles.repeats().line(DISK_UNKNOWN, "", now) {
                tracing::warn!(event = "serve.disk_unknown", times = line.times, %error, "The free space on the disk of the data file cannot be read.");
            }
            return;
        }
    };
    if troubles.clear(DISK_UNKNOWN, Subject::Process) {
        troubles.repeats().over(DISK_UNKNOWN, "");
    }
    let (free, size) = (plain(space.free), plain(space.size));
    let was_low = troubles.all(now).iter().any(|entry| entry.kind == DISK_LOW);
    if space.is_low(was_low) {
        let text = format!(
            "{free} of {size} are left on the disk of the data file; when it is full, nobody can take part"
        );
        troubles.report(DISK_LOW, Subject::Process, now, text);
        if troubles.repeats().line(DISK_LOW, "", now).is_some() {
            tracing::error!(
                event = "serve.disk_low",
                free,
                size,
                "The disk of the data file is filling up; when it is full, nobody can take part."
            );
        }
    } else if troubles.clear(DISK_LOW, Subject::Process) {
        troubles.repeats().over(DISK_LOW, "");
        tracing::warn!(event = "serve.disk_low", free, size, "There is room for the data file again.");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MB: u64 = 1_000_000;
    const GB: u64 = 1_000_000_000;

    fn space(free: u64, size: u64) -> Space {
        Space { free, size }
    }

    #[test]
    fn space_is_low_below_a_tenth_and_below_five_gibibytes() {
        for (free, size, is_low) in [
            (3 * GB, 40 * GB, true),
            (4 * GB, 40 * GB, false),
            (5 * GB, 4_000 * GB, true),
            (6 * GB, 4_000 * GB, false),
            (0, GB, true),
            (GB, GB, false),
            (0, 0, false),
            (u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(space(free, size).is_low(false), is_low, "{free} of {size}");
        }
    }

    #[test]
    fn a_disk_that_is_filling_up_is_shown_until_there_is_room_again_and_not_just_for_a_moment() {
        let troubles = Troubles::default();
        let kinds = |now| troubles.all(now).iter().map(|entry| entry.kind).collect::<Vec<_>>();
        let mut now = Timestamp::UNIX_EPOCH;
        let mut looks = |found: io::Result<Space>| {
            now += Duration::from_secs(1);
            look(&troubles, found, now);
            kinds(now)
        };
        assert_eq!(looks(Ok(space(150 * MB, GB))), Vec::<&str>::new());
        assert_eq!(looks(Ok(space(99 * MB, GB))), [DISK_LOW]);
        let text = troubles.all(Timestamp::UNIX_EPOCH)[0].text.clone();
        assert!(text.starts_with("99.0 MB of 1000.0 MB are left"), "{text}");
        assert_eq!(looks(Ok(space(105 * MB, GB))), [DISK_LOW], "a checkpoint frees no space for good");
        assert_eq!(looks(Err(io::ErrorKind::NotFound.into())), [DISK_LOW, DISK_UNKNOWN]);
        assert_eq!(looks(Ok(space(109 * MB, GB))), [DISK_LOW]);
        assert_eq!(looks(Ok(space(110 * MB, GB))), Vec::<&str>::new());
        assert_eq!(looks(Ok(space(105 * MB, GB))), Vec::<&str>::new());
    }

    #[test]
    fn a_real_disk_says_how_full_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let found = Space::at(directory.path()).unwrap();
        assert!(found.size > MB && found.free <= found.size, "{found:?}");
        assert_eq!(Space::at(&directory.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn sizes_are_shown_in_plain_units() {
        for (bytes, said) in [
            (0, "0.0 MB"),
            (99_999, "0.0 MB"),
            (312_460_000, "312.4 MB"),
            (9_999 * MB, "9999.0 MB"),
            (53_687 * MB, "53.6 GB"),
        ] {
            assert_eq!(plain(bytes), said);
        }
    }
}

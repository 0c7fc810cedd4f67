//! What SQLite's errors come to.

use ports::Error;
use ports::error::Trouble;
use rusqlite::ErrorCode;

/// A failure of SQLite while `doing` something.
pub(crate) fn failed(doing: &'static str, error: impl std::fmt::Display, code: Option<ErrorCode>) -> Error {
    // SQLite's error has a second wording of itself as its cause.
    Error::in_trouble(doing, trouble(code), error.to_string())
}

fn trouble(code: Option<ErrorCode>) -> Trouble {
    match code {
        Some(ErrorCode::DiskFull) => Trouble::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Trouble::ReadOnly,
        Some(ErrorCode::SystemIoFailure) => Trouble::Disk,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Trouble::Corrupt,
        _ => Trouble::Unknown,
    }
}

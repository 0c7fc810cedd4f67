//! What SQLite's errors come to.

use ports::Error;
use ports::error::Trouble;
use rusqlite::ErrorCode;

/// A failure of SQLite while `doing` something.
pub(crate) fn failed<E>(doing: &'static str, error: E, code: Option<ErrorCode>) -> Error
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Error::in_trouble(doing, trouble(code), error)
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

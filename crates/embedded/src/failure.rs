//! Conversion of SQLite's errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ports::Error;
use ports::error::UnavailableKind;
use rusqlite::ErrorCode;
use supervision::{Panicked, caught};

/// A failure of SQLite while `doing` something.
pub(crate) fn failed(doing: &'static str, error: impl std::fmt::Display, code: Option<ErrorCode>) -> Error {
    // The cause of SQLite's error repeats its text in other words.
    Error::unavailable_as(doing, kind_of(code), error.to_string())
}

fn kind_of(code: Option<ErrorCode>) -> UnavailableKind {
    match code {
        Some(ErrorCode::DiskFull) => UnavailableKind::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => UnavailableKind::ReadOnly,
        Some(ErrorCode::SystemIoFailure) => UnavailableKind::Disk,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => UnavailableKind::Corrupt,
        _ => UnavailableKind::Unknown,
    }
}

/// Runs one caller's work on a thread that all callers share. A panic becomes that caller's error, and its transaction is rolled back.
pub(crate) fn guarded<T>(work: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(rusqlite::Error::ToSqlConversionFailure(Box::new(caught(&*panic)))))
}

/// The panic that an error stands for, if it stands for one.
pub(crate) fn panicked(error: &rusqlite::Error) -> Option<Panicked> {
    match error {
        rusqlite::Error::ToSqlConversionFailure(inner) => inner.downcast_ref::<Panicked>().cloned(),
        _ => None,
    }
}

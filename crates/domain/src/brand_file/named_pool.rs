//! A file of codes that a brand file names.

use std::ops::Range;

use crate::incentive::Pool;

/// A pool that a file names, with the first field that names it.
pub(super) struct NamedPool {
    pub(super) pool: Pool,
    pub(super) place: Range<usize>,
    pub(super) field: String,
}

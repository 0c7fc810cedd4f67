//! What is known about a file while its tables are read.

use crate::brand_file::Resolver;
use crate::brand_file::claims::Claims;
use crate::brand_file::section::FileSource;

/// A file that is being read.
pub(super) struct Reading<'a, 'b> {
    pub(super) source: &'a FileSource<'a>,
    pub(super) resolver: &'b dyn Resolver,
    pub(super) claims: Claims,
    /// Whether callers can take part for limited prizes without a signature although the file does not allow
    /// that explicitly.
    pub(super) unguarded: bool,
    /// Whether the brand's front end signs what it sends.
    pub(super) signs: bool,
    /// Whether webhooks have a token, as far as this is known.
    pub(super) has_tokens: bool,
}

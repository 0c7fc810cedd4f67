//! What the tables of a file have in common while it is being read.

use crate::brand_file::Resolver;
use crate::brand_file::claims::Claims;
use crate::brand_file::section::FileSource;

/// A file while it is being read.
pub(super) struct Reading<'a, 'b> {
    pub(super) source: &'a FileSource<'a>,
    pub(super) resolver: &'b dyn Resolver,
    pub(super) claims: Claims,
    /// Callers do not have to sign, and the file does not say that anybody may take part for what is limited.
    pub(super) unguarded: bool,
    /// Whether webhooks have a token, as far as that can be told.
    pub(super) has_tokens: bool,
}

//! Who may send requests for a brand, and where its callbacks go.

use url::Url;

use crate::brand::SecretRef;

/// What a caller without a signature learns when it posts a consumer who takes part already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeats {
    /// The caller learns only that it is a repeat: knowing an address must not be enough to see what it won.
    #[default]
    Quiet,
    /// The caller learns the participation's id and state.
    Tell,
}

/// The rules for requests of a brand's front end.
#[derive(Debug, Clone, Default)]
pub struct IntakeAccess {
    /// The origins whose pages may call us.
    pub origins: Vec<String>,
    /// The secret that participations must be signed with, if they must be signed.
    pub signing_secret: Option<SecretRef>,
    /// Whether unsigned callers may take part for limited prizes, because the brand file says so.
    pub open_to_anybody: bool,
    /// What unsigned callers learn about a repeat.
    pub repeats: Repeats,
}

/// Where the brand's callbacks are sent.
#[derive(Debug, Clone)]
pub struct CallbackTarget {
    /// The receiver's address. It is https unless private addresses are allowed.
    pub url: Url,
    /// The secret that callbacks are signed with (Standard Webhooks).
    pub secret: SecretRef,
    /// Whether the address may be private, for tests and closed networks.
    pub allow_private: bool,
}

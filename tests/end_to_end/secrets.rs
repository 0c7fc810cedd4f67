//! The secrets of these tests. No process may log them.

/// The API key of the simulated workspace.
pub(crate) const KEY: &str = "sim-0f9e8d7c6b5a";

/// The secret that signs participations and callbacks.
pub(crate) const SECRET: &str = "whsec_c2lnbmVkLWJ5LXF1aWtseS1hbmQtYnJhemU=";

/// The brands' webhook tokens.
pub(crate) const TOKEN: &str = "qb_5c1f8a90d2e74b63";
pub(crate) const OTHER_TOKEN: &str = "qb_9b3e1d6c70f24a85";

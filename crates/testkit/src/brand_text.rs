//! Brand files as text, of which a test writes down only what it is about.

use std::fmt;

use domain::brand::Brands;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::token::TokenHash;

/// The text of a brand file, or of a part of one. Each call adds to its end, so lines go into the table that was begun last.
#[derive(Debug, Clone, Default)]
pub struct BrandText(String);

impl BrandText {
    /// The brand `acme` at a workspace that does not exist, with its key in the variable `KEY`. `[braze]` is its last table.
    #[must_use]
    pub fn acme() -> Self {
        Self::of("acme", "http://127.0.0.1:1", "{ env = \"KEY\" }")
    }

    /// A brand at a workspace, with the place of its key as the file says it. `[braze]` is its last table.
    #[must_use]
    pub fn of(id: &str, endpoint: &str, api_key: &str) -> Self {
        let braze = format!("[braze]\nendpoint = \"{endpoint}\"\napi_key = {api_key}");
        Self::default().with(&format!("id = \"{id}\"")).with(&braze)
    }

    /// Lines as they are: keys of the last table, or tables of their own.
    #[must_use]
    pub fn with(mut self, lines: &str) -> Self {
        self.0 += lines;
        self.0 += "\n";
        self
    }

    /// Webhooks that carry this token.
    #[must_use]
    pub fn webhook(self, token: &str) -> Self {
        self.with(&format!("[webhook]\ntokens_sha256 = [\"{}\"]", TokenHash::of(token)))
    }

    /// An activation that is always open.
    #[must_use]
    pub fn activation(self, scope: &str) -> Self {
        let times = "opens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z";
        self.with(&format!("[[activation]]\nscope = \"{scope}\"\n{times}"))
    }

    /// Participations by e-mail.
    #[must_use]
    pub fn email(self, lines: &str) -> Self {
        self.with("[activation.email]").with(lines)
    }

    /// Participations by number, with the group `g-1`.
    #[must_use]
    pub fn sms(self, lines: &str) -> Self {
        self.with("[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"").with(lines)
    }

    /// Participations by an event that Braze tells of.
    #[must_use]
    pub fn event(self, name: &str, lines: &str) -> Self {
        self.with(&format!("[activation.events.{name}]")).with(lines)
    }

    /// An incentive for the first ones. `prize` is the line that says what they get: `reward = …` or `codes = …`.
    #[must_use]
    pub fn first(self, id: &str, quantity: usize, prize: &str) -> Self {
        self.incentive(id, &format!("kind = \"first\"\nquantity = {quantity}")).with(prize)
    }

    /// An incentive of any kind.
    #[must_use]
    pub fn incentive(self, id: &str, lines: &str) -> Self {
        self.with(&format!("[[activation.incentive]]\nid = \"{id}\"")).with(lines)
    }

    /// Rewards and places go to the profiles.
    #[must_use]
    pub fn rewards_to_braze(self) -> Self {
        self.with("[activation.rewards_to_braze]\nreward = \"quikly_reward\"\nposition = \"quikly_position\"")
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> BrandFile {
        BrandFile { name: "acme.toml".to_owned(), text: self.0.clone() }
    }

    /// The brand that the file describes.
    ///
    /// # Panics
    /// When the file is not right, which ends the test.
    #[must_use]
    pub fn brands(&self) -> Brands {
        read_all(&[self.file()], &AssumePresent).unwrap_or_else(|faults| panic!("{faults:?}\n{self}"))
    }
}

impl fmt::Display for BrandText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

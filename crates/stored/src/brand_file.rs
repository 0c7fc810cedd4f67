//! Brand files in a table: the file's text as its author wrote it, and its name. [`domain::brand_file`]
//! interprets the text. `brands push` replaces a file as a whole.

use domain::brand_file::BrandFile;

use crate::error::{Unreadable, Why};

/// The attribute that holds the file's name.
pub const NAME: &str = "name";

/// The attribute that holds the file's text.
pub const TEXT: &str = "file";

/// The stored texts of a brand file, each with its attribute's name.
#[must_use]
pub fn encode(file: &BrandFile) -> [(&'static str, &str); 2] {
    [(NAME, &file.name), (TEXT, &file.text)]
}

/// Decodes a stored brand file.
///
/// # Errors
/// If the text is missing.
pub fn decode(name: &str, text: Option<&str>) -> Result<BrandFile, Unreadable> {
    let text =
        text.ok_or_else(|| Unreadable::new("brand file", Why::from("its text is missing")).of(name))?;
    Ok(BrandFile { name: name.to_owned(), text: text.to_owned() })
}

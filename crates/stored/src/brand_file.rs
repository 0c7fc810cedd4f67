//! Brand files, where they are kept in a table: the text of the file as somebody wrote it, and its name. What the text means is for
//! [`domain::brand_file`] to say. `brands push` writes a file as a whole.

use domain::brand_file::BrandFile;

use crate::error::{Unreadable, Why};

/// The attribute that holds the file's name.
pub const NAME: &str = "name";

/// The attribute that holds the file's text.
pub const TEXT: &str = "file";

/// A brand file as it is stored: each text by its name.
#[must_use]
pub fn encode(file: &BrandFile) -> [(&'static str, &str); 2] {
    [(NAME, &file.name), (TEXT, &file.text)]
}

/// A brand file read back.
///
/// # Errors
/// When it has no text.
pub fn decode(name: &str, text: Option<&str>) -> Result<BrandFile, Unreadable> {
    let text =
        text.ok_or_else(|| Unreadable::new("brand file", Why::from("its text is missing")).of(name))?;
    Ok(BrandFile { name: name.to_owned(), text: text.to_owned() })
}

//! The file of refused rows.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use serde_json::json;

use super::source::{FoundRow, RowText};
use crate::arguments::RowFormat;

/// Takes refused rows. It contains contacts, so only its owner can read it.
pub(super) struct Rejects {
    file: BufWriter<File>,
    format: RowFormat,
}

impl Rejects {
    /// Creates the file. One that exists is not overwritten.
    pub(super) fn create(path: &Path, format: RowFormat) -> anyhow::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("--rejects {}", path.display()))?;
        Ok(Self { file: BufWriter::new(file), format })
    }

    /// Writes a row with its line and the reason.
    pub(super) fn write(&mut self, row: &FoundRow, reason: &str) -> anyhow::Result<()> {
        let written = match (&row.text, self.format) {
            (RowText::Cells(cells), _) => {
                let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
                let start = [row.line.to_string().into_bytes(), reason.as_bytes().to_vec()];
                let fields = start.into_iter().chain(cells.fields().map(<[u8]>::to_vec));
                writer.write_record(fields).context("--rejects")?;
                writer.into_inner().ok().unwrap_or_default()
            }
            (RowText::Line(line), _) => {
                let text = String::from_utf8_lossy(line);
                format!("{}\n", json!({ "line": row.line, "reason": reason, "row": text })).into_bytes()
            }
        };
        self.file.write_all(&written).and_then(|()| self.file.flush()).context("--rejects cannot be written")
    }
}

//! The file that is imported.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;
use std::str;

use anyhow::{Context, bail, ensure};
use domain::brand::Activation;
use indicatif::{ProgressBar, ProgressStyle};
use intake::rows::{LONGEST_ROW, RowFault};
use serde_json::{Map, Value};

use super::columns::Columns;
use super::csv_rows::{CsvRow, CsvRows};
use crate::arguments::{ImportArguments, RowFormat};

/// The mark at the beginning of some files of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// How much is read at once.
const BUFFER: usize = 256 * 1024;

type Input = BufReader<Box<dyn Read + Send>>;

/// The rows of a file.
pub(super) struct Source {
    rows: Rows,
    /// The length in bytes, if it is known.
    length: Option<u64>,
}

enum Rows {
    Csv(CsvRows<Input>, Columns),
    Ndjson { input: Input, line: u64, read: u64 },
}

/// A row, as it was found.
pub(super) struct FoundRow {
    /// The line on which it begins.
    pub(super) line: u64,
    /// Its text, for the file of refused rows.
    pub(super) text: RowText,
    members: Option<Result<Map<String, Value>, RowFault>>,
    fault: Option<&'static str>,
}

/// The text of a row.
pub(super) enum RowText {
    Cells(CsvRow),
    Line(Vec<u8>),
}

/// The content of a row that can be read.
pub(super) enum Content<'a> {
    Json(&'a [u8]),
    Cells(Map<String, Value>),
}

impl FoundRow {
    /// The content.
    pub(super) fn content(&self) -> Result<Content<'_>, RowFault> {
        if let Some(fault) = self.fault {
            return Err(RowFault::new("row", fault));
        }
        match (&self.members, &self.text) {
            (Some(members), _) => members.clone().map(Content::Cells),
            (None, RowText::Line(line)) => Ok(Content::Json(line)),
            (None, RowText::Cells(_)) => Err(RowFault::new("row", "cannot be read")),
        }
    }
}

impl Source {
    /// Opens a file, and checks what would be wrong with every row.
    pub(super) fn open(arguments: &ImportArguments, activation: &Activation) -> anyhow::Result<Self> {
        let path = arguments.file.as_path();
        let shown = if is_input(path) { "standard input".to_owned() } else { path.display().to_string() };
        Self::open_as(path, arguments, activation).with_context(|| shown)
    }

    fn open_as(path: &Path, arguments: &ImportArguments, activation: &Activation) -> anyhow::Result<Self> {
        let (input, length): (Box<dyn Read + Send>, Option<u64>) = if is_input(path) {
            (Box::new(io::stdin()), None)
        } else {
            let mut file = File::open(path).context("cannot be opened")?;
            let about = file.metadata().context("cannot be read")?;
            ensure!(!about.is_dir(), "is a directory");
            if about.is_file() {
                check_encoding(&mut BufReader::with_capacity(BUFFER, &file))?;
                file.rewind().context("cannot be read twice")?;
            }
            (Box::new(file), about.is_file().then_some(about.len()))
        };
        let mut input = BufReader::with_capacity(BUFFER, input);
        skip_mark(&mut input)?;
        let rows = match arguments.format.unwrap_or_else(|| format_of(path)) {
            RowFormat::Csv => {
                let mut rows = CsvRows::new(input);
                let header = rows.header().context("cannot be read")?.context("is empty")?;
                ensure!(!header.is_too_long && !header.is_open, "line 1 is not a header: it does not end");
                let names: Result<Vec<&str>, _> = header.fields().map(str::from_utf8).collect();
                let names = names.ok().with_context(|| not_utf8(header.line))?;
                let columns = Columns::parse(&names, activation, arguments.ignore_other_columns)?;
                Rows::Csv(rows, columns)
            }
            RowFormat::Ndjson => Rows::Ndjson { input, line: 0, read: 0 },
        };
        Ok(Self { rows, length })
    }

    pub(super) fn format(&self) -> RowFormat {
        match self.rows {
            Rows::Csv(..) => RowFormat::Csv,
            Rows::Ndjson { .. } => RowFormat::Ndjson,
        }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> u64 {
        match &self.rows {
            Rows::Csv(rows, _) => rows.read(),
            Rows::Ndjson { read, .. } => *read,
        }
    }

    /// A bar that shows how far the import is. Nothing is shown if standard error is not a terminal.
    #[expect(clippy::expect_used, reason = "the templates are constants")]
    pub(super) fn bar(&self) -> ProgressBar {
        match self.length {
            Some(length) => {
                let style = ProgressStyle::with_template("{msg} [{bar:30}] {percent}%, {eta} left");
                let style = style.expect("the template is correct").progress_chars("=> ");
                ProgressBar::new(length).with_style(style)
            }
            None => ProgressBar::no_length()
                .with_style(ProgressStyle::with_template("{msg}").expect("the template is correct")),
        }
    }

    /// Reads the next row.
    pub(super) fn next_row(&mut self) -> anyhow::Result<Option<FoundRow>> {
        match &mut self.rows {
            Rows::Csv(rows, columns) => {
                let row =
                    rows.next_row().context("the file cannot be read further; run this again to go on")?;
                Ok(row.map(|row| of_cells(row, columns)))
            }
            Rows::Ndjson { input, line, read } => next_line(input, line, read)
                .context("the file cannot be read further; run this again to go on"),
        }
    }
}

fn is_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn format_of(path: &Path) -> RowFormat {
    let is_json =
        |end: &std::ffi::OsStr| ["ndjson", "jsonl", "json"].iter().any(|json| end.eq_ignore_ascii_case(json));
    if path.extension().is_some_and(is_json) { RowFormat::Ndjson } else { RowFormat::Csv }
}

fn of_cells(row: CsvRow, columns: &Columns) -> FoundRow {
    let fault = match str::from_utf8(&row.text) {
        _ if row.is_too_long => Some(TOO_LONG),
        _ if row.is_open => Some("opens a quote that is not closed before the end of the file"),
        _ if row.is_misquoted => Some("has text behind a closing quote"),
        Ok(text) if text.contains('\0') => Some(HAS_NUL),
        Ok(_) => None,
        Err(_) => Some(NOT_TEXT),
    };
    let cells: Vec<&str> = row.fields().map(|cell| str::from_utf8(cell).unwrap_or_default()).collect();
    let members = columns.members(cells.into_iter());
    FoundRow { line: row.line, members: Some(members), fault, text: RowText::Cells(row) }
}

const TOO_LONG: &str = "is longer than 64 KiB";
const HAS_NUL: &str = "has a NUL character";
const NOT_TEXT: &str = "is not UTF-8 text; it looks like Latin-1 (Windows-1252)";

/// Reads the next line that is not blank. Of a long line, only the beginning is kept.
fn next_line(input: &mut Input, line: &mut u64, read: &mut u64) -> io::Result<Option<FoundRow>> {
    loop {
        let (mut text, mut is_too_long, mut is_over) = (Vec::new(), false, false);
        while !is_over {
            let bytes = input.fill_buf()?;
            if bytes.is_empty() {
                break;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            let room = LONGEST_ROW.saturating_sub(text.len()).min(part.len());
            text.extend_from_slice(part.get(..room).unwrap_or_default());
            is_too_long |= room < part.len();
            let used = part.len() + usize::from(end.is_some());
            is_over = end.is_some();
            input.consume(used);
            *read += used as u64;
        }
        if text.is_empty() && !is_over {
            return Ok(None);
        }
        *line += 1;
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let fault = match str::from_utf8(&text) {
            _ if is_too_long => Some(TOO_LONG),
            Ok(text) if text.contains('\0') => Some(HAS_NUL),
            Ok(_) => None,
            Err(_) => Some(NOT_TEXT),
        };
        return Ok(Some(FoundRow { line: *line, text: RowText::Line(text), members: None, fault }));
    }
}

/// Skips the mark of UTF-8, and refuses UTF-16.
fn skip_mark(input: &mut Input) -> anyhow::Result<()> {
    let start = input.fill_buf().context("cannot be read")?;
    ensure!(!start.is_empty(), "is empty");
    if is_utf16(start) {
        bail!("line 1 is UTF-16 text: save the file as UTF-8");
    }
    let length = if start.starts_with(MARK) { MARK.len() } else { 0 };
    input.consume(length);
    Ok(())
}

fn is_utf16(start: &[u8]) -> bool {
    let alternate = |first: usize| {
        let start = start.get(..start.len().min(64)).unwrap_or_default();
        start.len() >= 8 && start.iter().skip(first).step_by(2).all(|byte| *byte == 0)
    };
    start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") || alternate(0) || alternate(1)
}

fn not_utf8(line: u64) -> String {
    format!("line {line} is not UTF-8 text. It looks like Latin-1 (Windows-1252): save the file as UTF-8")
}

/// Finds the first line that is not UTF-8, before anything is stored.
fn check_encoding(input: &mut impl BufRead) -> anyhow::Result<()> {
    let (mut line, mut begun) = (1_u64, Vec::new());
    let is_first = input.fill_buf().context("cannot be read")?;
    if is_utf16(is_first) {
        bail!("line 1 is UTF-16 text: save the file as UTF-8");
    }
    loop {
        let bytes = input.fill_buf().context("cannot be read")?;
        if bytes.is_empty() {
            ensure!(begun.is_empty(), not_utf8(line));
            return Ok(());
        }
        let length = bytes.len();
        // A character may be in two parts of the file.
        let carried = begun.len();
        begun.extend_from_slice(bytes);
        let (good, is_wrong) = match str::from_utf8(&begun) {
            Ok(_) => (begun.len(), false),
            Err(error) => (error.valid_up_to(), error.error_len().is_some()),
        };
        let breaks = begun.get(..good).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
        line += breaks as u64;
        ensure!(!is_wrong, not_utf8(line));
        debug_assert!(carried < 4, "a character has at most four bytes");
        begun.drain(..good);
        input.consume(length);
    }
}

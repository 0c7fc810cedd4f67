//! Splits CSV into rows. However long a row or a field is, memory stays small.

use std::io::{self, BufRead};

use intake::rows::LONGEST_ROW;

/// A row of a CSV file, as text without quotes.
#[derive(Debug, Default)]
pub(super) struct CsvRow {
    /// The line on which it begins.
    pub(super) line: u64,
    /// All fields, one behind the other.
    pub(super) text: Vec<u8>,
    /// Where each field ends.
    pub(super) ends: Vec<usize>,
    pub(super) is_too_long: bool,
    /// Whether a quote was opened and not closed before the end of the file.
    pub(super) is_open: bool,
    /// Whether something follows the closing quote of a field.
    pub(super) is_misquoted: bool,
}

impl CsvRow {
    /// The fields' bytes.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }

    fn is_blank(&self) -> bool {
        self.ends.len() <= 1 && self.text.iter().all(u8::is_ascii_whitespace) && !self.is_too_long
    }

    fn push(&mut self, byte: u8) {
        if self.text.len() < LONGEST_ROW {
            self.text.push(byte);
        } else {
            self.is_too_long = true;
        }
    }

    fn end_field(&mut self) {
        if self.ends.len() < LONGEST_ROW {
            self.ends.push(self.text.len());
        } else {
            self.is_too_long = true;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    FieldStart,
    Unquoted,
    Quoted,
    /// Behind a quote inside a quoted field: its end, or the first of two quotes.
    Quote,
}

/// The rows of a CSV file.
pub(super) struct CsvRows<R> {
    input: R,
    separator: u8,
    line: u64,
    read: u64,
}

impl<R: BufRead> CsvRows<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, separator: b',', line: 1, read: 0 }
    }

    /// How many bytes were read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Reads the first row, whose names are separated by commas, semicolons or tabs. The other rows are separated in the same way.
    pub(super) fn header(&mut self) -> io::Result<Option<CsvRow>> {
        let start = self.input.fill_buf()?;
        let end = start.iter().position(|byte| *byte == b'\n').unwrap_or(start.len());
        let line = start.get(..end).unwrap_or_default();
        if !line.contains(&b',') {
            let others = [b';', b'\t'].into_iter();
            self.separator = others.into_iter().find(|other| line.contains(other)).unwrap_or(b',');
        }
        self.next_row()
    }

    /// Reads the next row that is not blank.
    pub(super) fn next_row(&mut self) -> io::Result<Option<CsvRow>> {
        loop {
            match self.any_row()? {
                Some(row) if row.is_blank() => {}
                row => return Ok(row),
            }
        }
    }

    fn any_row(&mut self) -> io::Result<Option<CsvRow>> {
        let mut row = CsvRow { line: self.line, ..CsvRow::default() };
        let (mut place, mut is_begun) = (Place::FieldStart, false);
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                row.is_open = place == Place::Quoted;
                row.end_field();
                return Ok(is_begun.then_some(row));
            }
            is_begun = true;
            let (mut used, mut is_over) = (0, false);
            for byte in bytes {
                used += 1;
                self.line += u64::from(*byte == b'\n');
                is_over = *byte == b'\n' && place != Place::Quoted;
                if is_over {
                    break;
                }
                place = step(&mut row, place, *byte, self.separator);
            }
            self.input.consume(used);
            self.read += used as u64;
            if is_over {
                if row.text.last() == Some(&b'\r') && place != Place::Quote {
                    row.text.pop();
                }
                row.end_field();
                return Ok(Some(row));
            }
        }
    }
}

/// Takes one byte that does not end the row.
fn step(row: &mut CsvRow, place: Place, byte: u8, separator: u8) -> Place {
    match (place, byte) {
        (Place::Quoted, b'"') => Place::Quote,
        (Place::Quoted, _) => {
            row.push(byte);
            Place::Quoted
        }
        (Place::Quote, b'"') => {
            row.push(byte);
            Place::Quoted
        }
        (_, byte) if byte == separator => {
            row.end_field();
            Place::FieldStart
        }
        (Place::FieldStart, b'"') => Place::Quoted,
        (Place::Quote, b'\r') => Place::Quote,
        (Place::Quote, _) => {
            row.is_misquoted = true;
            row.push(byte);
            Place::Unquoted
        }
        (Place::FieldStart | Place::Unquoted, _) => {
            row.push(byte);
            Place::Unquoted
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut rows = CsvRows::new(text.as_bytes());
        let mut all = Vec::new();
        while let Some(row) = rows.next_row().unwrap() {
            let fields = row.fields().map(|field| String::from_utf8_lossy(field).into_owned());
            all.push((row.line, fields.collect()));
        }
        all
    }

    fn row(line: u64, fields: &[&str]) -> (u64, Vec<String>) {
        (line, fields.iter().map(|field| (*field).to_owned()).collect())
    }

    #[test]
    fn quotes_hold_separators_line_breaks_and_quotes() {
        let text = "a,\"b,\"\"c\"\"\nd\",e\r\n\nx,\"\",5\" screen\n";
        assert_eq!(rows(text), [row(1, &["a", "b,\"c\"\nd", "e"]), row(4, &["x", "", "5\" screen"])]);
    }

    #[test]
    fn the_last_row_needs_no_line_break() {
        assert_eq!(rows("a,b"), [row(1, &["a", "b"])]);
        assert_eq!(rows("a,"), [row(1, &["a", ""])]);
        assert!(rows("").is_empty() && rows("\n\r\n \n").is_empty());
    }

    #[test]
    fn a_row_of_ten_megabytes_takes_little_memory_and_the_next_row_is_read() {
        let text = format!("a,{}\nb,c\n", "x".repeat(10_000_000));
        let mut rows = CsvRows::new(text.as_bytes());
        let long = rows.next_row().unwrap().unwrap();
        assert!(long.is_too_long && long.text.capacity() <= 2 * LONGEST_ROW);
        let next = rows.next_row().unwrap().unwrap();
        assert_eq!((next.line, next.fields().count(), next.is_too_long), (2, 2, false));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_noticed_with_its_line() {
        let mut rows = CsvRows::new("a\n\"b,c\nd,e\n".as_bytes());
        rows.next_row().unwrap();
        let open = rows.next_row().unwrap().unwrap();
        assert!(open.is_open && open.line == 2);
        let mut rows = CsvRows::new("\"b\"c,d\n".as_bytes());
        assert!(rows.next_row().unwrap().unwrap().is_misquoted);
    }

    #[test]
    fn names_may_be_separated_by_semicolons_or_tabs() {
        for separator in [",", ";", "\t"] {
            let text = ["email", "phone"].join(separator);
            let header = CsvRows::new(text.as_bytes()).header().unwrap().unwrap();
            assert_eq!(header.fields().count(), 2, "{separator:?}");
        }
    }
}

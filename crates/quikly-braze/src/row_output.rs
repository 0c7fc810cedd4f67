//! Rows on standard output, as CSV or as one JSON object on each line. They are written as they come.

use std::io::{self, BufWriter, Stdout, Write};

use anyhow::Context;
use serde_json::{Map, Value};

use crate::arguments::RowFormat;
use crate::console;

/// Takes rows.
pub(crate) struct RowOutput<W: Write = Stdout> {
    columns: &'static [&'static str],
    form: RowForm<W>,
}

enum RowForm<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Ndjson(BufWriter<W>),
}

impl RowOutput {
    /// Begins the output. CSV begins with the names of the columns.
    pub(crate) fn begin(format: RowFormat, columns: &'static [&'static str]) -> io::Result<Self> {
        Self::begin_on(io::stdout(), format, columns)
    }
}

impl<W: Write> RowOutput<W> {
    fn begin_on(output: W, format: RowFormat, columns: &'static [&'static str]) -> io::Result<Self> {
        let form = match format {
            RowFormat::Csv => {
                let mut writer = csv::Writer::from_writer(output);
                writer.write_record(columns)?;
                RowForm::Csv(Box::new(writer))
            }
            RowFormat::Ndjson => RowForm::Ndjson(BufWriter::new(output)),
        };
        Ok(Self { columns, form })
    }

    /// Writes a row with a value for each column.
    pub(crate) fn row(&mut self, values: Vec<Value>) -> io::Result<()> {
        match &mut self.form {
            RowForm::Csv(writer) => Ok(writer.write_record(values.into_iter().map(cell))?),
            RowForm::Ndjson(writer) => {
                let names = self.columns.iter().map(|name| (*name).to_owned());
                let row: Map<String, Value> = names.zip(values).collect();
                writeln!(writer, "{}", Value::Object(row))
            }
        }
    }

    /// Writes what is left.
    pub(crate) fn end(mut self) -> io::Result<()> {
        match &mut self.form {
            RowForm::Csv(writer) => writer.flush(),
            RowForm::Ndjson(writer) => writer.flush(),
        }
    }
}

/// Whether the rows were written. A reader that has read enough is not a failure.
pub(crate) fn written(result: io::Result<()>) -> anyhow::Result<()> {
    console::read_or_full(result).context("the rows cannot be written")
}

/// What was written; `None` if the reader has read enough and has left.
pub(crate) fn unless_left<T>(result: io::Result<T>) -> anyhow::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
        result => Ok(Some(result.context("the rows cannot be written")?)),
    }
}

/// A value as a cell.
fn cell(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        other => harmless(other.to_string()),
    }
}

/// A text that no spreadsheet takes for a formula: it is preceded by an apostrophe if it begins like one. A plain number is none.
fn harmless(text: String) -> String {
    let start = text.trim_start_matches([' ', '\u{a0}']).chars().next();
    let is_formula = start
        .is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'));
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    if is_formula && !is_number { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn csv_of(values: &[Value]) -> String {
        let mut bytes = Vec::new();
        let mut output = RowOutput::begin_on(&mut bytes, RowFormat::Csv, &["a"]).unwrap();
        for value in values {
            output.row(vec![value.clone()]).unwrap();
        }
        output.end().unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn no_cell_is_a_formula_and_numbers_stay_numbers() {
        let hostile = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "  =1", "＝1"];
        for text in hostile {
            let csv = csv_of(&[json!(text)]);
            assert!(csv.trim_start_matches("a\n").trim_start_matches('"').starts_with('\''), "{csv:?}");
        }
        assert_eq!(
            csv_of(&[json!("+13135550100"), json!(-7), json!("a,b"), Value::Null]),
            "a\n+13135550100\n-7\n\"a,b\"\n\"\"\n"
        );
    }

    #[test]
    fn a_row_of_json_has_a_member_for_each_column() {
        let mut bytes = Vec::new();
        let mut output = RowOutput::begin_on(&mut bytes, RowFormat::Ndjson, &["a", "b"]).unwrap();
        output.row(vec![json!("=1\n"), Value::Null]).unwrap();
        output.end().unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "{\"a\":\"=1\\n\",\"b\":null}\n");
    }
}

//! How answers are printed: aligned columns for people; JSON, one object a line, and CSV for scripts.
//!
//! Everything that is printed was scrubbed at intake, so that an engine's text can't command the terminal. A CSV cell
//! that a spreadsheet would take for a formula is quoted with an apostrophe.

use std::io::{self, BufWriter, Write};

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::Failure;

/// Rows under named columns.
pub(super) struct Table {
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Vec<String>>,
}

/// Writes to standard output; a reader that has gone (`| head`) is no error.
pub(super) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            // What is still buffered must not be tried once more when it is dropped.
            drop(out.into_parts());
            Ok(())
        }
        other => other
            .map_err(|error| Failure::Other(io::Error::new(error.kind(), format!("standard output: {error}")).into())),
    }
}

/// One JSON document, indented.
pub(super) fn json(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// One JSON object a line.
pub(super) fn ndjson<'a>(out: &mut dyn Write, values: impl IntoIterator<Item = &'a Value>) -> io::Result<()> {
    for value in values {
        serde_json::to_writer(&mut *out, value)?;
        writeln!(out)?;
    }
    Ok(())
}

/// Aligned columns; the last one is not padded.
pub(super) fn table(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    let width = |at: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
        cells.chain([table.columns.get(at).map_or(0, |name| name.width())]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str(cell);
            // Padded by display width: `format!` would count characters.
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
        }
        writeln!(out, "{}", text.trim_end())
    };
    line(&mut table.columns.iter().copied())?;
    for row in &table.rows {
        line(&mut row.iter().map(String::as_str))?;
    }
    Ok(())
}

/// Comma-separated values (RFC 4180): the fields of JSON objects under their own names, times and numbers as in JSON.
/// `columns` is the header.
pub(super) fn csv(out: &mut dyn Write, columns: &str, rows: &[Value]) -> io::Result<()> {
    let columns: Vec<&str> = columns.split(',').collect();
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(&columns).map_err(own_error)?;
    for row in rows {
        writer.write_record(columns.iter().map(|name| no_formula(&plain(&row[*name])))).map_err(own_error)?;
    }
    writer.flush()
}

/// The error beneath: converted as it is, a reader that has gone would be an error of some other kind.
fn own_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A value as the text of one cell: what is not known is empty, and counts by name are `name=1 other=2`.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

/// A cell that a spreadsheet would not run.
fn no_formula(cell: &str) -> String {
    // A number may begin with a minus. Some spreadsheets take the full-width forms for the same.
    let formula = cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) && cell.parse::<f64>().is_err();
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn sample() -> Table {
        let rows = [["日本", "=1+1"], ["a", "-5"]];
        Table { columns: &["NAME", "N"], rows: rows.iter().map(|row| row.map(String::from).to_vec()).collect() }
    }

    #[test]
    fn columns_are_aligned_by_display_width() {
        assert_eq!(text(|out| table(out, &sample())), "NAME  N\n日本  =1+1\na     -5\n");
    }

    #[test]
    fn a_cell_of_csv_is_plain_and_no_formula() {
        let rows = [
            json!({"name": "=1+1", "n": -5, "by": {"a": 1, "b": 2}, "more": true}),
            json!({"name": "-5", "n": null, "by": {}}),
            json!({"name": "a \"b\", c"}),
        ];
        assert_eq!(
            text(|out| csv(out, "name,n,by", &rows)),
            "name,n,by\n'=1+1,-5,a=1 b=2\n-5,,\n\"a \"\"b\"\", c\",,\n"
        );
    }
}

//! Small comma-separated tables: manifests and label maps, as people and spreadsheets write them.
//!
//! RFC 4180: fields may be quoted, a quote within is doubled. A byte order mark, CRLF and blank lines are passed over;
//! blanks around a field are no part of it.

use anyhow::Result;
use panfoma_core::stage::{Kind, UserError};
use std::path::{Path, PathBuf};

/// A table with a header.
pub struct Table {
    path: PathBuf,
    /// Names of the columns; they differ, none is empty.
    pub header: Vec<String>,
    /// The other lines, each as long as the header.
    pub rows: Vec<Row>,
}

/// One line.
pub struct Row {
    /// Its number in the file, from 1; of a quoted field with line breaks, the first.
    pub line: usize,
    /// Its fields.
    pub fields: Vec<String>,
}

impl Table {
    /// Reads a file.
    ///
    /// Errors: 66 if there is none; 65 with the line if it is no such table.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => UserError::missing(path),
            _ => UserError::new(Kind::Io, format!("reading `{}`: {error}", path.display())),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line =
                error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|&&b| b == b'\n').count()
                    + 1;
            UserError::bad_data(format!("`{}` line {line} is not UTF-8", path.display()))
                .hint("save it as UTF-8 (in a spreadsheet: `CSV UTF-8`)")
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut rows = rows(path, text.strip_prefix('\u{feff}').unwrap_or(text))?.into_iter();
        let Some(Row { line, fields: header }) = rows.next() else {
            return Err(
                UserError::bad_data(format!("`{}` is empty, expected a header", path.display())).into()
            );
        };
        let table = Self { path: path.to_owned(), header, rows: rows.collect() };
        for (i, name) in table.header.iter().enumerate() {
            if name.is_empty() {
                return Err(table.bad(line, format!("column {} has no name", i + 1)));
            }
            if table.header[..i].contains(name) {
                return Err(table.bad(line, format!("the column `{name}` is there twice")));
            }
        }
        if let Some(row) = table.rows.iter().find(|row| row.fields.len() != table.header.len()) {
            let (found, expected) = (row.fields.len(), table.header.len());
            return Err(table.bad(row.line, format!("{found} fields, expected {expected} as in the header")));
        }
        Ok(table)
    }

    /// Position of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|other| other == name)
    }

    /// Position of a column that must be there.
    pub fn required(&self, name: &str) -> Result<usize> {
        self.column(name).ok_or_else(|| {
            let there: Vec<String> = self.header.iter().map(|name| format!("`{name}`")).collect();
            UserError::bad_data(format!("`{}` has no column `{name}`", self.path.display()))
                .hint(format!("its columns are {}; they are separated by commas", there.join(", ")))
                .into()
        })
    }

    /// The field, `None` if it is empty or the column is not there.
    pub fn field<'a>(&self, row: &'a Row, column: Option<usize>) -> Option<&'a str> {
        column.map(|column| row.fields[column].as_str()).filter(|field| !field.is_empty())
    }

    /// `` `studies.csv` line 3 ``.
    pub fn place(&self, line: usize) -> String {
        format!("`{}` line {line}", self.path.display())
    }

    /// An error at a line.
    pub fn bad(&self, line: usize, what: String) -> anyhow::Error {
        UserError::bad_data(format!("{}: {what}", self.place(line))).into()
    }
}

fn rows(path: &Path, text: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut row = Row { line: 1, fields: Vec::new() };
    let (mut field, mut line) = (String::new(), 1);
    // Where the quote that is open was opened.
    let mut quote: Option<usize> = None;
    let mut was_quoted = false;
    let end_field = |row: &mut Row, field: &mut String, was_quoted: &mut bool| {
        let text = std::mem::take(field);
        row.fields.push(if std::mem::take(was_quoted) { text } else { text.trim().to_owned() });
    };
    let mut characters = text.chars().chain((!text.ends_with('\n')).then_some('\n')).peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quote.is_some() && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quote.is_some() => quote = None,
            '"' if field.trim().is_empty() && !was_quoted => {
                field.clear();
                (quote, was_quoted) = (Some(line), true);
            }
            '\n' if quote.is_none() => {
                end_field(&mut row, &mut field, &mut was_quoted);
                line += 1;
                let ended = std::mem::replace(&mut row, Row { line, fields: Vec::new() });
                if ended.fields.iter().any(|field| !field.is_empty()) {
                    rows.push(ended);
                }
            }
            ',' if quote.is_none() => end_field(&mut row, &mut field, &mut was_quoted),
            // Blanks and the carriage return behind a closing quote.
            character if quote.is_none() && was_quoted && character.is_whitespace() => {}
            character => {
                line += usize::from(character == '\n');
                field.push(character);
            }
        }
    }
    match quote {
        None => Ok(rows),
        Some(line) => Err(UserError::bad_data(format!(
            "`{}` line {line}: the quote that opens here is not closed",
            path.display()
        ))
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Table> {
        Table::parse(Path::new("t.csv"), text)
    }

    fn check(text: &str, expected: &[&[&str]]) {
        let table = parse(text).unwrap();
        let rows: Vec<&[String]> = std::iter::once(table.header.as_slice())
            .chain(table.rows.iter().map(|row| row.fields.as_slice()))
            .collect();
        assert_eq!(rows, expected, "{text:?}");
    }

    #[test]
    fn tables_of_every_hand_are_read() {
        check("a,b\n1,2\n", &[&["a", "b"], &["1", "2"]]);
        check("\u{feff}a, b \r\n1,\"x, y\"\r\n\r\n,\n3,", &[&["a", "b"], &["1", "x, y"], &["3", ""]]);
        check("a,b\n\"say \"\"hi\"\"\" , \" kept \"\n", &[&["a", "b"], &["say \"hi\"", " kept "]]);
        check("a\n\"two\nlines\"\n5'\"\n", &[&["a"], &["two\nlines"], &["5'\""]]);
    }

    #[test]
    fn errors_name_the_line() {
        for (text, expected) in [
            ("", "is empty"),
            ("a,b\n1,2\n\n3\n", "line 4: 1 fields, expected 2"),
            ("a,a\n", "line 1: the column `a` is there twice"),
            ("a,,b\n", "line 1: column 2 has no name"),
            ("a\n\"x\ny\nz\n", "line 2: the quote that opens here"),
        ] {
            let error = parse(text).err().unwrap().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
        // The line behind a field of two lines.
        assert_eq!(parse("a\n\"x\ny\"\nz\n").unwrap().rows[1].line, 4);
    }
}

//! One line of a delimited table: its fields, names and numbers.

use crate::matrix::mtx::number;

/// What stands between fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// One byte.
    Byte(u8),
    /// Any number of blanks.
    Blanks,
}

impl Delimiter {
    /// The one a header uses: that of tab, comma and semicolon that appears most often outside quotes, else blanks.
    pub fn of(header: &[u8]) -> Self {
        let mut quoted = false;
        let mut counts = [(b'\t', 0), (b',', 0), (b';', 0)];
        for &byte in header {
            quoted ^= byte == b'"';
            if let Some((_, n)) = counts.iter_mut().find(|(delimiter, _)| *delimiter == byte && !quoted) {
                *n += 1;
            }
        }
        // The first of equals: tab before comma.
        match counts.iter().rev().max_by_key(|(_, n)| *n) {
            Some(&(byte, n)) if n > 0 => Delimiter::Byte(byte),
            _ => Delimiter::Blanks,
        }
    }

    /// The fields of a line, quotes and all.
    pub fn split(self, line: &[u8]) -> Fields<'_> {
        let line = if self == Delimiter::Blanks { line.trim_ascii() } else { line };
        Fields { rest: Some(line), delimiter: self }
    }
}

/// The fields of a line.
pub(super) struct Fields<'a> {
    rest: Option<&'a [u8]>,
    delimiter: Delimiter,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let is_end = |byte: &u8| match self.delimiter {
            Delimiter::Byte(delimiter) => *byte == delimiter,
            Delimiter::Blanks => *byte == b' ' || *byte == b'\t',
        };
        // A quote opens at the beginning of a field only; `""` within closes it and opens it again.
        let end = if rest.first() == Some(&b'"') {
            let mut quoted = false;
            rest.iter().position(|byte| {
                quoted ^= *byte == b'"';
                !quoted && is_end(byte)
            })
        } else {
            rest.iter().position(is_end)
        };
        let Some(end) = end else {
            self.rest = None;
            return Some(rest);
        };
        let after = &rest[end + 1..];
        self.rest = Some(match self.delimiter {
            Delimiter::Byte(_) => after,
            Delimiter::Blanks => after.trim_ascii_start(),
        });
        Some(&rest[..end])
    }
}

/// A field as a name: without quotes and the blanks around it.
pub(super) fn name(field: &[u8]) -> String {
    let field = field.trim_ascii();
    match field.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")) {
        Some(inner) => String::from_utf8_lossy(inner).replace("\"\"", "\""),
        None => String::from_utf8_lossy(field).into_owned(),
    }
}

/// A field as a number, which some tools quote.
pub(super) fn value(field: &[u8]) -> Option<f32> {
    if let [digit @ b'0'..=b'9'] = field {
        return Some(f32::from(digit - b'0'));
    }
    let field = field.trim_ascii();
    number(field.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")).unwrap_or(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, delimiter: Delimiter, expected: &[&str]) {
        assert_eq!(Delimiter::of(line.as_bytes()), delimiter, "{line}");
        assert_eq!(delimiter.split(line.as_bytes()).map(name).collect::<Vec<_>>(), expected, "{line}");
    }

    #[test]
    fn headers_tell_their_delimiter() {
        check("\tA\tB,1", Delimiter::Byte(b'\t'), &["", "A", "B,1"]);
        check("\"\",\"A;;;1\",\"B \"\"b\"\"\"", Delimiter::Byte(b','), &["", "A;;;1", "B \"b\""]);
        check("gene;A;", Delimiter::Byte(b';'), &["gene", "A", ""]);
        check(" A  B ", Delimiter::Blanks, &["A", "B"]);
        check("A", Delimiter::Blanks, &["A"]);
    }

    #[test]
    fn numbers_are_read_in_every_writing() {
        for (text, expected) in [("7", 7.0), ("12", 12.0), (" 1e2 ", 100.0), ("\"3\"", 3.0), ("-1.5", -1.5)] {
            assert_eq!(value(text.as_bytes()), Some(expected), "{text}");
        }
        for text in ["", "x", "1 2", "1,5"] {
            assert_eq!(value(text.as_bytes()), None, "{text}");
        }
    }
}

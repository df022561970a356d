//! 10x directories: `matrix.mtx`, `barcodes.tsv` and `features.tsv` (or `genes.tsv`), plain or gzipped.

use super::modality::{self, FEATURE_TYPES};
use super::transposed::{Transposed, Triplets};
use super::{Column, Frame, Matrix};
use crate::stage::UserError;
use anyhow::{Context as _, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Opens the directory.
pub(super) fn open(directory: &Path) -> Result<Matrix> {
    let matrix = find(directory, &["matrix.mtx"])?;
    let barcodes = find(directory, &["barcodes.tsv"])?;
    let features = find(directory, &["features.tsv", "genes.tsv"])?;
    let cells = Frame { index: read_table(&barcodes)?.into_iter().map(first).collect(), ..Frame::default() };
    let features = read_features(&features)?;
    let triplets = Mtx { path: matrix, n_features: features.len(), n_cells: cells.len() };
    let counts = Box::new(Transposed::new(triplets, cells.len())?);
    modality::split(Matrix::new(directory, "matrix.mtx", cells, features, counts))
}

fn first(row: Vec<String>) -> String {
    row.into_iter().next().unwrap_or_default()
}

/// The only file whose name ends in one of `names`, perhaps with `.gz`: GEO puts a sample's name in front.
fn find(directory: &Path, names: &[&str]) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(|| format!("reading `{}`", directory.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if names.iter().any(|wanted| name.strip_suffix(".gz").unwrap_or(&name).ends_with(wanted)) {
            found.push(entry.path());
        }
    }
    found.sort();
    let wanted = names.iter().map(|name| format!("`{name}[.gz]`")).collect::<Vec<_>>().join(" or ");
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(UserError::bad_data(format!("`{}` holds no {wanted}", directory.display()))
            .hint("a 10x directory holds `matrix.mtx`, `barcodes.tsv` and `features.tsv`, plain or gzipped")
            .into()),
        n => Err(UserError::bad_data(format!(
            "`{}` holds {n} files {wanted}, expected 1",
            directory.display()
        ))
        .hint("put each sample's three files into a directory of its own")
        .into()),
    }
}

fn reader(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    let file = BufReader::with_capacity(
        1 << 18,
        File::open(path).with_context(|| format!("opening `{}`", path.display()))?,
    );
    Ok(match path.extension().is_some_and(|extension| extension == "gz") {
        // bgzip writes many members; a decoder of one would stop after the first.
        true => Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(file))),
        false => Box::new(file),
    })
}

/// A read error of a text file: 65, since the file is there but its bytes are wrong.
fn unreadable(path: &Path, error: &io::Error) -> anyhow::Error {
    UserError::bad_data(format!("`{}` cannot be read to its end: {error}", path.display()))
        .hint("the file is damaged or cut short: fetch it again and compare its checksum")
        .into()
}

fn read_table(path: &Path) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for line in reader(path)?.lines() {
        let line = line.map_err(|error| unreadable(path, &error))?;
        rows.push(line.trim_end_matches('\r').split('\t').map(str::to_owned).collect());
    }
    Ok(rows)
}

/// The features: ids, names and, from Cell Ranger 3 on, types.
fn read_features(path: &Path) -> Result<Frame> {
    let rows = read_table(path)?;
    let column = |at: usize| Column::from_texts(rows.iter().map(|row| row.get(at).map(String::as_str)));
    let names = Column::from_texts(rows.iter().map(|row| row.get(1).or(row.first()).map(String::as_str)));
    let mut columns = vec![("gene_symbols".to_owned(), names)];
    if rows.iter().any(|row| row.len() > 2) {
        columns.push((FEATURE_TYPES.to_owned(), column(2)));
    }
    Ok(Frame { index: rows.into_iter().map(first).collect(), columns, skipped: Vec::new() })
}

/// `matrix.mtx`: genes in rows, cells in columns, both from 1.
struct Mtx {
    path: PathBuf,
    n_features: usize,
    n_cells: usize,
}

impl Mtx {
    fn bad(&self, message: String) -> anyhow::Error {
        UserError::bad_data(format!("`{}`: {message}", self.path.display())).into()
    }

    /// Number of entries that the header declares, its dimensions checked.
    fn read_header(&self, reader: &mut dyn BufRead) -> Result<(u64, u64)> {
        let mut line = String::new();
        let mut n_lines = 0;
        loop {
            line.clear();
            n_lines += 1;
            let n = reader.read_line(&mut line).map_err(|error| unreadable(&self.path, &error))?;
            if n == 0 {
                return Err(self.bad("ends before the line of dimensions".to_owned()));
            }
            if n_lines == 1 {
                let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
                let fits = matches!(
                    words.iter().map(String::as_str).collect::<Vec<_>>()[..],
                    ["%%matrixmarket", "matrix", "coordinate", "integer" | "real", "general"]
                );
                if !fits {
                    let expected = "%%MatrixMarket matrix coordinate integer general";
                    return Err(self.bad(format!("begins with `{}`, expected `{expected}`", line.trim_end())));
                }
            } else if !line.starts_with('%') && !line.trim().is_empty() {
                break;
            }
        }
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [n_rows, n_columns, n_entries] = numbers[..] else {
            return Err(self.bad(format!("its dimensions are `{}`, expected three numbers", line.trim_end())));
        };
        if n_rows != self.n_features as u64 {
            return Err(
                self.bad(format!("declares {n_rows} rows, but there are {} features", self.n_features))
            );
        }
        if n_columns != self.n_cells as u64 {
            return Err(
                self.bad(format!("declares {n_columns} columns, but there are {} barcodes", self.n_cells))
            );
        }
        Ok((n_entries, n_lines))
    }
}

impl Triplets for Mtx {
    fn scan(&mut self, mut each: impl FnMut(usize, u32, f32)) -> Result<()> {
        let mut reader = reader(&self.path)?;
        let (expected, mut line_number) = self.read_header(&mut *reader)?;
        let mut found = 0;
        let mut line = Vec::new();
        loop {
            line.clear();
            line_number += 1;
            if reader.read_until(b'\n', &mut line).map_err(|error| unreadable(&self.path, &error))? == 0 {
                break;
            }
            let entry = line.trim_ascii();
            if entry.is_empty() {
                continue;
            }
            let Some((row, column, value)) = parse(entry) else {
                let text = String::from_utf8_lossy(&entry[..entry.len().min(80)]).into_owned();
                return Err(self.bad(format!("line {line_number} is `{text}`, expected `row column count`")));
            };
            let (n_rows, n_columns) = (self.n_features, self.n_cells);
            if row == 0 || row > n_rows || column == 0 || column > n_columns {
                return Err(self.bad(format!(
                    "line {line_number} names row {row}, column {column} of a matrix of {n_rows} x {n_columns}"
                )));
            }
            found += 1;
            each(column - 1, row as u32 - 1, value);
        }
        if found != expected {
            return Err(self.bad(format!("holds {found} entries, its header declares {expected}")));
        }
        Ok(())
    }
}

/// `row column value`.
fn parse(line: &[u8]) -> Option<(usize, usize, f32)> {
    let mut words = line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let (row, column, value) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let value = match integer(value) {
        Some(value) => value as f32,
        None => std::str::from_utf8(value).ok()?.parse().ok()?,
    };
    Some((integer(row)?, integer(column)?, value))
}

fn integer(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| match digit {
        b'0'..=b'9' => Some(number * 10 + usize::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines_of_integers_and_of_reals_parse() {
        assert_eq!(parse(b"12 3 45"), Some((12, 3, 45.0)));
        assert_eq!(parse(b"12\t 3 4.5e1"), Some((12, 3, 45.0)));
        for wrong in [&b"12 3"[..], b"12 3 x", b"-1 3 4", b"1 2 3 4", b""] {
            assert_eq!(parse(wrong), None);
        }
    }
}

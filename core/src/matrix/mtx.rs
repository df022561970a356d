//! 10x directories: `matrix.mtx`, `barcodes.tsv` and `features.tsv` (or `genes.tsv`), plain or gzipped.

use super::modality::{self, FEATURE_TYPES};
use super::text::{Lines, excerpt};
use super::transposed::{Transposed, Triplets};
use super::{Column, Frame, Matrix};
use crate::stage::UserError;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// What a Matrix Market file begins with.
pub(super) const MAGIC: &[u8] = b"%%MatrixMarket";
const MATRIX: &[&str] = &["matrix.mtx"];
const BARCODES: &[&str] = &["barcodes.tsv"];
const FEATURES: &[&str] = &["features.tsv", "genes.tsv"];

/// Opens the directory.
pub(super) fn open(directory: &Path) -> Result<Matrix> {
    let find = |names| find(directory, "", names);
    open_files(directory, find(MATRIX)?, &find(BARCODES)?, &find(FEATURES)?)
}

/// Opens a bare `matrix.mtx`: the other two files lie beside it, their names beginning as its own does.
pub(super) fn open_file(matrix: &Path) -> Result<Matrix> {
    let name = matrix.file_name().unwrap_or_default().to_string_lossy();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let Some(prefix) = plain.strip_suffix("matrix.mtx") else {
        return Err(UserError::bad_data(format!(
            "`{}` is a Matrix Market file, but not called `matrix.mtx[.gz]`: its cells and genes cannot be found",
            matrix.display()
        ))
        .hint("name the files `matrix.mtx`, `barcodes.tsv` and `features.tsv`, all with the same words in front")
        .into());
    };
    let directory = matrix.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let find = |names| find(directory, prefix, names);
    open_files(matrix, matrix.to_owned(), &find(BARCODES)?, &find(FEATURES)?)
}

fn open_files(path: &Path, matrix: PathBuf, barcodes: &Path, features: &Path) -> Result<Matrix> {
    let cells = Frame { index: read_table(barcodes)?.into_iter().map(first).collect(), ..Frame::default() };
    let genes = read_features(features)?;
    let mut mtx = Mtx { path: matrix, n_features: genes.len(), n_cells: cells.len(), by_cells: false };
    mtx.by_cells = mtx.is_by_cells()?;
    let counts = Box::new(Transposed::new(mtx, cells.len())?);
    modality::split(Matrix::new(path, "matrix.mtx", cells, genes, counts))
}

fn first(row: Vec<String>) -> String {
    row.into_iter().next().unwrap_or_default()
}

/// The only file whose name begins with `prefix` and ends in one of `names`, perhaps with `.gz`: GEO puts a sample's name in
/// front.
fn find(directory: &Path, prefix: &str, names: &[&str]) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(|| format!("reading `{}`", directory.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let fits = |wanted: &&str| match prefix {
            // Archives made on a Mac hold `._matrix.mtx` beside `matrix.mtx`.
            "" => plain.ends_with(*wanted) && !plain.starts_with('.'),
            prefix => plain.strip_prefix(prefix) == Some(*wanted),
        };
        if names.iter().any(fits) {
            found.push(entry.path());
        }
    }
    found.sort();
    let wanted = names.iter().map(|name| format!("`{prefix}{name}[.gz]`")).collect::<Vec<_>>().join(" or ");
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(UserError::bad_data(format!("`{}` holds no {wanted}", directory.display()))
            .hint("a 10x directory holds `matrix.mtx`, `barcodes.tsv` and `features.tsv`, plain or gzipped")
            .into()),
        n => Err(UserError::bad_data(format!(
            "`{}` holds {n} files {wanted}, expected 1",
            directory.display()
        ))
        .hint("pass the `matrix.mtx` of each sample by its own name, or give each sample a directory")
        .into()),
    }
}

fn read_table(path: &Path) -> Result<Vec<Vec<String>>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut lines = Lines::open(path)?;
    let mut empty = 0;
    while let Some(line) = lines.next()? {
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() {
            empty += 1;
            continue;
        }
        // Only at the end do empty lines name nothing.
        rows.resize(rows.len() + std::mem::take(&mut empty), Vec::new());
        rows.push(text.split('\t').map(str::to_owned).collect());
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
    /// Cells in rows instead, as some tools write it.
    by_cells: bool,
}

/// What the line of dimensions declares.
struct Declared {
    n_rows: u64,
    n_columns: u64,
    n_entries: u64,
}

impl Mtx {
    fn read_header(lines: &mut Lines) -> Result<Declared> {
        let Some(line) = lines.next()? else {
            return Err(lines.bad("is missing: the file is empty".to_owned()));
        };
        let words: Vec<String> =
            String::from_utf8_lossy(line).split_whitespace().map(str::to_lowercase).collect();
        let fits = matches!(
            words.iter().map(String::as_str).collect::<Vec<_>>()[..],
            ["%%matrixmarket", "matrix", "coordinate", "integer" | "real", "general"]
        );
        if !fits {
            let found = excerpt(line);
            let expected = "%%MatrixMarket matrix coordinate integer general";
            return Err(lines.bad(format!("is `{found}`, expected `{expected}`")));
        }
        loop {
            let Some(line) = lines.next()? else {
                return Err(lines.bad("is the last, expected a line of dimensions".to_owned()));
            };
            if line.starts_with(b"%") || line.trim_ascii().is_empty() {
                continue;
            }
            let words = || line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let numbers: Vec<u64> = words().filter_map(|word| integer(word).map(|n| n as u64)).collect();
            let [n_rows, n_columns, n_entries] = numbers[..] else {
                let found = excerpt(line);
                return Err(lines.bad(format!("is `{found}`, expected three numbers: rows columns entries")));
            };
            return Ok(Declared { n_rows, n_columns, n_entries });
        }
    }

    /// Are cells in rows? The dimensions tell, unless the matrix is square.
    ///
    /// Errors: 65 if they fit neither way.
    fn is_by_cells(&self) -> Result<bool> {
        let mut lines = Lines::open(&self.path)?;
        let Declared { n_rows, n_columns, .. } = Self::read_header(&mut lines)?;
        let (n_features, n_cells) = (self.n_features as u64, self.n_cells as u64);
        if (n_rows, n_columns) == (n_features, n_cells) {
            return Ok(false);
        }
        if (n_rows, n_columns) == (n_cells, n_features) {
            tracing::info!("`{}` holds cells x genes, not genes x cells", self.path.display());
            return Ok(true);
        }
        Err(lines.bad(if n_rows != n_features {
            format!("declares {n_rows} rows, but there are {n_features} features")
        } else {
            format!("declares {n_columns} columns, but there are {n_cells} barcodes")
        }))
    }
}

impl Triplets for Mtx {
    fn scan(&mut self, mut each: impl FnMut(usize, u32, f32)) -> Result<()> {
        let mut lines = Lines::open(&self.path)?;
        let expected = Self::read_header(&mut lines)?.n_entries;
        let (n_rows, n_columns) = match self.by_cells {
            true => (self.n_cells, self.n_features),
            false => (self.n_features, self.n_cells),
        };
        let mut found = 0;
        while let Some(line) = lines.next()? {
            let entry = line.trim_ascii();
            if entry.is_empty() {
                continue;
            }
            let Some((row, column, value)) = parse(entry) else {
                let found = excerpt(entry);
                return Err(lines.bad(format!("is `{found}`, expected `row column count`")));
            };
            if row == 0 || row > n_rows || column == 0 || column > n_columns {
                return Err(lines
                    .bad(format!("names row {row}, column {column} of a matrix of {n_rows} x {n_columns}")));
            }
            found += 1;
            match self.by_cells {
                true => each(row - 1, column as u32 - 1, value),
                false => each(column - 1, row as u32 - 1, value),
            }
        }
        if found != expected {
            let path = self.path.display();
            let message = format!("`{path}` holds {found} entries, its header declares {expected}");
            return Err(UserError::bad_data(message)
                .hint("the file is cut short or was edited: fetch it again and compare its checksum")
                .into());
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
    Some((integer(row)?, integer(column)?, number(value)?))
}

/// A number as texts hold it.
pub(super) fn number(text: &[u8]) -> Option<f32> {
    match integer(text) {
        Some(value) => Some(value as f32),
        None => std::str::from_utf8(text).ok()?.parse().ok(),
    }
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
    use super::*;
    use crate::stage::error::classify;

    #[test]
    fn lines_of_integers_and_of_reals_parse() {
        assert_eq!(parse(b"12 3 45"), Some((12, 3, 45.0)));
        assert_eq!(parse(b"12\t 3 4.5e1"), Some((12, 3, 45.0)));
        for wrong in [&b"12 3"[..], b"12 3 x", b"-1 3 4", b"1 2 3 4", b""] {
            assert_eq!(parse(wrong), None);
        }
    }

    const HEADER: &str = "%%MatrixMarket matrix coordinate integer general\n%\n";

    /// Three genes, two cells; `prefix` before each name.
    fn directory(prefix: &str, matrix: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(directory.path().join(format!("{prefix}{name}")), text).unwrap();
        };
        write("matrix.mtx", matrix);
        write("barcodes.tsv", "A\r\nB\r\n\n");
        write("features.tsv", "ENSG1\tG1\nENSG2\tG2\nENSG3\tG3\n");
        directory
    }

    fn refusal(matrix: &str) -> String {
        let error = open(directory("", matrix).path()).err().unwrap();
        assert_eq!(classify(&error).0, 65, "{error}");
        error.to_string()
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let check = |text: &str, expected: &str| {
            let message = refusal(text);
            assert!(message.contains(expected), "{message}");
        };
        check("", "line 0 is missing: the file is empty");
        check("1 2 3\n", "line 1 is `1 2 3`, expected `%%MatrixMarket matrix coordinate integer general`");
        check("%%MatrixMarket matrix array real general\n", "line 1 is `%%MatrixMarket matrix array");
        check(HEADER, "line 2 is the last, expected a line of dimensions");
        check(&format!("{HEADER}3 2\n"), "line 3 is `3 2`, expected three numbers");
        check(&format!("{HEADER}4 2 1\n"), "line 3 declares 4 rows, but there are 3 features");
        check(&format!("{HEADER}3 9 1\n"), "line 3 declares 9 columns, but there are 2 barcodes");
        check(&format!("{HEADER}3 2 1\n1 1 x\n"), "line 4 is `1 1 x`, expected `row column count`");
        check(&format!("{HEADER}3 2 1\n4 1 5\n"), "line 4 names row 4, column 1 of a matrix of 3 x 2");
        check(&format!("{HEADER}3 2 2\n3 1 5\n"), "holds 1 entries, its header declares 2");
        check(&format!("{HEADER}3 2 18446744073709551615\n3 1 5\n"), "expected three numbers");
    }

    #[test]
    fn cells_may_stand_in_rows() {
        for (matrix, expected) in [("3 2 1\n3 1 5\n", (0, 2)), ("2 3 1\n2 3 5\n", (1, 2))] {
            let directory = directory("", &format!("{HEADER}{matrix}"));
            let mut matrix = open(directory.path()).unwrap();
            let rows = matrix.read_block(0..2).unwrap();
            assert_eq!((rows.row(expected.0), rows.data.len()), ((&[expected.1][..], &[5.0][..]), 1));
        }
    }

    #[test]
    fn a_bare_matrix_finds_the_files_that_belong_to_it() {
        let directory = directory("GSM1_", &format!("{HEADER}3 2 1\n3 1 5\n"));
        std::fs::write(directory.path().join("GSM2_matrix.mtx"), "").unwrap();
        std::fs::write(directory.path().join("GSM2_barcodes.tsv"), "").unwrap();
        let error = open(directory.path()).err().unwrap();
        assert!(error.to_string().contains("holds 2 files `matrix.mtx[.gz]`"), "{error}");
        let mut matrix = Matrix::open(&directory.path().join("GSM1_matrix.mtx"), None).unwrap();
        assert_eq!(matrix.cells.index, ["A", "B"]);
        assert_eq!(matrix.read_block(0..1).unwrap().data, [5.0]);
        std::fs::rename(directory.path().join("GSM1_matrix.mtx"), directory.path().join("x.mtx")).unwrap();
        let error = Matrix::open(&directory.path().join("x.mtx"), None).err().unwrap();
        assert!(error.to_string().contains("not called `matrix.mtx[.gz]`"), "{error}");
    }
}

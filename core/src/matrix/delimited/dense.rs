//! Dense tables: genes x cells or cells x genes, with or without a name in the corner.

use super::Table;
use super::fields::{Fields, name, value};
use crate::genes::GeneTable;
use crate::matrix::counts::Counts;
use crate::matrix::text::{Lines, bad_line, excerpt};
use crate::matrix::transposed::{Transposed, Triplets};
use crate::matrix::{Frame, Matrix, Rows};
use crate::stage::UserError;
use anyhow::{Result, ensure};
use std::collections::HashMap;
use std::ops::Range;

/// Names of either axis that are looked up to tell genes from cells.
const LOOKED_UP: usize = 2_000;

const FIRST_LINE: &str = "the first line must name the columns, each name once: cells, or genes";

/// Opens the table whose header was read; `lines` stand after it.
pub(super) fn open(table: Table, header: Vec<String>, lines: Lines) -> Result<Matrix> {
    let Names { rows, columns } = names(&table, header, lines)?;
    let path = table.path.display();
    let (genes_in_rows, why) = genes_in_rows(&rows, &columns);
    tracing::info!(
        "`{path}` holds {} x {}: {why}",
        if genes_in_rows { "genes" } else { "cells" },
        if genes_in_rows { "cells" } else { "genes" },
    );
    let n_columns = columns.len();
    let frame = |index| Frame { index, ..Frame::default() };
    let (cells, genes) = if genes_in_rows { (columns, rows) } else { (rows, columns) };
    let path = table.path.clone();
    let counts: Box<dyn Counts> = match genes_in_rows {
        true => Box::new(Transposed::new(ByGenes(Body { table, n_columns }), n_columns)?),
        false => Box::new(ByCells { body: Body { table, n_columns }, lines: None, next: 0 }),
    };
    Ok(Matrix::new(&path, "table", frame(cells), frame(genes), counts))
}

struct Names {
    rows: Vec<String>,
    columns: Vec<String>,
}

/// Reads the table once for the names of its rows; the first row tells whether the header has a name in the corner.
fn names(table: &Table, mut header: Vec<String>, mut lines: Lines) -> Result<Names> {
    let path = table.path.display();
    let mut rows = Vec::new();
    let mut n_fields = None;
    while let Some(line) = lines.next()? {
        if line.is_empty() {
            continue;
        }
        let mut fields = table.delimiter.split(line);
        rows.push(name(fields.next().unwrap_or_default()));
        let found = fields.count() + 1;
        let expected = *n_fields.get_or_insert(found);
        if rows.len() == 1 && found != header.len() && found != header.len() + 1 {
            return Err(lines.bad(format!(
                "has {found} fields, expected {0} or {1}: the header has {0}",
                header.len(),
                header.len() + 1
            )));
        }
        if found != expected {
            return Err(lines.bad(format!("has {found} fields, expected {expected} as in the first row")));
        }
    }
    let Some(n_fields) = n_fields else {
        return Err(UserError::bad_data(format!("`{path}` holds no table: it has no line after its header"))
            .hint("fetch or write the file again")
            .into());
    };
    let corner = n_fields == header.len();
    if corner {
        let name = header.remove(0);
        let is_number = |name: &String| value(name.as_bytes()).is_some();
        let counts = header.iter().all(is_number);
        if counts && (is_number(&name) || GeneTable::bundled().find(&name).gene().is_some()) {
            let message = format!("names no columns: it is `{name}` and numbers");
            return Err(bad_line(&table.path, table.header_line, message).hint(FIRST_LINE).into());
        }
    }
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(header.len());
    for (at, column) in header.iter().enumerate() {
        let at = at + 1 + usize::from(corner);
        if let Some(first) = seen.insert(column, at) {
            let message = format!("names column {at} `{column}`, as column {first}");
            return Err(bad_line(&table.path, table.header_line, message).hint(FIRST_LINE).into());
        }
    }
    if header.is_empty() {
        return Err(UserError::bad_data(format!("`{path}` is no table: its lines have one field"))
            .hint("fields are separated by tabs, commas, semicolons or blanks")
            .into());
    }
    Ok(Names { rows, columns: header })
}

/// Which names are genes, and why that is believed.
fn genes_in_rows(rows: &[String], columns: &[String]) -> (bool, String) {
    let table = GeneTable::bundled();
    let known = |names: &[String]| {
        let looked_up = names.len().min(LOOKED_UP);
        let is_gene = |name: &&String| {
            // Other species' names tell the axis too; whether they can be used is decided later.
            name.starts_with("ENS")
                || table.find(name).gene().is_some()
                || table.find(&name.to_uppercase()).gene().is_some()
        };
        (names.iter().take(LOOKED_UP).filter(is_gene).count(), looked_up)
    };
    let ((in_rows, n_rows), (in_columns, n_columns)) = (known(rows), known(columns));
    // Shares, compared without division.
    let (row, column) = (in_rows * n_columns, in_columns * n_rows);
    if row == column {
        let why = "neither names of rows nor of columns tell, and most tables have genes in rows";
        return (true, why.to_owned());
    }
    let why = format!(
        "{in_rows} of {n_rows} names of rows and {in_columns} of {n_columns} names of columns are those of genes"
    );
    (row > column, why)
}

/// The lines after the header, each a name and `n_columns` numbers.
struct Body {
    table: Table,
    n_columns: usize,
}

impl Body {
    /// Calls `each(column, value)` for what is not zero in a line, read from `lines`.
    fn each_value(&self, number: u64, fields: Fields<'_>, mut each: impl FnMut(u32, f32)) -> Result<()> {
        let mut n = 0;
        for (at, field) in fields.enumerate() {
            let Some(value) = value(field) else {
                let (found, column) = (excerpt(field), at + 2);
                let message = format!("holds `{found}` in column {column}, expected a count");
                return Err(bad_line(&self.table.path, number, message)
                    .hint("a table holds one column of names and then counts; remove other columns, write 0 for none")
                    .into());
            };
            if value != 0.0 && at < self.n_columns {
                each(at as u32, value);
            }
            n += 1;
        }
        ensure!(n == self.n_columns, "`{}` changed while it was read", self.table.path.display());
        Ok(())
    }
}

/// Genes in rows.
struct ByGenes(Body);

impl Triplets for ByGenes {
    fn scan(&mut self, mut each: impl FnMut(usize, u32, f32)) -> Result<()> {
        let Self(body) = self;
        let mut lines = body.table.body()?;
        let mut gene = 0;
        loop {
            let number = lines.number() + 1;
            let Some(line) = lines.next()? else { return Ok(()) };
            if line.is_empty() {
                continue;
            }
            let mut fields = body.table.delimiter.split(line);
            fields.next();
            body.each_value(number, fields, |cell, value| each(cell as usize, gene, value))?;
            gene += 1;
        }
    }
}

/// Cells in rows: read as they stand, again from the beginning for cells that have passed.
struct ByCells {
    body: Body,
    lines: Option<Lines>,
    /// The cell of the next line.
    next: usize,
}

impl Counts for ByCells {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        let mut lines = match self.lines.take() {
            Some(lines) if self.next <= cells.start => lines,
            _ => {
                self.next = 0;
                self.body.table.body()?
            }
        };
        let mut rows = Rows::default();
        while self.next < cells.end {
            let number = lines.number() + 1;
            let Some(line) = lines.next()? else {
                anyhow::bail!("`{}` changed while it was read", self.body.table.path.display());
            };
            if line.is_empty() {
                continue;
            }
            if self.next >= cells.start {
                let mut fields = self.body.table.delimiter.split(line);
                fields.next();
                let (indices, data) = (&mut rows.indices, &mut rows.data);
                self.body.each_value(number, fields, |gene, value| {
                    indices.push(gene);
                    data.push(value);
                })?;
                rows.indptr.push(rows.indices.len());
            }
            self.next += 1;
        }
        self.lines = Some(lines);
        Ok(rows)
    }
}

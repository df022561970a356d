//! Long tables, as `umi_tools count` writes them: a line for every gene of a cell.

use super::Table;
use super::fields::{name, value};
use crate::matrix::text::excerpt;
use crate::matrix::transposed::{Transposed, Triplets};
use crate::matrix::{Frame, Matrix};
use anyhow::Result;
use std::collections::BTreeMap;

/// What the columns of such a table are called.
const GENE: [&str; 6] = ["gene", "gene_id", "gene_name", "gene_symbol", "symbol", "feature"];
const CELL: [&str; 5] = ["cell", "cell_id", "barcode", "cell_barcode", "cb"];
const COUNT: [&str; 6] = ["count", "counts", "umi", "umis", "umi_count", "n"];

/// Where gene, cell and count stand, if the header is that of a long table.
pub(super) fn columns(header: &[String]) -> Option<[usize; 3]> {
    let find = |names: &[&str]| header.iter().position(|name| names.contains(&name.to_lowercase().as_str()));
    (header.len() == 3).then(|| Some([find(&GENE)?, find(&CELL)?, find(&COUNT)?]))?
}

/// Opens the table; genes and cells are sorted by name, so that the order of its lines does not matter.
pub(super) fn open(table: Table, columns: [usize; 3]) -> Result<Matrix> {
    let mut long = Long { table, columns, genes: BTreeMap::new(), cells: BTreeMap::new() };
    let (mut genes, mut cells) = (BTreeMap::new(), BTreeMap::new());
    long.each_line(|gene, cell, _| {
        for (names, name) in [(&mut genes, gene), (&mut cells, cell)] {
            if !names.contains_key(name) {
                names.insert(name.to_owned(), 0);
            }
        }
    })?;
    for names in [&mut genes, &mut cells] {
        names.values_mut().zip(0..).for_each(|(place, at)| *place = at);
    }
    let frame =
        |names: &BTreeMap<String, u32>| Frame { index: names.keys().cloned().collect(), ..Frame::default() };
    let (path, obs, var) = (long.table.path.clone(), frame(&cells), frame(&genes));
    tracing::info!("`{}` is a long table of {} genes in {} cells", path.display(), var.len(), obs.len());
    (long.genes, long.cells) = (genes, cells);
    let counts = Box::new(Transposed::new(long, obs.len())?);
    Ok(Matrix::new(&path, "table", obs, var, counts))
}

struct Long {
    table: Table,
    columns: [usize; 3],
    genes: BTreeMap<String, u32>,
    cells: BTreeMap<String, u32>,
}

impl Long {
    fn each_line(&self, mut each: impl FnMut(&str, &str, f32)) -> Result<()> {
        let mut lines = self.table.body()?;
        while let Some(line) = lines.next()? {
            if line.is_empty() {
                continue;
            }
            let fields: Vec<&[u8]> = self.table.delimiter.split(line).collect();
            if fields.len() != 3 {
                let found = fields.len();
                return Err(lines.bad(format!("has {found} fields, expected 3 (gene, cell, count)")));
            }
            let [gene, cell, count] = self.columns.map(|at| fields[at]);
            let Some(count) = value(count) else {
                let (found, column) = (excerpt(count), self.columns[2] + 1);
                return Err(lines.bad(format!("holds `{found}` in column {column}, expected a count")));
            };
            each(&name(gene), &name(cell), count);
        }
        Ok(())
    }
}

impl Triplets for Long {
    fn scan(&mut self, mut each: impl FnMut(usize, u32, f32)) -> Result<()> {
        self.each_line(|gene, cell, count| {
            // Both were listed when the table was opened; what was appended since is not read.
            if let (Some(&cell), Some(&gene)) = (self.cells.get(cell), self.genes.get(gene)) {
                each(cell as usize, gene, count);
            }
        })
    }
}

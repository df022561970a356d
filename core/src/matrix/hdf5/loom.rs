//! Loom: a dense matrix of genes x cells with `row_attrs` of genes and `col_attrs` of cells.

use super::dataframe;
use super::file::{File, MAX_ELEMENTS_RATIO, Node};
use super::numbers::Numbers;
use crate::matrix::counts::Counts;
use crate::matrix::transposed::{Transposed, Triplets};
use crate::matrix::window::Window;
use crate::matrix::{Frame, Matrix, Rows, Source, raw_counts};
use anyhow::Result;
use hdf5_reader::Dataset;
use std::ops::Range;
use std::sync::Arc;

/// Attributes that name genes, best first: ids before symbols, which repeat.
const GENES: [&str; 8] =
    ["Accession", "gene_ids", "ensembl_id", "Gene", "gene_names", "var_names", "GeneName", "gene"];
/// Attributes that name cells, best first.
const CELLS: [&str; 8] =
    ["CellID", "obs_names", "cell_names", "cell_id", "barcode", "barcodes", "Cell", "CellName"];
/// Values that are held at once of a matrix read by blocks of cells: 64 MiB.
const HELD_VALUES: usize = 1 << 24;

/// Opens the matrix that `wanted` names (`X` is `matrix`), else the one that holds raw counts.
pub(super) fn open(file: &Arc<File>, wanted: Option<&Source>) -> Result<Matrix> {
    let main = file.dataset("matrix")?;
    let &[n_genes, n_cells] = main.shape() else {
        return Err(file.bad(format!("`matrix` has {} axes, expected 2 (genes x cells)", main.ndim())));
    };
    let genes = attributes(file, "row_attrs", n_genes as usize, &GENES)?;
    let cells = attributes(file, "col_attrs", n_cells as usize, &CELLS)?;
    let mut candidates = vec![Source::X];
    let mut layers = file.names("layers")?;
    layers.sort_by_key(|name| raw_counts::layer_rank(name));
    candidates.extend(layers.into_iter().map(Source::Layer));
    let open_one = |source: &Source| {
        let path = match source {
            Source::X => "matrix".to_owned(),
            source => source.to_string(),
        };
        let counts = counts(file, &path, cells.len(), genes.len(), HELD_VALUES)?;
        super::matrix(file, &path, cells.clone(), genes.clone(), counts)
    };
    match wanted {
        // What loom calls it, if no layer does.
        Some(Source::Layer(name)) if name == "matrix" && !file.has("layers/matrix")? => open_one(&Source::X),
        Some(wanted) => open_one(&raw_counts::resolve(&file.path, wanted, &candidates)?),
        None => raw_counts::choose(&file.path, &candidates, open_one),
    }
}

/// The attributes of an axis of length `n`: the first of `names` that there is names its entries.
fn attributes(file: &File, group: &str, n: usize, names: &[&str]) -> Result<Frame> {
    if n as u64 > file.size.saturating_mul(MAX_ELEMENTS_RATIO) {
        let size = file.size;
        return Err(
            file.bad(format!("`matrix` claims an axis of {n}, more than a file of {size} bytes can hold"))
        );
    }
    let mut frame = Frame::default();
    for name in file.names(group)? {
        let path = format!("{group}/{name}");
        let Some(Node::Dataset(dataset)) = file.node(&path)? else {
            frame.skipped.push((name, "a group".to_owned()));
            continue;
        };
        if dataset.ndim() != 1 {
            frame.skipped.push((name, format!("an array of {} axes", dataset.ndim())));
            continue;
        }
        if dataset.shape() != [n as u64] {
            let found = dataset.shape()[0];
            return Err(
                file.bad(format!("`{path}` has {found} entries, expected {n} (the axis of `matrix`)"))
            );
        }
        match dataframe::plain(file, &dataset, &path)? {
            Ok(column) => frame.columns.push((name, column)),
            Err(kind) => frame.skipped.push((name, kind)),
        }
    }
    let found = names.iter().find_map(|name| frame.columns.iter().position(|(other, _)| other == name));
    frame.index = match found {
        Some(at) => {
            let (_, column) = frame.columns.remove(at);
            (0..n).map(|i| column.text(i).unwrap_or_default().into_owned()).collect()
        }
        None => {
            let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            tracing::warn!("`{}`: `{group}` has none of {list}: entries are numbered", file.path.display());
            (0..n).map(|i| i.to_string()).collect()
        }
    };
    Ok(frame)
}

/// The matrix at `path`, genes x cells: by blocks of cells where a block of whole chunks has at most `held` values, else
/// gene by gene.
fn counts(
    file: &Arc<File>,
    path: &str,
    n_cells: usize,
    n_genes: usize,
    held: usize,
) -> Result<Box<dyn Counts>> {
    let dataset = file.dataset(path)?;
    if dataset.shape() != [n_genes as u64, n_cells as u64] {
        let shape = dataset.shape();
        return Err(file.bad(format!("`{path}` has shape {shape:?}, expected [{n_genes}, {n_cells}]")));
    }
    let chunk = dataset.chunks().and_then(|chunk| chunk.get(1).copied()).unwrap_or(u32::MAX) as usize;
    let chunk = chunk.min(n_cells).max(1);
    let most = held / n_genes.max(1);
    if chunk > most.max(1) {
        let window = Window::new(Numbers::new(file, dataset, path));
        return Ok(Box::new(Transposed::new(ByGenes { window, n_genes, n_cells }, n_cells)?));
    }
    let width = (most / chunk).max(1) * chunk;
    let (file, path) = (Arc::clone(file), path.to_owned());
    Ok(Box::new(ByCells { file, dataset, path, n_cells, width, held: 0..0, rows: Rows::default() }))
}

/// Blocks of cells, each read once.
struct ByCells {
    file: Arc<File>,
    dataset: Dataset,
    path: String,
    n_cells: usize,
    /// Cells of a block: whole chunks.
    width: usize,
    held: Range<usize>,
    rows: Rows,
}

impl ByCells {
    fn load(&mut self, cell: usize) -> Result<()> {
        let start = cell / self.width * self.width;
        let held = start..(start + self.width).min(self.n_cells);
        self.held = 0..0;
        let values: Vec<f32> = self.file.columns(&self.dataset, &self.path, held.clone())?;
        self.rows = by_rows(&values, held.len());
        self.held = held;
        Ok(())
    }
}

/// The cells of a dense block of genes x `n_cells`.
fn by_rows(values: &[f32], n_cells: usize) -> Rows {
    let mut next = vec![0; n_cells + 1];
    for gene in values.chunks_exact(n_cells) {
        for (cell, _) in gene.iter().enumerate().filter(|entry| *entry.1 != 0.0) {
            next[cell + 1] += 1;
        }
    }
    for cell in 0..n_cells {
        next[cell + 1] += next[cell];
    }
    let n = next[n_cells];
    let mut rows = Rows { indptr: next.clone(), indices: vec![0; n], data: vec![0.0; n] };
    for (gene, values) in (0..).zip(values.chunks_exact(n_cells)) {
        for (cell, &value) in values.iter().enumerate().filter(|entry| *entry.1 != 0.0) {
            rows.indices[next[cell]] = gene;
            rows.data[next[cell]] = value;
            next[cell] += 1;
        }
    }
    rows
}

impl Counts for ByCells {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        let mut rows = Rows::default();
        for cell in cells {
            if !self.held.contains(&cell) {
                self.load(cell)?;
            }
            let (genes, values) = self.rows.row(cell - self.held.start);
            rows.push(genes.iter().copied().zip(values.iter().copied()));
        }
        Ok(rows)
    }
}

/// All cells of one gene after the other, for files in chunks as long as that.
struct ByGenes {
    window: Window<Numbers, f32>,
    n_genes: usize,
    n_cells: usize,
}

impl Triplets for ByGenes {
    fn scan(&mut self, mut each: impl FnMut(usize, u32, f32)) -> Result<()> {
        let mut gene = 0;
        self.window.read(0..self.n_genes, |piece| {
            for row in piece.chunks_exact(self.n_cells) {
                for (cell, &value) in row.iter().enumerate().filter(|entry| *entry.1 != 0.0) {
                    each(cell, gene, value);
                }
                gene += 1;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::tests::{expected, fixture};

    #[test]
    fn blocks_of_any_size_give_the_same_cells() {
        for name in ["chunked.loom", "contiguous.loom"] {
            let file = Arc::new(File::open(&fixture(name)).unwrap());
            // By genes below 10 (two cells, a chunk) or 15 (three, all there are), else by blocks of cells.
            for held in [1, 5, 10, 15, HELD_VALUES] {
                let mut counts = counts(&file, "layers/counts", 3, 5, held).unwrap();
                assert_eq!(counts.read(0..3).unwrap(), expected(), "{name}, {held}");
                assert_eq!(counts.read(2..3).unwrap().data, [30_000.0, 4.0, 5.0], "{name}, {held}");
                assert_eq!(counts.read(0..1).unwrap().indices, [0, 2, 3], "{name}, {held}");
            }
        }
    }
}

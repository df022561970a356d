//! What a matrix measures beside genes: surface proteins, guides, chromatin peaks.
//!
//! A stored matrix whose columns are of several types is read once a block and dealt out: its genes to
//! [`Matrix::read_block`], the others to [`Matrix::read_modality`].

use super::counts::Counts;
use super::{Frame, Matrix, Rows, raw_counts};
use crate::stage::UserError;
use anyhow::Result;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// The column of `var`, and the third of `features.tsv`, that tells what each row of a 10x matrix is.
pub(super) const FEATURE_TYPES: &str = "feature_types";

/// Types of columns that are genes: Cell Ranger's, and the short names of multi-omics benchmarks.
const GENES: [&str; 4] = ["gene expression", "gex", "rna", "gene"];
/// Types that have a name of their own here, with that name.
const NAMED: [(&str, &str); 7] = [
    ("antibody capture", "protein"),
    ("adt", "protein"),
    ("prot", "protein"),
    ("crispr guide capture", "crispr"),
    ("peaks", "atac"),
    ("atac", "atac"),
    ("multiplexing capture", "multiplexing"),
];

/// Counts of features that are not genes, for the same cells.
pub struct Modality {
    /// `protein`, `crispr`, `atac`, `multiplexing`, or the input's name in lower snake case.
    pub name: String,
    /// The features and what is known of them.
    pub features: Frame,
    pub(super) counts: Box<dyn Counts>,
}

impl Modality {
    /// A modality whose values are read by `counts`.
    pub(super) fn new(name: &str, features: Frame, counts: Box<dyn Counts>) -> Self {
        Self { name: name_of(name), features, counts }
    }

    /// The inner `Err` says which value is no count.
    pub(super) fn try_read(&mut self, cells: Range<usize>, of: &Frame) -> Result<Result<Rows, String>> {
        let first = cells.start;
        let rows = self.counts.read(cells)?;
        let wrong = super::counts::tidy(rows);
        Ok(wrong.map_err(|wrong| wrong.describe(&self.name, first, of, &self.features)))
    }
}

/// `Antibody Capture` is `protein`, `Spatial barcode` is `spatial_barcode`.
pub(super) fn name_of(kind: &str) -> String {
    let lower = kind.trim().to_lowercase();
    if let Some((_, name)) = NAMED.iter().find(|(kind, _)| *kind == lower) {
        return (*name).to_owned();
    }
    let words: Vec<&str> =
        lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "other".to_owned() } else { words.join("_") }
}

/// Divides a matrix by the `feature_types` of its columns; without such a column, or if it speaks of something else
/// (biotypes), all columns are genes. A column without type is a gene.
///
/// Errors: 65 if no column is a gene.
pub(super) fn split(mut matrix: Matrix) -> Result<Matrix> {
    let Some(column) = matrix.genes.column(FEATURE_TYPES) else { return Ok(matrix) };
    let kinds: Vec<String> = (0..column.len())
        .map(|feature| column.text(feature).unwrap_or_default().trim().to_lowercase())
        .collect();
    let is_gene = |kind: &str| GENES.contains(&kind);
    let known = |kind: &String| is_gene(kind) || NAMED.iter().any(|(name, _)| name == kind);
    if !kinds.iter().any(known) || kinds.iter().all(|kind| kind.is_empty() || is_gene(kind)) {
        return Ok(matrix);
    }
    if !kinds.iter().any(|kind| kind.is_empty() || is_gene(kind)) {
        let kind = column.text(0).unwrap_or_default();
        return Err(UserError::bad_data(format!(
            "`{}` holds no genes: all its {} features are of other types, such as `{kind}`",
            matrix.path.display(),
            kinds.len()
        ))
        .hint("pass the matrix that holds `Gene Expression`, alone or together with these")
        .into());
    }
    // Part 0 is the genes; the others stand in order of appearance.
    let mut parts: Vec<(String, Vec<usize>)> = vec![(String::new(), Vec::new())];
    let places = kinds.iter().enumerate().map(|(feature, kind)| {
        let name = if kind.is_empty() || is_gene(kind) { String::new() } else { name_of(kind) };
        let part = parts.iter().position(|(other, _)| *other == name).unwrap_or_else(|| {
            parts.push((name, Vec::new()));
            parts.len() - 1
        });
        parts[part].1.push(feature);
        (part, parts[part].1.len() as u32 - 1)
    });
    let places: Vec<(usize, u32)> = places.collect();
    let dealer = Dealer { counts: matrix.counts, places, cells: 0..0, held: vec![None; parts.len()] };
    let dealer = Arc::new(Mutex::new(dealer));
    let part = |part: usize| Box::new(Part { dealer: Arc::clone(&dealer), part });
    for (number, (name, features)) in parts.iter().enumerate().skip(1) {
        tracing::info!(
            "`{}`: {} of {} features are no genes but the modality `{name}`",
            matrix.path.display(),
            features.len(),
            kinds.len()
        );
        matrix.modalities.push(Modality::new(name, matrix.genes.select(features), part(number)));
    }
    matrix.genes = matrix.genes.select(&parts[0].1);
    matrix.counts = part(0);
    Ok(matrix)
}

/// Leaves out, with a warning, the modalities whose values are no counts.
pub(super) fn keep_counts(matrix: &mut Matrix) -> Result<()> {
    let mut kept = Vec::new();
    for mut modality in std::mem::take(&mut matrix.modalities) {
        let cells = &matrix.cells;
        let sample = raw_counts::sample(cells.len(), |range| modality.try_read(range, cells))?;
        match sample {
            raw_counts::Sample::Not(reason) => {
                tracing::warn!(
                    "`{}`: the modality `{}` is left out, since it holds no counts: {reason}",
                    matrix.path.display(),
                    modality.name
                );
                matrix.dropped_modalities.push((modality.name, reason));
            }
            _ => kept.push(modality),
        }
    }
    matrix.modalities = kept;
    Ok(())
}

/// A stored matrix whose columns belong to several parts; holds the block that was read last.
struct Dealer {
    counts: Box<dyn Counts>,
    /// Of each column, its part and its position there.
    places: Vec<(usize, u32)>,
    cells: Range<usize>,
    /// The block by parts; a part that was fetched is gone.
    held: Vec<Option<Rows>>,
}

impl Dealer {
    fn fetch(&mut self, part: usize, cells: Range<usize>) -> Result<Rows> {
        if self.cells == cells
            && let Some(rows) = self.held[part].take()
        {
            return Ok(rows);
        }
        let rows = self.counts.read(cells.clone())?;
        let mut parts = vec![Rows::default(); self.held.len()];
        for cell in 0..rows.len() {
            let (columns, values) = rows.row(cell);
            for (&column, &value) in columns.iter().zip(values) {
                let (part, position) = self.places[column as usize];
                parts[part].indices.push(position);
                parts[part].data.push(value);
            }
            parts.iter_mut().for_each(|part| part.indptr.push(part.indices.len()));
        }
        let wanted = std::mem::take(&mut parts[part]);
        self.held = parts.into_iter().map(Some).collect();
        self.held[part] = None;
        self.cells = cells;
        Ok(wanted)
    }
}

/// The columns of one part.
struct Part {
    dealer: Arc<Mutex<Dealer>>,
    part: usize,
}

impl Counts for Part {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        self.dealer.lock().unwrap_or_else(PoisonError::into_inner).fetch(self.part, cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Column;
    use crate::stage::error::classify;

    /// Two cells over the columns that follow the types; the number of readings is counted.
    struct Stored(Rows, Arc<Mutex<usize>>);

    impl Counts for Stored {
        fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
            *self.1.lock().unwrap() += 1;
            let mut rows = Rows::default();
            for cell in cells {
                let (columns, values) = self.0.row(cell);
                rows.push(columns.iter().copied().zip(values.iter().copied()));
            }
            Ok(rows)
        }
    }

    fn matrix(kinds: &[Option<&str>], values: [&[(u32, f32)]; 2]) -> (Matrix, Arc<Mutex<usize>>) {
        let mut rows = Rows::default();
        values.iter().for_each(|row| rows.push(row.iter().copied()));
        let readings = Arc::new(Mutex::new(0));
        let frame = |index: Vec<String>| Frame { index, ..Frame::default() };
        let mut genes = frame((0..kinds.len()).map(|i| format!("f{i}")).collect());
        genes.columns.push((FEATURE_TYPES.to_owned(), Column::from_texts(kinds.iter().copied())));
        let cells = frame(vec!["a".into(), "b".into()]);
        let counts = Box::new(Stored(rows, Arc::clone(&readings)));
        (Matrix::new("m".as_ref(), "X", cells, genes, counts), readings)
    }

    #[test]
    fn columns_are_dealt_out_by_type_and_a_block_is_read_once() {
        let kinds =
            [Some("Antibody Capture"), Some("Gene Expression"), None, Some("Peaks"), Some("Odd  Kind")];
        let (matrix, readings) = matrix(&kinds, [&[(0, 5.0), (2, 1.0)], &[(1, 2.0), (3, 3.0), (4, 4.0)]]);
        let mut matrix = split(matrix).unwrap();
        assert_eq!(matrix.genes.index, ["f1", "f2"]);
        let names: Vec<_> =
            matrix.modalities.iter().map(|m| (m.name.as_str(), m.features.index.concat())).collect();
        assert_eq!(names, [("protein", "f0".into()), ("atac", "f3".into()), ("odd_kind", "f4".into())]);
        let rows = matrix.read_block(0..2).unwrap();
        assert_eq!((rows.row(0), rows.row(1)), ((&[1][..], &[1.0][..]), (&[0][..], &[2.0][..])));
        for (modality, expected) in [[5.0, 0.0], [0.0, 3.0], [0.0, 4.0]].into_iter().enumerate() {
            let rows = matrix.read_modality(modality, 0..2).unwrap();
            let sums = [0, 1].map(|cell| rows.row(cell).1.iter().sum::<f32>());
            assert_eq!((sums, rows.len()), (expected, 2), "{modality}");
        }
        assert_eq!(*readings.lock().unwrap(), 1);
        assert_eq!(matrix.read_modality(0, 0..1).unwrap().data, [5.0]);
        assert_eq!(*readings.lock().unwrap(), 2);
    }

    #[test]
    fn biotypes_are_no_modalities_and_features_alone_are_refused() {
        let (biotypes, _) = matrix(&[Some("protein_coding"), Some("lncRNA")], [&[], &[]]);
        let biotypes = split(biotypes).unwrap();
        assert_eq!((biotypes.n_genes(), biotypes.modalities.len()), (2, 0));
        let (peaks, _) = matrix(&[Some("Peaks")], [&[], &[]]);
        let error = split(peaks).err().unwrap();
        assert!(error.to_string().contains("`m` holds no genes"), "{error}");
        assert_eq!(classify(&error).0, 65);
    }

    #[test]
    fn a_modality_that_holds_no_counts_is_left_out() {
        let kinds = [Some("Gene Expression"), Some("ADT"), Some("CRISPR Guide Capture")];
        let (matrix, _) = matrix(&kinds, [&[(0, 5.0), (1, 0.25)], &[(2, 3.0)]]);
        let mut matrix = split(matrix).unwrap();
        keep_counts(&mut matrix).unwrap();
        assert_eq!(matrix.modalities.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["crispr"]);
        let dropped = ("protein".to_owned(), "protein[a, f1] is 0.25, not an integer".to_owned());
        assert_eq!(matrix.dropped_modalities, [dropped]);
        assert_eq!(matrix.read_modality(0, 1..2).unwrap().data, [3.0]);
    }
}

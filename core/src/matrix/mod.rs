//! Readers of count matrices, streamed in blocks of cells.
//!
//! AnnData of every age (`.h5ad`; sparse by rows or columns, dense; in `X`, a layer or `raw/X`) and in Zarr, MuData, loom,
//! what Cell Ranger writes (HDF5 of its versions 2 and 3, directories of Matrix Market files), and delimited text.
//! Content tells the format, not the name. Nothing a header says is believed before it is checked, and every value that
//! leaves a reader is a count.

pub(crate) mod blosc;
pub mod column;
mod compressed;
mod corrected;
pub(crate) mod counts;
mod delimited;
mod dense;
mod frame;
mod hdf5;
mod input;
mod modality;
mod mtx;
pub mod number;
mod raw_counts;
pub mod rows;
pub(crate) mod stored;
#[cfg(test)]
mod tests;
mod text;
mod transposed;
pub(crate) mod window;
mod zarr;

pub use column::{Column, Kind};
pub use corrected::Rounding;
pub use frame::Frame;
pub use input::Spool;
pub use modality::Modality;
pub use rows::Rows;

use crate::stage::UserError;
use anyhow::Result;
use counts::Counts;
use input::Format;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Values of a block if it were dense: bounds the memory of dense inputs.
const BLOCK_VALUES: usize = 1 << 24;

/// A matrix within a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `X`.
    X,
    /// `layers/NAME`.
    Layer(String),
    /// `raw/X`, with its own genes.
    Raw,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::X => f.write_str("X"),
            Source::Layer(name) => write!(f, "layers/{name}"),
            Source::Raw => f.write_str("raw/X"),
        }
    }
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `mod/rna/layers/counts` is what a MuData's matrix is called; its modality is not chosen here.
        let text = match text.strip_prefix("mod/").and_then(|rest| rest.split_once('/')) {
            Some((_, source)) => source,
            None => text,
        };
        Ok(match text {
            "X" => Source::X,
            "raw" | "raw/X" => Source::Raw,
            name => Source::Layer(name.strip_prefix("layers/").unwrap_or(name).to_owned()),
        })
    }
}

/// An opened matrix of raw counts, cells x genes.
pub struct Matrix {
    /// The file or directory.
    pub path: PathBuf,
    /// Which matrix of it is read: `X`, `layers/counts`, `raw/X`, `matrix.mtx`.
    pub source: String,
    /// Why `X` is not read, if another matrix was found to hold the counts.
    pub why: Option<String>,
    /// The cells and what is known of them.
    pub cells: Frame,
    /// The genes and what is known of them.
    pub genes: Frame,
    /// What was measured beside genes.
    pub modalities: Vec<Modality>,
    /// Modalities that are left out since they hold no counts: name and the first value that is none.
    pub dropped_modalities: Vec<(String, String)>,
    /// What was rounded so far, if corrected counts are read as counts.
    pub rounding: Option<Rounding>,
    /// The first value that is no count, if the matrix was taken since it looks like corrected counts.
    refused: Option<String>,
    counts: Box<dyn Counts>,
}

impl Matrix {
    /// Opens a file or directory; `source` names the matrix to read, else the one that holds raw counts is found.
    ///
    /// Errors: 66 if there is nothing at `path`; 65 if it cannot be read as a matrix or holds no raw counts.
    pub fn open(path: &Path, source: Option<&Source>) -> Result<Self> {
        let mut matrix = Self::open_stored(path, source)?;
        if let Some(reason) = matrix.refused.take() {
            return Err(matrix.no_counts(&reason)?);
        }
        modality::keep_counts(&mut matrix)?;
        Ok(matrix)
    }

    /// As [`Matrix::open`], but nearly-integer counts that a tool corrected are read too, rounded to integers (halves to the
    /// even one). A matrix of integers is preferred and is read as it is.
    ///
    /// Errors: as of `open`; 65 if the values are neither counts nor look like corrected ones (see [`corrected`]).
    pub fn open_corrected(path: &Path, source: Option<&Source>) -> Result<Self> {
        let mut matrix = Self::open_stored(path, source)?;
        modality::keep_counts(&mut matrix)?;
        let sample = raw_counts::sample(matrix.n_cells(), |cells| matrix.try_read(cells))?;
        if let raw_counts::Sample::Not(reason) = sample {
            match corrected::examine(&mut matrix)? {
                Ok(share) => tracing::warn!(
                    "`{}`: corrected counts are rounded: {:.1} % of the values looked at are not integers",
                    path.display(),
                    share * 100.0
                ),
                Err(why) => {
                    return Err(UserError::bad_data(format!(
                        "`{}` holds neither counts nor corrected counts: {reason}; {why}",
                        path.display()
                    ))
                    .hint("raw counts are needed: only values on the scale of counts can be rounded")
                    .into());
                }
            }
        }
        matrix.rounding = Some(Rounding::default());
        Ok(matrix)
    }

    fn open_stored(path: &Path, source: Option<&Source>) -> Result<Self> {
        match input::format(path)? {
            Format::Hdf5 => hdf5::open(path, source),
            Format::Directory => mtx::open(path),
            Format::MatrixMarket => mtx::open_file(path),
            Format::Text => delimited::open(path),
            Format::Zarr => zarr::open(path, source),
        }
    }

    /// A matrix of genes alone.
    fn new(path: &Path, source: &str, cells: Frame, genes: Frame, counts: Box<dyn Counts>) -> Self {
        Self {
            path: path.to_owned(),
            source: source.to_owned(),
            why: None,
            cells,
            genes,
            modalities: Vec::new(),
            dropped_modalities: Vec::new(),
            rounding: None,
            refused: None,
            counts,
        }
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.cells.len()
    }

    /// Number of genes.
    pub fn n_genes(&self) -> usize {
        self.genes.len()
    }

    /// A number of cells to read at once that keeps memory bounded: few enough for the cache of each thread, up to four.
    pub fn block_len(&self) -> usize {
        let others: usize = self.modalities.iter().map(|modality| modality.features.len()).sum();
        let values = BLOCK_VALUES / 4 * rayon::current_num_threads().min(4);
        (values / (self.n_genes() + others).max(1)).clamp(64, 4096)
    }

    /// The counts of these cells.
    ///
    /// Errors: 65 naming the first value that is no count, or what the file got wrong.
    pub fn read_block(&mut self, cells: Range<usize>) -> Result<Rows> {
        match self.try_read(cells)? {
            Ok(rows) => Ok(rows),
            Err(reason) => Err(self.no_counts(&reason)?),
        }
    }

    /// 65, since a value is no count; if the matrix looks like corrected counts, the hint says so.
    fn no_counts(&mut self, reason: &str) -> Result<anyhow::Error> {
        let hint = match corrected::examine(self)? {
            Ok(share) if self.rounding.is_none() => format!(
                "raw counts are needed; these look like corrected counts ({:.1} % are not integers): to round them, pass `--round-corrected-counts`",
                share * 100.0
            ),
            _ => "raw counts are needed; to read another matrix of the file, pass `--layer X`, `--layer raw` or `--layer NAME`".to_owned(),
        };
        let message = format!("`{}` holds no raw counts: {reason}", self.path.display());
        Ok(UserError::bad_data(message).hint(hint).into())
    }

    /// The counts of these cells in one of [`Matrix::modalities`].
    ///
    /// Errors: as [`Matrix::read_block`].
    pub fn read_modality(&mut self, modality: usize, cells: Range<usize>) -> Result<Rows> {
        let Self { path, cells: of, modalities, .. } = self;
        modalities[modality].try_read(cells, of)?.map_err(|reason| {
            let name = &modalities[modality].name;
            UserError::bad_data(format!(
                "`{}`: the modality `{name}` holds no counts: {reason}",
                path.display()
            ))
            .hint("write the file without this modality, or with its counts")
            .into()
        })
    }

    /// The inner `Err` says which value is no count.
    fn try_read(&mut self, cells: Range<usize>) -> Result<Result<Rows, String>> {
        let first = cells.start;
        let mut rows = self.counts.read(cells.clone())?;
        if let Some(rounding) = &mut self.rounding {
            rounding.apply(&mut rows, cells);
        }
        Ok(counts::tidy(rows).map_err(|wrong| wrong.describe(&self.source, first, &self.cells, &self.genes)))
    }
}

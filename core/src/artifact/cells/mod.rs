//! `cells.zarr`, `panfoma.cells` 1: raw counts of cells that pass quality control.
//!
//! An AnnData on-disk layout (Zarr v3) that Python opens with `anndata.read_zarr`:
//!
//! ```text
//! X                 csr_matrix float32 raw counts [cells x genes]; indices int32, indptr int32 (int64 from 2^31 values on)
//! obs               _index = cell id; the input's columns; study, sample, patient, n_genes_by_counts, total_counts, ...
//! var               _index = Ensembl id; symbol, input_name, mt, ribo, n_cells_by_counts, mean_counts, ...
//! varm/measured     bool [genes x studies]: was the gene in that study's matrix?
//! obsm/<modality>   csr_matrix float32 counts [cells x features]: protein, crispr, atac, ...
//! uns/panfoma       header (JSON text), studies (in the order of varm/measured), features/<modality> (names)
//! ```

pub mod anndata;
mod blosc_codec;
mod csr;
mod obsm;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use obsm::ObsmWriter;
pub use reader::{Cells, CellsModality, CountsReader, ObsColumn};
pub use writer::{CellsWriter, Var};

/// Name of the schema.
pub const FORMAT: &str = "panfoma.cells";
/// Its breaking version.
pub const VERSION: u32 = 1;

/// One gene of the merged matrix.
///
/// The other metrics of scanpy's `calculate_qc_metrics` follow from these and the number of cells; `var` holds them too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gene {
    /// Ensembl id without version suffix, or `input:<name>` if the name is not in the gene table.
    pub ensembl_id: String,
    /// Approved symbol; the id where there is none.
    pub symbol: String,
    /// The name the inputs used; several differing ones are joined by `|`.
    pub input_name: String,
    /// Does the mitochondrial genome encode it?
    pub mt: bool,
    /// Is it a cytosolic ribosomal protein (RPS*, RPL*)?
    pub ribo: bool,
    /// Cells of the artifact that express it.
    pub n_cells_by_counts: u64,
    /// Sum of its counts over the cells of the artifact.
    pub total_counts: f64,
}

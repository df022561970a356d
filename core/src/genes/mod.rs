//! The offline gene table: human gene names of any age to Ensembl ids.
//!
//! Names are looked up as Ensembl ids (version suffix stripped), then approved symbols, previous symbols and aliases, case
//! included: `Actb` is a mouse gene. The table joins HGNC (CC0) and GENCODE; `examples/make_gene_table.rs` makes it,
//! and its digest stands in the header of every cells.zarr. What is written below the cells carries a vocabulary of those ids.

mod mapping;
mod species;
mod table;

pub use mapping::{GeneMap, MapCounts, map_genes};
pub use species::{Foreign, Suspicion};
pub use table::{Biotype, GeneTable, Match, TableGene};

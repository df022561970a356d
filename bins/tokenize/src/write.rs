//! Pass two: every cell's genes as ids, counts and bins.

use crate::annotations::Annotations;
use crate::args::Config;
use crate::blocks::{fold_blocks, readings};
use crate::cell_genes::CellGenes;
use crate::cohort::Cohort;
use crate::genes::Genes;
use anyhow::{Context as _, Result};
use panfoma_core::artifact::cells::CellsModality;
use panfoma_core::artifact::tokens::{
    Block, CellRows, Content, Dropped, Index, Lists, Modality, TextColumn, TokensWriter,
};
use panfoma_core::artifact::{Provenance, atomic};
use panfoma_core::data::binning::{Expressed, Rule};
use panfoma_core::stage::{Context, UserError};
use std::ops::Range;
use std::sync::Arc;

/// Writes the directory and returns its index.
pub fn tokens(
    cells: &Cohort,
    of_cells: &Annotations,
    genes: &Genes,
    config: &Config,
    provenance: Provenance,
    context: &Context,
) -> Result<Index> {
    let written = config.shard.map_or(0..cells.n_cells(), |shard| shard.range(cells.n_cells(), 1));
    let dropped = Dropped {
        cells_failing_qc: of_cells.kept[written.clone()].iter().filter(|&&kept| !kept).count() as u64,
        cells_without_vocabulary_gene: 0,
        genes_outside_vocabulary: genes.n_outside() as u64,
    };
    let carried = of_cells.modalities.as_slice();
    let content = Content {
        provenance,
        vocabulary: genes.vocabulary.clone(),
        selection: genes.selection.clone(),
        panels: genes.panels(cells),
        n_bins: config.n_bins,
        binning: config.binning,
        label_columns: of_cells.label_columns.clone(),
        group_columns: of_cells.group_columns.clone(),
        split: of_cells.record.clone(),
        dropped,
        modalities: carried.iter().map(|&at| modality(&cells.modalities()[at])).collect(),
        shard: config.shard,
    };
    let levels: Vec<Arc<Vec<String>>> =
        of_cells.columns.iter().map(|column| Arc::new(column.levels.clone())).collect();
    let rule = Rule::new(config.binning, config.n_bins, context.seed, &genes.vocabulary)?;
    let write = |directory: &std::path::Path| -> Result<Index> {
        let mut writer = TokensWriter::create(directory, content)?;
        let map = |block: Range<usize>| tokenize(cells, of_cells, genes, &rule, &levels, block);
        fold_blocks(written, context, "cells tokenized", map, |(block, n_empty)| {
            writer.dropped.cells_without_vocabulary_gene += n_empty;
            writer.push(block)
        })?;
        let index = writer.finish()?;
        // A shard may be empty; the corpus may not.
        match (index.n_cells, index.shard) {
            (0, None) => Err(UserError::bad_data("no cell expresses a gene of the vocabulary").into()),
            _ => Ok(index),
        }
    };
    atomic::write_directory(&config.output, write)
        .with_context(|| format!("writing `{}`", config.output.display()))
}

fn modality(of_cells: &CellsModality) -> Modality {
    Modality { name: of_cells.name.clone(), features: of_cells.features.clone() }
}

/// One block, and how many of its cells express no gene of the vocabulary.
fn tokenize(
    cells: &Cohort,
    of_cells: &Annotations,
    genes: &Genes,
    rule: &Rule,
    levels: &[Arc<Vec<String>>],
    block: Range<usize>,
) -> Result<(Block, u64)> {
    let mut tokens = CellRows::new();
    tokens.modalities = vec![Lists::default(); of_cells.modalities.len()];
    let mut written = Vec::new();
    let mut n_empty = 0;
    let mut cell_genes = CellGenes::new(genes.vocabulary.n_genes());
    let mut binner = rule.binner();
    let mut counts = cells.counts();
    for reading in readings(block) {
        let first = reading.start;
        let already = written.len();
        let rows = counts.read(reading.clone())?;
        for cell in reading.clone().filter(|&cell| of_cells.kept[cell]) {
            let (cell_id, panel) = (of_cells.cell_ids.get(cell), of_cells.panels[cell]);
            cell_genes.clear();
            let (columns, counts) = rows.row(cell - first);
            for (&gene, &count) in columns.iter().zip(counts).filter(|(_, count)| **count > 0.0) {
                refuse_unmeasured(cells, gene as usize, panel, cell_id)?;
                let id = genes.ids[gene as usize];
                if id > 0 {
                    cell_genes.push(id, count);
                }
            }
            if cell_genes.ids.is_empty() {
                n_empty += 1;
                continue;
            }
            cell_genes.sort();
            let (gene_ids, counts_of_genes) = (&cell_genes.ids, &cell_genes.counts);
            let total = counts.iter().map(|&count| f64::from(count)).sum();
            tokens.push_cell(cell_id, panel, total, gene_ids, counts_of_genes);
            let cell_hash = tokens.hashes[written.len()];
            let expressed = Expressed { cell: cell_hash, total, gene_ids, counts: counts_of_genes };
            binner.bin(expressed, &mut tokens.bins, &mut tokens.ranks);
            written.push(cell);
        }
        for (&at, lists) in of_cells.modalities.iter().zip(&mut tokens.modalities) {
            let features = cells.read_modality(at, reading.clone())?;
            for &cell in &written[already..] {
                let (columns, counts) = features.row(cell - first);
                let entries = columns.iter().zip(counts).filter(|(_, count)| **count > 0.0);
                lists.push(entries.map(|(&feature, &count)| (feature + 1, count)));
            }
        }
    }
    let columns = of_cells.columns.iter().zip(levels).map(|(column, levels)| TextColumn {
        levels: levels.clone(),
        codes: written.iter().map(|&cell| column.codes[cell]).collect(),
    });
    let columns = columns.collect();
    let splits = written.iter().map(|&cell| of_cells.splits[cell]).collect();
    Ok((Block { rows: tokens, splits, columns }, n_empty))
}

/// A gene that is expressed where it was not measured would be drawn as a gene and never as a zero.
fn refuse_unmeasured(cells: &Cohort, gene: usize, panel: u16, cell_id: &str) -> Result<(), UserError> {
    if cells.measured(gene, panel.into()) {
        return Ok(());
    }
    let (gene, study) = (&cells.genes()[gene].ensembl_id, &cells.studies()[usize::from(panel)]);
    Err(UserError::bad_data(format!(
        "cell `{cell_id}` expresses `{gene}`, which `varm/measured` says study `{study}` did not measure"
    ))
    .hint("make `cells.zarr` again with `panfoma-qc`"))
}

//! Writing cells.zarr.

use crate::cell_ids::CellIds;
use crate::columns::{self, Carried};
use crate::config::Config;
use crate::genes::Merged;
use crate::modalities::{self, Modality};
use crate::places::{Places, merge};
use crate::tsv::plain;
use crate::{Measured, metrics};
use anyhow::Result;
use panfoma_core::artifact::Header;
use panfoma_core::artifact::cells::{CellsWriter, Gene, Var};
use panfoma_core::matrix::Rows;
use panfoma_core::stage::{Interrupt, Progress};
use std::io::Write;
use std::ops::Range;
use std::path::Path;

/// In how many of the cells that pass each merged gene is seen: in all cells, as they were measured, less those removed.
pub fn count_cells(studies: &[Measured], merged: &Merged, interrupt: &Interrupt) -> Result<Vec<u64>> {
    let mut n_cells = vec![0; merged.genes.len()];
    for (study, positions) in studies.iter().zip(&merged.positions) {
        // A cell that shows two genes of one place is one cell.
        if Places::new(positions).shared() {
            each_block(
                study,
                positions,
                |cell| study.rules[cell].is_none(),
                interrupt,
                |_, _, rows| {
                    rows.indices.iter().for_each(|&gene| n_cells[gene as usize] += 1);
                    Ok(())
                },
            )?;
            continue;
        }
        for (position, &n) in positions.iter().zip(&study.metrics.gene_cells) {
            position.iter().for_each(|&gene| n_cells[gene as usize] += n);
        }
        each_block(
            study,
            positions,
            |cell| study.rules[cell].is_some(),
            interrupt,
            |_, _, rows| {
                rows.indices.iter().for_each(|&gene| n_cells[gene as usize] -= 1);
                Ok(())
            },
        )?;
    }
    Ok(n_cells)
}

/// Fills `directory`; `removed` gets a line for every removed cell. Returns how many cell names of each study repeat.
pub fn cells(
    directory: &Path,
    removed: &mut dyn Write,
    studies: &[Measured],
    merged: &Merged,
    carried: &[Carried],
    header: &Header,
    config: &Config,
    interrupt: &Interrupt,
) -> Result<Vec<usize>> {
    let schema = columns::schema(carried, config.keep_removed, config.doublets.is_some());
    let mut writer = CellsWriter::create(directory, merged.genes.len(), &schema)?;
    let brought: Vec<_> = studies.iter().map(|study| study.study.modalities.as_slice()).collect();
    let modalities: Vec<Modality> = modalities::union(&brought);
    for modality in &modalities {
        writer.add_modality(&modality.name, &modality.features)?;
    }
    let (mut n_cells, mut totals) = (vec![0_u64; merged.genes.len()], vec![0.0_f64; merged.genes.len()]);
    let mut progress =
        Progress::new("cells written", studies.iter().map(|study| study.study.n_cells as u64).sum());
    let mut repeated = Vec::with_capacity(studies.len());
    writeln!(removed, "cell_id\tstudy\tsample\trule\tn_genes_by_counts\ttotal_counts\tpct_counts_mt")?;
    for (number, (study, positions)) in studies.iter().zip(&merged.positions).enumerate() {
        let names = &study.cells.index;
        let ids = CellIds::new(study.study.input.prefix(), names);
        write_removed(removed, study, &ids)?;
        repeated.push(ids.n_repeated());
        let kept = |cell: usize| config.keep_removed || study.rules[cell].is_none();
        each_block(study, positions, kept, interrupt, |cells, kept, rows| {
            for (&gene, &count) in rows.indices.iter().zip(&rows.data) {
                n_cells[gene as usize] += 1;
                totals[gene as usize] += f64::from(count);
            }
            let ids = kept.iter().map(|&cell| ids.of(cell, &names[cell])).collect();
            progress.add(rows.len() as u64);
            let obs = columns::block(study, &study.cells, carried, kept, config.keep_removed);
            writer.append(rows, ids, &obs)?;
            for (at, modality) in modalities.iter().enumerate() {
                writer.append_modality(at, &modality.read(number, study, cells.clone(), kept)?)?;
            }
            Ok(())
        })?;
    }
    let sums = n_cells.into_iter().zip(totals);
    let genes: Vec<Gene> =
        merged.genes.iter().zip(sums).map(|(gene, (n, sum))| gene.described(n, sum)).collect();
    let measured: Vec<bool> = merged.genes.iter().flat_map(|gene| gene.measured.iter().copied()).collect();
    writer.finish(&Var { genes: &genes, studies: &merged.studies, measured: &measured }, header)?;
    progress.finish();
    Ok(repeated)
}

/// Calls `each(cells, wanted, counts)` for block after block: counts are those of the cells that are wanted.
fn each_block(
    study: &Measured,
    positions: &[Option<u32>],
    wanted: impl Fn(usize) -> bool,
    interrupt: &Interrupt,
    mut each: impl FnMut(Range<usize>, &[usize], &Rows) -> Result<()>,
) -> Result<()> {
    let (n, places) = (study.counts.len(), Places::new(positions));
    for start in (0..n).step_by(study.block_len) {
        interrupt.check()?;
        let cells = start..n.min(start + study.block_len);
        let wanted: Vec<usize> = cells.clone().filter(|&cell| wanted(cell)).collect();
        if !wanted.is_empty() {
            let rows = merge(&study.counts.read(cells.clone())?, start, &wanted, &places);
            each(cells, &wanted, &rows)?;
        }
    }
    Ok(())
}

fn write_removed(to: &mut dyn Write, study: &Measured, ids: &CellIds) -> Result<()> {
    let metrics::Metrics { n_genes, total, .. } = &study.metrics;
    for (cell, rule) in study.rules.iter().enumerate() {
        let Some(rule) = rule else { continue };
        let sample = &study.study.samples.names[study.study.samples.codes[cell] as usize];
        let (id, sample, name) =
            (plain(&ids.of(cell, &study.cells.index[cell])), plain(sample), plain(&study.study.name));
        let (rule, n_genes, total) = (rule.name(), n_genes[cell], total[cell]);
        writeln!(to, "{id}\t{name}\t{sample}\t{rule}\t{n_genes}\t{total}\t{}", study.metrics.pct_mt(cell))?;
    }
    Ok(())
}

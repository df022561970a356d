//! Writing cells.zarr.

use crate::args::Config;
use crate::columns::{self, Carried};
use crate::genes::Merged;
use crate::modalities::{self, Modality};
use crate::places::{Places, merge};
use crate::study::cell_ids;
use crate::{Measured, metrics};
use anyhow::Result;
use panfoma_core::artifact::Header;
use panfoma_core::artifact::cells::{CellsWriter, Gene, Var};
use panfoma_core::matrix::Rows;
use panfoma_core::stage::{Interrupt, Progress};
use std::io::Write;
use std::ops::Range;
use std::path::Path;

/// In how many of the cells that pass each merged gene is seen.
pub fn count_cells(studies: &[Measured], merged: &Merged, interrupt: &Interrupt) -> Result<Vec<u64>> {
    let mut n_cells = vec![0; merged.genes.len()];
    for (study, positions) in studies.iter().zip(&merged.positions) {
        each_block(study, positions, false, interrupt, |_, _, rows| {
            rows.indices.iter().for_each(|&gene| n_cells[gene as usize] += 1);
            Ok(())
        })?;
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
        let mut ids = Vec::new();
        each_block(study, positions, config.keep_removed, interrupt, |cells, kept, rows| {
            if ids.is_empty() {
                let (all, n_repeated) = cell_ids(&study.study.name, &study.cells.index);
                write_removed(removed, study, &all)?;
                ids = all;
                repeated.push(n_repeated);
            }
            for (&gene, &count) in rows.indices.iter().zip(&rows.data) {
                n_cells[gene as usize] += 1;
                totals[gene as usize] += f64::from(count);
            }
            let names = kept.iter().map(|&cell| std::mem::take(&mut ids[cell])).collect();
            progress.add(rows.len() as u64);
            let obs = columns::block(study, &study.cells, carried, kept, config.keep_removed);
            writer.append(rows, names, &obs)?;
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
    let names: Vec<String> = studies.iter().map(|study| study.study.name.clone()).collect();
    writer.finish(&Var { genes: &genes, studies: &names, measured: &measured }, header)?;
    progress.finish();
    Ok(repeated)
}

/// Calls `each(cells, kept, counts)` for block after block: counts are those of the cells that are kept.
fn each_block(
    study: &Measured,
    positions: &[Option<u32>],
    keep_removed: bool,
    interrupt: &Interrupt,
    mut each: impl FnMut(Range<usize>, &[usize], &Rows) -> Result<()>,
) -> Result<()> {
    let (n, places) = (study.counts.len(), Places::new(positions));
    for start in (0..n).step_by(study.block_len) {
        interrupt.check()?;
        let cells = start..n.min(start + study.block_len);
        let kept: Vec<usize> =
            cells.clone().filter(|&cell| keep_removed || study.rules[cell].is_none()).collect();
        let rows = merge(&study.counts.read(cells.clone())?, start, &kept, &places);
        each(cells, &kept, &rows)?;
    }
    Ok(())
}

fn write_removed(to: &mut dyn Write, study: &Measured, ids: &[String]) -> Result<()> {
    let metrics::Metrics { n_genes, total, .. } = &study.metrics;
    for (cell, rule) in study.rules.iter().enumerate() {
        let Some(rule) = rule else { continue };
        let sample = &study.study.samples.names[study.study.samples.codes[cell] as usize];
        let plain = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        let (id, sample, name) = (plain(&ids[cell]), plain(sample), plain(&study.study.name));
        let (rule, n_genes, total) = (rule.name(), n_genes[cell], total[cell]);
        writeln!(to, "{id}\t{name}\t{sample}\t{rule}\t{n_genes}\t{total}\t{}", study.metrics.pct_mt(cell))?;
    }
    Ok(())
}

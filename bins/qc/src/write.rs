//! Writing cells.zarr.

use crate::cell_ids::CellIds;
use crate::columns::{self, Carried};
use crate::config::Config;
use crate::genes::Merged;
use crate::modalities::{self, Modality};
use crate::places::{self, Places};
use crate::tsv::plain;
use crate::{Measured, metrics, sums};
use anyhow::Result;
use panfoma_core::artifact::Header;
use panfoma_core::artifact::cells::{CellsWriter, Gene, Var};
use panfoma_core::stage::{Interrupt, Progress};
use std::io::Write;
use std::path::Path;

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
        let places = Places::new(positions);
        let kept: Vec<usize> = (0..study.counts.len()).filter(|&cell| kept(cell)).collect();
        for kept in kept.chunks(study.block_len) {
            interrupt.check()?;
            let ids = kept.iter().map(|&cell| ids.of(cell, &names[cell])).collect();
            let obs = columns::block(study, &study.cells, carried, kept, config.keep_removed);
            writer.append(&places::merge(&study.counts, kept, &places)?, ids, &obs)?;
            for (at, modality) in modalities.iter().enumerate() {
                writer.append_modality(at, &modality.read(number, study, kept)?)?;
            }
            progress.add(kept.len() as u64);
        }
    }
    let written = |study: &Measured, cell: usize| config.keep_removed || study.rules[cell].is_none();
    let sums = sums::of_genes(studies, merged, written, interrupt)?;
    let genes: Vec<Gene> =
        merged.genes.iter().zip(sums).map(|(gene, sum)| gene.described(sum.n_cells, sum.total)).collect();
    let measured: Vec<bool> = merged.genes.iter().flat_map(|gene| gene.measured.iter().copied()).collect();
    writer.finish(&Var { genes: &genes, studies: &merged.studies, measured: &measured }, header)?;
    progress.finish();
    Ok(repeated)
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

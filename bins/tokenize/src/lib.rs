//! `panfoma-tokenize`: `cells.zarr` to `tokens/`.
//!
//! Cells are divided first; everything fitted (the vocabulary) is fitted on training cells only.

mod annotations;
mod args;
mod blocks;
mod cell_genes;
mod cell_ids;
mod cohort;
mod dispersion;
mod genes;
mod held_out;
mod medians;
mod merge;
mod report;
mod split;
mod statistics;
mod write;

pub use args::Args;

use annotations::Annotations;
use args::GeneSource;
use cohort::Cohort;
use genes::Genes;

use panfoma_core::artifact::vocabulary::Vocabulary;
use panfoma_core::artifact::{Provenance, provenance};
use panfoma_core::stage::{Context, Stage, UserError};
use std::time::Instant;

impl Stage for Args {
    const NAME: &'static str = "panfoma-tokenize";
    const ABOUT: &'static str = "Turn cells into token sequences, split so that no patient is on both sides";
    const EXAMPLES: &'static str = "\
  # Whole patients to train, validation and test, apportioned within each cancer type
  panfoma-tokenize -i cells.zarr -o tokens --split patient:0.8,0.1,0.1 --stratify cancer_type
  # The 3,000 most variable genes only
  panfoma-tokenize -i cells.zarr -o tokens --n-top-genes 3000
  # Samples that went through qc one by one, as jobs of an array
  panfoma-tokenize -i qc/*/cells.zarr -o tokens
  # New cells for a model that is already trained: its genes, every cell in the test split
  panfoma-tokenize -i query.zarr -o query-tokens --vocabulary model --split cell:0,0,1
  # Eight jobs of an array: the genes once, the shards in any order and place, then the merge
  panfoma-tokenize -i cells.zarr -o genes.parquet --fit-only
  panfoma-tokenize -i cells.zarr -o shard-3 --vocabulary genes.parquet --shard 3/8
  panfoma-tokenize --merge shard-* -o tokens";

    fn run(self, context: &Context) -> anyhow::Result<()> {
        let started = Instant::now();
        if !self.merge.is_empty() {
            return merge::run(&self.merge, &self.output, context, started);
        }
        let config = self.config()?;
        context.refuse_existing(&config.output)?;
        let cells = Cohort::open(&config.inputs)?;
        genes::refuse_unfit(&cells, &config)?;
        let of_cells = Annotations::read(&cells, &config, context)?;
        if of_cells.n_kept() == 0 {
            return Err(UserError::bad_data(format!("no cell of {} passes", cells.names())).into());
        }
        if context.dry_run {
            print!("{}", report::plan(&cells, &of_cells, &config, context.threads));
            return Ok(());
        }
        tracing::info!("{}", report::split_table(&of_cells));
        report::warnings(&of_cells).iter().for_each(|warning| tracing::warn!("{warning}"));
        let genes = Genes::choose(&cells, &of_cells, &config, context)?;
        if config.fit_only {
            genes.vocabulary.write(&config.output)?;
            report::log_vocabulary(&genes, &config.output);
            return provenance::write_run_record(&config.output, context, started);
        }
        let mut inputs = config.inputs.clone();
        if let GeneSource::Given { path, .. } = &config.genes {
            inputs.push(Vocabulary::locate(path)?);
        }
        let provenance = Provenance::new(context, inputs.iter().map(|path| path.as_path()))?;
        let index = write::tokens(&cells, &of_cells, &genes, &config, provenance, context)?;
        report::log_result(&index, &config.output);
        provenance::write_run_record(&config.output, context, started)
    }
}

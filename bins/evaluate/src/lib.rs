//! `panfoma-evaluate`: numbers with baselines and intervals, and a report that says who wins.

mod args;
pub mod baselines;
pub mod cells;
pub mod classify;
pub mod compare;
pub mod confounders;
pub mod factor;
pub mod geometry;
pub mod honesty;
pub mod inputs;
pub mod integration;
pub mod leakage;
pub mod method;
pub mod metrics;
pub mod network;
pub mod outcome;
pub mod paired;
pub mod pca;
pub mod predictions;
pub mod report;
mod run_crate;
mod runs;
pub mod umap;
pub mod warnings;

pub use args::Args;

use inputs::Inputs;
use outcome::Outcome;
use panfoma_core::artifact::{atomic, provenance};
use panfoma_core::stage::{Context, Stage, UserError};
use std::time::Instant;

impl Stage for Args {
    const NAME: &'static str = "panfoma-evaluate";
    const ABOUT: &'static str =
        "Score embeddings, predictions and networks beside baselines, and write a report";
    const EXAMPLES: &'static str = "\
  # a fine-tuned classifier beside baselines on the same split
  panfoma-evaluate --embeddings embeddings.parquet --predictions predictions.parquet --tokens tokens/ \\
      --model pretrained/ --model finetuned/ --batch sample -o evaluation/
  # ... and beside the same architecture from scratch, and a probe of its random weights
  panfoma-finetune -i tokens/ -m pretrained/ --mode scratch --label cell_type -o scratch/
  panfoma-embed -i tokens/ -m scratch/ -o scratch.parquet --predictions scratch_predictions.parquet
  panfoma-pretrain -i tokens/ --max-steps 0 --embedding-init random -o random/
  panfoma-embed -i tokens/ -m random/ -o random.parquet
  panfoma-evaluate --embeddings embeddings.parquet --predictions predictions.parquet --tokens tokens/ \\
      --predictions from_scratch=scratch_predictions.parquet --probe random_weights=random.parquet -o evaluation/
  # several evaluations side by side
  panfoma-evaluate --compare task_a/evaluation task_b/evaluation -o comparison/
  # how all of it was made, for a repository or a reviewer: a Process Run Crate
  panfoma-evaluate --run-crate results/cells.zarr results/tokens results/pretrained results/evaluation \\
      -o results/ro-crate-metadata.json
  # a regulatory network against a reference
  panfoma-evaluate --edges edges.parquet --reference-network trrust.tsv --universe tf -o evaluation/";

    fn run(self, context: &Context) -> anyhow::Result<()> {
        let started = Instant::now();
        context.refuse_existing(&self.output)?;
        if !self.run_crate.is_empty() {
            return run_crate::write(&self, context);
        }
        if !self.compare.is_empty() {
            return runs::compare(&self, context, started);
        }
        if self.embeddings.is_none() {
            // Not clap's to say: flags may stand in a file, which is read after the command line.
            if self.edges.is_none() {
                return Err(UserError::usage("nothing to evaluate")
                    .hint("pass `--embeddings`, `--edges` for a network alone, or `--compare` for finished evaluations")
                    .into());
            }
            return network::alone::run(&self, context, started);
        }
        let inputs = Inputs::open(&self, context)?;
        if context.dry_run {
            print!("{}", inputs.plan(&self));
            return Ok(());
        }
        let outcome = Outcome::compute(&self, &inputs, context)?;
        atomic::write_directory(&self.output, |directory| outcome.write(directory))?;
        tracing::info!("{}", outcome.headline);
        outcome.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        provenance::write_run_record(&self.output, context, started)
    }
}

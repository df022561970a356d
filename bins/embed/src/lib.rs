//! `panfoma-embed`: tokens and a model in; embeddings, class probabilities and an annotated AnnData out.

mod anndata;
mod args;
mod cells;
mod mapping;
mod outputs;
mod reference;
mod transfer;

pub use args::Args;

use cells::Embedder;
use outputs::Outputs;
use panfoma_core::artifact::checkpoint::Checkpoint;
use panfoma_core::artifact::provenance::{self, Input};
use panfoma_core::artifact::tokens::{Columns, Tokens};
use panfoma_core::artifact::{Provenance, cells::Cells};
use panfoma_core::data::ahead::one_ahead;
use panfoma_core::data::loader::{Batches, Plan};
use panfoma_core::data::order::Arrangement;
use panfoma_core::engine::Machine;
use panfoma_core::stage::{Context, Progress, Stage, UserError};
use panfoma_core::train::estimate;
use std::time::Instant;

/// Cells between two questions whether to stop; also those whose sequences are in memory at once.
const BLOCK: usize = 256;

impl Stage for Args {
    const NAME: &'static str = "panfoma-embed";
    const ABOUT: &'static str = "Embed cells and name their classes";
    const EXAMPLES: &'static str = "  \
  # one vector a cell
  panfoma-embed -i tokens -m model -o embeddings.parquet

  # with classes of a fine-tuned model and an AnnData that scanpy opens: sc.pp.neighbors(a, use_rep=\"X_panfoma\")
  panfoma-embed -i tokens -m annotator -o embeddings.parquet --predictions predictions.parquet \\
      --cells cells.zarr --zarr annotated.zarr

  # labels of an atlas that the same model embedded; cells unlike any of it stay unassigned
  panfoma-embed -i atlas_tokens -m model -o atlas.parquet
  panfoma-embed -i tokens -m model -o embeddings.parquet --reference atlas.parquet --transfer transfer.parquet";

    fn run(self, context: &Context) -> anyhow::Result<()> {
        let machine = Machine::open(context.device)?;
        let outputs = [
            Some(&self.output),
            self.predictions.as_ref(),
            self.zarr.as_ref(),
            self.mapping.transfer.as_ref(),
        ];
        for output in outputs.into_iter().flatten() {
            context.refuse_existing(output)?;
        }
        if let Some(reference) = self.mapping.reference.as_deref().filter(|path| !path.exists()) {
            return Err(UserError::missing(reference).into());
        }
        let started = Instant::now();
        let tokens = Tokens::open(&self.input)?;
        let checkpoint = Checkpoint::open(&self.model)?;
        self.check(&checkpoint, &tokens)?;
        if context.dry_run {
            return self.print_plan(context, &machine, &checkpoint, &tokens);
        }
        let mut provenance =
            Provenance::new(context, [])?.with_genes("vocabulary", tokens.vocabulary().digest());
        provenance.inputs = vec![tokens.input()?, Input::digest(&self.model)?];
        let engine = machine.engine(checkpoint.weights()?, self.embedding.batch_size)?;
        let embedder =
            Embedder { tokens: &tokens, engine: &*engine, how: &self.embedding, seed: context.seed };
        let mut outputs =
            Outputs::create(&self, &tokens, &checkpoint.description, embedder.dim(), provenance, context)?;
        let mut progress = Progress::new("cells", tokens.n_cells() as u64);
        let stager = engine.stager();
        let drawn = every_cell(&tokens).map(|batch| -> anyhow::Result<_> {
            let batch = batch?;
            let draws = embedder.draws(&batch.rows, &*stager)?;
            Ok((batch, draws))
        });
        one_ahead(drawn, |drawn| -> anyhow::Result<()> {
            for drawn in drawn {
                context.interrupt.check()?;
                let (batch, draws) = drawn?;
                let embedded = embedder.embed(&draws)?;
                progress.add(batch.cells.len() as u64);
                outputs.push(&tokens, batch, embedded)?;
            }
            Ok(())
        })?;
        progress.finish();
        outputs.finish()?;
        self.annotate(context)?;
        provenance::write_run_record(&self.output, context, started)
    }
}

impl Args {
    /// Refuses what cannot work before anything is written.
    fn check(&self, checkpoint: &Checkpoint, tokens: &Tokens) -> anyhow::Result<()> {
        checkpoint.description.expect_tokens(tokens.index(), &self.input)?;
        if self.predictions.is_some() && checkpoint.description.classes.is_empty() {
            let what =
                format!("`{}` has no class head, so there is nothing to predict", self.model.display());
            return Err(UserError::bad_data(what)
                .hint("fine-tune it with `panfoma-finetune`, or leave `--predictions` out")
                .into());
        }
        if let Some(cells) = &self.cells {
            let found = Cells::open(cells)?.n_cells();
            let expected = tokens.n_cells();
            if found < expected {
                let what = format!("`{}` holds {found} cells, the tokens {expected}", cells.display());
                return Err(UserError::bad_data(what)
                    .hint("pass the cells that the tokens were made from")
                    .into());
            }
        }
        Ok(())
    }

    /// Writes the AnnData, if one is wanted.
    fn annotate(&self, context: &Context) -> anyhow::Result<()> {
        let (Some(cells), Some(zarr)) = (&self.cells, &self.zarr) else { return Ok(()) };
        let missing = anndata::write(cells, &self.output, zarr, &context.interrupt)?;
        if missing > 0 {
            tracing::warn!("{missing} cells have no tokens; their row of obsm/{} is NaN", anndata::KEY);
        }
        Ok(())
    }

    fn print_plan(
        &self,
        context: &Context,
        machine: &Machine,
        checkpoint: &Checkpoint,
        tokens: &Tokens,
    ) -> anyhow::Result<()> {
        let config = &checkpoint.description.config.model;
        let estimate = estimate::measure(machine, config)?;
        // A forward pass is a third of a step.
        let visits = (tokens.n_cells() * self.embedding.draws) as f64 / 3.0;
        println!("cells       {}", tokens.n_cells());
        println!("model       {} parameters, {} genes a cell", estimate.n_params, config.seq_len());
        println!("classes     {}", checkpoint.description.classes.len());
        println!("time        {}", estimate.time(visits, context.threads));
        println!("memory      about {} MiB besides activations", (4 * estimate.n_params) >> 20);
        Ok(())
    }
}

/// All cells as on disk.
fn every_cell(tokens: &Tokens) -> Batches<'_> {
    let columns = Columns { cell_ids: true, ..Columns::default() };
    let arrangement = Arrangement::Sequential;
    Batches::new(tokens, Plan { split: None, arrangement, batch_cells: BLOCK, start: 0, columns })
}

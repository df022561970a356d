//! `panfoma-embed`: tokens and a model in; embeddings, class probabilities and an annotated AnnData out.

mod anndata;
mod args;
mod cells;
mod mapping;
mod merge;
mod outputs;
mod reference;
mod transfer;

pub use args::Args;

use cells::Embedder;
use outputs::Outputs;
use panfoma_core::artifact::checkpoint::Checkpoint;
use panfoma_core::artifact::provenance::{self, Input};
use panfoma_core::artifact::streamed::ROWS_PER_GROUP;
use panfoma_core::artifact::tokens::{Columns, Tokens};
use panfoma_core::artifact::{Provenance, cells::Cells};
use panfoma_core::data::ahead::one_ahead;
use panfoma_core::data::loader::{Batch, Batches, Plan};
use panfoma_core::data::order::Arrangement;
use panfoma_core::engine::Machine;
use panfoma_core::stage::{Context, Progress, Stage, UserError};
use panfoma_core::train::estimate;
use std::ops::Range;
use std::time::Instant;

/// Cells between two questions whether to stop; also those whose sequences are in memory at once. Divides a row group, so that
/// shards end with a block.
const BLOCK: usize = 256;
const _: () = assert!(ROWS_PER_GROUP.is_multiple_of(BLOCK));

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
  panfoma-embed -i tokens -m model -o embeddings.parquet --reference atlas.parquet --transfer transfer.parquet

  # eight jobs of an array in any order and place, then the merge of each table
  panfoma-embed -i tokens -m model -o embeddings-3.parquet --predictions predictions-3.parquet --shard 3/8
  panfoma-embed --merge embeddings-* -o embeddings.parquet
  panfoma-embed --merge predictions-* -o predictions.parquet";

    fn run(self, context: &Context) -> anyhow::Result<()> {
        let started = Instant::now();
        if self.merge.is_empty() {
            self.embed(context)?;
        } else {
            merge::run(&self.merge, &self.output, context)?;
        }
        if context.dry_run {
            return Ok(());
        }
        self.annotate(context)?;
        provenance::write_run_record(&self.output, context, started)
    }
}

impl Args {
    fn embed(&self, context: &Context) -> anyhow::Result<()> {
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
        let tokens = Tokens::open(self.input())?;
        let checkpoint = Checkpoint::open(self.model())?;
        self.check(&checkpoint, &tokens)?;
        if context.dry_run {
            return self.print_plan(context, &machine, &checkpoint, &tokens);
        }
        let mut provenance =
            Provenance::new(context, [])?.with_genes("vocabulary", tokens.vocabulary().digest());
        provenance.inputs = vec![tokens.input()?, Input::digest(self.model())?];
        let engine = machine.engine(checkpoint.weights()?, self.embedding.batch_size)?;
        let pool = self.embedding.pool_of(checkpoint.description.config.kind);
        provenance.config["pool"] = serde_json::to_value(pool)?;
        let embedder =
            Embedder { tokens: &tokens, engine: &*engine, how: &self.embedding, pool, seed: context.seed };
        let mut outputs =
            Outputs::create(self, &tokens, &checkpoint.description, embedder.dim(), provenance, context)?;
        let cells = self.to_embed(&tokens);
        let mut progress = Progress::new("cells", cells.len() as u64);
        let stager = engine.stager();
        let drawn = batches(&tokens, cells).map(|batch| -> anyhow::Result<_> {
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
        outputs.finish()
    }

    /// Refuses what cannot work before anything is written.
    fn check(&self, checkpoint: &Checkpoint, tokens: &Tokens) -> anyhow::Result<()> {
        checkpoint.description.expect_tokens(tokens.index(), self.input())?;
        if self.predictions.is_some() && checkpoint.description.classes.is_empty() {
            let what =
                format!("`{}` has no class head, so there is nothing to predict", self.model().display());
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

    /// Which cells are embedded.
    fn to_embed(&self, tokens: &Tokens) -> Range<usize> {
        let all = tokens.n_cells();
        self.shard.map_or(0..all, |shard| shard.range(all, ROWS_PER_GROUP))
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
        let n_cells = self.to_embed(tokens).len();
        let visits = (n_cells * self.embedding.draws) as f64 / 3.0;
        println!("cells       {n_cells}");
        println!("model       {} parameters, {} genes a cell", estimate.n_params, config.seq_len());
        println!("classes     {}", checkpoint.description.classes.len());
        println!("time        {}", estimate.time(visits, context.threads));
        println!("memory      about {} MiB besides activations", (4 * estimate.n_params) >> 20);
        Ok(())
    }
}

/// Some cells as on disk; `cells` ends with a block or with the last cell.
fn batches(tokens: &Tokens, cells: Range<usize>) -> impl Iterator<Item = anyhow::Result<Batch>> {
    let columns = Columns { cell_ids: true, ..Columns::default() };
    let arrangement = Arrangement::Sequential;
    let plan = Plan { split: None, arrangement, batch_cells: BLOCK, start: cells.start, columns };
    Batches::new(tokens, plan).take(cells.len().div_ceil(BLOCK))
}

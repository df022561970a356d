//! Gene regulatory networks from a model: ranked edges regulator → target, a network a group of cells.
//!
//! `attention` reads who a gene's state is made from (`attention` has the arithmetic), `embedding` which genes the
//! model places together. `correlation` and `trees` need no model: they are the baselines, made of the same cells, that
//! it must beat. None is causal, and all should be read beside a network of known edges:
//! `panfoma-evaluate --edges --reference-network` does that. Expect little of small models:
//! `docs/benchmarks/grn.md` has them beside the baselines.

mod args;
mod attention;
mod contrasted;
mod correlation;
mod differential;
mod embedding;
mod expression;
mod groups;
mod plan;
mod programs;
mod ranking;
mod regulators;
mod table;
mod trees;

pub use args::{Args, Method};

use attention::{CellMeetings, Channels, Meetings, Network, RegulatorRows};
use correlation::Kind;
use differential::Estimates;
use groups::Group;
use panfoma_core::artifact::edges::{ALL_CELLS, Writer};
use panfoma_core::artifact::tokens::{CellRows, Columns};
use panfoma_core::artifact::{self, atomic, provenance};
use panfoma_core::data::draw::Drawer;
use panfoma_core::engine::{Engine, Machine};
use panfoma_core::model::{CellBatch, ModelError, lanes};
use panfoma_core::stage::{Context, Progress, Stage};
use plan::Plan;
use programs::Cut;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Cells in memory at a time: their meetings take some 3 MB each at the paper's size.
const BLOCK_CELLS: usize = 64;

impl Stage for Args {
    const NAME: &'static str = "panfoma-grn";
    const ABOUT: &'static str = "Infer gene regulatory networks from a model, or from expression itself";
    const EXAMPLES: &'static str =
        "  # One network of all cells, regulators from a list of transcription factors
  panfoma-grn -i tokens -m model -o edges.parquet --regulators transcription_factors.txt

  # A network for each cell type, from attention alone, over more cells
  panfoma-grn -i tokens -m model -o edges.parquet --regulators transcription_factors.txt \\
      --method attention --group-by cell_type --max-cells-per-group 2000

  # Gene programs of the model, compared with known gene sets
  panfoma-grn -i tokens -m model -o edges.parquet --method embedding --programs programs.parquet --gene-sets h.all.gmt

  # Edges that differ between groups, and how many would by chance
  panfoma-grn -i tokens -m model -o edges.parquet --regulators transcription_factors.txt --method attention,correlation \\
      --group-by disease --differential differences.tsv --contrast CTCL:Normal

  # Baselines without a model, from the same cells; or from a table of values, genes x cells
  panfoma-grn -i tokens -o baselines.parquet --regulators transcription_factors.txt --method correlation,trees
  panfoma-grn --expression ExpressionData.csv -o baselines.parquet --method correlation,trees";

    fn run(self, context: &Context) -> anyhow::Result<()> {
        let started = Instant::now();
        let machine = Machine::open(context.device)?;
        context.refuse_existing(&self.output)?;
        let beside = self.programs.iter().chain(&self.differential);
        beside.into_iter().try_for_each(|path| context.refuse_existing(path))?;
        let plan = Plan::new(&self, context.seed)?;
        if context.dry_run {
            print!("{}", plan.describe(context.threads));
            return Ok(());
        }
        let mut writer = Writer::create(&self.output, plan.provenance(context)?)?;
        let mut known = Known::new();
        model_edges(&plan, &machine, context, &mut writer, &mut known)?;
        expression_edges(&plan, context, &mut writer, &mut known)?;
        writer.finish()?;
        if let Some(path) = &self.differential {
            contrasted::write_differences(&plan, &machine, &known, path, context)?;
        }
        provenance::write_run_record(&self.output, context, started)
    }
}

/// What each method says of each group, where groups are compared: (method, place of the group).
type Known = BTreeMap<(String, usize), Estimates>;

/// What the model says.
fn model_edges(
    plan: &Plan,
    machine: &Machine,
    context: &Context,
    writer: &mut Writer,
    known: &mut Known,
) -> anyhow::Result<()> {
    if plan.checkpoint.is_none() {
        return Ok(());
    }
    let engine = machine.engine(plan.model().weights()?, None)?;
    if let Some(channels) = &plan.channels {
        let mut progress = Progress::new("cells", plan.n_cells() as u64);
        for (place, group) in plan.groups.iter().enumerate() {
            let network = attention(plan, &*engine, channels, group, context, &mut progress)?;
            for (channel, name) in channels.names().into_iter().enumerate() {
                let mut scores = plan.scores();
                scores.extend(network.scores(channel));
                writer.push(plan.rank(scores, &group.name, &name))?;
                if plan.compares(place) {
                    known.insert((name, place), network.estimates(channel, plan.args.draws.get()));
                }
            }
        }
        progress.finish();
    }
    let embeddings = engine.gene_embeddings()?;
    if plan.has(Method::Embedding) {
        let mut scores = plan.scores();
        scores.extend(embedding::scores(&embeddings, engine.config().d_model, &plan.regulators.ids));
        writer.push(plan.rank(scores, ALL_CELLS, Method::Embedding.name()))?;
    }
    if let Some(path) = &plan.args.programs {
        write_programs(plan, &embeddings, path, context)?;
    }
    Ok(())
}

/// Genes that the model places together, and the gene sets they are enriched in.
fn write_programs(plan: &Plan, embeddings: &[f32], path: &Path, context: &Context) -> anyhow::Result<()> {
    let vocabulary = plan.vocabulary();
    let genes = programs::expressed(vocabulary);
    let (neighbors, resolution) = (plan.args.neighbors.get(), plan.args.resolution);
    let d_model = plan.model().description.config.model.d_model;
    let found =
        programs::programs(embeddings, d_model, &genes, &Cut { neighbors, resolution, seed: context.seed });
    tracing::info!(programs = found.len(), genes = genes.len(), "gene programs");
    artifact::programs::write(path, plan.provenance(context)?, &programs::members(&found, vocabulary))?;
    if let Some(sets) = &plan.gene_sets {
        let rows = programs::enrichment(&found, sets, genes.len());
        let text = programs::table(&rows, vocabulary);
        let beside = PathBuf::from(format!("{}.enrichment.tsv", path.display()));
        atomic::write_file(&beside, |file| std::fs::write(file, text))?;
    }
    Ok(())
}

/// What the cells say without a model.
fn expression_edges(
    plan: &Plan,
    context: &Context,
    writer: &mut Writer,
    known: &mut Known,
) -> anyhow::Result<()> {
    if !plan.args.method.iter().any(|method| method.needs_expression()) {
        return Ok(());
    }
    let (regulators, interrupt) = (&plan.regulators.ids, &context.interrupt);
    for (place, group) in plan.groups.iter().enumerate() {
        let expression = plan.expression(group, context)?;
        if plan.has(Method::Correlation) {
            for kind in Kind::ALL {
                let mut scores = plan.scores();
                let each = |a, b, r| scores.push(a, b, r);
                correlation::scores(&expression, kind, regulators, each, interrupt)?;
                writer.push(plan.rank(scores, &group.name, kind.name()))?;
                if plan.compares(place) {
                    let estimates = contrasted::correlations(plan, &expression, kind, context)?;
                    known.insert((kind.name().to_owned(), place), estimates);
                }
            }
        }
        if plan.has(Method::Trees) {
            let mut scores = plan.scores();
            let vocabulary = plan.vocabulary();
            trees::scores(&expression, regulators, vocabulary, context.seed, &mut scores, interrupt)?;
            writer.push(plan.rank(scores, &group.name, trees::NAME))?;
        }
    }
    Ok(())
}

/// What the cells of one group say, from as many draws as asked for.
fn attention(
    plan: &Plan,
    engine: &dyn Engine,
    channels: &Channels,
    group: &Group,
    context: &Context,
    progress: &mut Progress,
) -> anyhow::Result<Network> {
    let n_genes = plan.vocabulary().n_genes();
    let rows = RegulatorRows::new(&plan.regulators.ids, n_genes);
    let compared = !plan.contrasts.is_empty();
    let mut network = Network::new(plan.regulators.ids.len(), n_genes, channels, compared);
    for block in groups::blocks(plan.tokens(), group, BLOCK_CELLS, Columns::default()) {
        let block = block?;
        for draw in 0..plan.args.draws.get() {
            context.interrupt.check()?;
            let drawer =
                Drawer::new(context.seed, draw, plan.tokens().panels(), plan.tokens().index().n_bins);
            // Cells are shared out, their sums are not: added in the order of cells whatever the threads.
            for meetings in meetings(&drawer, engine, channels, &rows, &block)? {
                network.add(&meetings);
            }
        }
        progress.add(block.n_cells() as u64);
    }
    Ok(network)
}

/// What each cell of a block says in one draw, in the order of cells.
fn meetings(
    drawer: &Drawer,
    engine: &dyn Engine,
    channels: &Channels,
    rows: &RegulatorRows,
    block: &CellRows,
) -> Result<Vec<Meetings>, ModelError> {
    let config = engine.config();
    let n_tokens = block.n_cells() * config.seq_len();
    let (mut genes, mut values) = (vec![0; n_tokens], vec![0; n_tokens]);
    drawer.draw_rows(block, config.seq_len(), &mut genes, &mut values);
    let cells = CellBatch { n_cells: block.n_cells(), seq_len: config.seq_len(), genes, values };
    lanes::map(cells.n_cells, 1, |cell| {
        let cell = cells.slice(cell);
        let mut meetings = CellMeetings::new(channels, rows, &cell, config.n_chunks, config.n_bins);
        engine.encoder_attention(&cell, &mut |view| meetings.add(&view))?;
        Ok(meetings.finish())
    })
}

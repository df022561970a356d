//! Everything checked before work starts.

use super::args::{Args, Method};
use super::attention::Network;
use super::groups::{self, Group, Selection};
use super::ranking;
use super::regulators::{self, Regulators};
use panfoma_core::artifact::Provenance;
use panfoma_core::artifact::checkpoint::Checkpoint;
use panfoma_core::artifact::edges::Edge;
use panfoma_core::artifact::provenance::Input;
use panfoma_core::artifact::tokens::Tokens;
use panfoma_core::artifact::vocabulary::Vocabulary;
use panfoma_core::model::ModelConfig;
use panfoma_core::stage::Context;
use std::fmt::Write as _;

/// Assumed for the time estimate: what one core does in the encoder's small matrix products.
const GFLOPS_PER_THREAD: f64 = 20.0;
/// Strangers that a warning names.
const NAMED: usize = 5;

/// Opened inputs that fit together, and what to do with them.
pub struct Plan<'a> {
    /// The flags.
    pub args: &'a Args,
    /// The cells.
    pub tokens: Tokens,
    /// The model.
    pub checkpoint: Checkpoint,
    /// Genes that may regulate.
    pub regulators: Regulators,
    /// Networks to make from attention.
    pub groups: Vec<Group>,
    small: Vec<(String, usize)>,
}

impl<'a> Plan<'a> {
    /// Opens and checks the inputs and chooses cells.
    pub fn new(args: &'a Args, seed: u64) -> anyhow::Result<Self> {
        let tokens = Tokens::open(&args.input)?;
        let checkpoint = Checkpoint::open(&args.model)?;
        checkpoint.description.expect_tokens(tokens.index(), &args.input)?;
        let vocabulary = &checkpoint.description.vocabulary;
        let regulators = match &args.regulators {
            Some(path) => regulators::read(path, vocabulary)?,
            None => regulators::every_gene(vocabulary)?,
        };
        let selection = Selection {
            group_by: args.group_by.as_deref(),
            split: args.split,
            min_cells: args.min_cells_per_group.get(),
            max_cells: args.max_cells_per_group.get(),
            seed,
        };
        let (groups, small) = match args.method.contains(&Method::Attention) {
            true => groups::choose(&tokens, &selection)?,
            false => Default::default(),
        };
        let plan = Self { args, tokens, checkpoint, regulators, groups, small };
        plan.warn();
        Ok(plan)
    }

    fn warn(&self) {
        let unknown = &self.regulators.unknown;
        if !unknown.is_empty() {
            let first = unknown.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            let dots = if unknown.len() > NAMED { ", ..." } else { "" };
            tracing::warn!(
                "{} of {} regulators are not in the vocabulary: {first}{dots}",
                unknown.len(),
                unknown.len() + self.regulators.ids.len()
            );
        }
        for (name, n_cells) in &self.small {
            tracing::warn!(
                "group `{name}` is left out: {n_cells} cells, `--min-cells-per-group` asks for more"
            );
        }
    }

    /// Was this method asked for?
    pub fn has(&self, method: Method) -> bool {
        self.args.method.contains(&method)
    }

    /// The genes; the model's and the tokens' are the same.
    pub fn vocabulary(&self) -> &Vocabulary {
        self.tokens.vocabulary()
    }

    /// Cells to look at.
    pub fn n_cells(&self) -> usize {
        self.groups.iter().map(|group| group.cells.len()).sum()
    }

    /// The best edges of a group.
    pub fn rank(
        &self,
        scores: impl IntoIterator<Item = (u32, u32, f32)>,
        group: &str,
        method: Method,
    ) -> Vec<Edge> {
        let (top, regulators) = (self.args.top_edges.get(), &self.regulators.ids);
        ranking::rank(scores, top, regulators, self.vocabulary(), group, method.name())
    }

    /// How the edges are made.
    pub fn provenance(&self, context: &Context) -> anyhow::Result<Provenance> {
        let mut inputs = vec![self.tokens.input()?, Input::digest(&self.args.model)?];
        if let Some(path) = &self.args.regulators {
            inputs.push(Input::digest(path)?);
        }
        let provenance = Provenance::new(context, [])?.with_genes("vocabulary", self.vocabulary().digest());
        Ok(Provenance { inputs, ..provenance })
    }

    /// The plan for people, with estimates.
    pub fn describe(&self, threads: usize) -> String {
        let config = &self.checkpoint.description.config.model;
        let n_genes = self.vocabulary().n_genes();
        let n_regulators = self.regulators.ids.len();
        let draws = f64::from(self.args.draws.get());
        let seconds = self.n_cells() as f64 * draws * encoder_flops(config)
            / (GFLOPS_PER_THREAD * 1e9 * threads as f64);
        let bytes = Network::bytes(n_regulators, n_genes) + 4 * config.n_params() as u64;
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{n_regulators} regulators x {n_genes} genes, model of {} parameters",
            config.n_params()
        );
        for group in &self.groups {
            let _ = writeln!(
                text,
                "attention: group `{}`, {} of {} cells",
                group.name,
                group.cells.len(),
                group.n_cells
            );
        }
        for (name, n_cells) in &self.small {
            let _ = writeln!(text, "attention: group `{name}` left out, {n_cells} cells");
        }
        if self.has(Method::Embedding) {
            let _ = writeln!(text, "embedding: one network");
        }
        let _ = writeln!(
            text,
            "estimate: about {seconds:.0} s on {threads} threads, {} MiB of memory; would write `{}`",
            bytes.div_ceil(1 << 20),
            self.args.output.display()
        );
        text
    }
}

/// Floating-point operations of the local encoder for one cell, and of reading its attention once more.
fn encoder_flops(config: &ModelConfig) -> f64 {
    let (d, ff, m) = (config.d_model as f64, config.d_ff as f64, (config.chunk_len + 1) as f64);
    let token = 2.0 * (4.0 * d * d + 2.0 * d * ff) + 6.0 * m * d + 6.0 * m * config.n_heads as f64;
    (config.n_encoder_layers * config.n_chunks) as f64 * m * token
}

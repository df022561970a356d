//! Everything checked before work starts.

use super::args::{Args, Method};
use super::attention::{Channels, Network};
use super::differential::Contrast;
use super::expression::Expression;
use super::groups::{self, Group, Selection};
use super::programs::{self, GeneSets};
use super::ranking::Scores;
use super::regulators::{self, Regulators};
use super::table::ExpressionTable;
use panfoma_core::artifact::Provenance;
use panfoma_core::artifact::checkpoint::Checkpoint;
use panfoma_core::artifact::edges::Edge;
use panfoma_core::artifact::provenance::Input;
use panfoma_core::artifact::tokens::Tokens;
use panfoma_core::artifact::vocabulary::Vocabulary;
use panfoma_core::model::ModelConfig;
use panfoma_core::stage::{Context, UserError};
use std::fmt::Write as _;

/// Assumed for the time estimate: what one core does in the encoder's small matrix products.
const GFLOPS_PER_THREAD: f64 = 20.0;
/// Assumed for the time estimate: operations of boosted trees for one cell and a tenth of a regulator.
const TREE_FLOPS: f64 = 20_000.0;
/// Strangers that a warning names.
const NAMED: usize = 5;

/// Where the cells come from.
pub enum Source {
    /// `panfoma-tokenize`.
    Tokens(Box<Tokens>),
    /// A table of values.
    Table(ExpressionTable),
}

/// Opened inputs that fit together, and what to do with them.
pub struct Plan<'a> {
    /// The flags.
    pub args: &'a Args,
    /// The cells.
    pub source: Source,
    /// The model, if a method reads one.
    pub checkpoint: Option<Checkpoint>,
    /// What of its attention is read.
    pub channels: Option<Channels>,
    /// Genes that may regulate.
    pub regulators: Regulators,
    /// Sets of genes to compare programs with.
    pub gene_sets: Option<GeneSets>,
    /// Cells to make networks from; of a table, all.
    pub groups: Vec<Group>,
    /// Places of groups that are compared.
    pub contrasts: Vec<(usize, usize)>,
    small: Vec<(String, usize)>,
}

impl<'a> Plan<'a> {
    /// Opens and checks the inputs and chooses cells.
    pub fn new(args: &'a Args, seed: u64) -> anyhow::Result<Self> {
        let source = match (&args.input, &args.expression) {
            (Some(path), _) => Source::Tokens(Box::new(Tokens::open(path)?)),
            (None, Some(path)) => Source::Table(ExpressionTable::read(path)?),
            // Not clap's to say: flags may stand in a file, which is read after the command line.
            (None, None) => {
                return Err(UserError::usage("no cells to make a network from")
                    .hint("pass `--input TOKENS`, or a table of values by `--expression`")
                    .into());
            }
        };
        let checkpoint = checkpoint(args, &source)?;
        let config = checkpoint.as_ref().map(|checkpoint| &checkpoint.description.config.model);
        let reads = config.filter(|_| args.method.contains(&Method::Attention));
        let channels = reads.map(|config| Channels::new(args, config)).transpose()?;
        let vocabulary = source.vocabulary();
        let regulators = match &args.regulators {
            Some(path) => regulators::read(path, vocabulary)?,
            None => regulators::every_gene(vocabulary)?,
        };
        let universe = programs::expressed(vocabulary);
        let gene_sets = args.gene_sets.as_ref().map(|path| GeneSets::read(path, vocabulary, &universe));
        let gene_sets = gene_sets.transpose()?;
        let selection = Selection {
            group_by: args.group_by.as_deref(),
            split: args.split,
            min_cells: args.min_cells_per_group.get(),
            max_cells: args.max_cells_per_group.get(),
            seed,
        };
        let (groups, small) = match &source {
            Source::Tokens(tokens) if args.method.iter().any(|&method| method != Method::Embedding) => {
                groups::choose(tokens, &selection)?
            }
            Source::Tokens(_) => Default::default(),
            Source::Table(table) => (vec![Group::all(table.cells.len())], Vec::new()),
        };
        let contrasts = match args.differential {
            Some(_) => Contrast::places(&args.contrast, &groups)?,
            None => Vec::new(),
        };
        let plan =
            Self { args, source, checkpoint, channels, regulators, gene_sets, groups, contrasts, small };
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
        if let Some(sets) = self.gene_sets.as_ref().filter(|sets| sets.n_unknown > 0) {
            tracing::warn!(
                "{} names in the gene sets mean no gene that the cells express, and are left out",
                sets.n_unknown
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
        self.source.vocabulary()
    }

    /// The cells as tokens, which methods with a model read.
    pub fn tokens(&self) -> &Tokens {
        match &self.source {
            Source::Tokens(tokens) => tokens,
            Source::Table(_) => unreachable!("a table goes with no model"),
        }
    }

    /// The model that a method needs.
    pub fn model(&self) -> &Checkpoint {
        self.checkpoint.as_ref().expect("checked when the plan was made")
    }

    /// What methods without a model read of a group.
    pub fn expression(&self, group: &Group, context: &Context) -> anyhow::Result<Expression> {
        let expression = match &self.source {
            Source::Tokens(tokens) => Expression::from_tokens(tokens, group, &context.interrupt)?,
            Source::Table(table) => Expression::from_table(table),
        };
        if expression.n_unmeasured > 0 {
            tracing::warn!(
                "group `{}`: {} genes are left out of correlation and trees, for some of its studies did not measure them",
                group.name,
                expression.n_unmeasured
            );
        }
        Ok(expression)
    }

    /// Is this group compared with another?
    pub fn compares(&self, place: usize) -> bool {
        self.contrasts.iter().any(|&(a, b)| a == place || b == place)
    }

    /// Cells to look at.
    pub fn n_cells(&self) -> usize {
        self.groups.iter().map(|group| group.cells.len()).sum()
    }

    /// For the scores of one group and method.
    pub fn scores(&self) -> Scores {
        Scores::new(self.args.top_edges.get())
    }

    /// The best edges of a group.
    pub fn rank(&self, scores: Scores, group: &str, method: &str) -> Vec<Edge> {
        scores.edges(&self.regulators.ids, self.vocabulary(), group, method)
    }

    /// How the edges are made.
    pub fn provenance(&self, context: &Context) -> anyhow::Result<Provenance> {
        let args = self.args;
        let mut inputs = match &self.source {
            Source::Tokens(tokens) => vec![tokens.input()?],
            Source::Table(_) => Vec::new(),
        };
        for path in [&args.expression, &args.model, &args.regulators, &args.gene_sets].into_iter().flatten() {
            inputs.push(Input::digest(path)?);
        }
        let provenance = Provenance::new(context, [])?.with_genes("vocabulary", self.vocabulary().digest());
        Ok(Provenance { inputs, ..provenance })
    }

    /// The plan for people, with estimates.
    pub fn describe(&self, threads: usize) -> String {
        let (n_genes, n_regulators) = (self.vocabulary().n_genes(), self.regulators.ids.len());
        let mut text = format!("{n_regulators} regulators x {n_genes} genes");
        let (mut flops, mut bytes) = (0.0, 0);
        if let Some(checkpoint) = &self.checkpoint {
            let config = &checkpoint.description.config.model;
            let _ = write!(text, ", model of {} parameters", config.n_params());
            bytes += 4 * config.n_params() as u64;
            if let Some(channels) = &self.channels {
                flops += self.n_cells() as f64 * f64::from(self.args.draws.get()) * encoder_flops(config);
                bytes += Network::bytes(n_regulators, n_genes, channels, !self.contrasts.is_empty());
            }
        }
        // Of each method and group: values and errors. And everything once more for the halves of each contrast.
        if !self.contrasts.is_empty() {
            let methods = self.channels.as_ref().map_or(0, |channels| channels.names().len()) + 2;
            bytes += (methods * self.groups.len() * n_regulators * (n_genes + 1)) as u64 * 8;
            flops += flops * 2.0 * self.contrasts.len() as f64 / self.groups.len() as f64;
        }
        let largest = self.groups.iter().map(|group| group.cells.len()).max().unwrap_or(0);
        if self.args.method.iter().any(|method| method.needs_expression()) {
            bytes += (largest * n_genes) as u64 * 8;
        }
        for group in &self.groups {
            if self.has(Method::Correlation) {
                bytes = bytes.max((largest * n_genes) as u64 * 24);
                flops += 4.0 * (n_regulators * n_genes * group.cells.len()) as f64;
            }
            if self.has(Method::Trees) {
                flops +=
                    TREE_FLOPS * (n_genes * group.cells.len()) as f64 * (1.0 + n_regulators as f64 / 10.0);
            }
        }
        let seconds = flops / (GFLOPS_PER_THREAD * 1e9 * threads as f64);
        let _ = writeln!(text);
        for group in &self.groups {
            let _ =
                writeln!(text, "group `{}`, {} of {} cells", group.name, group.cells.len(), group.n_cells);
        }
        for (name, n_cells) in &self.small {
            let _ = writeln!(text, "group `{name}` left out, {n_cells} cells");
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

impl Source {
    /// The genes.
    pub fn vocabulary(&self) -> &Vocabulary {
        match self {
            Source::Tokens(tokens) => tokens.vocabulary(),
            Source::Table(table) => &table.vocabulary,
        }
    }
}

/// The model, if a method asks for one, and that it knows the tokens' genes.
fn checkpoint(args: &Args, source: &Source) -> anyhow::Result<Option<Checkpoint>> {
    let name = match args.method.iter().find(|method| method.needs_model()) {
        Some(method) => format!("--method {}", method.name()),
        None if args.programs.is_some() => "--programs".to_owned(),
        None => return Ok(None),
    };
    let hint = "or choose methods that need none: `--method correlation,trees`";
    let Source::Tokens(tokens) = source else {
        let message = format!("`{name}` reads tokens, not a table of expression");
        return Err(UserError::usage(message).hint(format!("pass `--input` and `--model`, {hint}")).into());
    };
    let Some(path) = &args.model else {
        let message = format!("`{name}` reads a model, and none is given");
        return Err(UserError::usage(message).hint(format!("pass `--model`, {hint}")).into());
    };
    let checkpoint = Checkpoint::open(path)?;
    checkpoint.description.expect_tokens(tokens.index(), tokens.path())?;
    Ok(Some(checkpoint))
}

/// Floating-point operations of the local encoder for one cell, and of reading its attention once more.
fn encoder_flops(config: &ModelConfig) -> f64 {
    let (d, ff, m) = (config.d_model as f64, config.d_ff as f64, (config.chunk_len + 1) as f64);
    let token = 2.0 * (4.0 * d * d + 2.0 * d * ff) + 6.0 * m * d + 6.0 * m * config.n_heads as f64;
    (config.n_encoder_layers * config.n_chunks) as f64 * m * token
}

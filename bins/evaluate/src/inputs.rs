//! Opens and checks what was given, before any work starts.

use crate::Args;
use crate::cells::Cells;
use crate::factor::Factor;
use crate::honesty::{SplitKind, check_split};
use panfoma_core::artifact::checkpoint::{Checkpoint, History, Kind};
use panfoma_core::artifact::tokens::{Split, Tokens};
use panfoma_core::artifact::{Provenance, edges, embeddings, predictions};
use panfoma_core::stage::{Context, UserError};
use std::fmt::Write as _;

/// Everything that was given, open.
pub struct Inputs {
    /// Vectors.
    pub embeddings: embeddings::Reader,
    /// Codes of every cell.
    pub cells: Cells,
    /// Class distributions.
    pub predictions: Option<predictions::Reader>,
    /// Counts.
    pub tokens: Option<Tokens>,
    /// Training histories by name.
    pub histories: Vec<(String, History)>,
    /// Ranked edges.
    pub edges: Option<edges::Reader>,
    /// Report of `panfoma-qc`.
    pub qc: Option<serde_json::Value>,
    /// Name and values of the label column; the levels hold every class of the predictions.
    pub label: Option<(String, Factor)>,
    /// What the split kept whole.
    pub split: SplitKind,
    /// How each input was made: file name and provenance.
    pub origins: Vec<(String, Provenance)>,
}

impl Inputs {
    /// Opens all inputs. Errors: anything missing, malformed or contradicting something else.
    pub fn open(args: &Args, context: &Context) -> anyhow::Result<Self> {
        for (_, path) in args.inputs() {
            if !path.exists() {
                return Err(UserError::missing(path).into());
            }
        }
        let path = args.embeddings.as_deref().expect("without embeddings, `network::alone` runs");
        let embeddings = embeddings::Reader::open(path)?;
        if embeddings.n_cells == 0 {
            return Err(UserError::bad_data(format!("`{}` has no cells", path.display())).into());
        }
        let predictions = args.predictions.as_deref().map(predictions::Reader::open).transpose()?;
        let tokens = args.tokens.as_deref().map(Tokens::open).transpose()?;
        let edges = args.edges.as_deref().map(edges::Reader::open).transpose()?;
        let cells = Cells::read(&embeddings, path, context)?;
        let label = label(args, &embeddings, predictions.as_ref(), &cells)?;
        if let Some(batch) = args.batch.as_deref().filter(|batch| cells.column(batch).is_none()) {
            return Err(no_column(batch, "--batch", &cells).into());
        }
        let by =
            args.split_by.clone().or_else(|| tokens.as_ref().map(|tokens| tokens.index().split.by.clone()));
        let by = by.or_else(|| cells.column("patient").map(|_| "patient".to_owned()));
        let mut split = check_split(&cells, by.as_deref())?;
        if tokens.as_ref().is_some_and(|tokens| tokens.index().split.optimistic) && !split.optimistic {
            split = SplitKind {
                name: format!("{}, patients on both sides (optimistic)", split.name),
                optimistic: true,
            };
        }
        let mut origins = vec![(name(path), embeddings.metadata.header.provenance.clone())];
        if let (Some(path), Some(reader)) = (&args.predictions, &predictions) {
            origins.push((name(path), reader.metadata.header.provenance.clone()));
        }
        if let (Some(path), Some(tokens)) = (&args.tokens, &tokens) {
            origins.push((name(path), tokens.index().header.provenance.clone()));
        }
        let mut histories = Vec::new();
        for path in &args.model {
            let checkpoint = Checkpoint::open(path)?;
            let config = &checkpoint.description.config;
            let kind = if config.kind == Kind::Pretrain { "Pretraining" } else { "Fine-tuning" };
            histories.push((format!("{kind} ({})", name(path)), checkpoint.history()?));
            origins.push((name(path), config.header.provenance.clone()));
        }
        if let (Some(path), Some(reader)) = (&args.edges, &edges) {
            origins.push((name(path), reader.header.provenance.clone()));
        }
        let qc = args.qc.as_deref().map(read_json).transpose()?;
        Ok(Self { embeddings, cells, predictions, tokens, histories, edges, qc, label, split, origins })
    }

    /// What a run would do, with rough needs.
    pub fn plan(&self, args: &Args) -> String {
        let dim = self.embeddings.metadata.dim;
        let mut text = format!("panfoma-evaluate would read {} cells x {dim} dimensions", self.cells.len());
        for split in Split::ALL {
            let n = self.cells.split.iter().filter(|&&s| s == split).count();
            let _ = write!(text, "{} {n} {}", if split == Split::Train { ":" } else { "," }, split.name());
        }
        let _ = writeln!(text, "\nsplit: {}", self.split.name);
        match &self.label {
            Some((label, factor)) => {
                let _ = writeln!(
                    text,
                    "label: {label}, {} classes, {} cells",
                    factor.levels.len(),
                    factor.n_known()
                );
            }
            None => text.push_str("label: none, so no classification and no clustering scores\n"),
        }
        let baselines = if self.tokens.is_some() {
            "most frequent label, logistic regression on counts, PCA + 15 nearest neighbours, linear probe"
        } else {
            "most frequent label, linear probe (pass --tokens for those that learn from counts)"
        };
        let _ = writeln!(text, "baselines: {baselines}");
        // Largest at once: the training matrix (f32, twice while it is scaled) or the clustered points (f64).
        let train = f64::from(args.max_train_cells).min(self.cells.len() as f64);
        let genes = self
            .tokens
            .as_ref()
            .map_or(0, |t| t.vocabulary().n_genes().min(crate::baselines::features::MAX_GENES));
        let points = f64::from(args.max_cluster_cells).min(self.cells.len() as f64);
        let mib = (train * genes as f64 * 8.0 + points * dim as f64 * 20.0 + self.cells.len() as f64 * 80.0)
            / 1048576.0;
        let flop = 3.0 * 60.0 * 4.0 * train * genes as f64 * 30.0 + 8.0 * points * points * dim as f64;
        let _ = writeln!(text, "memory: about {:.0} MiB", mib + 200.0);
        let _ = writeln!(
            text,
            "time: about {:.0} s at 20 Gflop/s, and one to four passes over the inputs",
            flop / 2e10 + 1.0
        );
        let _ = writeln!(
            text,
            "would write {}: metrics.json, metrics.parquet, report.html",
            args.output.display()
        );
        text
    }
}

/// A path's last part: reports hold no directories.
pub fn name(path: &std::path::Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn label(
    args: &Args,
    embeddings: &embeddings::Reader,
    predictions: Option<&predictions::Reader>,
    cells: &Cells,
) -> anyhow::Result<Option<(String, Factor)>> {
    let of_predictions = predictions.map(|reader| reader.metadata.label_column.clone());
    let only = match embeddings.metadata.label_columns.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    let Some(column) = args.label.clone().or(of_predictions.clone()).or(only) else {
        if embeddings.metadata.label_columns.is_empty() {
            return Ok(None);
        }
        let message = "the embeddings have several label columns and no predictions say which one was learnt";
        return Err(UserError::usage(message)
            .hint(format!("pass `--label`, one of: {}", embeddings.metadata.label_columns.join(", ")))
            .into());
    };
    if let Some(learnt) = of_predictions.filter(|learnt| *learnt != column) {
        let message = format!("`--label {column}` is not what the predictions are of: `{learnt}`");
        return Err(UserError::usage(message).into());
    }
    let Some(factor) = cells.column(&column) else {
        return Err(no_column(&column, "--label", cells).into());
    };
    let mut levels = factor.levels.clone();
    levels.extend(predictions.iter().flat_map(|reader| reader.metadata.classes.clone()));
    levels.sort();
    levels.dedup();
    let recoded = factor.recoded(&levels);
    Ok(Some((column, recoded)))
}

fn no_column(column: &str, flag: &str, cells: &Cells) -> UserError {
    let known: Vec<&str> = cells.columns.keys().map(String::as_str).collect();
    UserError::usage(format!("the embeddings have no values in a column `{column}`"))
        .hint(format!("pass `{flag}`, one of: {}", known.join(", ")))
}

fn read_json(path: &std::path::Path) -> anyhow::Result<serde_json::Value> {
    let text = std::fs::read_to_string(path)?;
    let value = serde_json::from_str(&text);
    Ok(value.map_err(|error| UserError::bad_data(format!("`{}` is not JSON: {error}", path.display())))?)
}

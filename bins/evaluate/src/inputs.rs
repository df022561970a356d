//! Opens and checks what was given, before any work starts.

use crate::Args;
use crate::baselines::probe::Other;
use crate::cells::Cells;
use crate::factor::Factor;
use crate::honesty::{SplitKind, check_split};
use crate::method::Role;
use crate::predictions::Named;
use panfoma_core::artifact::checkpoint::{Checkpoint, History, Kind};
use panfoma_core::artifact::tokens::{Split, Tokens};
use panfoma_core::artifact::{Header, Provenance, edges, embeddings, predictions};
use panfoma_core::report::command::file_name;
use panfoma_core::stage::{Context, UserError};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Everything that was given, open.
pub struct Inputs {
    /// Vectors.
    pub embeddings: embeddings::Reader,
    /// Where they lie.
    pub embeddings_path: PathBuf,
    /// Codes of every cell.
    pub cells: Cells,
    /// Class distributions: the model's first.
    pub predictions: Vec<Named>,
    /// Other embeddings of the same cells.
    pub probes: Vec<Other>,
    /// Embeddings of the same cells from other modalities.
    pub paired: Vec<Other>,
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
        let predictions = named_predictions(args)?;
        let probes = named_embeddings("--probe", &args.probe)?;
        let paired = named_embeddings("--paired", &args.paired)?;
        let others = probes.iter().chain(&paired).map(|p| &p.name);
        refuse_equal_names(predictions.iter().map(|p| &p.name).chain(others))?;
        let tokens = args.tokens.as_deref().map(Tokens::open).transpose()?;
        let edges = args.edges.as_deref().map(edges::Reader::open).transpose()?;
        let cells = Cells::read(&embeddings, path, context)?;
        let label = label(args, &embeddings, &predictions, &cells)?;
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
        let mut origins = vec![(file_name(path), embeddings.metadata.header.provenance.clone())];
        let made = |path, header: &Header| (file_name(path), header.provenance.clone());
        origins.extend(predictions.iter().map(|p| made(&p.path, &p.reader.metadata.header)));
        origins.extend(probes.iter().chain(&paired).map(|p| made(&p.path, &p.reader.metadata.header)));
        if let (Some(path), Some(tokens)) = (&args.tokens, &tokens) {
            origins.push((file_name(path), tokens.index().header.provenance.clone()));
        }
        let mut histories = Vec::new();
        for path in &args.model {
            let checkpoint = Checkpoint::open(path)?;
            let config = &checkpoint.description.config;
            let kind = if config.kind == Kind::Pretrain { "Pretraining" } else { "Fine-tuning" };
            histories.push((format!("{kind} ({})", file_name(path)), checkpoint.history()?));
            origins.push((file_name(path), config.header.provenance.clone()));
        }
        if let (Some(path), Some(reader)) = (&args.edges, &edges) {
            origins.push((file_name(path), reader.header.provenance.clone()));
        }
        let qc = args.qc.as_deref().map(read_json).transpose()?;
        Ok(Self {
            embeddings_path: path.to_owned(),
            embeddings,
            cells,
            predictions,
            probes,
            paired,
            tokens,
            histories,
            edges,
            qc,
            label,
            split,
            origins,
        })
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
            "most frequent label, logistic regression on counts (L2, L1), PCA + logistic regression or 15 nearest \
             neighbours, linear probe"
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
            "would write {}: metrics.json, metrics.parquet, neighborhoods.parquet, report.html",
            args.output.display()
        );
        text
    }
}

/// Names that methods of this stage have.
const TAKEN: [&str; 8] = [
    "panfoma",
    "embedding_logistic",
    "logistic",
    "logistic_l1",
    "pca_logistic",
    "pca_knn",
    "majority",
    "shuffled_labels",
];

/// The predictions, the model's first: the file without a name, else the first.
fn named_predictions(args: &Args) -> anyhow::Result<Vec<Named>> {
    let unnamed = args.predictions.iter().filter(|file| file.name.is_none()).count();
    if unnamed > 1 {
        return Err(UserError::usage(format!("{unnamed} files of predictions have no name, expected one"))
            .hint("name those of other models, `--predictions NAME=FILE`")
            .into());
    }
    let mut files: Vec<_> = args.predictions.iter().collect();
    files.sort_by_key(|file| file.name.is_some());
    let open = |(at, file): (usize, &&crate::args::NamedFile)| {
        Ok(Named {
            name: file.name.clone().unwrap_or_else(|| "panfoma".to_owned()),
            title: file.name.clone().unwrap_or_else(|| "PanFoMa".to_owned()),
            role: if at == 0 { Role::Model } else { Role::Rival },
            reader: predictions::Reader::open(&file.path)?,
            path: file.path.clone(),
        })
    };
    files.iter().enumerate().map(open).collect()
}

fn named_embeddings(flag: &str, files: &[crate::args::NamedFile]) -> anyhow::Result<Vec<Other>> {
    let open = |file: &crate::args::NamedFile| {
        let Some(name) = file.name.clone() else {
            let message = format!("`{flag} {}` lacks a name", file.path.display());
            return Err(UserError::usage(message).hint(format!("write `{flag} NAME=FILE`")).into());
        };
        Ok(Other { name, reader: embeddings::Reader::open(&file.path)?, path: file.path.clone() })
    };
    files.iter().map(open).collect()
}

fn refuse_equal_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), UserError> {
    let mut known: Vec<&str> = Vec::new();
    for name in names {
        let is_own = TAKEN.contains(&name.as_str()) && name != "panfoma" || name.ends_with("_only");
        if is_own || known.contains(&name.as_str()) {
            return Err(UserError::usage(format!("two methods would be called `{name}`"))
                .hint("give the file another name, NAME=FILE"));
        }
        known.push(name);
    }
    Ok(())
}

fn label(
    args: &Args,
    embeddings: &embeddings::Reader,
    predictions: &[Named],
    cells: &Cells,
) -> anyhow::Result<Option<(String, Factor)>> {
    let of_predictions = predictions.first().map(|p| p.reader.metadata.label_column.clone());
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
    for predictions in predictions {
        let learnt = &predictions.reader.metadata.label_column;
        if *learnt != column {
            let file = predictions.path.display();
            let message = format!("`{file}` predicts `{learnt}`, not `{column}`, which is evaluated");
            return Err(UserError::usage(message).into());
        }
    }
    let Some(factor) = cells.column(&column) else {
        return Err(no_column(&column, "--label", cells).into());
    };
    let mut levels = factor.levels.clone();
    levels.extend(predictions.iter().flat_map(|p| p.reader.metadata.classes.clone()));
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

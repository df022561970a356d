//! Gathers what is compared: the model, its probe, its rivals, and what knows no gene.

use crate::Args;
use crate::baselines::counts::Counts;
use crate::baselines::from_counts;
use crate::baselines::probe::Embedding;
use crate::baselines::training::Training;
use crate::confounders::{self, Confounding};
use crate::factor::Factor;
use crate::inputs::Inputs;
use crate::method::{Method, Role, Scored};
use panfoma_core::stage::Context;

/// Everything that predicts the label.
pub struct Compared {
    /// The held-out cells they predict.
    pub scored: Scored,
    /// The model first, if there is one.
    pub methods: Vec<Method>,
    /// One for each method that knows no gene.
    pub confounding: Vec<Confounding>,
    /// What was sampled or left out.
    pub notes: Vec<String>,
    /// What a reader must know.
    pub warnings: Vec<String>,
}

/// Fits and reads all methods on the held-out cells.
pub fn methods(
    args: &Args,
    inputs: &Inputs,
    (column, label): (&str, &Factor),
    context: &Context,
) -> anyhow::Result<Compared> {
    let cells = &inputs.cells;
    let scored = Scored::new(cells, label, args.max_scored_cells as usize, context.seed);
    let mut compared = Compared {
        scored,
        methods: Vec::new(),
        confounding: Vec::new(),
        notes: Vec::new(),
        warnings: Vec::new(),
    };
    let scored = &compared.scored;
    if scored.len() < scored.n_available {
        compared.notes.push(format!(
            "Methods were scored on {} of {} labelled held-out cells, sampled: their probabilities are held in memory.",
            scored.len(),
            scored.n_available
        ));
    }
    for predictions in &inputs.predictions {
        compared.methods.push(predictions.method(cells, label, scored, context)?);
    }
    let counts = inputs.tokens.as_ref().map(|tokens| Counts::new(tokens, cells)).transpose()?;
    if counts.is_none() {
        compared.warnings.push(
            "No tokens were given, so no baseline learnt from the counts: beating the most frequent label says little. \
             Pass `--tokens`."
                .to_owned(),
        );
    }
    match Training::new(cells, label, args.max_train_cells as usize, context.seed) {
        None => {
            compared.notes.push("No training cell has a label, so no baseline could be fitted.".to_owned())
        }
        Some(_) if scored.is_empty() => {}
        Some(training) => {
            if training.rows.len() < training.n_available {
                compared.notes.push(format!(
                    "Baselines and linear probes were fitted on {} of {} labelled training cells, sampled.",
                    training.rows.len(),
                    training.n_available
                ));
            }
            let own = if compared.methods.is_empty() { Role::Model } else { Role::Probe };
            let embeddings = std::iter::once(Embedding {
                name: "embedding_logistic",
                about: "the PanFoMa embedding",
                role: own,
                path: &inputs.embeddings_path,
                reader: &inputs.embeddings,
            })
            .chain(inputs.probes.iter().map(|other| Embedding {
                name: &other.name,
                about: &other.name,
                role: Role::Rival,
                path: &other.path,
                reader: &other.reader,
            }));
            for embedding in embeddings {
                let probe = embedding.probe(cells, (column, label), &training, scored, context)?;
                compared.methods.push(probe);
            }
            if let Some(counts) = &counts {
                compared.methods.extend(from_counts::methods(&training, counts, scored, context)?);
            }
            compared.methods.push(training.majority(scored));
        }
    }
    for (name, groups) in columns_without_genes(args, inputs, column, counts.as_ref(), label, context)? {
        if let Some((method, found)) = confounders::by_group(cells, label, (&name, &groups), scored) {
            compared.methods.push(method);
            compared.confounding.push(found);
        }
    }
    tracing::info!(methods = compared.methods.len(), "all methods have predicted");
    Ok(compared)
}

/// Study, batch, and library size in bins; with a random split also what the patient tells.
fn columns_without_genes(
    args: &Args,
    inputs: &Inputs,
    label_column: &str,
    counts: Option<&Counts>,
    label: &Factor,
    context: &Context,
) -> anyhow::Result<Vec<(String, Factor)>> {
    let cells = &inputs.cells;
    let mut names = vec!["study"];
    names.extend(args.batch.as_deref());
    names.extend(inputs.split.optimistic.then_some("patient"));
    let mut columns: Vec<(String, Factor)> = Vec::new();
    for name in names {
        let known = columns.iter().any(|(known, _)| known == name);
        if let Some(groups) = cells.column(name).filter(|_| !known && name != label_column) {
            columns.push((name.to_owned(), groups.clone()));
        }
    }
    if let Some(counts) = counts {
        let (totals, genes) = counts.library_sizes(context)?;
        columns.push(("total_counts".to_owned(), confounders::binned(&totals, cells, label)));
        columns.push(("n_genes".to_owned(), confounders::binned(&genes, cells, label)));
    }
    Ok(columns)
}

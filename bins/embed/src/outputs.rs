//! The tables that cells stream into.

use crate::Args;
use crate::cells::Embedded;
use crate::transfer::Transferred;
use panfoma_core::artifact::checkpoint::Description;
use panfoma_core::artifact::obs::Obs;
use panfoma_core::artifact::tokens::{Categories, Tokens};
use panfoma_core::artifact::{Provenance, embeddings, predictions};
use panfoma_core::data::loader::Batch;
use panfoma_core::stage::Context;
use std::collections::BTreeSet;

/// Embeddings, predictions if asked for, and the columns that travel with each cell.
pub struct Outputs {
    columns: Vec<Categories>,
    truth: Option<Categories>,
    embeddings: embeddings::Writer,
    predictions: Option<predictions::Writer>,
    transferred: Option<Transferred>,
}

impl Outputs {
    /// Begins the tables under temporary names.
    pub fn create(
        args: &Args,
        tokens: &Tokens,
        model: &Description,
        dim: usize,
        provenance: Provenance,
        context: &Context,
    ) -> anyhow::Result<Self> {
        let index = tokens.index();
        let labels: BTreeSet<&String> = index.label_columns.iter().collect();
        let groups = index.group_columns.iter().filter(|name| !labels.contains(name));
        let names: Vec<String> = index.label_columns.iter().chain(groups).cloned().collect();
        let columns = names.iter().map(|name| tokens.column(name)).collect::<anyhow::Result<Vec<_>>>()?;
        let learnt = model.config.label_column.as_ref();
        let truth = learnt.and_then(|learnt| names.iter().position(|name| name == learnt));
        let mut metadata =
            embeddings::Metadata::new(dim, names.clone(), index.label_columns.clone(), provenance.clone());
        metadata.shard = args.shard;
        let mapping = &args.mapping;
        let transferred = match (&mapping.reference, &mapping.transfer) {
            (Some(reference), Some(output)) => {
                let learnt = learnt.map(String::as_str);
                Some(Transferred::create(args, (reference, output), &metadata, learnt, context)?)
            }
            _ => None,
        };
        let predictions = match (&args.predictions, learnt) {
            (Some(path), Some(learnt)) => {
                let threshold = args.embedding.unassigned_below as f32;
                let (learnt, classes) = (learnt.clone(), model.classes.clone());
                let mut metadata = predictions::Metadata::new(learnt, classes, threshold, names, provenance);
                metadata.shard = args.shard;
                Some(predictions::Writer::create(path, metadata)?)
            }
            _ => None,
        };
        Ok(Self {
            truth: truth.map(|column| columns[column].clone()),
            columns,
            embeddings: embeddings::Writer::create(&args.output, metadata)?,
            predictions,
            transferred,
        })
    }

    /// Appends the cells of a batch.
    pub fn push(&mut self, tokens: &Tokens, batch: Batch, embedded: Embedded) -> anyhow::Result<()> {
        let text = |column: &Categories| {
            batch.cells.iter().map(|&cell| column.get(cell).map(str::to_owned)).collect()
        };
        let obs = Obs {
            split: batch.cells.iter().map(|&cell| tokens.splits()[cell]).collect(),
            columns: self.columns.iter().map(text).collect(),
            cell_id: batch.rows.cell_ids,
        };
        self.embeddings.push(&obs, &embedded.embedding)?;
        if let Some(transferred) = &mut self.transferred {
            transferred.push(&obs, &embedded.embedding)?;
        }
        if let Some(predictions) = &mut self.predictions {
            let label = match &self.truth {
                Some(truth) => text(truth),
                None => vec![None; obs.len()],
            };
            let probabilities = embedded.probabilities;
            predictions.push(&predictions::Block { obs, label, probabilities, places: Vec::new() })?;
        }
        Ok(())
    }

    /// Gives the tables their names.
    pub fn finish(self) -> anyhow::Result<()> {
        self.embeddings.finish()?;
        self.transferred.map_or(Ok(()), Transferred::finish)?;
        self.predictions.map_or(Ok(()), predictions::Writer::finish)
    }
}

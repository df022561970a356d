//! `transfer.parquet`: labels of a reference, cell by cell, as predictions.

use crate::Args;
use crate::mapping::{Mapped, Mapper};
use crate::reference::{self, Reference};
use panfoma_core::artifact::embeddings;
use panfoma_core::artifact::obs::Obs;
use panfoma_core::artifact::predictions::{self, Transfer};
use panfoma_core::artifact::provenance::Input;
use panfoma_core::rng::name_hash;
use panfoma_core::stage::Context;
use std::path::Path;

/// Cells that are mapped at once: enough to keep every thread at work.
const CELLS: usize = 4_096;

/// Collects cells, maps them, and writes what the reference says of them.
pub struct Transferred {
    mapper: Mapper,
    writer: predictions::Writer,
    /// Place of the reference's label column among the query's columns, if it has it.
    truth: Option<usize>,
    obs: Obs,
    points: Vec<f32>,
}

impl Transferred {
    /// Reads the reference and begins the table. `own`: of the embeddings that are made in this run; `learnt`: the column
    /// that the model was fine-tuned for.
    pub fn create(
        args: &Args,
        (reference, output): (&Path, &Path),
        own: &embeddings::Metadata,
        learnt: Option<&str>,
        context: &Context,
    ) -> anyhow::Result<Self> {
        let mapping = &args.mapping;
        let reader = reference::open(reference, own, &Input::digest(args.model())?)?;
        let labelled = Reference::read(&reader, reference, mapping, learnt, context)?;
        tracing::info!(
            cells = labelled.n_cells(),
            of = reader.n_cells,
            classes = labelled.classes.len(),
            "the reference is read"
        );
        let mapper = Mapper::new(labelled, mapping.neighbors, context.seed);
        let labelled = mapper.reference();
        let mut provenance = own.header.provenance.clone();
        provenance.inputs.push(Input::digest(reference)?);
        let mut metadata = predictions::Metadata::new(
            labelled.label_column.clone(),
            labelled.classes.clone(),
            args.embedding.unassigned_below as f32,
            own.columns.clone(),
            provenance,
        );
        metadata.shard = own.shard;
        metadata.transfer = Some(Transfer {
            neighbors: mapping.neighbors,
            reference_cells: labelled.n_cells(),
            novel_above: mapping.novel_above as f32,
        });
        Ok(Self {
            truth: own.columns.iter().position(|name| *name == labelled.label_column),
            writer: predictions::Writer::create(output, metadata)?,
            obs: Obs::with_columns(own.columns.len()),
            points: Vec::new(),
            mapper,
        })
    }

    /// Appends cells.
    pub fn push(&mut self, obs: &Obs, embedding: &[f32]) -> anyhow::Result<()> {
        self.obs.extend(obs);
        self.points.extend_from_slice(embedding);
        if self.obs.len() >= CELLS { self.map() } else { Ok(()) }
    }

    /// Maps what is left and gives the table its name.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.map()?;
        self.writer.finish()
    }

    fn map(&mut self) -> anyhow::Result<()> {
        let empty = Obs::with_columns(self.obs.columns.len());
        let obs = std::mem::replace(&mut self.obs, empty);
        let hashes: Vec<u64> = obs.cell_id.iter().map(|id| name_hash(id)).collect();
        let mapped = self.mapper.map(&self.points, &hashes);
        self.points.clear();
        let label = self.truth.map_or_else(|| vec![None; obs.len()], |truth| obs.columns[truth].clone());
        let places = mapped.iter().map(|mapped| mapped.place).collect();
        let probabilities = mapped.into_iter().flat_map(|Mapped { votes, .. }| votes).collect();
        self.writer.push(&predictions::Block { obs, label, probabilities, places })
    }
}

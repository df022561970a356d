//! A model that answers questions about cells, wherever it is.

use super::staging::{Bringer, Staged, Stager};
use crate::device::Cpu;
use crate::layers::ParamError;
use crate::model::lanes::Lanes;
use crate::model::{
    AttentionView, CellBatch, CellEmbeddings, ModelConfig, ModelError, PanFoMa, PretrainBatch, PretrainSums,
};
use crate::ops::Backend;
use std::any::Any;

/// A model on a device.
pub trait Engine: Send + Sync {
    /// Shapes and arithmetic.
    fn config(&self) -> &ModelConfig;

    /// Brings batches to the device while it computes others.
    fn stager(&self) -> Box<dyn Stager>;

    /// Embeddings of any number of cells, in their order.
    ///
    /// Errors: a batch that does not fit the configuration, or the device; here and below.
    fn embed(&self, cells: &Staged<CellBatch>) -> Result<CellEmbeddings, ModelError>;

    /// Losses over masked genes, without gradients.
    fn pretrain_eval(&self, batch: &PretrainBatch) -> Result<PretrainSums, ModelError>;

    /// Shows `visit` every attention block of the encoder: see [`PanFoMa::encoder_attention`].
    fn encoder_attention(
        &self,
        cells: &CellBatch,
        visit: &mut dyn FnMut(AttentionView),
    ) -> Result<(), ModelError>;

    /// [V, D] gene id embeddings.
    fn gene_embeddings(&self) -> Result<Vec<f32>, ModelError>;

    /// The model, back on the host.
    fn into_model(self: Box<Self>) -> Result<PanFoMa<Cpu>, ModelError>;
}

/// A model on one backend, and how its cells are shared out.
pub(super) struct On<B: Backend> {
    pub b: B,
    pub model: PanFoMa<B>,
    pub lanes: Lanes<B>,
}

impl<B: Backend> On<B> {
    /// Moves a model to the backend.
    pub fn new(b: B, model: PanFoMa<Cpu>, lanes: Lanes<B>) -> Result<Self, ModelError> {
        let model = to_device(&b, model)?;
        Ok(Self { b, model, lanes })
    }
}

/// The model on another backend; the same model if it is there already.
pub(super) fn to_device<B: Backend>(b: &B, model: PanFoMa<Cpu>) -> Result<PanFoMa<B>, ModelError> {
    let mut model = Some(model);
    if let Some(there) = (&mut model as &mut dyn Any).downcast_mut::<Option<PanFoMa<B>>>() {
        return Ok(there.take().expect("just put there"));
    }
    let model = model.expect("no backend took it");
    let params: std::collections::BTreeMap<String, _> = model.params().into_iter().collect();
    let source = |name: &str| params.get(name).map(|t| (t.shape().to_vec(), t.as_slice().to_vec()));
    PanFoMa::load(model.config.clone(), source, b)
}

/// The parameters of a model on the host.
pub(super) fn to_host<B: Backend>(b: &B, model: &PanFoMa<B>) -> Result<PanFoMa<Cpu>, ModelError> {
    let mut params = std::collections::BTreeMap::new();
    for (name, tensor) in model.params() {
        params.insert(name, (tensor.shape().to_vec(), b.download(tensor).map_err(ParamError::from)?));
    }
    PanFoMa::load(model.config.clone(), |name| params.get(name).cloned(), &Cpu::new())
}

impl<B: Backend> Engine for On<B> {
    fn config(&self) -> &ModelConfig {
        &self.model.config
    }

    fn stager(&self) -> Box<dyn Stager> {
        Box::new(Bringer::new(&self.b, &self.model.config, &self.lanes))
    }

    fn embed(&self, cells: &Staged<CellBatch>) -> Result<CellEmbeddings, ModelError> {
        self.lanes.embed(&self.b, &self.model, &cells.batch, &cells.brought())
    }

    fn pretrain_eval(&self, batch: &PretrainBatch) -> Result<PretrainSums, ModelError> {
        self.lanes.pretrain_eval(&self.b, &self.model, batch)
    }

    fn encoder_attention(
        &self,
        cells: &CellBatch,
        visit: &mut dyn FnMut(AttentionView),
    ) -> Result<(), ModelError> {
        self.model.encoder_attention(&self.b, cells, visit)
    }

    fn gene_embeddings(&self) -> Result<Vec<f32>, ModelError> {
        self.model.gene_embeddings(&self.b)
    }

    fn into_model(self: Box<Self>) -> Result<PanFoMa<Cpu>, ModelError> {
        let mut model = Some(self.model);
        if let Some(there) = (&mut model as &mut dyn Any).downcast_mut::<Option<PanFoMa<Cpu>>>() {
            return Ok(there.take().expect("just put there"));
        }
        to_host(&self.b, &model.expect("it is not the host's"))
    }
}

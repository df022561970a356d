//! A model that learns, wherever it is: its gradient, Adam's moments and the best weights so far stand beside it.

use super::inference::{Engine, On, to_device, to_host};
use super::staging::Staged;
use crate::device::Cpu;
use crate::model::{
    CellBatch, ClassSums, ModelError, PanFoMa, PretrainBatch, PretrainSums, TrainScope, decays,
};
use crate::ops::Backend;
use crate::ops::adamw::{Constants, Parameter, Step};
use std::any::Any;
use std::ops::Deref;

/// A model on the host: there already, or fetched.
pub enum Host<'a> {
    /// It is used where it stands.
    There(&'a PanFoMa<Cpu>),
    /// It came from a device.
    Fetched(Box<PanFoMa<Cpu>>),
}

impl Deref for Host<'_> {
    type Target = PanFoMa<Cpu>;

    fn deref(&self) -> &PanFoMa<Cpu> {
        match self {
            Host::There(model) => model,
            Host::Fetched(model) => model,
        }
    }
}

/// What a run that goes on has besides its weights.
pub struct Moments {
    /// Adam's mean of the gradient.
    pub first: PanFoMa<Cpu>,
    /// Adam's mean of its square.
    pub second: PanFoMa<Cpu>,
    /// The best weights so far.
    pub best: Option<PanFoMa<Cpu>>,
}

/// A model that learns.
pub trait Learner {
    /// The model as it is now.
    fn engine(&self) -> &dyn Engine;

    /// The gradient becomes `scale` times that of the summed losses over masked genes; returns the sums.
    ///
    /// Errors: a batch that does not fit the configuration, or the device; here and below.
    fn pretrain_step(
        &mut self,
        batch: &Staged<PretrainBatch>,
        scale: f64,
    ) -> Result<PretrainSums, ModelError>;

    /// The gradient becomes `scale` times that of the labels' weighted cross-entropy; returns the sums.
    fn class_step(
        &mut self,
        cells: &Staged<CellBatch>,
        labels: &[u32],
        class_weights: Option<&[f32]>,
        scale: f64,
        scope: TrainScope,
    ) -> Result<ClassSums, ModelError>;

    /// The gradient's global norm.
    fn gradient_norm(&self) -> Result<f64, ModelError>;

    /// Moves the parameters that `trains` names by one step of AdamW.
    fn update(
        &mut self,
        constants: &Constants,
        step: Step,
        trains: &dyn Fn(&str) -> bool,
    ) -> Result<(), ModelError>;

    /// Remembers the weights as the best so far.
    fn keep_best(&mut self) -> Result<(), ModelError>;

    /// Takes weights that another process has moved.
    fn set_weights(&mut self, weights: &PanFoMa<Cpu>) -> Result<(), ModelError>;

    /// The weights.
    fn weights(&self) -> Result<Host<'_>, ModelError>;

    /// Adam's mean of the gradient.
    fn first(&self) -> Result<Host<'_>, ModelError>;

    /// Adam's mean of its square.
    fn second(&self) -> Result<Host<'_>, ModelError>;

    /// The weights that were remembered as the best.
    fn best(&self) -> Result<Option<Host<'_>>, ModelError>;
}

/// A model that learns on one backend.
pub(super) struct Learning<B: Backend> {
    on: On<B>,
    gradient: PanFoMa<B>,
    first: PanFoMa<B>,
    second: PanFoMa<B>,
    best: Option<PanFoMa<B>>,
}

impl<B: Backend> Learning<B> {
    /// A run that begins anew, or goes on from `moments`.
    pub fn new(on: On<B>, moments: Option<Moments>) -> Result<Self, ModelError> {
        let (b, model) = (&on.b, &on.model);
        let gradient = model.zeros_like(b);
        let (first, second, best) = match moments {
            None => (model.zeros_like(b), model.zeros_like(b), None),
            Some(Moments { first, second, best }) => (
                to_device(b, first)?,
                to_device(b, second)?,
                best.map(|best| to_device(b, best)).transpose()?,
            ),
        };
        Ok(Self { gradient, first, second, best, on })
    }

    fn clear(&mut self) -> Result<(), ModelError> {
        let tensors = self.gradient.params_mut().into_iter().map(|(_, tensor)| tensor);
        Ok(self.on.b.set_zero(tensors.collect())?)
    }

    fn host<'a>(&self, model: &'a PanFoMa<B>) -> Result<Host<'a>, ModelError> {
        match (model as &dyn Any).downcast_ref::<PanFoMa<Cpu>>() {
            Some(there) => Ok(Host::There(there)),
            None => Ok(Host::Fetched(Box::new(to_host(&self.on.b, model)?))),
        }
    }
}

impl<B: Backend> Learner for Learning<B> {
    fn engine(&self) -> &dyn Engine {
        &self.on
    }

    fn pretrain_step(
        &mut self,
        batch: &Staged<PretrainBatch>,
        scale: f64,
    ) -> Result<PretrainSums, ModelError> {
        self.clear()?;
        let On { b, model, lanes } = &mut self.on;
        lanes.pretrain_step(b, model, &batch.batch, &batch.brought(), scale, &mut self.gradient)
    }

    fn class_step(
        &mut self,
        cells: &Staged<CellBatch>,
        labels: &[u32],
        class_weights: Option<&[f32]>,
        scale: f64,
        scope: TrainScope,
    ) -> Result<ClassSums, ModelError> {
        self.clear()?;
        let On { b, model, lanes } = &mut self.on;
        let (brought, gradient) = (cells.brought(), &mut self.gradient);
        lanes.class_step(b, model, &cells.batch, &brought, labels, class_weights, scale, scope, gradient)
    }

    fn gradient_norm(&self) -> Result<f64, ModelError> {
        let tensors: Vec<_> = self.gradient.params().into_iter().map(|(_, tensor)| tensor).collect();
        Ok(self.on.b.sum_of_squares(&tensors)?.sqrt())
    }

    fn update(
        &mut self,
        constants: &Constants,
        step: Step,
        trains: &dyn Fn(&str) -> bool,
    ) -> Result<(), ModelError> {
        let moments = self.first.params_mut().into_iter().zip(self.second.params_mut());
        let parameters = self.on.model.params_mut().into_iter().zip(self.gradient.params());
        let moved = parameters.zip(moments).filter(|(((name, _), _), _)| trains(name));
        let parameters = moved.map(|(((name, value), (_, gradient)), ((_, first), (_, second)))| Parameter {
            decays: decays(&name),
            value,
            gradient,
            first,
            second,
        });
        Ok(self.on.b.adamw(&constants.update(step), parameters.collect())?)
    }

    fn keep_best(&mut self) -> Result<(), ModelError> {
        let b = &self.on.b;
        let best = self.best.get_or_insert_with(|| self.on.model.zeros_like(b));
        for ((_, to), (_, from)) in best.params_mut().into_iter().zip(self.on.model.params()) {
            *to = b.copy(from)?;
        }
        Ok(())
    }

    fn set_weights(&mut self, weights: &PanFoMa<Cpu>) -> Result<(), ModelError> {
        for ((_, to), (_, from)) in self.on.model.params_mut().into_iter().zip(weights.params()) {
            *to = self.on.b.upload(from.shape(), from.as_slice())?;
        }
        Ok(())
    }

    fn weights(&self) -> Result<Host<'_>, ModelError> {
        self.host(&self.on.model)
    }

    fn first(&self) -> Result<Host<'_>, ModelError> {
        self.host(&self.first)
    }

    fn second(&self) -> Result<Host<'_>, ModelError> {
        self.host(&self.second)
    }

    fn best(&self) -> Result<Option<Host<'_>>, ModelError> {
        self.best.as_ref().map(|best| self.host(best)).transpose()
    }
}

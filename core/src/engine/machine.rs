//! The device that `--device` asks for.

use super::inference::{Engine, On};
use super::learning::{Learner, Learning, Moments};
#[cfg(feature = "cuda")]
use super::{limits, micro_batch};
use crate::device::Cpu;
#[cfg(feature = "cuda")]
use crate::device::cuda::{Cuda, Gpu};
use crate::model::lanes::Lanes;
use crate::model::peers::Peers;
use crate::model::{ModelError, PanFoMa};
use crate::ops::Backend;
use crate::stage::{Device, Kind, UserError};
use std::sync::Arc;

/// Lanes of a step on a CPU: the most threads, over all processes, that a step can use. Part of the arithmetic, so it is no flag (see
/// `model::lanes`).
pub const LANES: usize = 16;

/// Where models run.
pub enum Machine {
    /// On the threads of this process.
    Cpu,
    /// On a GPU.
    #[cfg(feature = "cuda")]
    Cuda(Cuda<Gpu>),
}

impl Machine {
    /// The device that was asked for; `auto` is a GPU if one can be used, and says which it took.
    ///
    /// Errors: 69 for a GPU that is not there, with the reason.
    pub fn open(device: Device) -> Result<Self, UserError> {
        match device {
            Device::Cpu => Ok(Self::Cpu),
            Device::Cuda(index) => Self::cuda(index).map_err(|reason| {
                UserError::new(
                    Kind::DeviceUnavailable,
                    format!("`--device cuda:{index}` is not available: {reason}"),
                )
                .hint("pass `--device cpu`, or leave the flag out")
            }),
            Device::Auto => Ok(Self::cuda(0).unwrap_or_else(|reason| {
                tracing::info!("the model runs on the CPU: {reason}");
                Self::Cpu
            })),
        }
    }

    #[cfg(feature = "cuda")]
    fn cuda(index: u32) -> Result<Self, String> {
        use crate::device::cuda::Driver;
        let gpu = Gpu::open(index)?;
        tracing::info!("the model runs on {}", gpu.name());
        Ok(Self::Cuda(Cuda::new(gpu)))
    }

    #[cfg(not(feature = "cuda"))]
    fn cuda(_: u32) -> Result<Self, String> {
        Err("this program was built without CUDA".into())
    }

    /// A model that embeds cells, `micro_batch` of them a call, or as many as suit the device.
    ///
    /// Errors: a shape that the device has no kernels for, no memory for it, or a failure; here and below.
    pub fn engine(&self, model: PanFoMa<Cpu>, micro_batch: Option<usize>) -> anyhow::Result<Box<dyn Engine>> {
        match self {
            Self::Cpu => Ok(engine_on(Cpu::new(), model, on_cpu(micro_batch))?),
            #[cfg(feature = "cuda")]
            Self::Cuda(b) => {
                limits::refuse(&model.config)?;
                let cells = micro_batch::fitting(b, &model.config, false, micro_batch)?;
                Ok(engine_on(b.clone(), model, Lanes::new(1, cells))?)
            }
        }
    }

    /// A model that learns, from the beginning or from `moments`; with `peers`, together with other processes.
    pub fn learner(
        &self,
        model: PanFoMa<Cpu>,
        moments: Option<Moments>,
        micro_batch: Option<usize>,
        peers: Option<Arc<dyn Peers>>,
    ) -> anyhow::Result<Box<dyn Learner>> {
        match self {
            Self::Cpu => Ok(learner_on(Cpu::new(), model, moments, on_cpu(micro_batch).with_peers(peers))?),
            #[cfg(feature = "cuda")]
            Self::Cuda(b) => {
                limits::refuse(&model.config)?;
                let cells = micro_batch::fitting(b, &model.config, true, micro_batch)?;
                // A lane a process.
                let n_ranks = peers.as_ref().map_or(1, |peers| peers.n_ranks());
                let lanes = Lanes::new(n_ranks, cells).with_peers(peers);
                Ok(learner_on(b.clone(), model, moments, lanes)?)
            }
        }
    }
}

fn on_cpu(micro_batch: Option<usize>) -> Lanes<Cpu> {
    Lanes::new(LANES, micro_batch.unwrap_or(1))
}

/// A model that embeds cells on a backend of one's own.
pub fn engine_on<B: Backend>(
    b: B,
    model: PanFoMa<Cpu>,
    lanes: Lanes<B>,
) -> Result<Box<dyn Engine>, ModelError> {
    Ok(Box::new(On::new(b, model, lanes)?))
}

/// A model that learns on a backend of one's own.
pub fn learner_on<B: Backend>(
    b: B,
    model: PanFoMa<Cpu>,
    moments: Option<Moments>,
    lanes: Lanes<B>,
) -> Result<Box<dyn Learner>, ModelError> {
    Ok(Box::new(Learning::new(On::new(b, model, lanes)?, moments)?))
}

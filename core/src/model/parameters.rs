//! Where a model's parameters come from, and their names.

use super::{
    GlobalDecoder, Heads, InputRepresentation, LocalContextEncoder, ModelConfig, ModelError, PanFoMa,
};
use crate::device::Tensor;
use crate::layers::{Init, ParamError, Params, Source};
use crate::ops::Backend;
use crate::rng::{Philox, Stream, name_hash};

/// Purpose word of parameter draws, apart from all other uses of the same seed.
const INITIALISATION: u32 = u32::from_be_bytes(*b"init");

impl Init {
    /// Draws a parameter; element i is a function of the stream and i alone.
    fn draw(self, shape: &[usize], mut stream: Stream) -> Vec<f32> {
        let n: usize = shape.iter().product();
        let last = shape[shape.len() - 1];
        let value = |i: usize| match self {
            Self::Normal(mean) => mean + 0.02 * stream.normal(),
            Self::Uniform(bound) => (2.0 * stream.uniform() - 1.0) * bound,
            Self::StepSize => {
                let (low, high) = (libm::log(0.001), libm::log(0.1));
                let dt = libm::exp(stream.uniform() * (high - low) + low);
                dt + libm::log(-libm::expm1(-dt))
            }
            Self::LogRange => libm::log((i % last + 1) as f64),
            Self::Ones => 1.0,
        };
        (0..n).map(value).map(|x| x as f32).collect()
    }
}

/// Fresh parameters: a pure function of seed and name.
fn fresh<B: Backend>(
    seed: u64,
    b: &B,
) -> impl FnMut(&str, &[usize], Init) -> Result<Tensor<B>, ParamError> + '_ {
    move |name, shape, init| {
        let stream = Philox::new(seed).stream(name_hash(name), INITIALISATION);
        Ok(b.upload(shape, &init.draw(shape, stream))?)
    }
}

/// Is this parameter drawn towards zero? Matrices and convolutions are; norms, biases, embeddings and the state-space
/// parameters `a_log` and `d` are not: there zero has no meaning as the simpler model.
pub fn decays(name: &str) -> bool {
    let mut parts = name.rsplit('.');
    parts.next() == Some("weight")
        && !parts.next().is_some_and(|owner| owner.starts_with("norm"))
        && !name.starts_with("embed.")
}

impl<B: Backend> PanFoMa<B> {
    fn build(config: ModelConfig, source: &mut Source<B>) -> Result<Self, ParamError> {
        Ok(Self {
            embed: InputRepresentation::new(source, &config)?,
            encoder: LocalContextEncoder::new(source, &config)?,
            decoder: GlobalDecoder::new(source, &config)?,
            heads: Heads::new(source, &config)?,
            config,
        })
    }

    /// Fresh parameters: a pure function of the configuration and the seed.
    ///
    /// Panics if the configuration is invalid (see `ModelConfig::validate`) or the device out of memory.
    pub fn init(config: ModelConfig, seed: u64, b: &B) -> Self {
        config.validate().expect("a validated configuration");
        Self::build(config, &mut fresh(seed, b)).expect("memory for the parameters")
    }

    /// The same body with a fresh class head, or with none for 0 classes.
    ///
    /// Panics if the device is out of memory.
    pub fn with_class_head(mut self, n_classes: usize, seed: u64, b: &B) -> Self {
        self.config.n_classes = n_classes;
        self.heads.class =
            Heads::class(&mut fresh(seed, b), &self.config).expect("memory for the class head");
        self
    }

    /// Zeros of every parameter's shape: a gradient, or an Adam moment.
    ///
    /// Panics if the device is out of memory.
    pub fn zeros_like(&self, b: &B) -> Self {
        Self::build(self.config.clone(), &mut |_, shape, _| Ok(b.zeros(shape)?))
            .expect("memory for a gradient")
    }

    /// A model from named tensors.
    ///
    /// Errors: an invalid configuration, a missing tensor, or one of another shape than the configuration asks for.
    pub fn load(
        config: ModelConfig,
        tensors: impl Fn(&str) -> Option<(Vec<usize>, Vec<f32>)>,
        b: &B,
    ) -> Result<Self, ModelError> {
        config.validate()?;
        let mut source = |name: &str, shape: &[usize], _: Init| {
            let (found, values) = tensors(name).ok_or_else(|| ParamError::Missing(name.into()))?;
            if found != shape || values.len() != shape.iter().product::<usize>() {
                return Err(ParamError::Shape { name: name.into(), expected: shape.into(), found });
            }
            Ok(b.upload(shape, &values)?)
        };
        Ok(Self::build(config, &mut source)?)
    }

    /// Every parameter by its checkpoint name, in a fixed order.
    pub fn params(&self) -> Vec<(String, &Tensor<B>)> {
        let mut params = Vec::new();
        self.visit("", &mut params);
        params
    }

    /// Every parameter by its checkpoint name, in a fixed order.
    pub fn params_mut(&mut self) -> Vec<(String, &mut Tensor<B>)> {
        let mut params = Vec::new();
        self.visit_mut("", &mut params);
        params
    }

    /// [V, D] gene id embeddings, on the host.
    pub fn gene_embeddings(&self, b: &B) -> Result<Vec<f32>, ModelError> {
        Ok(b.download(&self.embed.gene)?)
    }
}

#[cfg(test)]
mod tests {
    use super::decays;

    #[test]
    fn only_matrices_and_convolutions_decay() {
        let decayed = |name: &str| assert!(decays(name), "{name}");
        let kept = |name: &str| assert!(!decays(name), "{name}");
        decayed("encoder.layers.0.attn.qkv.weight");
        decayed("decoder.layers.1.backward.conv.weight");
        decayed("head.class.1.weight");
        kept("encoder.layers.0.norm1.weight");
        kept("decoder.layers.0.norm.weight");
        kept("decoder.norm.weight");
        kept("encoder.layers.0.attn.qkv.bias");
        kept("embed.gene.weight");
        kept("embed.value.weight");
        kept("embed.cls");
        kept("decoder.layers.0.forward.a_log");
        kept("decoder.layers.0.forward.d");
    }
}

//! The weights a run begins with.

use crate::Args;
use crate::args::EmbeddingInit;
use panfoma_core::artifact::Provenance;
use panfoma_core::artifact::checkpoint::Checkpoint;
use panfoma_core::artifact::provenance::Input;
use panfoma_core::artifact::tokens::Tokens;
use panfoma_core::model::ModelConfig;
use panfoma_core::stage::Context;
use panfoma_core::train::{Backend, Model, initial_embeddings};

/// The shape of the model and where its first weights come from.
pub struct Start {
    /// The model's shape.
    pub config: ModelConfig,
    from: Option<Checkpoint>,
    embeddings: EmbeddingInit,
}

impl Start {
    /// Random weights of the size the flags ask for, or the model of `--init`.
    pub fn new(args: &Args, tokens: &Tokens) -> anyhow::Result<Self> {
        let index = tokens.index();
        let Some(path) = &args.init else {
            let n_genes = tokens.vocabulary().n_genes() + 1;
            return Ok(Self {
                config: args.shape.config(n_genes, index.n_bins.into())?,
                from: None,
                embeddings: args.embedding_init,
            });
        };
        let checkpoint = Checkpoint::open(path)?;
        checkpoint.description.expect_tokens(index, &args.input)?;
        let config = ModelConfig { n_classes: 0, ..checkpoint.description.config.model.clone() };
        args.shape.expect(&config)?;
        Ok(Self { config, from: Some(checkpoint), embeddings: args.embedding_init })
    }

    /// How the model is made.
    pub fn provenance(&self, context: &Context, tokens: &Tokens) -> anyhow::Result<Provenance> {
        let mut provenance = Provenance::new(context, [])?;
        provenance.inputs.push(tokens.input()?);
        if let Some(checkpoint) = &self.from {
            provenance.inputs.push(Input::digest(checkpoint.path())?);
        }
        Ok(provenance)
    }

    /// The first weights. `logarithms`: of each bin's frequency over all genes.
    ///
    /// Random weights get them as the biases of both expression heads: the first steps would otherwise be spent on
    /// learning that most bins are rare, and the first loss would show nothing. Their embeddings are fitted to training
    /// cells unless `--embedding-init random` (see [`initial_embeddings`]).
    pub fn weights(&self, context: &Context, tokens: &Tokens, logarithms: &[f32]) -> anyhow::Result<Model> {
        if let Some(checkpoint) = &self.from {
            return checkpoint.body();
        }
        let mut model = Model::init(self.config.clone(), context.seed, &Backend::new());
        for (name, tensor) in model.params_mut() {
            if name == "head.expression.1.bias" || name == "head.cell_expression.1.bias" {
                tensor.as_mut_slice().copy_from_slice(logarithms);
            }
        }
        if self.embeddings == EmbeddingInit::Fitted {
            initial_embeddings::fit(&mut model, tokens, context.seed, &context.interrupt)?;
        }
        Ok(model)
    }
}

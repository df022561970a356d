//! Expression predicted from the cell alone: y = W_1 GELU(W_g e + W_c c + b_0) + b_1, where e is the gene's id embedding
//! and c the embedding of its cell.

use super::{Init, Layer, Linear, ParamError, Source, join, params};
use crate::device::{Result, Tensor};
use crate::ops::Backend;

/// The cell-prompted expression head.
pub struct CellPrompt<B: Backend> {
    /// [D, D]
    pub gene: Linear<B>,
    /// [D, D]
    pub cell: Linear<B>,
    /// [D]
    pub bias: Tensor<B>,
    /// [Q, D]
    pub second: Linear<B>,
}

params!(CellPrompt { gene => "gene", cell => "cell", bias => "0.bias", second => "1" });

impl<B: Backend> CellPrompt<B> {
    /// Parameters `name.gene.weight`, `name.cell.weight`, `name.0.bias` and `name.1.*`.
    pub fn new(
        source: &mut Source<B>,
        name: &str,
        outputs: usize,
        d: usize,
    ) -> std::result::Result<Self, ParamError> {
        Ok(Self {
            gene: Linear::without_bias(source, &join(name, "gene"), d, d)?,
            cell: Linear::without_bias(source, &join(name, "cell"), d, d)?,
            bias: source(&join(name, "0.bias"), &[d], Init::Normal(0.0))?,
            second: Linear::new(source, &join(name, "1"), outputs, d)?,
        })
    }
}

/// The prompts of a batch of genes.
pub struct Cells<'a, B: Backend> {
    /// [n, D] embeddings.
    pub embeddings: &'a Tensor<B>,
    /// Which cell each gene is asked of.
    pub cell_of: &'a B::Index,
}

/// What the backward pass consumes.
pub struct Saved<B: Backend> {
    genes: Tensor<B>,
    h: Tensor<B>,
    a: Tensor<B>,
}

impl<B: Backend> CellPrompt<B> {
    /// genes: [n_genes, D] id embeddings. Returns (logits [n_genes, Q], what the backward pass consumes).
    pub fn forward(&self, b: &B, cells: &Cells<B>, genes: Tensor<B>) -> Result<(Tensor<B>, Saved<B>)> {
        let prompts = b.gather_rows(&self.cell.apply(b, cells.embeddings)?, cells.cell_of)?;
        let h = b.linear(&genes, &self.gene.weight, Some(&self.bias), Some(&prompts))?;
        let a = b.gelu(&h)?;
        Ok((self.second.apply(b, &a)?, Saved { genes, h, a }))
    }

    /// (gradient of the genes' embeddings, gradient of the cells' embeddings); adds to `grad`.
    pub fn backward(
        &self,
        b: &B,
        cells: &Cells<B>,
        saved: Saved<B>,
        dy: Tensor<B>,
        grad: &mut Self,
    ) -> Result<(Tensor<B>, Tensor<B>)> {
        let Saved { genes, h, a } = saved;
        let da = self.second.gradients(b, &a, &dy, &mut grad.second)?;
        let dh = b.gelu_backward(&h, da)?;
        b.bias_backward(&dh, &mut grad.bias)?;
        let mut d_prompts = b.zero_activations(cells.embeddings.shape())?;
        b.scatter_add_rows(&dh, cells.cell_of, &mut d_prompts)?;
        let d_cells = self.cell.gradients(b, cells.embeddings, &d_prompts, &mut grad.cell)?;
        let d_genes = self.gene.gradients(b, &genes, &dh, &mut grad.gene)?;
        Ok((d_genes, d_cells))
    }
}

/// The layer as a map of the genes' embeddings, the cells given.
impl<B: Backend> Layer<B> for CellPrompt<B> {
    type Context<'a> = Cells<'a, B>;
    type Saved = Saved<B>;

    fn forward(&self, b: &B, cells: &Cells<'_, B>, x: Tensor<B>) -> Result<(Tensor<B>, Saved<B>)> {
        CellPrompt::forward(self, b, cells, x)
    }

    fn backward(
        &self,
        b: &B,
        cells: &Cells<'_, B>,
        saved: Saved<B>,
        dy: Tensor<B>,
        grad: &mut Self,
    ) -> Result<Tensor<B>> {
        Ok(CellPrompt::backward(self, b, cells, saved, dy, grad)?.0)
    }
}
